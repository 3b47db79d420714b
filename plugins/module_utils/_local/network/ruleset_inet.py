# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The inet table: its sets and maps, and the chains of security groups and ports."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from ..._model.datapath import Datapath, Port, address, check_group_id
from ..._model.rule import ANYWHERE, WITH_PORTS, Rule, network
from .nft_text import chain, named_map, named_set, quoted
from .ruleset_bridge import MARK
from .ruleset_hooks import COUNTED, hooks, nat_hooks, stages

_VERDICTS = 'ipv4_addr : verdict'


def inet_table(datapath: Datapath, revision: str) -> list[str]:
    """Return the lines of the table."""
    used = _used_groups(datapath)
    combinations = {_combination(port) for port in datapath.ports}
    lines = [
        *chain(f'rev_{revision}', []),
        *_network_sets(datapath),
        *_floating_maps(datapath),
    ]
    for group in _referenced(datapath, used):
        members = _sorted(datapath.members[group])
        lines += named_set(f'm_{group}', 'ipv4_addr', members)
    mark = f'ct status dnat meta mark set meta mark or {MARK:#x}'
    lines += chain('ok', [mark, 'accept'])
    for group in used:
        lines += _group_chains(datapath, group)
    for combination in sorted(combinations):
        lines += _combination_chains(datapath, combination)
    lines += _port_maps(datapath)
    return [
        *lines,
        *stages(),
        *hooks(datapath.router, datapath.host_bridges),
        *nat_hooks(),
    ]


def _used_groups(datapath: Datapath) -> list[str]:
    """Return the groups that ports have."""
    groups: set[str] = set()
    for port in datapath.ports:
        groups.update(port.groups)
    return sorted(groups)


def _port_maps(datapath: Datapath) -> list[str]:
    """Return the maps from the address of a port to the chains of its combination of groups."""
    leaving: list[str] = []
    entering: list[str] = []
    for port in sorted(datapath.ports, key=lambda port: address(port.address)):
        name = _name(_combination(port))
        leaving.append(f'{port.address} : goto egc_{name}')
        entering.append(f'{port.address} : goto inc_{name}')
    return [
        *named_map('egress', _VERDICTS, leaving),
        *named_map('ingress', _VERDICTS, entering),
    ]


def _network_sets(datapath: Datapath) -> list[str]:
    networks = sorted(datapath.networks, key=lambda net: network(net.cidr))
    bridges = quoted(sorted(net.bridge for net in networks))
    links = [f'{bridge} . {bridge}' for bridge in bridges]
    ranges = [net.cidr for net in networks]
    masqueraded = [net.cidr for net in networks if net.nat]
    gateways = [net.gateway for net in networks]
    own_gateways = [f'"{net.bridge}" . {net.gateway}' for net in networks]
    outside = quoted(sorted(datapath.outside))
    further = _sorted(datapath.further)
    host_only = sorted(datapath.host_only)
    lines = [
        *named_set('bridges', 'ifname', bridges),
        *named_set('links', 'ifname . ifname', links),
        *named_set('tenant', 'ipv4_addr', ranges, 'interval'),
        *named_set('masqueraded', 'ipv4_addr', masqueraded, 'interval'),
        *named_set('gateways', 'ipv4_addr', gateways),
        *named_set('own_gateway', 'ifname . ipv4_addr', own_gateways),
        *named_set('outside', 'ifname', outside),
        *named_set('further', 'ipv4_addr', further),
        *named_set('host_only', 'ipv4_addr', host_only, 'interval'),
    ]
    for name in COUNTED:
        lines += named_set(name, 'ipv4_addr', [], 'dynamic')
    return lines


def _floating_maps(datapath: Datapath) -> list[str]:
    pairs = sorted(datapath.floating, key=lambda pair: address(pair[0]))
    sources = [(fixed, floating) for floating, fixed in pairs]
    # Remote hosts could not reply to an address that only this host can route.
    routable = [pair for pair in sources if not datapath.is_host_only(pair[1])]
    return [
        *_address_map('floating_dnat', pairs),
        *_address_map('floating_snat', sources),
        *_address_map('floating_out', routable),
    ]


def _address_map(name: str, pairs: Iterable[tuple[str, str]]) -> list[str]:
    elements = [f'{key} : {value}' for key, value in pairs]
    return named_map(name, 'ipv4_addr : ipv4_addr', elements)


def _referenced(datapath: Datapath, used: Iterable[str]) -> list[str]:
    """Return the groups that rules of groups name."""
    named: set[str] = set()
    for group in used:
        for rule in datapath.group_by_id[group].known_rules:
            if rule.remote_group is not None:
                named.add(rule.remote_group)
    return sorted(named)


def _group_chains(datapath: Datapath, group: str) -> list[str]:
    """Return one chain per direction, shared by all ports of the group, with one line per rule."""
    egress: list[str] = []
    ingress: list[str] = []
    for rule in datapath.group_by_id[group].known_rules:
        lines = egress if rule.direction == 'egress' else ingress
        lines.append(rule_line(rule))
    return [
        *chain(f'eg_{group}', egress),
        *chain(f'in_{group}', ingress),
    ]


def rule_line(rule: Rule) -> str:
    """Return the line of a rule. Raises ValueError for what cannot be rendered."""
    is_ingress = rule.direction == 'ingress'
    side = 'saddr' if is_ingress else 'daddr'
    words = []
    if rule.remote_group is not None:
        check_group_id(rule.remote_group)
        words.append(f'ip {side} @m_{rule.remote_group}')
    elif rule.remote_cidr != ANYWHERE:
        words.append(f'ip {side} {rule.remote_cidr}')
    words += _protocol(rule)
    words.append('goto ok' if is_ingress else 'accept')
    return ' '.join(words)


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
    ids = '|'.join(combination)
    digest = hashlib.sha256(ids.encode())
    return digest.hexdigest()[:16]


def _combination_chains(datapath: Datapath, combination: tuple[str, ...]) -> list[str]:
    """Return the chains of all ports that have these groups."""
    name = _name(combination)
    groups = [datapath.group_by_id[group] for group in combination]
    if not groups or any(group.allows_all_egress for group in groups):
        leaving = ['accept']
    else:
        leaving = [f'jump eg_{group}' for group in combination]
        leaving.append('drop')
    entering = [f'jump in_{group}' for group in combination]
    entering.append('drop')
    return [
        *chain(f'egc_{name}', leaving),
        *chain(f'inc_{name}', entering),
    ]


def _sorted(addresses: Iterable[str]) -> list[str]:
    return sorted(addresses, key=address)
