# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the firewall allows a connection, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .datapath import LINK_LOCAL, Datapath, Group, Network, Port, address, check_host_address
from .profile import HOST
from .rule import ANYWHERE, WITH_PORTS, Rule, describe, is_port, network, remote_text

_GATEWAY_SERVICES = (
    ('udp', 67, 'DHCP'),
    ('udp', 53, 'DNS'),
    ('tcp', 53, 'DNS'),
    ('icmp', None, 'ping'),
)


@dataclass(frozen=True)
class Verdict:
    """Whether a new connection is allowed, and why."""

    allowed: bool
    why: str


@dataclass(frozen=True)
class _Connection:
    """A connection as the filter sees it: after DNAT and before SNAT."""

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
    """Return whether a new connection from `source` to `destination` is allowed.

    source: a port's fixed address, HOST (or a gateway's address, which is the host too), or any
    address outside, which means behind one of the devices of `outside`: what is behind others no
    server reaches. destination: a port's fixed address, a floating address, HOST or a gateway's
    address, or any address outside. Use HOST for any other address of the host: the datapath does
    not know them. protocol: tcp or udp with a port, icmp (an echo request) without. host_address:
    the source address of the host's packets when source is HOST; by default the gateway of the
    network of the destination. It is another one towards a floating address whose route does not
    set it (`ip route ... src GATEWAY`).

    Rules see fixed addresses on both sides, also between servers that use a floating address: a
    rule about a floating address matches nothing. Invalid values raise ValueError.
    """
    _check_arguments(datapath, source, destination, protocol, port)
    gateways = {net.gateway for net in datapath.networks}
    if source in gateways:
        source, host_address = HOST, source
    if destination == HOST or destination in gateways:
        return _to_host(datapath, _Connection(source, destination, protocol, port))
    fixed = datapath.fixed_by_floating.get(destination, destination)
    if source == HOST:
        net = datapath.network_of(fixed)
        if net is None:
            return Verdict(True, 'traffic from the host itself to the outside is not filtered')
        sender = _host_source(datapath, host_address, net)
        return _ingress(datapath, _Connection(sender, fixed, protocol, port))
    connection = _Connection(source, fixed, protocol, port)
    if source in datapath.port_by_address:
        return _from_port(datapath, connection, through_floating=fixed != destination)
    if datapath.is_host_only(destination):
        return Verdict(False, f'{destination} is in a pool that is reachable only from the host')
    return _from_outside(datapath, connection, through_floating=fixed != destination)


def _check_arguments(
    datapath: Datapath,
    source: str,
    destination: str,
    protocol: str,
    port: int | None,
) -> None:
    for end in (source, destination):
        if end != HOST:
            check_host_address(end)
    if source in datapath.fixed_by_floating:
        raise ValueError(
            f'{source} is a floating address; packets of a server are filtered by its fixed '
            'address, use that'
        )
    if protocol not in (*WITH_PORTS, 'icmp'):
        raise ValueError(f'protocol: {protocol!r} is unknown; use tcp, udp or icmp')
    if protocol == 'icmp' and port is not None:
        raise ValueError('icmp has no ports')
    if protocol != 'icmp' and not is_port(port):
        raise ValueError(f'port: {port!r} is not a port; use 1 to 65535')


def _host_source(datapath: Datapath, host_address: str | None, net: Network) -> str:
    if host_address is None:
        return net.gateway
    check_host_address(host_address)
    if host_address in datapath.port_by_address:
        raise ValueError(f'{host_address} is the address of a server, not of the host')
    return host_address


def _to_host(datapath: Datapath, connection: _Connection) -> Verdict:
    source = connection.source
    destination = connection.destination
    sender = datapath.port_by_address.get(source)
    if sender is not None:
        return _to_gateway(datapath.network_by_bridge[sender.bridge], connection)
    if source == HOST:
        return Verdict(True, 'the host reaches itself')
    if datapath.network_of(source):
        return _no_port(source)
    if destination == HOST:
        return Verdict(True, 'traffic from the outside to the host itself is not filtered')
    return Verdict(False, f'{destination} is a gateway, which answers only its own network')


def _to_gateway(net: Network, connection: _Connection) -> Verdict:
    if connection.destination == net.gateway:
        for protocol, port, service in _GATEWAY_SERVICES:
            if (connection.protocol, connection.port) == (protocol, port):
                return Verdict(True, f'the gateway answers {service}')
        return Verdict(False, f'the gateway answers DHCP, DNS and ping, not {connection}')
    return Verdict(
        False, f'the host answers servers only at the gateway of their network, {net.gateway}'
    )


def _no_port(text: str) -> Verdict:
    return Verdict(False, f'no port has the address {text}')


def _from_port(datapath: Datapath, connection: _Connection, through_floating: bool) -> Verdict:
    destination = connection.destination
    sender = datapath.port_by_address[connection.source]
    net = datapath.network_of(destination)
    if connection.source == destination and not through_floating:
        return Verdict(True, 'a server reaches itself without the network')
    if net is not None and net.bridge != sender.bridge and not through_floating:
        own = datapath.network_by_bridge[sender.bridge]
        return Verdict(
            False, f'networks {own.cidr} and {net.cidr} are isolated; use a floating address'
        )
    if address(destination) in network(LINK_LOCAL):
        return Verdict(False, f'{destination} is link-local, and such packets are not routed')
    egress = _egress(datapath, sender, connection)
    return _ingress(datapath, connection) if egress.allowed and net is not None else egress


def _from_outside(datapath: Datapath, connection: _Connection, through_floating: bool) -> Verdict:
    if datapath.network_of(connection.source):
        return _no_port(connection.source)
    if datapath.network_of(connection.destination) is None:
        return Verdict(True, 'neither end is in this cloud, so that nothing is filtered')
    if not through_floating:
        return Verdict(
            False,
            f'{connection.destination} is reachable from outside only by a floating address',
        )
    return _ingress(datapath, connection)


def _egress(datapath: Datapath, sender: Port, connection: _Connection) -> Verdict:
    if not sender.groups:
        return Verdict(True, 'all egress is allowed: the sender has no group')
    for group in map(datapath.group_by_id.__getitem__, sorted(sender.groups)):
        if group.allows_all_egress:
            return Verdict(
                True, f'all egress is allowed: group {_group_name(group)} has no egress rule'
            )
    rules = datapath.rules(sender, 'egress')
    return _first_match(datapath, rules, connection, connection.destination) or Verdict(
        False,
        f"no egress rule of the sender's groups ({_group_names(datapath, sender)}) allows "
        f'{connection} to {connection.destination}',
    )


def _ingress(datapath: Datapath, connection: _Connection) -> Verdict:
    receiver = datapath.port_by_address.get(connection.destination)
    if receiver is None:
        return _no_port(connection.destination)
    if not receiver.groups:
        return Verdict(False, f'{connection.destination} has no group, so that it has no ingress')
    rules = datapath.rules(receiver, 'ingress')
    return _first_match(datapath, rules, connection, connection.source) or Verdict(
        False,
        f'no ingress rule of its groups ({_group_names(datapath, receiver)}) allows {connection} '
        f'from {connection.source}',
    )


def _first_match(
    datapath: Datapath,
    rules: Iterable[tuple[Group, Rule]],
    connection: _Connection,
    peer: str,
) -> Verdict | None:
    for group, rule in rules:
        if _matches(datapath, rule, connection, peer):
            remote = remote_text(rule)
            if rule.remote_group is not None:
                remote = f'group {_group_name(datapath.group_by_id[rule.remote_group])}'
            return Verdict(
                True,
                f'{rule.direction} rule {describe(rule, remote)} of group {_group_name(group)}',
            )
    return None


def _matches(
    datapath: Datapath,
    rule: Rule,
    connection: _Connection,
    peer: str,
) -> bool:
    if rule.protocol not in ('any', connection.protocol):
        return False
    if rule.port_min is not None and rule.port_max is not None:
        port = connection.port
        if port is None or not rule.port_min <= port <= rule.port_max:
            return False
    if rule.remote_group is not None:
        return peer in datapath.members[rule.remote_group]
    return rule.remote_cidr == ANYWHERE or address(peer) in network(rule.remote_cidr)


def _group_name(group: Group) -> str:
    return group.name or group.id


def _group_names(datapath: Datapath, port: Port) -> str:
    return ', '.join(sorted(_group_name(datapath.group_by_id[group]) for group in port.groups))
