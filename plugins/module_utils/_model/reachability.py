# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether security groups let connections to a server in, before the server exists."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import List, Tuple

from . import datapath
from .network import Network
from .profile import HOST
from .rule import Rule
from .security_group import SecurityGroup
from .verdict import evaluate

_BRIDGE, _DEVICE, _MAC = 'hk0', 'hkp0', '52:54:00:00:00:01'  # of a server that does not exist
_FLOATING = ('192.0.2.1', '100.64.0.1')  # one of them is outside of any network


def is_allowed(
    groups: Sequence[SecurityGroup],
    network: Network,
    source: str,
    protocol: str,
    port: int | None,
) -> bool:
    """Whether groups allow traffic to a server from HOST or an address outside.

    They may do so by a foreign rule. Rules for remote groups do not apply to these sources.
    """
    applying: List[Rule] = []
    for group in groups:
        for rule in group.rules:
            if rule.direction != 'ingress':
                continue
            if not isinstance(rule, Rule):
                return True
            if rule.remote_group is None:
                applying.append(rule)
    path = _datapath(tuple(applying), network)
    ((floating, fixed),) = path.floating
    destination = fixed if source == HOST else floating
    return evaluate(path, source, destination, protocol, port).allowed


def _datapath(rules: Tuple[Rule, ...], network: Network) -> datapath.Datapath:
    """A datapath with one server, which has a floating address."""
    span = IPv4Network(network.cidr)
    hosts = map(str, span.hosts())
    fixed = next(address for address in hosts if address != network.gateway)
    floating = next(address for address in _FLOATING if IPv4Address(address) not in span)
    group = datapath.Group('1', rules)
    server_network = datapath.Network(_BRIDGE, network.cidr, network.gateway)
    port = datapath.Port(_DEVICE, _MAC, fixed, _BRIDGE, (group.id,))
    return datapath.Datapath(
        (server_network,),
        (group,),
        (port,),
        ((floating, fixed),),
    )
