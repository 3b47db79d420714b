# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module server_action: parameters to requests, observations, waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Sequence, Tuple

from .._cloud import Cloud, Names
from .._model.server import Server
from .._model.server_action import ACTIONS, ServerActionRequest
from .._plan.server_action import ObservedActions, plan
from .options import by_name, names_of
from .references import References
from .resource import Resource
from .run import run
from .server import WAIT_FOR, guests_ready, reload

if TYPE_CHECKING:
    from .._cloud.items import Items
    from .wait import Condition

ARGUMENTS: Dict[str, Any] = {
    'action': {'type': 'str', 'choices': list(ACTIONS), 'required': True},
    'name': {'type': 'str'},
    'names': {'type': 'list', 'elements': 'str'},
    'labels': {'type': 'dict'},
    'flavor': {'type': 'str'},
    'vcpus': {'type': 'int'},
    'memory': {'type': 'int'},
    'image': {'type': 'str'},
    'new_name': {'type': 'str'},
    'force': {'type': 'bool', 'default': False},
    'wait_for': {'type': 'str', 'choices': list(WAIT_FOR), 'default': 'running'},
    'max_unavailable': {'type': 'int', 'default': 1},
}
_RULES = {'required_one_of': [('name', 'names', 'labels')]}


def request(params: Dict[str, Any]) -> ServerActionRequest:
    """Return the request of the task."""
    from .._model.checks import labels_of

    return ServerActionRequest(
        action=params['action'],
        name=params['name'],
        names=names_of(params['names'] or ()),
        labels=labels_of(params['labels'] or {}),
        flavor=params['flavor'],
        vcpus=params['vcpus'],
        memory=params['memory'],
        image=params['image'],
        new_name=params['new_name'],
        force=params['force'],
        wait_for=params['wait_for'] if params['wait'] else 'running',
        max_unavailable=params['max_unavailable'],
    )


def observe(cloud: Cloud, requested: ServerActionRequest) -> Tuple[ObservedActions, Names]:
    """Return the selected servers and what the action refers to, with the names to lock."""
    servers = by_name('server', _selected(cloud, requested))
    names = {('server', name) for name in servers}
    names |= {('server', name) for name in (requested.name, requested.new_name) if name}
    needs_image = requested.action in ('rebuild', 'rescue')
    found = ObservedActions(
        servers,
        flavors=_listed('flavor', cloud.flavors) if requested.flavor else {},
        images=_listed('image', cloud.images) if needs_image else {},
        dns_owners=cloud.servers.dns_owners([requested.new_name]) if requested.new_name else {},
    )
    return found, names


def _selected(cloud: Cloud, requested: ServerActionRequest) -> List[Server]:
    wanted = {*requested.names, requested.name, requested.new_name}
    if requested.labels:
        listed = cloud.servers.list()
    else:
        listed = cloud.servers.list([name for name in wanted if name], requested.name)
    return [server for server in listed if _is_selected(server, requested, wanted)]


def _is_selected(server: Server, requested: ServerActionRequest, wanted: set[str | None]) -> bool:
    if server.name in wanted or (requested.name and server.member_of == requested.name):
        return True
    labels = requested.labels.items()
    return bool(labels) and labels <= server.labels.items()


def _listed(kind: str, items: Items[Any]) -> Dict[str, Any]:
    return References(kind, items.list())


def wait(cloud: Cloud, requested: ServerActionRequest, items: Sequence[Server]) -> Condition | None:
    """Return what the guests of the servers that run are waited for."""
    started = [server for server in items if server.power == 'started']
    if requested.wait_for == 'running' or not started:
        return None
    return guests_ready(cloud, requested.wait_for, started)


RESOURCE = Resource(
    'server',
    ARGUMENTS,
    request,
    observe,
    plan,
    reload,
    wait=wait,
    module='server_action',
    is_list=True,
    rules=_RULES,
)


def main() -> None:
    """Run the module server_action."""
    run(RESOURCE)
