# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ports: network interfaces created on their own, with addresses, and attached by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Dict, List, Tuple

from .change import AFTER_APPLY, plain_fields
from .checks import DEFAULT_GROUP, reference_problems
from .effect import Table, fixed, live
from .interface_checks import address_problems, group_problems, mac_problems
from .problem import Problem
from .request import Request


@dataclass(frozen=True)
class Port:
    """A named network interface, the server that has it, and its floating address."""

    name: str
    network: str = 'default'
    fixed_ip: str = AFTER_APPLY
    mac: str = AFTER_APPLY
    security_groups: Tuple[str, ...] = (DEFAULT_GROUP,)
    description: str = ''
    labels: Mapping[str, str] = field(default_factory=dict)
    server: str | None = None
    floating_ip: str | None = None
    id: str = AFTER_APPLY
    created_by: str = AFTER_APPLY
    created_at: str = AFTER_APPLY

    @property
    def used_by(self) -> Tuple[str, ...]:
        """The server that has it, which prevents its deletion."""
        return (f'server {self.server}',) if self.server else ()

    def public(self) -> Dict[str, Any]:
        """The port for the result of a module."""
        return plain_fields(self)


class PortRequest(Request):
    """The requested state."""

    def problems(self) -> List[Problem]:
        """What is invalid in the request, regardless of what exists."""
        options = self.options
        problems = super().problems()
        if 'network' in options:
            problems += reference_problems(options['network'], 'network')
        problems += address_problems(options.get('fixed_ip'), 'fixed_ip')
        problems += mac_problems(options.get('mac'), 'mac')
        return problems + group_problems(options.get('security_groups'))


_IMMUTABLE = fixed('a port keeps its network and addresses; create one with another name')

TABLE: Table = {
    'network': _IMMUTABLE,
    'fixed_ip': _IMMUTABLE,
    'mac': _IMMUTABLE,
    'security_groups': live,
    'description': live,
    'labels': live,
}
