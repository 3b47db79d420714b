# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Floating IPs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, NamedTuple, Tuple

from .change import AFTER_APPLY, plain_fields
from .checks import reference_problems
from .effect import Table, fixed, live
from .interface_checks import address_problems
from .problem import Problem, invalid
from .request import Request

HOLDERS = ('server', 'lb', 'port')
STATES = ('present', 'attached', 'detached', 'absent')


@dataclass(frozen=True)
class FloatingIp:
    """An address of a pool. One without a name has its address as its name.

    ``automatic``: it was allocated with a server or balancer, and is released with it.
    """

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
    id: str = AFTER_APPLY
    created_by: str = AFTER_APPLY
    created_at: str = AFTER_APPLY
    delete_protection: bool = False

    @property
    def holder(self) -> str:
        """The kind and name of what it is attached to; empty: nothing."""
        for kind in HOLDERS:
            name = getattr(self, kind)
            if name:
                return f'{kind} {name}'
        return ''

    def public(self) -> Dict[str, Any]:
        """The floating IP for the result of a module."""
        return plain_fields(self)


class FixedIp(NamedTuple):
    """A fixed address that a floating one can be attached to, and what has it.

    It belongs to a server, a balancer, or a named port, with or without a server. It is empty for a
    server that is in no network. ``ids``: of these by kind, in a cloud where several may have one
    name.
    """

    fixed_ip: str
    server: str | None = None
    lb: str | None = None
    port: str | None = None
    floating_ip: str | None = None
    ids: Mapping[str, str] = {}


@dataclass(frozen=True)
class FloatingIpRequest(Request):
    """The requested state. ``name`` is empty when none is specified."""

    address: str | None = None
    server: str | None = None
    lb: str | None = None
    fixed_ip: str | None = None
    pool: str | None = None
    port: str | None = None

    @property
    def holder(self) -> Tuple[str, str] | None:
        """The kind and name of the specified holder."""
        return next(((kind, getattr(self, kind)) for kind in self._holders()), None)

    def matches_holder(self, item: FloatingIp) -> bool:
        """Whether the specified holder has this address; true when none is specified."""
        return self.holder is None or getattr(item, self.holder[0]) == self.holder[1]

    def problems(self) -> List[Problem]:
        """What is invalid in the request, regardless of what exists."""
        problems = super().problems() if self.name else []
        problems += self._holder_problems()
        if self.fixed_ip and (self.state != 'attached' or not self.server):
            problems.append(
                invalid(
                    'fixed_ip',
                    'it selects an address of a server; use it with server and state: attached',
                )
            )
        problems += address_problems(self.address, 'address')
        problems += address_problems(self.fixed_ip, 'fixed_ip')
        for kind in self._holders():
            problems += reference_problems(getattr(self, kind), kind)
        return problems

    def _holders(self) -> List[str]:
        """The kinds of the specified holders."""
        return [kind for kind in HOLDERS if getattr(self, kind)]

    def _holder_problems(self) -> List[Problem]:
        """Check that the holder fits the state, and that there is only one."""
        problems = []
        if not self.name and not self.address and not self.holder:
            problems.append(
                invalid(
                    'name',
                    'specify a name, an address, or the server, port or lb that has it; '
                    'otherwise every run would allocate another address',
                )
            )
        if self.state == 'attached' and not self.holder:
            problems.append(invalid('server', 'specify the server, port or lb to attach it to'))
        if self.state == 'present' and self.holder:
            problems.append(
                invalid(
                    self.holder[0], 'it requires state: attached, detached or absent, not present'
                )
            )
        if len(self._holders()) > 1:
            problems.append(invalid('server', 'specify only one of server, port and lb'))
        return problems


TABLE: Table = {
    'server': live,
    'lb': live,
    'port': live,
    'fixed_ip': live,
    'automatic': live,
    'description': live,
    'labels': live,
    'delete_protection': live,
    'address': fixed('its address cannot be changed; delete it and create another one'),
    'pool': fixed('its address belongs to its pool; delete it and create another one'),
}
