# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Flavors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Tuple

from .change import AFTER_APPLY, plain_fields
from .effect import Table, fixed, live
from .problem import Problem, invalid
from .request import Request
from .status import TaskState

FAMILIES = ('general', 'cpu', 'memory', 'gpu')
# By option: the lowest and the highest value, and the unit.
_LIMITS = {
    'vcpus': (1, 256, ''),
    'memory': (32, 4 * 2**20, ' MiB'),
    'disk': (1, 5120, ' GB'),
    'max_vcpus': (1, 256, ''),
    'max_memory': (32, 4 * 2**20, ' MiB'),
}


@dataclass(frozen=True)
class Flavor:
    """A size of servers: vCPUs, memory in MiB, and the root volume in GB (2^30 bytes).

    ``max_vcpus``, ``max_memory``: what its servers can get while they run; None: no more.
    ``built_in``: it belongs to the cloud, and cannot be changed or deleted. ``limits``: of the
    bandwidth and the operations of its servers (flavor_limits.py), where there are any.
    ``shared_with``: projects, if its visibility is shared. ``owner``: its project, if that is not
    the one that is open. Servers of others in ``used_by`` are called PROJECT/NAME.
    """

    name: str
    family: str = 'general'
    vcpus: int = 1
    memory: int = 1024
    disk: int = 10
    max_vcpus: int | None = None
    max_memory: int | None = None
    description: str = ''
    labels: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    visibility: str = 'private'
    shared_with: Tuple[str, ...] = ()
    owner: str = ''
    built_in: bool = False
    used_by: Tuple[str, ...] = ()
    id: str = AFTER_APPLY
    task_state: TaskState | None = None
    unfinished: TaskState | None = None
    created_by: str = AFTER_APPLY
    created_at: str = AFTER_APPLY

    def completed(self) -> Flavor:
        """The flavor when its servers have the limits that it has."""
        return replace(self, task_state=None, unfinished=None)

    def public(self) -> Dict[str, Any]:
        """The flavor for the result of a module."""
        return plain_fields(self)


def amount_problems(options: Mapping[str, object]) -> List[Problem]:
    """Check the amounts among the options of a request."""
    problems = []
    for option, (lowest, highest, unit) in _LIMITS.items():
        value = options.get(option)
        if isinstance(value, int) and not lowest <= value <= highest:
            text = f'{value} is out of range; use {lowest} to {highest}{unit}'
            problems.append(invalid(option, text))
    return problems


class FlavorRequest(Request):
    """The requested state."""

    def problems(self) -> List[Problem]:
        """What is invalid in the request, regardless of what exists."""
        problems = super().problems() + amount_problems(self.options)
        if self.options.get('limits'):
            from .flavor_limits import limit_problems

            problems += limit_problems(self.options['limits'])
        if {'visibility', 'shared_with'} & {*self.options}:
            from .sharing import sharing_problems

            problems += sharing_problems(self.options)
        return problems


_IMMUTABLE = fixed(
    'existing servers of the flavor would no longer match it; create a flavor with another name'
)

TABLE: Table = {
    'family': live,
    'vcpus': _IMMUTABLE,
    'memory': _IMMUTABLE,
    'disk': _IMMUTABLE,
    'max_vcpus': live,
    'max_memory': live,
    'description': live,
    'labels': live,
    'limits': live,
    'visibility': live,
    'shared_with': live,
}
