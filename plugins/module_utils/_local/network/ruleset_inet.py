# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The inet table: its sets and maps, and the chains of security groups and ports."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from ..._model.datapath import Datapath, Network, Port, address, check_group_id
from ..._model.rule import ANYWHERE, WITH_PORTS, Rule, network
from .nft_text import chain, named_map, named_set, quoted
from .ruleset_bridge import MARK
from .ruleset_hooks import COUNTED, hooks, nat_hooks, stages


def inet_table(datapath: Datapath, revision: str) -> list[str]:
    """Return the lines of the table."""
    used = sorted({group for port in datapath.ports for group in port.groups})
    combinations = sorted({_combination(port) for port in datapath.ports})
    lines = [*chain(f'rev_{revision}', []), *_network_sets(datapath), *_floating_maps(datapath)]
    for group in _referenced(datapath, used):
        lines += named_set(f'm_{group}', 'ipv4_addr', _sorted(datapath.members[group]))
    lines += chain('ok', [f'ct status dnat meta mark set meta mark or {MARK:#x}', 'accept'])
    for group in used:
        lines += _group_chains(datapath, group)
    for combination in combinations:
        lines += _combination_chains(datapath, combination)
    ports = sorted(datapath.ports, key=lambda port: address(port.address))
    for direction, prefix in (('egress', 'egc'), ('ingress', 'inc')):
        elements = [f'{port.address} : goto {prefix}_{_name(_combination(port))}' for port in ports]
        lines += named_map(direction, 'ipv4_addr : verdict', elements)
    return [*lines, *stages(), *hooks(datapath.router), *nat_hooks()]


def _network_sets(datapath: Datapath) -> list[str]:
    networks = sorted(datapath.networks, key=lambda net: network(net.cidr))
    bridges = quoted(sorted(net.bridge for net in networks))
    own_gateways = [f'"{net.bridge}" . {net.gateway}' for net in networks]
    lines = [
        *named_set('bridges', 'ifname', bridges),
        *named_set('links', 'ifname . ifname', [f'{bridge} . {bridge}' for bridge in bridges]),
        *named_set('tenant', 'ipv4_addr', [net.cidr for net in networks], 'interval'),
        *named_set('masqueraded', 'ipv4_addr', _masqueraded(networks), 'interval'),
        *named_set('gateways', 'ipv4_addr', [net.gateway for net in networks]),
        *named_set('own_gateway', 'ifname . ipv4_addr', own_gateways),
        *named_set('outside', 'ifname', quoted(sorted(datapath.outside))),
        *named_set('further', 'ipv4_addr', _sorted(datapath.further)),
        *named_set('host_only', 'ipv4_addr', sorted(datapath.host_only), 'interval'),
    ]
    for name in COUNTED:
        lines += named_set(name, 'ipv4_addr', [], 'dynamic')
    return lines


def _masqueraded(networks: Iterable[Network]) -> list[str]:
    return [net.cidr for net in networks if net.nat]


def _floating_maps(datapath: Datapath) -> list[str]:
    pairs = sorted(datapath.floating, key=lambda pair: address(pair[0]))
    # Remote hosts could not reply to an address that only this host can route.
    routable = [pair for pair in pairs if not datapath.is_host_only(pair[0])]
    return [
        *_address_map('floating_dnat', pairs),
        *_address_map('floating_snat', [(fixed, floating) for floating, fixed in pairs]),
        *_address_map('floating_out', [(fixed, floating) for floating, fixed in routable]),
    ]


def _address_map(name: str, pairs: Iterable[tuple[str, str]]) -> list[str]:
    return named_map(name, 'ipv4_addr : ipv4_addr', [f'{key} : {value}' for key, value in pairs])


def _referenced(datapath: Datapath, used: Iterable[str]) -> list[str]:
    rules = (rule for group in used for rule in datapath.group_by_id[group].known_rules)
    return sorted({rule.remote_group for rule in rules if rule.remote_group is not None})


def _group_chains(datapath: Datapath, group: str) -> list[str]:
    """Return one chain per direction, shared by all ports of the group, with one line per rule."""
    rules = datapath.group_by_id[group].known_rules
    egress = [rule_line(rule) for rule in rules if rule.direction == 'egress']
    ingress = [rule_line(rule) for rule in rules if rule.direction == 'ingress']
    return [*chain(f'eg_{group}', egress), *chain(f'in_{group}', ingress)]


def rule_line(rule: Rule) -> str:
    """Return the line of a rule. Raises ValueError for what cannot be rendered."""
    side, verdict = ('saddr', 'goto ok') if rule.direction == 'ingress' else ('daddr', 'accept')
    words = []
    if rule.remote_group is not None:
        check_group_id(rule.remote_group)
        words.append(f'ip {side} @m_{rule.remote_group}')
    elif rule.remote_cidr != ANYWHERE:
        words.append(f'ip {side} {rule.remote_cidr}')
    return ' '.join([*words, *_protocol(rule), verdict])


def _protocol(rule: Rule) -> list[str]:
    if rule.protocol == 'any':
        return []
    if rule.protocol in WITH_PORTS and rule.port_min is not None:
        if rule.port_min == rule.port_max:
            return [f'{rule.protocol} dport {rule.port_min}']
        return [f'{rule.protocol} dport {rule.port_min}-{rule.port_max}']
    if rule.protocol in (*WITH_PORTS, 'icmp'):
        return [f'meta l4proto {rule.protocol}']
    # Rule accepts no other protocol. One that is added there and forgotten here must not become
    # "any".
    raise ValueError(f'protocol {rule.protocol!r} cannot be rendered')


def _combination(port: Port) -> tuple[str, ...]:
    return tuple(sorted(port.groups))


def _name(combination: tuple[str, ...]) -> str:
    """Return a stable name for a combination of groups; their joined ids could be too long.

    Ids contain no '|'.
    """
    return hashlib.sha256('|'.join(combination).encode()).hexdigest()[:16]


def _combination_chains(datapath: Datapath, combination: tuple[str, ...]) -> list[str]:
    """Return the chains of all ports that have these groups."""
    leaving = [f'jump eg_{group}' for group in combination]
    if not combination or any(datapath.group_by_id[id_].allows_all_egress for id_ in combination):
        leaving = []
    entering = [f'jump in_{group}' for group in combination]
    name = _name(combination)
    return [
        *chain(f'egc_{name}', [*leaving, 'drop'] if leaving else ['accept']),
        *chain(f'inc_{name}', [*entering, 'drop']),
    ]


def _sorted(addresses: Iterable[str]) -> list[str]:
    return sorted(addresses, key=address)
