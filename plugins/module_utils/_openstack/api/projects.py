# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The projects of a user, by the names that tasks have for them."""

from __future__ import annotations

from typing import List

from ..._model.checks import DEFAULT_PROJECT
from .api import Api
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
