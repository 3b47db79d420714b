# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The modules server_snapshot and server_snapshot_info: requests, and observations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Sequence, Tuple

from .._cloud import Cloud, Names
from .._model.root_volume import root_name
from .._model.server_snapshot import ServerSnapshot, ServerSnapshotRequest
from .._model.snapshot import STATES, full_name, own_name
from .._plan.server_snapshot import ObservedServerSnapshots, is_steady, plan
from .operations import snapshots_of
from .options import METADATA, NAME, by_name, metadata_options
from .resource import Resource
from .run import run

if TYPE_CHECKING:
    from .._model.server import Server

ARGUMENTS: Dict[str, Any] = {
    'name': NAME,
    'server': {'type': 'str', 'required': True},
    'state': {'type': 'str', 'choices': list(STATES), 'default': 'present'},
    'memory': {'type': 'bool'},
    **METADATA,
}


def request(params: Dict[str, Any]) -> ServerSnapshotRequest:
    """Return the request of the task."""
    return ServerSnapshotRequest(
        full_name(params['server'], params['name']),
        params['state'],
        metadata_options(params),
        params['server'],
        params['memory'],
    )


def observe(
    cloud: Cloud, requested: ServerSnapshotRequest
) -> Tuple[ObservedServerSnapshots, Names]:
    """Return the snapshots of the server, and the server with its volumes."""
    found = by_name('server_snapshot', snapshots_of(cloud).list(server=requested.server))
    names = {('server', requested.server)}
    current = found.get(requested.name)
    if current and is_steady(requested, current):
        return ObservedServerSnapshots(found), names
    servers = by_name('server', cloud.servers.list([requested.server]))
    if not servers:
        return ObservedServerSnapshots(found, _all_servers(cloud, requested)), names
    (server,) = servers.values()
    volumes = cloud.volumes.list([root_name(server.name), *server.volumes])
    shortage = ''
    if requested.state == 'restored' and current and not current.unfinished:
        shortage = snapshots_of(cloud).shortage(requested.name)
    return ObservedServerSnapshots(found, servers, by_name('volume', volumes), shortage), names


def _all_servers(cloud: Cloud, requested: ServerSnapshotRequest) -> Dict[str, Server]:
    """All servers, for the message that the one does not exist."""
    if requested.state == 'absent':
        return {}
    return by_name('server', cloud.servers.list())


def reload(cloud: Cloud, planned: Sequence[ServerSnapshot]) -> Sequence[ServerSnapshot]:
    """Return the snapshot after the changes."""
    return snapshots_of(cloud).list([snapshot.name for snapshot in planned])


RESOURCE = Resource('server_snapshot', ARGUMENTS, request, observe, plan, reload)


def main() -> None:
    """Run the module server_snapshot."""
    run(RESOURCE)


def main_info() -> None:
    """Run the module server_snapshot_info."""
    from .info import run_info

    run_info('server_snapshot', _observe_info, {'server': {'type': 'str'}})


def _observe_info(cloud: Cloud, params: Dict[str, Any]) -> Sequence[Dict[str, Any]]:
    found = snapshots_of(cloud).list(server=params['server'])
    name = params['name']
    return [one.public() for one in found if name is None or own_name(one.name) == name]
