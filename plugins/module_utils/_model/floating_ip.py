# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a floating IP is."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any, Dict, List, Mapping

from .change import AFTER_APPLY, Table, fixed, live, plain
from .request import Request
from .words import host_name_problems, name_problems

STATES = ('present', 'attached', 'detached', 'absent')


@dataclass(frozen=True)
class FloatingIp:
    """An address of a pool. One that was given no name is called by its address. ``automatic``: it came with a server or balancer and goes with it."""

    name: str = AFTER_APPLY
    address: str = AFTER_APPLY
    pool: str = AFTER_APPLY
    server: str | None = None
    lb: str | None = None
    fixed_ip: str | None = None
    automatic: bool = False
    description: str = ''
    labels: Mapping[str, str] = field(default_factory=dict)
    created_by: str = AFTER_APPLY
    created_at: str = AFTER_APPLY

    @property
    def holder(self) -> str:
        """Who has it, in words; empty: nobody."""
        return f'server {self.server}' if self.server else f'lb {self.lb}' if self.lb else ''

    def public(self) -> Dict[str, Any]:
        """The address as a result shows it."""
        return plain(self)


@dataclass(frozen=True)
class FloatingIpRequest(Request):
    """What a user asked for. ``name`` is empty when none was said."""

    address: str | None = None
    server: str | None = None
    lb: str | None = None
    fixed_ip: str | None = None
    pool: str | None = None

    def problems(self) -> List[str]:
        """What is wrong with the request, whatever is there."""
        problems = super().problems() if self.name else []
        if not self.name and not self.address and not self.server and not self.lb:
            problems.append('name: give a name, an address, or the server or lb that has it; without one every run would take another address')
        if self.state == 'attached' and not self.server and not self.lb:
            problems.append('server: name the server or lb to attach it to')
        if self.state == 'present' and (self.server or self.lb):
            problems.append(f'{"server" if self.server else "lb"}: it goes with state: attached, detached or absent, not with present')
        if self.server and self.lb:
            problems.append('server: give server or lb, not both')
        for option, value in (('address', self.address), ('fixed_ip', self.fixed_ip)):
            problems += _address_problems(option, value)
        problems += host_name_problems(self.server, 'server') if self.server else []
        return problems + (name_problems(self.lb, 'lb') if self.lb else [])


def _address_problems(option: str, value: str | None) -> List[str]:
    if value is None:
        return []
    try:
        IPv4Address(value)
    except ValueError:
        return [f'{option}: {value!r} is not an IPv4 address']
    return []


TABLE: Table = {
    'server': live,
    'lb': live,
    'fixed_ip': live,
    'automatic': live,
    'description': live,
    'labels': live,
    'address': fixed('an address is what a floating IP is; give this one back and take another'),
    'pool': fixed('an address belongs to its pool; give this one back and take another'),
}
