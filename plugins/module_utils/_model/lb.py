# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Load balancers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Mapping, Tuple

from .change import AFTER_APPLY, plain_fields
from .checks import reference_problems
from .effect import Table, fixed, live
from .problem import Problem, invalid
from .request import Request
from .status import TaskState

ALGORITHMS = ('round_robin', 'least_connections', 'source_ip')
PROTOCOLS = ('http', 'tcp')
WAIT_FOR = ('healthy',)
# The operating status of a member, as in Octavia; UNKNOWN: the balancer does not report one (yet).
ONLINE = 'ONLINE'
ERROR = 'ERROR'
NO_MONITOR = 'NO_MONITOR'
UNKNOWN = 'UNKNOWN'


@dataclass(frozen=True, order=True)
class Listener:
    """A port of the balancer, and the port of the members that it forwards to."""

    port: int
    protocol: str = 'http'
    member_port: int = 80

    def public(self) -> Dict[str, Any]:
        """The listener for the result of a module."""
        return plain_fields(self)


@dataclass(frozen=True)
class HealthCheck:
    """How members are checked. ``port``: None is the port of the member. ``interval``: seconds.

    Two failures take a member out of service, two successes put it back.
    """

    protocol: str = 'http'
    port: int | None = None
    path: str = '/'
    interval: int = 1

    def public(self) -> Dict[str, Any]:
        """The check for the result of a module."""
        return plain_fields(self)


@dataclass(frozen=True)
class MemberHealth:
    """The status of a member (ONLINE, ERROR, NO_MONITOR, UNKNOWN), and why."""

    name: str
    status: str
    reason: str = ''

    def public(self) -> Dict[str, Any]:
        """The member for the result of a module."""
        return plain_fields(self)


@dataclass(frozen=True)
class Lb:
    """A load balancer. ``address``: in its network. ``health``: the current one of its members."""

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
    task_state: TaskState | None = None
    unfinished: TaskState | None = None
    created_by: str = AFTER_APPLY
    created_at: str = AFTER_APPLY
    health: Tuple[MemberHealth, ...] = field(default=(), compare=False)

    @property
    def status(self) -> str:
        """The status: BUILD, ACTIVE or ERROR."""
        if self.task_state == TaskState.CREATING:
            return 'BUILD'
        return 'ACTIVE' if self.running and not self.unfinished else 'ERROR'

    def completed(self) -> Lb:
        """The balancer when what was begun with it is done, unless that is its deletion."""
        is_new = TaskState.CREATING in (self.task_state, self.unfinished)
        return replace(self, task_state=None, unfinished=None, running=is_new or self.running)

    def public(self) -> Dict[str, Any]:
        """The balancer for the result of a module."""
        return {**plain_fields(self, 'running'), 'status': self.status}


@dataclass(frozen=True)
class LbRequest(Request):
    """The requested state."""

    floating_ip: str | None = None
    wait_for: str | None = None

    def problems(self) -> List[Problem]:
        """What is invalid in the request, regardless of what exists."""
        problems = super().problems()
        if 'listeners' in self.options:
            problems += _listener_problems(self.options['listeners'])
        for member in self.options.get('members', ()):
            problems += reference_problems(member, 'members')
        if 'network' in self.options:
            problems += reference_problems(self.options['network'], 'network')
        check: HealthCheck | None = self.options.get('health_check')
        return problems + (_check_problems(check) if check else [])


def _listener_problems(listeners: Tuple[Listener, ...]) -> List[Problem]:
    problems = []
    if not listeners:
        problems.append(invalid('listeners', 'the list is empty; specify at least one'))
    for listener in listeners:
        problems += _port_problems('listeners: port', listener.port)
        problems += _port_problems('listeners: member_port', listener.member_port)
    ports = [listener.port for listener in listeners]
    for port in sorted({port for port in ports if ports.count(port) > 1}):
        problems.append(invalid('listeners', f'port {port} is specified twice'))
    return problems


def _port_problems(option: str, port: int) -> List[Problem]:
    if 1 <= port <= 65535:
        return []
    text = f'{option}: {port} is not a port; use 1 to 65535'
    return [Problem(text, option.partition(':')[0], 'invalid')]


def _check_problems(check: HealthCheck) -> List[Problem]:
    import re

    problems = _port_problems('health_check: port', check.port) if check.port is not None else []
    if not re.match(r'/[A-Za-z0-9._~/?&=%+,;:@-]{0,255}\Z', check.path):
        problems.append(
            invalid(
                'health_check',
                f'path {check.path!r} is not a valid path; begin it with /, and use no spaces',
            )
        )
    if not 1 <= check.interval <= 3600:
        problems.append(
            invalid(
                'health_check',
                f'interval {check.interval} is out of range; use 1 to 3600 (seconds)',
            )
        )
    return problems


TABLE: Table = {
    'network': fixed('a balancer cannot move to another network; delete and re-create it'),
    'algorithm': live,
    'listeners': live,
    'members': live,
    'health_check': live,
    'floating_ip': live,
    'description': live,
    'labels': live,
    'running': live,
}
