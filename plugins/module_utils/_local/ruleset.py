# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The nftables ruleset of this host: a pure function of the datapath, as text for `nft -f`.

Everything is routed and filtered in one place. A frame from port to port never crosses a bridge by
itself (table bridge): it reaches the host, is routed, and passes two stages of the inet forward
hook, first what the sender may send (egress), then what the receiver lets in (ingress).
`_model/verdict.py` says the same in words; a test with real packets compares.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from .._model.datapath import LINK_LOCAL, Datapath, Port, address
from .._model.rule import ANYWHERE, WITH_PORTS, Rule, network

# Set by the filter on a packet for a floating address: where br_netfilter is active, the kernel
# carries such a packet over the bridge from port to port, and the bridge must know that the filter
# has seen it.
_MARK = 0x00400000

# One server, or those who connect to one, hold so many connections at most: the table of the kernel
# is for all servers of the host (262,144 entries by default).
MOST_FLOWS = 16384
_COUNTED = ('flows_from', 'flows_to')  # sets that the kernel fills while packets pass

_REVISION = re.compile(r'[a-z0-9_]{1,64}')
_TABLES = ('inet hanok', 'bridge hanok')
_NEW_ONLY = (
    'ct state invalid drop',
    'meta nfproto ipv6 drop',
    'tcp flags & (fin|syn|rst|ack) != syn drop',
)
_INDENT = '  '
# For whom a DHCP message speaks (RFC 2131, chaddr): 28 bytes into it, behind the 8 bytes of UDP.
_CHADDR = '@th,288,48'


def render(datapath: Datapath, revision: str) -> str:
    """Return the whole ruleset; loading it replaces, in one transaction, whatever was loaded before.

    revision: marks what is loaded, as the name of an empty chain `rev_REVISION`. The same arguments
    give the same text.
    """
    if not isinstance(revision, str) or not _REVISION.fullmatch(revision):
        raise ValueError(
            f'{revision!r} is not a revision; give up to 64 lower case letters, digits, underscores'
        )
    lines = []
    for table in _TABLES:
        # Deleting what is not there fails, so it is made first: together they mean "gone, if it was
        # there".
        lines += [f'table {table}', f'delete table {table}']
    for table, blocks in zip(_TABLES, (_inet(datapath, revision), _bridge(datapath))):
        lines += [f'table {table} {{', *(_INDENT + line for line in blocks), '}']
    return '\n'.join(lines) + '\n'


def _inet(datapath: Datapath, revision: str) -> list[str]:
    used = sorted({group for port in datapath.ports for group in port.groups})
    combinations = sorted({_combination(port) for port in datapath.ports})
    lines = [*_chain(f'rev_{revision}', []), *_network_sets(datapath), *_floating_maps(datapath)]
    for group in _referenced(datapath, used):
        lines += _set(f'm_{group}', 'ipv4_addr', _ordered(datapath.members[group]))
    lines += _chain('ok', [f'ct status dnat meta mark set meta mark or {_MARK:#x}', 'accept'])
    for group in used:
        lines += _group_chains(datapath, group)
    for combination in combinations:
        lines += _combination_chains(datapath, combination)
    for direction, prefix in (('egress', 'egc'), ('ingress', 'inc')):
        ports = sorted(datapath.ports, key=lambda port: address(port.address))
        lines += _map(
            direction,
            'ipv4_addr : verdict',
            [f'{port.address} : goto {prefix}_{_short(_combination(port))}' for port in ports],
        )
    return [*lines, *_stages(), *_hooks(datapath), *_nat()]


def _network_sets(datapath: Datapath) -> list[str]:
    nets = sorted(datapath.networks, key=lambda net: network(net.cidr))
    bridges = sorted(net.bridge for net in nets)
    return [
        *_set('bridges', 'ifname', [f'"{bridge}"' for bridge in bridges]),
        *_set('links', 'ifname . ifname', [f'"{bridge}" . "{bridge}"' for bridge in bridges]),
        *_set('tenant', 'ipv4_addr', [net.cidr for net in nets], 'interval'),
        *_set('masqueraded', 'ipv4_addr', [net.cidr for net in nets if net.nat], 'interval'),
        *_set('gateways', 'ipv4_addr', [net.gateway for net in nets]),
        *_set(
            'own_gateway', 'ifname . ipv4_addr', [f'"{net.bridge}" . {net.gateway}' for net in nets]
        ),
        *_set('outside', 'ifname', [f'"{device}"' for device in sorted(datapath.outside)]),
        *_set('further', 'ipv4_addr', _ordered(datapath.further)),
        *_set('host_only', 'ipv4_addr', sorted(datapath.host_only), 'interval'),
        *(line for name in _COUNTED for line in _set(name, 'ipv4_addr', [], 'dynamic')),
    ]


def _floating_maps(datapath: Datapath) -> list[str]:
    pairs = sorted(datapath.floating, key=lambda pair: address(pair[0]))
    return [
        *_map(
            'floating_dnat',
            'ipv4_addr : ipv4_addr',
            [f'{floating} : {fixed}' for floating, fixed in pairs],
        ),
        *_map(
            'floating_snat',
            'ipv4_addr : ipv4_addr',
            [f'{fixed} : {floating}' for floating, fixed in pairs],
        ),
        # Under an address that only this host knows the way to, nobody outside could answer.
        *_map(
            'floating_out',
            'ipv4_addr : ipv4_addr',
            [
                f'{fixed} : {floating}'
                for floating, fixed in pairs
                if not datapath.is_host_only(floating)
            ],
        ),
    ]


def _referenced(datapath: Datapath, used: Iterable[str]) -> list[str]:
    rules = (rule for group in used for rule in datapath.group_by_id[group].rules)
    return sorted({rule.remote_group for rule in rules if rule.remote_group is not None})


def _group_chains(datapath: Datapath, group: str) -> list[str]:
    """Return one chain per direction, shared by all ports of the group, with one line per rule."""
    rules = sorted(set(datapath.group_by_id[group].rules))
    return [
        *_chain(f'eg_{group}', [_rule(rule) for rule in rules if rule.direction == 'egress']),
        *_chain(f'in_{group}', [_rule(rule) for rule in rules if rule.direction == 'ingress']),
    ]


def _rule(rule: Rule) -> str:
    side, target = ('saddr', 'goto ok') if rule.direction == 'ingress' else ('daddr', 'accept')
    words = []
    if rule.remote_group is not None:
        words.append(f'ip {side} @m_{rule.remote_group}')
    elif rule.remote_cidr != ANYWHERE:
        words.append(f'ip {side} {rule.remote_cidr}')
    return ' '.join([*words, *_protocol(rule), target])


def _protocol(rule: Rule) -> list[str]:
    if rule.protocol == 'any':
        return []
    if rule.protocol in WITH_PORTS and rule.port_min is not None:
        return [
            f'{rule.protocol} dport {rule.port_min}-{rule.port_max}'
            if rule.port_min != rule.port_max
            else f'{rule.protocol} dport {rule.port_min}'
        ]
    if rule.protocol in (*WITH_PORTS, 'icmp'):
        return [f'meta l4proto {rule.protocol}']
    # Rule lets no other protocol exist. Should one be added there and forgotten here, it must not
    # become "any".
    raise ValueError(f'protocol {rule.protocol!r} cannot be rendered')


def _combination(port: Port) -> tuple[str, ...]:
    return tuple(sorted(port.groups))


def _short(combination: tuple[str, ...]) -> str:
    """Return a stable name for a combination of groups; ids have no '|', and joined whole they could be too long."""
    return hashlib.sha256('|'.join(combination).encode()).hexdigest()[:16]


def _combination_chains(datapath: Datapath, combination: tuple[str, ...]) -> list[str]:
    closing = [
        group
        for group in combination
        if any(rule.direction == 'egress' for rule in datapath.group_by_id[group].rules)
    ]
    leaving = [*(f'jump eg_{group}' for group in closing), 'drop'] if closing else ['accept']
    name = _short(combination)
    return [
        *_chain(f'egc_{name}', leaving),
        *_chain(f'inc_{name}', [*(f'jump in_{group}' for group in combination), 'drop']),
    ]


def _stages() -> list[str]:
    """Return what the hooks lead to. A redirect counts as related, and would let a server bend a route: it is dropped before that."""
    return [
        *_chain(
            'from_bridge',
            [
                f'ip daddr {LINK_LOCAL} drop',
                *_known('accept'),
                *_NEW_ONLY,
                'oifname @bridges ct status & dnat == 0 iifname . oifname != @links drop',
                # Other bridges, VPNs and containers of the host are not the outside.
                'oifname != @bridges oifname != @outside drop',
                f'add @flows_from {{ ip saddr ct count over {MOST_FLOWS} }} drop',
                'ip saddr vmap @egress',
                'drop',
            ],
        ),
        *_chain(
            'to_bridge',
            [
                *_known('goto ok'),
                *_NEW_ONLY,
                'iifname != @bridges ct status & dnat == 0 drop',
                # From outside nobody is a server of ours: a forged source must not pass for a
                # member of a group.
                'iifname != @bridges ip saddr @tenant drop',
                f'add @flows_to {{ ip daddr ct count over {MOST_FLOWS} }} drop',
                'ip daddr vmap @ingress',
                'drop',
            ],
        ),
        *_chain(
            'from_host',
            [
                *_known('accept'),
                'meta nfproto ipv6 drop',
                'udp sport 67 udp dport 68 accept',
                'ip daddr vmap @ingress',
                'drop',
            ],
        ),
        *_chain(
            'to_host',
            [
                *_known('accept'),
                'meta nfproto ipv6 drop',
                'ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept',
                f'add @flows_from {{ ip saddr ct count over {MOST_FLOWS} }} drop',
                'iifname . ip daddr @own_gateway udp dport 67 accept',
                'iifname . ip daddr @own_gateway meta l4proto { tcp, udp } th dport 53 accept',
                'iifname . ip daddr @own_gateway icmp type echo-request accept',
                'drop',
            ],
        ),
    ]


def _known(verdict: str) -> list[str]:
    return [
        f'ct state established {verdict}',
        'icmp type redirect drop',
        f'ct state related {verdict}',
    ]


def _hooks(datapath: Datapath) -> list[str]:
    # Who made this host a router for servers did not make it one for others.
    others = [] if datapath.router else ['oifname != @bridges ct state new drop']
    return [
        # Before the floating address becomes a fixed one.
        *_chain(
            'arriving',
            ['iifname != @bridges iifname != "lo" ip daddr @host_only drop'],
            'filter hook prerouting priority dstnat - 20',
        ),
        *_chain(
            'forward_egress',
            ['iifname @bridges goto from_bridge', *others],
            'filter hook forward priority filter - 20',
        ),
        *_chain(
            'forward_ingress',
            ['oifname @bridges goto to_bridge'],
            'filter hook forward priority filter - 10',
        ),
        *_chain(
            'output',
            [
                'ip daddr @gateways accept',
                'ip daddr @tenant goto from_host',
                'oifname @bridges goto from_host',
            ],
            'filter hook output priority filter - 10',
        ),
        *_chain(
            'input',
            # Gateways answer their own network only; what answers the host itself may come from
            # anywhere.
            [
                'iifname @bridges goto to_host',
                'iifname != "lo" ip daddr @gateways ct state & (established | related) == 0 drop',
            ],
            'filter hook input priority filter - 10',
        ),
    ]


def _nat() -> list[str]:
    return [
        *_chain(
            'nat_forwarded',
            ['dnat ip to ip daddr map @floating_dnat'],
            'nat hook prerouting priority dstnat - 10',
        ),
        *_chain(
            'nat_host', ['dnat ip to ip daddr map @floating_dnat'], 'nat hook output priority -110'
        ),
        *_chain(
            'nat_leaving',
            [
                # The gateway is on the link: whatever routes a guest has, it answers there.
                'ct status dnat ip daddr @further masquerade',
                'oifname != @bridges snat ip to ip saddr map @floating_out',
                'ct status dnat snat ip to ip saddr map @floating_snat',
                'oifname != @bridges ip saddr @masqueraded masquerade',
            ],
            'nat hook postrouting priority srcnat - 10',
        ),
    ]


def _bridge(datapath: Datapath) -> list[str]:
    """Return the table that binds each port to its MAC and address, and keeps ports from speaking past the filter."""
    ports = sorted(datapath.ports, key=lambda port: port.device)
    client = f'iifname . {_CHADDR} @port_client'
    entering, leaving = ['iifname "hkp*"'], ['oifname "hkp*"']
    if (
        datapath.by_bridge
    ):  # whatever device somebody plugs into a bridge of ours is bound, and unknown
        entering.append('meta ibrname @bridges')
        leaving.append('meta obrname @bridges')
    return [
        *_set('bridges', 'ifname', sorted(f'"{net.bridge}"' for net in datapath.networks)),
        *_set(
            'port_address',
            'ifname . ether_addr . ipv4_addr',
            [f'"{port.device}" . {port.mac} . {port.address}' for port in ports],
        ),
        *_set(
            'port_mac', 'ifname . ether_addr', [f'"{port.device}" . {port.mac}' for port in ports]
        ),
        *_collection(
            'set',
            'port_client',
            f'iifname . {_CHADDR}',
            [f'"{port.device}" . 0x{port.mac.replace(":", "")}' for port in ports],
            '',
            'typeof',
        ),
        *_chain(
            'from_port',
            [
                f'ether type ip iifname . ether saddr . ip saddr @port_address udp dport 67 {client} accept',
                f'ether type ip ip saddr 0.0.0.0 iifname . ether saddr @port_mac udp sport 68 udp dport 67 {client} accept',
                'ether type ip udp dport 67 drop',
                'ether type ip iifname . ether saddr . ip saddr @port_address accept',
                'ether type arp iifname . ether saddr . arp saddr ip @port_address iifname . arp saddr ether @port_mac accept',
                'ether type arp arp operation request arp saddr ip 0.0.0.0 iifname . arp saddr ether @port_mac iifname . ether saddr @port_mac accept',
                'drop',
            ],
        ),
        *_chain('gate', [f'ether type ip meta mark & {_MARK:#x} == {_MARK:#x} accept', 'drop']),
        *_chain(
            'prerouting',
            [f'{device} goto from_port' for device in entering],
            'filter hook prerouting priority -400',
        ),
        *_chain(
            'forward',
            [f'{device} goto gate' for device in (*entering, *leaving)],
            'filter hook forward priority 10',
        ),
    ]


def _chain(name: str, rules: Iterable[str], hook: str = '') -> list[str]:
    head = [f'type {hook}; policy accept;'] if hook else []
    return [f'chain {name} {{', *(_INDENT + line for line in (*head, *rules)), '}']


def _set(name: str, of: str, elements: Iterable[str], flags: str = '') -> list[str]:
    return _collection('set', name, of, elements, flags)


def _map(name: str, of: str, elements: Iterable[str]) -> list[str]:
    return _collection('map', name, of, elements, '')


def _collection(
    kind: str, name: str, of: str, elements: Iterable[str], flags: str, by: str = 'type'
) -> list[str]:
    # One element a line: two rulesets compare line by line.
    items = [f'{_INDENT * 2}{element},' for element in elements]
    return [
        f'{kind} {name} {{',
        f'{_INDENT}{by} {of}',
        *([f'{_INDENT}flags {flags}'] if flags else []),
        *([f'{_INDENT}elements = {{', *items, f'{_INDENT}}}'] if items else []),
        '}',
    ]


def _ordered(addresses: Iterable[str]) -> list[str]:
    return sorted(addresses, key=address)
