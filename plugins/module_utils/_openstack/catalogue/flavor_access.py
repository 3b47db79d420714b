# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which projects may use a flavor: Nova keeps a list for one that is not public (os-flavor-access).

Its own project is that of the entry of clouds.yaml with which it was created. Only administrators
see the list.
"""

from __future__ import annotations

from typing import List, Tuple

from ..._model.flavor import Flavor
from ..._model.sharing import PRIVATE, PUBLIC, SHARED
from ..api.api import Api, Raw
from ..api.projects import project_ids, project_name
from ..api.services import COMPUTE

IS_PUBLIC = 'os-flavor-access:is_public'
_SECRET = (403, 404)
_THERE = (409,)


def sharing_of(api: Api, raw: Raw) -> Tuple[str, Tuple[str, ...]]:
    """Return the visibility of a flavor, and the names of the other projects that may use it."""
    if raw.get(IS_PUBLIC, True):
        return PUBLIC, ()
    own = api.project_id
    others = [project_name(api, one) for one in _allowed(api, raw['id']) if one != own]
    return SHARED if others else PRIVATE, tuple(sorted(others))


def _allowed(api: Api, identity: str) -> List[str]:
    """The ids of the projects that may use a flavor; none if the user may not see them."""
    answer = api.find(COMPUTE, f'/flavors/{identity}/os-flavor-access', _SECRET)
    return [one['tenant_id'] for one in answer.get('flavor_access', ())]


def unknown_projects(api: Api, names: Tuple[str, ...]) -> str:
    """Return why a flavor cannot be shared with projects; empty if all of them exist."""
    known = project_ids(api, names)
    missing = [name for name in names if name not in known]
    if not missing:
        return ''
    return (
        f'shared_with: the cloud {api.cloud} has no project {", ".join(missing)} in the domain of '
        f'{api.project}, or does not show it; use names of projects'
    )


def set_access(api: Api, identity: str, flavor: Flavor) -> None:
    """Let exactly the own project and those that it is shared with use a flavor.

    The own one is the last: until it sees the flavor, a run that was killed has not created it.
    """
    if flavor.visibility == PUBLIC:
        return
    known = project_ids(api, flavor.shared_with)
    wanted = [*(known[name] for name in flavor.shared_with), api.project_id]
    allowed = _allowed(api, identity)
    path = f'/flavors/{identity}/action'
    for project in wanted:
        if project not in allowed:
            body = {'addTenantAccess': {'tenant': project}}
            api.call(COMPUTE, 'POST', path, body, _THERE)
    for project in allowed:
        if project not in wanted:
            body = {'removeTenantAccess': {'tenant': project}}
            api.call(COMPUTE, 'POST', path, body, (404,))
