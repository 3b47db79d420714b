# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rows of queries about networks and their addresses; only type checkers import them."""

from __future__ import annotations

from typing import TypedDict

from ..record.rows import (
    FloatingIpRow,
    NetworkRow,
    PortRow,
    SecurityGroupRow,
    SecurityGroupRuleRow,
)


class ListedNetwork(NetworkRow):
    """A network, and the names of its users."""

    used: str | None


class NetworkOfProject(TypedDict):
    """The range of a network, of any project."""

    project: str
    name: str
    cidr: str


class ListedPort(PortRow):
    """A port that has a name."""

    port: str
    network: str
    server: str | None
    floating: str | None


class ListedGroup(SecurityGroupRow):
    """A security group with the names of its users, and of the groups that refer to it."""

    used: str | None
    named: str | None


class ListedRule(SecurityGroupRuleRow):
    """A rule, and the name of the group that it refers to."""

    remote_group: str | None


class ListedFloatingIp(FloatingIpRow):
    """A floating IP, and what it is associated with."""

    fixed: str | None
    server: str | None
    lb: str | None
    port: str | None


class FixedIpRow(TypedDict):
    """An address that a floating IP can be associated with, and its owner."""

    address: str
    server: str | None
    lb: str | None
    port: str | None
    floating: str | None


class Address(TypedDict):
    """An address."""

    address: str


class AssignedAddress(TypedDict):
    """The address of a port."""

    id: int
    address: str


class AssociatedAddress(TypedDict):
    """A floating address and the fixed one that it is associated with."""

    address: str
    fixed: str


class FloatingAddress(AssociatedAddress):
    """An associated floating address, and the position of its port."""

    position: int


class FloatingUser(TypedDict):
    """A floating address and its user; an empty text if there is none."""

    address: str
    user: str


class HostBridge(TypedDict):
    """A bridge of the host that servers are on."""

    bridge: str


class PortOfNetwork(TypedDict):
    """A port and its network."""

    id: int
    network_id: int


class GroupOfPort(TypedDict):
    """A port and the name of one of its groups."""

    port_id: int
    name: str


class DnsmasqPort(TypedDict):
    """A port as dnsmasq serves it, with the name of its owner."""

    address: str
    mac: str
    server_id: int | None
    name: str


class DnsName(TypedDict):
    """A DNS name in a network, and its owner."""

    network: str
    name: str
    owner: str
