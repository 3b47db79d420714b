# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Requested connections of servers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import List, NamedTuple, Tuple

from .change import AFTER_APPLY
from .checks import reference_problems
from .interface_checks import address_problems, group_problems, mac_problems
from .problem import Problem, invalid
from .server import Nic


class NicRequest(NamedTuple):
    """A requested connection: to a network by its name, by a named port, or to a bridge."""

    name: str = ''
    fixed_ip: str | None = None
    mac: str | None = None
    port: str | None = None
    security_groups: Tuple[str, ...] | None = None
    bridge: str | None = None
    vlan: int | None = None

    @property
    def place(self) -> str:
        """The network or the bridge, as of a connection."""
        return self.to_nic().place

    @property
    def own_groups(self) -> Tuple[str, ...] | None:
        """The groups of the connection; None, also for an empty list: those of the server."""
        return self.security_groups or None

    @property
    def is_specific(self) -> bool:
        """Whether it means one connection, not any one of a network."""
        return bool(self.port or self.fixed_ip or self.mac)

    def matches(self, nic: Nic) -> bool:
        """Whether a connection is the requested one, regardless of its groups."""
        if self.port:
            return nic.port == self.port
        return (
            (nic.name, nic.port, nic.bridge, nic.vlan) == (self.name, None, self.bridge, self.vlan)
            and self.fixed_ip in (None, nic.fixed_ip)
            and self.mac in (None, nic.mac)
        )

    def with_groups(self, nic: Nic) -> Nic:
        """The existing connection with the requested groups."""
        return (
            nic if self.security_groups is None else replace(nic, security_groups=self.own_groups)
        )

    def to_nic(self) -> Nic:
        """A new connection."""
        if self.bridge:
            return Nic('', '', self.mac or AFTER_APPLY, None, (), self.bridge, self.vlan)
        return Nic(
            self.name or AFTER_APPLY,
            self.fixed_ip or AFTER_APPLY,
            self.mac or AFTER_APPLY,
            self.port,
            self.own_groups,
        )

    def problems(self, place: str) -> List[Problem]:
        """What is invalid in the request, regardless of what exists."""
        if self.bridge is not None:
            from .bridge_checks import bridge_problems

            return bridge_problems(self, place)
        identifier = 'port' if self.port else 'name'
        problems = reference_problems(self.port or self.name, f'{place}.{identifier}')
        others = (self.name, self.fixed_ip, self.mac)
        if self.port and (any(others) or self.security_groups is not None):
            problems.append(
                invalid(place, 'a port already has a network, addresses and groups; set only port')
            )
        if self.vlan is not None:
            text = 'only a bridge of the host has VLANs; set bridge, or omit it'
            problems.append(invalid(f'{place}.vlan', text))
        problems += address_problems(self.fixed_ip, f'{place}.fixed_ip')
        problems += mac_problems(self.mac, f'{place}.mac')
        return problems + group_problems(self.own_groups, f'{place}.security_groups')


class Connections(NamedTuple):
    """Connections of a server that stay, with the requested groups, and requests for new ones."""

    kept: Tuple[Nic, ...]
    new: Tuple[NicRequest, ...]


def in_order(nics: Iterable[Nic]) -> Tuple[Nic, ...]:
    """Connections as a server has them: those to bridges are the last ones."""
    return tuple(sorted(nics, key=lambda nic: nic.bridge is not None))


def compared(requested: Sequence[NicRequest], existing: Iterable[Nic]) -> Connections:
    """Compare connections as a set: what stays keeps its order."""
    order = range(len(requested))
    left = sorted(order, key=lambda index: not requested[index].is_specific)
    kept: List[Nic] = []
    for nic in existing:
        found = next((index for index in left if requested[index].matches(nic)), None)
        if found is not None:
            left.remove(found)
            kept.append(requested[found].with_groups(nic))
    return Connections(tuple(kept), tuple(requested[index] for index in sorted(left)))
