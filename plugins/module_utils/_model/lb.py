# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a load balancer is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Tuple

from .change import AFTER_APPLY, Table, fixed, live, plain_fields
from .checks import host_name_problems, name_problems
from .request import Request

ALGORITHMS = ('round_robin', 'least_connections', 'source_ip')
PROTOCOLS = ('http', 'tcp')
WAIT_FOR = ('healthy',)
# The operating status of a member, in Octavia's words; unknown: the balancer does not tell (yet).
ONLINE, ERROR, NO_MONITOR, UNKNOWN = 'ONLINE', 'ERROR', 'NO_MONITOR', 'UNKNOWN'


@dataclass(frozen=True, order=True)
class Listener:
    """A port that the balancer listens on, and the port of the members behind it."""

    port: int
    protocol: str = 'http'
    member_port: int = 80

    def public(self) -> Dict[str, Any]:
        """The listener as a result shows it."""
        return plain_fields(self)


@dataclass(frozen=True)
class HealthCheck:
    """How a member is found to be alive. ``port``: None is the member's own. ``interval``: seconds. Two failures: out; two successes: back."""

    protocol: str = 'http'
    port: int | None = None
    path: str = '/'
    interval: int = 1

    def public(self) -> Dict[str, Any]:
        """The check as a result shows it."""
        return plain_fields(self)


@dataclass(frozen=True)
class MemberHealth:
    """How a member is: ``status`` (ONLINE, ERROR, NO_MONITOR, UNKNOWN), and what its last check found."""

    name: str
    status: str
    reason: str = ''

    def public(self) -> Dict[str, Any]:
        """The member as a result shows it."""
        return plain_fields(self)


@dataclass(frozen=True)
class Lb:
    """A load balancer. ``address``: where it listens, in its network. ``health``: of its members, as it is now."""

    name: str
    network: str = 'default'
    algorithm: str = 'round_robin'
    listeners: Tuple[Listener, ...] = ()
    members: Tuple[str, ...] = ()
    health_check: HealthCheck | None = None
    floating_ip: str | None = None
    description: str = ''
    labels: Mapping[str, str] = field(default_factory=dict)
    address: str = AFTER_APPLY
    id: str = AFTER_APPLY
    running: bool = True
    task_state: str | None = None
    created_by: str = AFTER_APPLY
    created_at: str = AFTER_APPLY
    health: Tuple[MemberHealth, ...] = field(default=(), compare=False)

    def public(self) -> Dict[str, Any]:
        """The balancer as a result shows it."""
        return {
            **plain_fields(self, 'running'),
            'status': 'BUILD'
            if self.task_state == 'creating'
            else 'ACTIVE'
            if self.running
            else 'ERROR',
        }


@dataclass(frozen=True)
class LbRequest(Request):
    """What a user asked for."""

    floating_ip: str | None = None
    wait_for: str | None = None

    def problems(self) -> List[str]:
        """What is wrong with the request, whatever is there."""
        problems = super().problems()
        listeners: Tuple[Listener, ...] = self.options.get('listeners', ())
        if 'listeners' in self.options and not listeners:
            problems.append('listeners: give one at least')
        for listener in listeners:
            problems += _port_problems('listeners: port', listener.port) + _port_problems(
                'listeners: member_port', listener.member_port
            )
        ports = [listener.port for listener in listeners]
        problems += [
            f'listeners: port {port} is there twice'
            for port in sorted({port for port in ports if ports.count(port) > 1})
        ]
        problems += [
            problem
            for member in self.options.get('members', ())
            for problem in host_name_problems(member, 'members')
        ]
        problems += (
            name_problems(self.options['network'], 'network') if 'network' in self.options else []
        )
        check: HealthCheck | None = self.options.get('health_check')
        return problems + (_check_problems(check) if check else [])


def _port_problems(option: str, port: int) -> List[str]:
    return [] if 1 <= port <= 65535 else [f'{option}: {port} is not a port; give 1 to 65535']


def _check_problems(check: HealthCheck) -> List[str]:
    import re

    problems = _port_problems('health_check: port', check.port) if check.port is not None else []
    if not re.match(r'/[A-Za-z0-9._~/?&=%+,;:@-]{0,255}\Z', check.path):
        problems.append(
            f'health_check: path {check.path!r} is not a path; begin it with /, without spaces'
        )
    if not 1 <= check.interval <= 3600:
        problems.append(
            f'health_check: interval {check.interval} is out of range; give 1 to 3600 (seconds)'
        )
    return problems


TABLE: Table = {
    'network': fixed('a balancer stays in its network; delete it and make it again'),
    'algorithm': live,
    'listeners': live,
    'members': live,
    'health_check': live,
    'floating_ip': live,
    'description': live,
    'labels': live,
    'running': live,
}
