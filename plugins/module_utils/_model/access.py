# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who may do what in a project: its members, by their roles, and the admins of the host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import List, NamedTuple, Tuple

from .change import Change
from .kinds import KINDS
from .problem import Problem

ADMIN = 'admin'
MEMBER = 'member'
ROLES = (ADMIN, MEMBER)
SCHEDULE = 'schedule '  # and its name: the actor of its runs, a member of each project
Members = Mapping[str, str]  # roles by name
# What only admins of the host may do, by kind.
_PUBLISH = 'make it public'
_OF_HOST = {
    'project': 'create, delete or limit it',
    'image': _PUBLISH,
    'flavor': _PUBLISH,
}
# What members may not do, by kind; with others, what publishes them.
_ACTIONS = {'project': 'change it', 'floating_ip': 'create, change or delete it'}


class Access(NamedTuple):
    """What a user may do in a project. ``role``: empty if none.

    ``admins``: who may do everything. ``is_host_admin``: whether the settings of the host name the
    user. ``may_declare``: whether the user may create and delete projects, and set their quotas.
    """

    actor: str
    project: str
    role: str
    admins: Tuple[str, ...]
    is_host_admin: bool
    may_declare: bool
    host_admins: Tuple[str, ...] = ()

    def looking(self) -> List[Problem]:
        """Return why the user may not even look."""
        if self.role:
            return []
        who = f'{self.actor} has no role in the project {self.project}'
        return [_problem(who, self._project_admins())]

    def changing(self, changes: Iterable[Change]) -> List[Problem]:
        """Return why the user may not make these changes, each reason once."""
        problems = [self._changing(change) for change in changes]
        return list(dict.fromkeys(problem for problem in problems if problem))

    def _changing(self, change: Change) -> Problem | None:
        what = f'{KINDS[change.kind].title} {change.name}'
        if needs_host_admin(change) and not self.may_declare:
            action = _OF_HOST[change.kind]
            return _problem(
                f'{what}: only an admin of the host may {action}, and {self.actor} is none',
                self._host_admins(),
            )
        if self.role == ADMIN or not needs_admin(change):
            return None
        action = _ACTIONS.get(change.kind, 'create or change its floating IP')
        return _problem(
            f'{what}: only an admin of the project {self.project} may {action}, and {self.actor} '
            'is a member',
            self._project_admins(),
        )

    def _project_admins(self) -> str:
        return f'{" or ".join(self.admins)}, who may do it' if self.admins else self._host_admins()

    def _host_admins(self) -> str:
        return f'{" or ".join(self.host_admins)}, who may do it as admin of the host'


def _problem(text: str, admins: str) -> Problem:
    return Problem(f'{text}; ask {admins}', 'actor')


def access_of(
    actor: str, project: str, members: Members | None, host_admins: Sequence[str] | None
) -> Access | None:
    """Return what a user may do; None: everything, as anybody else.

    ``members``: None if none are declared. ``host_admins``: None if the settings name none.
    """
    if members is None and host_admins is None:
        return None
    members = members or {}
    is_host_admin = actor in (host_admins or ())
    return Access(
        actor,
        project,
        ADMIN if is_host_admin else _role_of(actor, members),
        tuple(name for name, role in members.items() if role == ADMIN),
        is_host_admin,
        host_admins is None or is_host_admin,
        tuple(host_admins or ()),
    )


def _role_of(actor: str, members: Members) -> str:
    return members.get(actor, MEMBER if actor.startswith(SCHEDULE) else '')


def needs_host_admin(change: Change) -> bool:
    """Whether only an admin of the host makes a change, where there are such."""
    if change.kind in ('image', 'flavor'):
        return _is_public(change.after) and not _is_public(change.before)
    if change.kind != 'project':
        return False
    before, after = (getattr(side, 'quotas', None) for side in (change.before, change.after))
    return before != after


def _is_public(item: object) -> bool:
    return getattr(item, 'visibility', None) == 'public'


def needs_admin(change: Change) -> bool:
    """Whether a member of a project may not make a change: it publishes something, or ends that."""
    if change.kind in ('floating_ip', 'project'):
        return True
    before, after = (getattr(side, 'floating_ip', None) for side in (change.before, change.after))
    return before != after
