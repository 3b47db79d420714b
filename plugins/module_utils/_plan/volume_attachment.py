# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of the attachment of volumes: imported when something may change about it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Sequence

from .._model.change import Draft
from .._model.checks import join_names
from .._model.kinds import Verb
from .._model.server_type import CONTAINER
from .._model.volume import Volume
from .._model.volume_request import VolumeRequest
from .._model.volume_servers import joining, leaving
from .server_state import check_bus
from .server_state import check_server as check_status

if TYPE_CHECKING:
    from .._model.server import Server
    from .volume import ObservedVolumes

MAX_VOLUMES = 15  # of a server, besides the root volume


def attach_and_detach(
    request: VolumeRequest,
    current: Volume,
    observed: ObservedVolumes,
    draft: Draft,
) -> Volume:
    """Detach the volume from the servers that lose it, and attach it to others then."""
    lost, gained = leaving(request, current), joining(request, current)
    for name in gained:
        if draft.require('server', name, observed.servers):
            _check_joining(current, observed.servers[name], draft)
    if lost:
        current = _detach(request, lost, current, observed, draft)
    if gained and request.read_only:
        from .volume_readers import attach

        return attach(gained, current, observed, draft)
    for name in gained:
        after = replace(current, server=name)
        current = _connection(request, current, after, name, Verb.ATTACH, observed, draft)
    return current


def _check_joining(volume: Volume, server: Server, draft: Draft) -> None:
    others = {*server.volumes} - {volume.name}
    if len(others) >= MAX_VOLUMES:
        draft.refuse(
            'server',
            f'server: {server.name} has {len(others)} volumes; a server has at most '
            f'{MAX_VOLUMES} besides its root volume',
        )
    check_server(server, Verb.ATTACH, draft)


def _connection(
    request: VolumeRequest,
    before: Volume,
    after: Volume,
    name: str | None,
    verb: Verb,
    observed: ObservedVolumes,
    draft: Draft,
) -> Volume:
    """Add the change by which a server gets or loses a volume. ``name``: of the server."""
    server = observed.servers.get(name or '')
    is_container = server is not None and server.type == CONTAINER
    if server is None or not (is_container or before.file_system or request.mount_point):
        return draft.add('volume', verb, before, after)
    from .volume_files import attached, effect_on

    if verb == Verb.ATTACH:
        after = attached(request, after, server, observed, draft)
    return draft.add('volume', verb, before, after, effect_on(server, before, request, draft))


def check_server(server: Server | None, verb: Verb, draft: Draft) -> None:
    """Refuse what the state of a server, or the bus of its disks, does not allow."""
    check_status(server, verb, draft)
    if server and verb in (Verb.ATTACH, Verb.DETACH):
        check_bus(server, draft)


def _detach(
    request: VolumeRequest,
    servers: Sequence[str],
    current: Volume,
    observed: ObservedVolumes,
    draft: Draft,
) -> Volume:
    """Detach the volume from servers; what a guest has mounted only with force."""
    for name in servers:
        check_server(observed.servers.get(name), Verb.DETACH, draft)
    if current.server_snapshots:
        draft.refuse(
            'state',
            f'volume {current.name} is part of snapshots of its server '
            f'({join_names(current.server_snapshots)}); delete those first (server_snapshot: '
            'state: absent)',
        )
    where = ', '.join(observed.mounted_in or servers)
    if observed.mounted and not request.force:
        draft.refuse(
            'force',
            f'volume {current.name} is mounted in {where}, and data would be lost; '
            'unmount it there first, or set force: true',
        )
    if observed.mounted is None:
        draft.notes.append(_unknown_mount(current, where, observed.sees_guests))
    after = replace(current.released(tuple(servers)), cloud_status=None)
    return _connection(request, current, after, current.server, Verb.DETACH, observed, draft)


def _unknown_mount(current: Volume, where: str, sees_guests: bool) -> str:
    if sees_guests:
        return (
            f'whether volume {current.name} is mounted is unknown: the guest agent of '
            f'{where} does not answer'
        )
    return (
        f'whether volume {current.name} is mounted is unknown: this cloud does not see into '
        f'{where}; unmount it there first'
    )
