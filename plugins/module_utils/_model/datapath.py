# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the firewall is a function of, and its verdict in words.

A rule has two readers: the renderer of the ruleset, which makes the kernel obey it, and `evaluate`
here, which says what the kernel will do. They must mean the same; a test sends real packets and
compares.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from .rule import WITH_PORTS, Rule, describe, network, remote_text

# The host itself as source or destination of a question: no address is called so.
HOST = 'host'

_GROUP_ID = re.compile(r'[A-Za-z0-9_-]{1,64}')
_BRIDGE = re.compile(r'hk(?!p)[A-Za-z0-9-]{1,13}')
_DEVICE = re.compile(r'hkp[A-Za-z0-9-]{1,12}')
DEVICE = re.compile(r'[A-Za-z0-9_][A-Za-z0-9_.@-]{0,14}')
LINK_LOCAL = '169.254.0.0/16'  # RFC 3927: never routed; clouds tell a host its credentials there
_MAC = re.compile(r'[0-9a-f][02468ace](:[0-9a-f]{2}){5}')
_GATEWAY_SERVICES = (
    ('udp', 67, 'DHCP'),
    ('udp', 53, 'DNS'),
    ('tcp', 53, 'DNS'),
    ('icmp', None, 'ping'),
)


@lru_cache(maxsize=4096)
def address(text: str) -> ipaddress.IPv4Address:
    """Return the IPv4 address that `text` is; ValueError if it is none, or not in the one normal form."""
    if not isinstance(text, str):
        raise ValueError(f'{text!r} is not an IPv4 address')
    return ipaddress.IPv4Address(text)


def _matches(pattern: re.Pattern[str], value: object, what: str, way_out: str) -> None:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f'{value!r} is not {what}; {way_out}')


def _no_duplicates(what: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise ValueError(f'{what} {value} occurs twice')
        seen.add(value)


@dataclass(frozen=True)
class Network:
    """A routed IPv4 network on a bridge of ours; `nat` says whether its servers go out under the host's address."""

    bridge: str
    cidr: str
    gateway: str
    nat: bool = True

    def __post_init__(self) -> None:
        """Refuse what would not load, or would mean something else than it says."""
        _matches(_BRIDGE, self.bridge, 'the name of a bridge', 'such names are hk0, hk1, ...')
        span = ipaddress.IPv4Network(self.cidr)
        if str(span) != self.cidr or not 1 <= span.prefixlen <= 30:
            raise ValueError(
                f'{self.cidr!r} is not a network with room for servers, written such as 192.168.0.0/24'
            )
        _is_host_of(span, self.gateway, 'gateway')
        if not isinstance(self.nat, bool):
            raise ValueError(f'nat: {self.nat!r} is neither true nor false')


@dataclass(frozen=True)
class Group:
    """A security group by its id; `name` is for sentences that people read. `remote_group` of its rules is a group id."""

    id: str
    rules: tuple[Rule, ...] = ()
    name: str = ''

    def __post_init__(self) -> None:
        """Refuse an id that could be anything else than a part of a chain's name."""
        _matches(
            _GROUP_ID,
            self.id,
            'the id of a group',
            'ids are up to 64 letters, digits, hyphens, underscores',
        )
        if not all(isinstance(rule, Rule) for rule in self.rules):
            raise ValueError(f'group {self.id}: every rule must be a Rule')


@dataclass(frozen=True)
class Port:
    """A server's connection to a network: the device on the host, and what may be sent through it. `groups` are ids."""

    device: str
    mac: str
    address: str
    bridge: str
    groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse names and addresses that the anti-spoofing set could not hold."""
        _matches(
            _DEVICE,
            self.device,
            'the name of a port device',
            'such names begin with hkp and have at most 15 characters',
        )
        _matches(
            _MAC,
            self.mac,
            'a MAC',
            'give six pairs in lower case of a unicast address, such as 52:54:00:12:34:56',
        )
        _matches(_BRIDGE, self.bridge, 'the name of a bridge', 'such names are hk0, hk1, ...')
        address(self.address)
        _no_duplicates(f'port {self.device}: group', self.groups)


def _is_host_of(span: ipaddress.IPv4Network, text: str, what: str) -> None:
    value = address(text)
    if value not in span or value in (span.network_address, span.broadcast_address):
        raise ValueError(f'{what} {text} is not a host address of {span}')


@dataclass(frozen=True)
class Datapath:
    """All that packets are judged by. `floating` are pairs (floating address, fixed address of a port).

    `outside`: the devices of the host by which servers get out. `host_only`: floating addresses
    (CIDRs) that are reached from this host and its servers only. `router`: whether the host
    forwards between other devices than those of servers, too. `by_bridge`: what comes through a
    bridge of ours is known by the bridge (kernels with NFT_BRIDGE_META), else by the names of
    devices. `further`: the fixed addresses of connections by which a server does not answer who is
    elsewhere, because its default route is another one's; a floating address leads there in the
    name of the gateway.
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

    def __post_init__(self) -> None:
        """Refuse references to nothing, and what a routing table or a map could hold only once."""
        self._check_networks()
        self._check_groups()
        self._check_ports()
        self._check_floating()
        self._check_outside()

    def _check_networks(self) -> None:
        _no_duplicates('bridge', (net.bridge for net in self.networks))
        spans = sorted(ipaddress.IPv4Network(net.cidr) for net in self.networks)
        for one, other in zip(spans, spans[1:]):
            if one.overlaps(other):
                raise ValueError(f'networks {one} and {other} overlap')

    def _check_groups(self) -> None:
        _no_duplicates('group', (group.id for group in self.groups))
        for group in self.groups:
            for rule in group.rules:
                if rule.remote_group is not None and rule.remote_group not in self.group_by_id:
                    raise ValueError(
                        f'group {group.id} refers to group {rule.remote_group}, which is not there'
                    )

    def _check_ports(self) -> None:
        _no_duplicates('port device', (port.device for port in self.ports))
        _no_duplicates('fixed address', (port.address for port in self.ports))
        for port in self.ports:
            home = self.network_by_bridge.get(port.bridge)
            if home is None:
                raise ValueError(f'port {port.device}: no network has the bridge {port.bridge}')
            _is_host_of(network(home.cidr), port.address, f'port {port.device}:')
            if port.address == home.gateway:
                raise ValueError(
                    f'port {port.device}: {port.address} is the gateway of its network'
                )
            for group in port.groups:
                if group not in self.group_by_id:
                    raise ValueError(f'port {port.device}: group {group} is not there')

    def _check_floating(self) -> None:
        _no_duplicates('floating address', (floating for floating, _fixed in self.floating))
        _no_duplicates('a floating address for', (fixed for _floating, fixed in self.floating))
        for floating, fixed in self.floating:
            _public_unicast(floating)
            if fixed not in self.port_by_address:
                raise ValueError(
                    f'floating address {floating}: no port has the fixed address {fixed}'
                )
            if self.network_of(floating):
                raise ValueError(f'floating address {floating} lies within a network of servers')

    def _check_outside(self) -> None:
        for device in self.outside:
            _matches(DEVICE, device, 'the name of a device', 'such names are eth0, ens3, ...')
            if device.startswith('hk'):
                raise ValueError(f'device {device} is ours: it does not lead outside')
        for fixed in self.further:
            if fixed not in self.port_by_address:
                raise ValueError(f'no port has the fixed address {fixed}')
        for cidr in self.host_only:
            if str(ipaddress.IPv4Network(cidr)) != cidr:
                raise ValueError(f'{cidr!r} is not an IPv4 network in its normal form')

    def is_host_only(self, floating: str) -> bool:
        """Whether a floating address is reached from this host and its servers only."""
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
        """Return the network whose range holds the address."""
        value = address(text)
        return next((net for net in self.networks if value in network(net.cidr)), None)

    def rules(self, port: Port, direction: str) -> Iterator[tuple[Group, Rule]]:
        """Yield the rules of a port's groups in one direction, each with its group, in a fixed order."""
        for group in sorted(port.groups):
            for rule in sorted(self.group_by_id[group].rules):
                if rule.direction == direction:
                    yield self.group_by_id[group], rule


def _public_unicast(text: str) -> None:
    value = address(text)
    if value.is_multicast or value.is_loopback or value.is_unspecified or int(value) == 0xFFFFFFFF:
        raise ValueError(f'{text} is not the address of one machine')


@dataclass(frozen=True)
class Verdict:
    """Whether a new connection gets through, and the sentence that says why."""

    allowed: bool
    why: str


@dataclass(frozen=True)
class _Question:
    """A connection as the filter sees it: after the floating address became the fixed one, before the source is changed."""

    source: str
    destination: str
    protocol: str
    port: int | None

    def __str__(self) -> str:
        return self.protocol if self.port is None else f'{self.protocol} {self.port}'


def evaluate(
    datapath: Datapath,
    source: str,
    destination: str,
    protocol: str,
    port: int | None = None,
    host_address: str | None = None,
) -> Verdict:
    """Say whether a new connection from `source` may reach `destination`.

    source: a port's fixed address, HOST (or a gateway's address: that is the host too), or any
    address outside, which means behind one of the devices of `outside`: what is behind others no
    server reaches. destination: a port's fixed address, a floating address, HOST or a gateway's
    address, or any address outside. Any other address of the host is asked about as HOST: the
    datapath does not know them. protocol: tcp or udp with a port, icmp (an echo request) without.
    host_address: the address that the host's packets carry when source is HOST; left out, the
    gateway of the network of the destination. It is another one towards a floating address whose
    route does not say so (`ip route ... src GATEWAY`).

    Rules see fixed addresses on both sides, also between servers that use a floating address: a
    rule about a floating address matches nothing. Values that mean nothing raise ValueError.
    """
    _check_question(datapath, source, destination, protocol, port)
    gateways = {net.gateway for net in datapath.networks}
    if source in gateways:
        source, host_address = HOST, source
    if destination == HOST or destination in gateways:
        return _to_host(
            datapath, source, destination, _Question(source, destination, protocol, port)
        )
    fixed = datapath.fixed_by_floating.get(destination, destination)
    if source == HOST:
        home = datapath.network_of(fixed)
        if home is None:
            return Verdict(True, 'what the host itself sends to the outside is not filtered here')
        return _enter(
            datapath, _Question(_host_source(datapath, host_address, home), fixed, protocol, port)
        )
    question = _Question(source, fixed, protocol, port)
    if source in datapath.port_by_address:
        return _from_port(datapath, question, through_floating=fixed != destination)
    if datapath.is_host_only(destination):
        return Verdict(False, f'{destination} is of a pool that is reached from the host only')
    return _from_outside(datapath, question, through_floating=fixed != destination)


def _check_question(
    datapath: Datapath, source: str, destination: str, protocol: str, port: int | None
) -> None:
    for end in (source, destination):
        if end != HOST:
            _public_unicast(end)
    if source in datapath.fixed_by_floating:
        raise ValueError(
            f'{source} is a floating address: what a server sends is judged by its fixed address, ask with that'
        )
    if protocol not in (*WITH_PORTS, 'icmp'):
        raise ValueError(f'protocol: {protocol!r} is unknown; ask about tcp, udp or icmp')
    if protocol == 'icmp' and port is not None:
        raise ValueError('icmp has no ports')
    if protocol != 'icmp' and (
        not isinstance(port, int) or isinstance(port, bool) or not 1 <= port <= 65535
    ):
        raise ValueError(f'port: {port!r} is not a port; give 1 to 65535')


def _host_source(datapath: Datapath, host_address: str | None, home: Network) -> str:
    if host_address is None:
        return home.gateway
    _public_unicast(host_address)
    if host_address in datapath.port_by_address:
        raise ValueError(f'{host_address} is the address of a server, not of the host')
    return host_address


def _to_host(datapath: Datapath, source: str, destination: str, question: _Question) -> Verdict:
    sender = datapath.port_by_address.get(source)
    if sender is not None:
        return _to_gateway(datapath.network_by_bridge[sender.bridge], destination, question)
    if source == HOST:
        return Verdict(True, 'the host reaches itself')
    if datapath.network_of(source):
        return _nobody(source)
    if destination == HOST:
        return Verdict(True, 'what the host itself offers to the outside is not filtered here')
    return Verdict(False, f'{destination} is a gateway, which answers only its own network')


def _to_gateway(home: Network, destination: str, question: _Question) -> Verdict:
    if destination == home.gateway:
        for protocol, port, service in _GATEWAY_SERVICES:
            if (question.protocol, question.port) == (protocol, port):
                return Verdict(True, f'the gateway answers {service}')
        return Verdict(False, f'the gateway answers DHCP, DNS and ping, not {question}')
    return Verdict(
        False, f'the host answers servers only at the gateway of their network, {home.gateway}'
    )


def _nobody(text: str) -> Verdict:
    return Verdict(False, f'no port has the address {text}')


def _from_port(datapath: Datapath, question: _Question, through_floating: bool) -> Verdict:
    sender = datapath.port_by_address[question.source]
    home = datapath.network_of(question.destination)
    if question.source == question.destination and not through_floating:
        return Verdict(True, 'a server reaches itself without the network')
    if home is not None and home.bridge != sender.bridge and not through_floating:
        return Verdict(
            False,
            f'networks {datapath.network_by_bridge[sender.bridge].cidr} and {home.cidr} are kept apart; a floating address connects them',
        )
    if address(question.destination) in network(LINK_LOCAL):
        return Verdict(
            False, f'{question.destination} is link-local, and such packets are not routed'
        )
    leave = _leave(datapath, sender, question)
    return _enter(datapath, question) if leave.allowed and home is not None else leave


def _from_outside(datapath: Datapath, question: _Question, through_floating: bool) -> Verdict:
    if datapath.network_of(question.source):
        return _nobody(question.source)
    if datapath.network_of(question.destination) is None:
        return Verdict(True, 'neither side is in this cloud, so nothing is filtered here')
    if not through_floating:
        return Verdict(
            False, f'from outside, {question.destination} can be reached only by a floating address'
        )
    return _enter(datapath, question)


def _leave(datapath: Datapath, sender: Port, question: _Question) -> Verdict:
    rules = list(datapath.rules(sender, 'egress'))
    if not rules:
        return Verdict(True, 'everything may go out: no group of the sender has an egress rule')
    return _first(datapath, rules, question, question.destination) or Verdict(
        False,
        f"no egress rule of the sender's groups ({_names(datapath, sender)}) allows {question} to {question.destination}",
    )


def _enter(datapath: Datapath, question: _Question) -> Verdict:
    receiver = datapath.port_by_address.get(question.destination)
    if receiver is None:
        return _nobody(question.destination)
    if not receiver.groups:
        return Verdict(False, f'{question.destination} has no group, so nothing is let in')
    return _first(
        datapath, datapath.rules(receiver, 'ingress'), question, question.source
    ) or Verdict(
        False,
        f'no ingress rule of its groups ({_names(datapath, receiver)}) allows {question} from {question.source}',
    )


def _first(
    datapath: Datapath, rules: Iterable[tuple[Group, Rule]], question: _Question, peer: str
) -> Verdict | None:
    for group, rule in rules:
        if _applies(datapath, rule, question, peer):
            remote = (
                f'group {_label(datapath.group_by_id[rule.remote_group])}'
                if rule.remote_group is not None
                else remote_text(rule)
            )
            return Verdict(
                True, f'{rule.direction} rule {describe(rule, remote)} of group {_label(group)}'
            )
    return None


def _applies(datapath: Datapath, rule: Rule, question: _Question, peer: str) -> bool:
    if rule.protocol not in ('any', question.protocol):
        return False
    if (
        rule.port_min is not None
        and rule.port_max is not None
        and (question.port is None or not rule.port_min <= question.port <= rule.port_max)
    ):
        return False
    if rule.remote_group is not None:
        return peer in datapath.members[rule.remote_group]
    return address(peer) in network(rule.remote_cidr)


def _label(group: Group) -> str:
    return group.name or group.id


def _names(datapath: Datapath, port: Port) -> str:
    return ', '.join(sorted(_label(datapath.group_by_id[group]) for group in port.groups))
