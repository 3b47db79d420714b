# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Projects: what belongs together, and how much of a cloud it may use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Dict, List, Tuple

from .access import ADMIN
from .change import AFTER_APPLY, plain_fields
from .checks import DEFAULT_PROJECT, reference_problems
from .effect import Table, live
from .problem import Problem, invalid
from .request import Request

UNLIMITED = -1  # as a quota, in the words of OpenStack
MAX_QUOTA = 2**31 - 1
# What may be limited, with its unit. Each is called as what is limited is in needs.py, but for
# volume_size: that counts the root volumes of servers, too.
QUOTAS: Mapping[str, str] = {
    'servers': '',
    'vcpus': '',
    'memory': ' (MiB)',
    'volumes': '',
    'volume_size': ' (GB)',
    'server_snapshots': '',
    'networks': '',
    'ports': '',
    'security_groups': '',
    'security_group_rules': '',
    'floating_ips': '',
    'lbs': '',
}
RESOURCES: Mapping[str, str] = {
    quota: 'host_disk' if quota == 'volume_size' else quota for quota in QUOTAS
}
# What is held by a project beside what is counted here: these are parts of something else.
_PARTS = ('vcpus', 'memory', 'volume_size', 'ports', 'security_group_rules')


@dataclass(frozen=True)
class Project:
    """A project. ``quotas``: those that there are.

    ``used``: how much of what may be limited it has, and how many items of other kinds, without
    what it has none of. ``members``: roles by name; None if none are declared. ``id``: empty if it
    only exists because something is in it.
    """

    name: str
    description: str = ''
    labels: Mapping[str, str] = field(default_factory=dict)
    quotas: Mapping[str, int] = field(default_factory=dict)
    used: Mapping[str, int] = field(default_factory=dict)
    members: Mapping[str, str] | None = None
    id: str = AFTER_APPLY
    created_by: str = AFTER_APPLY
    created_at: str = AFTER_APPLY

    @property
    def is_declared(self) -> bool:
        """Whether a task has created it, not only something in it."""
        return bool(self.id)

    def held(self) -> Mapping[str, int]:
        """How many items it has that keep it from being deleted, by the plural of their kind."""
        return {kind: number for kind, number in self.used.items() if kind not in _PARTS}

    def public(self) -> Dict[str, Any]:
        """The project for the result of a module."""
        members = self.members
        shown = [{'name': name, 'role': role} for name, role in (members or {}).items()]
        return {**plain_fields(self), 'members': None if members is None else shown}


@dataclass(frozen=True)
class ProjectRequest(Request):
    """The requested state. Of the quotas only those that are set; -1 is none.

    Members are names and roles. ``actor``: who requests it.
    """

    actor: str = 'root'

    def problems(self) -> List[Problem]:
        """What is invalid in the request, regardless of what exists."""
        problems = super().problems()
        for quota, value in self.options.get('quotas', {}).items():
            if not UNLIMITED <= value <= MAX_QUOTA:
                text = f'{quota}: {value} is out of range; use 0 to {MAX_QUOTA}{QUOTAS[quota]}'
                problems.append(invalid('quotas', f'{text}, or -1 for no limit'))
        if self.state == 'absent' and self.name == DEFAULT_PROJECT:
            text = f'the project {self.name} is that of tasks that name none; it stays'
            problems.append(invalid('state', text))
        return problems + self._member_problems()

    def _member_problems(self) -> List[Problem]:
        members: Sequence[Tuple[str, str]] | None = self.options.get('members')
        if members is None:
            return []
        names = [name for name, _role in members]
        problems = [one for name in names for one in reference_problems(name, 'members')]
        twice = sorted({name for name in names if names.count(name) > 1})
        problems += [invalid('members', f'{name} is listed twice; keep one') for name in twice]
        if ADMIN not in [role for _name, role in members]:
            text = 'none of them is an admin; give one of them the role admin'
            problems.append(invalid('members', text))
        return problems

    def completed(self, current: Mapping[str, int]) -> Dict[str, Any]:
        """The options, with roles by name, and the quotas that result from those that there are."""
        options = dict(self.options)
        if 'members' in options:
            options['members'] = dict(sorted(options['members']))
        if 'quotas' not in options:
            return options
        quotas = {**current, **self.options['quotas']}
        known = {quota: quotas[quota] for quota in QUOTAS if quota in quotas}
        kept = {quota: value for quota, value in known.items() if value != UNLIMITED}
        return {**options, 'quotas': kept}


TABLE: Table = {'description': live, 'labels': live, 'quotas': live, 'members': live}
