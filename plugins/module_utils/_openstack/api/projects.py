# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The projects of a user, by the names that tasks have for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Dict, List

from ..._model.checks import DEFAULT_PROJECT
from .api import Api, Raw
from .clouds_yaml import belongs_to_project
from .services import IDENTITY


def project_names(api: Api) -> List[str]:
    """Return the projects in which the user has a role, in the domain of the one that is open.

    The open one has the name that the task has for it. No task can name one that is called like
    the project of the entry.
    """
    if belongs_to_project(api.auth_type):
        return [api.project]
    found = {raw['id']: raw for raw in api.pages(IDENTITY, '/auth/projects', 'projects')}
    own = found.pop(api.project_id, {})
    others = [
        raw['name']
        for raw in found.values()
        if raw.get('enabled', True) and raw.get('domain_id') == own.get('domain_id')
    ]
    return [api.project, *sorted(name for name in others if name != DEFAULT_PROJECT)]


def project_ids(api: Api, names: Iterable[str]) -> Dict[str, str]:
    """Return the ids of projects by name, of those that exist in the domain of the open one."""
    found: Dict[str, str] = {}
    for name in names:
        raw = {'id': api.project_id} if name == api.project else named_project(api, name)
        if raw:
            found[name] = raw['id']
    return found


def named_project(api: Api, name: str) -> Raw | None:
    """Return a project of the domain of the open one. Raises Unsupported for who may not look."""
    query = {'name': name, 'domain_id': api.domain_id}
    found = api.pages(IDENTITY, '/projects', 'projects', **query)
    return found[0] if found else None


def project_name(api: Api, identity: str) -> str:
    """Return the name of a project; its id if the user may not see it."""
    answer = api.find(IDENTITY, f'/projects/{identity}', (403, 404))
    return str(answer['project']['name']) if answer else identity
