# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a floating IP is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, NamedTuple, Tuple

from .change import AFTER_APPLY, Table, fixed, live, plain_fields
from .checks import address_problems, host_name_problems, name_problems
from .request import Request

HOLDERS = ('server', 'lb', 'port')
STATES = ('present', 'attached', 'detached', 'absent')


@dataclass(frozen=True)
class FloatingIp:
    """An address of a pool. One that was given no name is called by its address. ``automatic``: it came with a server or balancer and goes with it."""

    name: str = AFTER_APPLY
    address: str = AFTER_APPLY
    pool: str = AFTER_APPLY
    server: str | None = None
    lb: str | None = None
    port: str | None = None
    fixed_ip: str | None = None
    automatic: bool = False
    description: str = ''
    labels: Mapping[str, str] = field(default_factory=dict)
    created_by: str = AFTER_APPLY
    created_at: str = AFTER_APPLY

    @property
    def holder(self) -> str:
        """Who has it, in words; empty: nobody."""
        return (
            f'server {self.server}'
            if self.server
            else f'lb {self.lb}'
            if self.lb
            else f'port {self.port}'
            if self.port
            else ''
        )

    def public(self) -> Dict[str, Any]:
        """The address as a result shows it."""
        return plain_fields(self)


class Place(NamedTuple):
    """Where a floating address may lead: the fixed address of a server, of a balancer, or of a port by name, whether a server has it or not."""

    fixed_ip: str
    server: str | None = None
    lb: str | None = None
    port: str | None = None
    floating_ip: str | None = None


@dataclass(frozen=True)
class FloatingIpRequest(Request):
    """What a user asked for. ``name`` is empty when none was said."""

    address: str | None = None
    server: str | None = None
    lb: str | None = None
    fixed_ip: str | None = None
    pool: str | None = None
    port: str | None = None

    @property
    def holder(self) -> Tuple[str, str] | None:
        """Who is named as the one that has it, or is to have it: kind and name."""
        return next(((kind, getattr(self, kind)) for kind in HOLDERS if getattr(self, kind)), None)

    def matches_holder(self, item: FloatingIp) -> bool:
        """Whether who is named has this address; anybody when nobody is named."""
        return self.holder is None or getattr(item, self.holder[0]) == self.holder[1]

    def problems(self) -> List[str]:
        """What is wrong with the request, whatever is there."""
        problems = super().problems() if self.name else []
        if not self.name and not self.address and not self.holder:
            problems.append(
                'name: give a name, an address, or the server, port or lb that has it; without one every run would take another address'
            )
        if self.state == 'attached' and not self.holder:
            problems.append('server: name the server, port or lb to attach it to')
        if self.state == 'present' and self.holder:
            problems.append(
                f'{self.holder[0]}: it goes with state: attached, detached or absent, not with present'
            )
        if len([kind for kind in HOLDERS if getattr(self, kind)]) > 1:
            problems.append('server: give one of server, port and lb')
        if self.fixed_ip and (self.state != 'attached' or not self.server):
            problems.append(
                'fixed_ip: it says which address of a server; give it with server and state: attached'
            )
        problems += address_problems(self.address, 'address') + address_problems(
            self.fixed_ip, 'fixed_ip'
        )
        problems += host_name_problems(self.server, 'server') if self.server else []
        return problems + [
            problem
            for kind in ('lb', 'port')
            if getattr(self, kind)
            for problem in name_problems(getattr(self, kind), kind)
        ]


TABLE: Table = {
    'server': live,
    'lb': live,
    'port': live,
    'fixed_ip': live,
    'automatic': live,
    'description': live,
    'labels': live,
    'address': fixed('an address is what a floating IP is; give this one back and take another'),
    'pool': fixed('an address belongs to its pool; give this one back and take another'),
}
