# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The input from which the firewall is rendered.

A rule has two readers: the renderer of the ruleset, which configures the kernel, and `evaluate` in
verdict.py, which predicts what the kernel does. They must agree; a test sends real packets and
compares.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from .rule import AnyRule, ForeignRule, Rule, allow_all_egress, network

_GROUP_ID = re.compile(r'[A-Za-z0-9_-]{1,64}')
_BRIDGE = re.compile(r'hk(?!p)[A-Za-z0-9-]{1,13}')
_PORT_DEVICE = re.compile(r'hkp[A-Za-z0-9-]{1,12}')
DEVICE = re.compile(r'[A-Za-z0-9_][A-Za-z0-9_.@-]{0,14}')
LINK_LOCAL = '169.254.0.0/16'  # RFC 3927: never routed; clouds serve credentials to hosts there
_MAC = re.compile(r'[0-9a-f][02468ace](:[0-9a-f]{2}){5}')


@lru_cache(maxsize=4096)
def address(text: str) -> ipaddress.IPv4Address:
    """Parse an IPv4 address; raise ValueError if it is invalid, or not normalized."""
    if not isinstance(text, str):
        raise ValueError(f'{text!r} is not an IPv4 address')
    return ipaddress.IPv4Address(text)


def check_host_address(text: str) -> None:
    """Refuse what is not a unicast address of a host."""
    value = address(text)
    if value.is_multicast or value.is_loopback or value.is_unspecified or int(value) == 0xFFFFFFFF:
        raise ValueError(f'{text} is not a unicast address of a host')


def _check_pattern(
    pattern: re.Pattern[str],
    value: object,
    what: str,
    hint: str,
) -> None:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f'{value!r} is not {what}; {hint}')


def check_group_id(text: str) -> None:
    """Refuse what cannot be part of the name of a chain, such as the name of a group."""
    hint = 'use up to 64 letters, digits, hyphens and underscores'
    _check_pattern(_GROUP_ID, text, 'the id of a group', hint)


def _check_bridge(name: str) -> None:
    _check_pattern(_BRIDGE, name, 'the name of a bridge', 'use a name such as hk0')


def _check_unique(what: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise ValueError(f'{what} {value} occurs twice')
        seen.add(value)


def _check_within(span: ipaddress.IPv4Network, text: str, what: str) -> None:
    value = address(text)
    if value not in span or value in (span.network_address, span.broadcast_address):
        raise ValueError(f'{what} {text} is not a host address of {span}')


@dataclass(frozen=True)
class Network:
    """A routed IPv4 network on a bridge of the cloud. `nat`: its servers use the host's address."""

    bridge: str
    cidr: str
    gateway: str
    nat: bool = True

    def __post_init__(self) -> None:
        """Refuse values that would not load, or would be misinterpreted."""
        _check_bridge(self.bridge)
        span = ipaddress.IPv4Network(self.cidr)
        if str(span) != self.cidr or not 1 <= span.prefixlen <= 30:
            raise ValueError(
                f'{self.cidr!r} is not a network for servers; use the form 192.168.0.0/24'
            )
        _check_within(span, self.gateway, 'gateway')
        if not isinstance(self.nat, bool):
            raise ValueError(f'nat: {self.nat!r} is neither true nor false')


@dataclass(frozen=True)
class Group:
    """A security group; `remote_group` of its rules is a group id. `name` is for messages.

    A port with several groups may send and receive what any of them allows. A group without egress
    rules allows all egress. Foreign rules allow nothing that is known.
    """

    id: str
    rules: tuple[AnyRule, ...] = ()
    name: str = ''

    def __post_init__(self) -> None:
        """Refuse an id that cannot be part of the name of a chain."""
        check_group_id(self.id)
        if not all(isinstance(rule, (Rule, ForeignRule)) for rule in self.rules):
            raise ValueError(f'group {self.id}: every rule must be a Rule')

    @cached_property
    def known_rules(self) -> list[Rule]:
        """The rules that can be rendered and evaluated, sorted."""
        return sorted({rule for rule in self.rules if isinstance(rule, Rule)})

    @property
    def allows_all_egress(self) -> bool:
        """Whether it has no egress rule."""
        return allow_all_egress(self.rules)


@dataclass(frozen=True)
class Port:
    """A server's connection to a network: its device on the host, and the addresses it may use.

    `groups` are ids.
    """

    device: str
    mac: str
    address: str
    bridge: str
    groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse names and addresses that the anti-spoofing set cannot hold."""
        _check_pattern(
            _PORT_DEVICE,
            self.device,
            'the name of a port device',
            'use a name that begins with hkp and has at most 15 characters',
        )
        _check_pattern(
            _MAC, self.mac, 'a MAC', 'use a unicast address in the form 52:54:00:12:34:56'
        )
        _check_bridge(self.bridge)
        address(self.address)
        _check_unique(f'port {self.device}: group', self.groups)


@dataclass(frozen=True)
class Datapath:
    """All that decides about packets.

    `floating` are pairs (floating address, fixed address of a port). `outside`: the devices of the
    host through which servers reach the outside. `host_only`: floating addresses (CIDRs) that are
    reachable only from this host and its servers. `router`: whether the host also forwards between
    devices other than those of servers. `by_bridge`: whether packets from a bridge of the cloud are
    matched by the bridge (kernels with NFT_BRIDGE_META) instead of by the names of devices.
    `further`: the fixed addresses of interfaces from which a server does not answer remote clients,
    because its default route is on another one; packets to a floating address of theirs get the
    gateway as their source. `host_bridges`: those of the host that servers are on.
    """

    networks: tuple[Network, ...] = ()
    groups: tuple[Group, ...] = ()
    ports: tuple[Port, ...] = ()
    floating: tuple[tuple[str, str], ...] = ()
    outside: tuple[str, ...] = ()
    host_only: tuple[str, ...] = ()
    router: bool = True
    by_bridge: bool = True
    further: tuple[str, ...] = ()
    host_bridges: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse dangling references, and duplicates that a map or a routing table cannot hold."""
        self._check_networks()
        self._check_groups()
        self._check_ports()
        self._check_floating()
        self._check_outside()

    def _check_networks(self) -> None:
        _check_unique('bridge', (net.bridge for net in self.networks))
        spans = sorted(ipaddress.IPv4Network(net.cidr) for net in self.networks)
        for one, other in zip(spans, spans[1:]):
            if one.overlaps(other):
                raise ValueError(f'networks {one} and {other} overlap')

    def _check_groups(self) -> None:
        _check_unique('group', (group.id for group in self.groups))
        for group in self.groups:
            for rule in group.known_rules:
                if rule.remote_group is not None and rule.remote_group not in self.group_by_id:
                    raise ValueError(
                        f'group {group.id} refers to group {rule.remote_group}, which does not '
                        'exist'
                    )

    def _check_ports(self) -> None:
        _check_unique('port device', (port.device for port in self.ports))
        _check_unique('fixed address', (port.address for port in self.ports))
        for port in self.ports:
            net = self.network_by_bridge.get(port.bridge)
            if net is None:
                raise ValueError(f'port {port.device}: no network has the bridge {port.bridge}')
            _check_within(network(net.cidr), port.address, f'port {port.device}:')
            if port.address == net.gateway:
                raise ValueError(
                    f'port {port.device}: {port.address} is the gateway of its network'
                )
            for group in port.groups:
                if group not in self.group_by_id:
                    raise ValueError(f'port {port.device}: group {group} does not exist')

    def _check_floating(self) -> None:
        _check_unique('floating address', (floating for floating, _fixed in self.floating))
        _check_unique('a floating address for', (fixed for _floating, fixed in self.floating))
        for floating, fixed in self.floating:
            check_host_address(floating)
            if fixed not in self.port_by_address:
                raise ValueError(
                    f'floating address {floating}: no port has the fixed address {fixed}'
                )
            if self.network_of(floating):
                raise ValueError(f'floating address {floating} is within a network of servers')

    def _check_outside(self) -> None:
        for device in (*self.outside, *self.host_bridges):
            _check_pattern(DEVICE, device, 'the name of a device', 'use a name such as eth0')
            if device.startswith('hk'):
                raise ValueError(f'device {device} belongs to the cloud, not to the outside')
        for fixed in self.further:
            if fixed not in self.port_by_address:
                raise ValueError(f'no port has the fixed address {fixed}')
        for cidr in self.host_only:
            if str(ipaddress.IPv4Network(cidr)) != cidr:
                raise ValueError(f'{cidr!r} is not a normalized IPv4 network')

    def is_host_only(self, floating: str) -> bool:
        """Whether a floating address is reachable only from this host and its servers."""
        return any(address(floating) in network(cidr) for cidr in self.host_only)

    @cached_property
    def network_by_bridge(self) -> Mapping[str, Network]:
        """Networks by bridge."""
        return {net.bridge: net for net in self.networks}

    @cached_property
    def group_by_id(self) -> Mapping[str, Group]:
        """Groups by id."""
        return {group.id: group for group in self.groups}

    @cached_property
    def port_by_address(self) -> Mapping[str, Port]:
        """Ports by fixed address."""
        return {port.address: port for port in self.ports}

    @cached_property
    def fixed_by_floating(self) -> Mapping[str, str]:
        """Fixed addresses by floating address."""
        return dict(self.floating)

    @cached_property
    def members(self) -> Mapping[str, frozenset[str]]:
        """Fixed addresses of the ports in a group, by group id."""
        found: dict[str, set[str]] = {group.id: set() for group in self.groups}
        for port in self.ports:
            for group in port.groups:
                found[group].add(port.address)
        return {group: frozenset(addresses) for group, addresses in found.items()}

    def network_of(self, text: str) -> Network | None:
        """Return the network whose range contains the address."""
        value = address(text)
        return next((net for net in self.networks if value in network(net.cidr)), None)

    def rules(self, port: Port, direction: str) -> Iterator[tuple[Group, Rule]]:
        """Yield the rules of a port in one direction, each with its group, in a fixed order."""
        for group in sorted(port.groups):
            for rule in self.group_by_id[group].known_rules:
                if rule.direction == direction:
                    yield self.group_by_id[group], rule
