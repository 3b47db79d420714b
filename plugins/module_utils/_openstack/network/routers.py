# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The router of a project, by which its networks reach the external one, and each other."""

from __future__ import annotations

from typing import List, NamedTuple

from ..api.api import Api, Raw
from ..api.lists import all_ports
from ..api.names import check_unique, is_own, named
from ..api.services import NETWORK
from .pools import external_networks, pool_id
from .port_users import is_of_router
from .tags import created_once, is_ours

NAME = 'hanok'
_PATH = '/routers'


class Router(NamedTuple):
    """The id of a router, or of the external network that a new one leads to.

    Both are None if there is no external network.
    """

    id: str | None = None
    external: str | None = None


def find_router(api: Api) -> Router:
    """Return the router with the name hanok, else the only one with a gateway, else a new one.

    Raises Refused if it is not known which external network the new one leads to.
    """
    project = api.project_id
    own = [raw for raw in _routers(api) if is_own(raw, project)]
    ours = named(own, [NAME], project, is_ours)
    ids = [raw['id'] for raw in ours]
    check_unique('router', NAME, ids)
    found = ours or [raw for raw in own if raw['external_gateway_info']]
    if len(found) == 1:
        return Router(found[0]['id'])
    if external_networks(api):
        return Router(external=pool_id(api))
    note = f'the cloud {api.cloud} has no external network: its networks lead nowhere'
    if note not in api.notes:
        api.notes.append(note)
    return Router()


def _routers(api: Api) -> List[Raw]:
    return list(api.listed(NETWORK, _PATH, 'routers'))


def router_id(api: Api) -> str | None:
    """Return the id of the router, which is created if there is none."""
    router = find_router(api)
    if router.id or not router.external:
        return router.id
    gateway = {'network_id': router.external}
    body = {'name': NAME, 'external_gateway_info': gateway}
    own = {'created_by': api.actor}
    created = created_once(api, _PATH, 'router', body, own)
    return str(created['id'])


def delete_if_unused(api: Api, identity: str) -> None:
    """Delete a router that this collection created, if it connects no network any more."""
    found = [raw for raw in _routers(api) if raw['id'] == identity]
    ports = [port for port in all_ports(api) if port['device_id'] == identity]
    is_used = any(map(is_of_router, ports))
    if any(map(is_ours, found)) and not is_used:
        # Another run may have connected a network by now: it is in use then.
        api.delete(NETWORK, f'{_PATH}/{identity}', (404, 409))
