# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a port is: a network interface that is made beforehand, with its address, and given to a server by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Dict, List, Tuple

from .change import AFTER_APPLY, Table, fixed, live, plain_fields
from .checks import DEFAULT_GROUP, address_problems, group_problems, mac_problems, name_problems
from .request import Request


@dataclass(frozen=True)
class Port:
    """A network interface by name. ``server``: who has it. ``floating_ip``: the floating address that leads to it."""

    name: str
    network: str = 'default'
    fixed_ip: str = AFTER_APPLY
    mac: str = AFTER_APPLY
    security_groups: Tuple[str, ...] = (DEFAULT_GROUP,)
    description: str = ''
    labels: Mapping[str, str] = field(default_factory=dict)
    server: str | None = None
    floating_ip: str | None = None
    created_by: str = AFTER_APPLY
    created_at: str = AFTER_APPLY

    @property
    def used_by(self) -> Tuple[str, ...]:
        """Who has it: while somebody does it is not deleted."""
        return (f'server {self.server}',) if self.server else ()

    def public(self) -> Dict[str, Any]:
        """The port as a result shows it."""
        return plain_fields(self)


class PortRequest(Request):
    """What a user asked for."""

    def problems(self) -> List[str]:
        """What is wrong with the request, whatever is there."""
        options = self.options
        problems = super().problems()
        problems += name_problems(options['network'], 'network') if 'network' in options else []
        problems += address_problems(options.get('fixed_ip'), 'fixed_ip')
        problems += mac_problems(options.get('mac'), 'mac')
        return problems + group_problems(options.get('security_groups'))


_NEW_PORT = fixed('a port keeps its place; make a port by another name')

TABLE: Table = {
    'network': _NEW_PORT,
    'fixed_ip': _NEW_PORT,
    'mac': _NEW_PORT,
    'security_groups': live,
    'description': live,
    'labels': live,
}
