# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Members of projects: users of Keystone by name, in the domain of their project.

The role admin of a project is called manager in Keystone. Whoever has its role admin is an
administrator of the whole cloud: that is neither given, shown nor taken away here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Dict, List, Set, Tuple

from ..._model.access import ADMIN, MEMBER
from ..api.api import Api, Raw
from ..api.services import IDENTITY

_ROLES = {ADMIN: 'manager', MEMBER: 'member'}
_SECRET = (403, 404)


def members_of(api: Api, project: str) -> Mapping[str, str] | None:
    """Return the roles of the members of a project; None if there are none, or none are shown."""
    found: Dict[str, str] = {}
    for user, role in _assigned(api, project):
        if found.get(user['name']) != ADMIN:
            found[user['name']] = role
    return dict(sorted(found.items())) or None


def _assigned(api: Api, project: str) -> List[Tuple[Raw, str]]:
    """The users with roles in a project, each with one of our roles."""
    names = {name: role for role, name in _ROLES.items()}
    path = f'/role_assignments?scope.project.id={project}&include_names=true'
    answer = api.find(IDENTITY, path, _SECRET)
    return [
        (one['user'], names[one['role']['name']])
        for one in answer.get('role_assignments', ())
        if 'user' in one
        and one['role']['name'] in names
        and one['user'].get('domain', {}).get('id') == api.domain_id
    ]


def members_problem(api: Api, members: Sequence[Tuple[str, str]]) -> str:
    """Return why these cannot be members; empty if they can."""
    missing = [name for name, _role in members if not _user(api, name)]
    if missing:
        return (
            f'members: the cloud {api.cloud} has no user {", ".join(missing)} in the domain of the '
            'project; use names of users of Keystone'
        )
    for role in sorted({role for _name, role in members}):
        if not _role(api, role):
            return (
                f'members: the cloud {api.cloud} has no role {_ROLES[role]} for a member with the '
                f'role {role}; ask its operator to create it'
            )
    return ''


def _user(api: Api, name: str) -> str:
    """The id of a user of a name; empty if there is none."""
    query = {'name': name, 'domain_id': api.domain_id}
    found = api.listed(IDENTITY, '/users', 'users', **query)
    return str(found[0]['id']) if found else ''


def _role(api: Api, role: str) -> str:
    """The id of a role; empty if there is none."""
    found = api.listed(IDENTITY, '/roles', 'roles', name=_ROLES[role])
    return str(found[0]['id']) if found else ''


def set_members(api: Api, project: str, members: Mapping[str, str] | None) -> None:
    """Let exactly these users be members, if any are declared."""
    if members is None:
        return
    roles = {role: _role(api, role) for role in _ROLES}
    wanted: Set[Tuple[str, str]] = {(_user(api, name), role) for name, role in members.items()}
    there = {(user['id'], role) for user, role in _assigned(api, project)}
    for user, role in sorted(wanted - there):
        api.put(IDENTITY, f'/projects/{project}/users/{user}/roles/{roles[role]}', None)
    for user, role in sorted(there - wanted):
        api.delete(IDENTITY, f'/projects/{project}/users/{user}/roles/{roles[role]}')
