# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of snapshots of volumes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Tuple

from .._model.change import Draft, Plan
from .._model.effect import COMPLETES_INTERRUPTED_RUN
from .._model.kinds import Verb
from .._model.status import TaskState
from .._model.volume_snapshot import TABLE, VolumeSnapshot, VolumeSnapshotRequest
from .common import plan_one

if TYPE_CHECKING:
    from .._model.server import Server
    from .._model.volume import Volume

_KIND = 'volume_snapshot'
_ORDER = tuple((_KIND, verb) for verb in (Verb.RESTORE, Verb.DELETE, Verb.CREATE, Verb.UPDATE))


@dataclass(frozen=True)
class ObservedVolumeSnapshots:
    """The snapshots of a volume, the oldest first, the volume itself, and its server, by name.

    ``volumes``: all of them, if the one does not exist. ``latest_only``: see VolumeSnapshots
    of the contract.
    """

    snapshots: Mapping[str, VolumeSnapshot] = field(default_factory=dict)
    volumes: Mapping[str, Volume] = field(default_factory=dict)
    servers: Mapping[str, Server] = field(default_factory=dict)
    latest_only: bool = False


def plan(request: VolumeSnapshotRequest, observed: ObservedVolumeSnapshots) -> Plan[VolumeSnapshot]:
    """Create, update, restore or delete one snapshot."""
    draft = Draft()
    current = draft.settled(_KIND, observed.snapshots.get(request.name))
    volume: Volume | None = draft.settled('volume', observed.volumes.get(request.volume))
    if request.state == 'restored':
        return draft.finish(_restored(request, current, volume, observed, draft))
    if current and current.unfinished == TaskState.RESTORING:
        current = _after_restore(request, current, volume, observed, draft)

    def new() -> VolumeSnapshot:
        if not draft.require('volume', request.volume, observed.volumes):
            return VolumeSnapshot(request.name, **request.options)
        return VolumeSnapshot(request.name, volume.size if volume else 0, **request.options)

    result = plan_one(_KIND, request, current, TABLE, new, draft)
    if any(change.verb != Verb.UPDATE for change in draft.changes):
        _check_volume(volume, observed, draft)
    return draft.finish(result, *_ORDER)


def _after_restore(
    request: VolumeSnapshotRequest,
    current: VolumeSnapshot,
    volume: Volume | None,
    observed: ObservedVolumeSnapshots,
    draft: Draft,
) -> VolumeSnapshot:
    """Complete a restore that was interrupted, before anything else is done with the snapshot."""
    _check_unused(volume, observed, draft)
    return draft.add(
        _KIND, Verb.RESTORE, current, current.completed(), why=COMPLETES_INTERRUPTED_RUN
    )


def _check_volume(
    volume: Volume | None, observed: ObservedVolumeSnapshots, draft: Draft
) -> Server | None:
    """Refuse a volume whose disk is not as it should be; return its server."""
    if volume is None:
        return None
    if volume.file_system:
        draft.refuse(
            'volume',
            f'volume {volume.name} is for containers (file_system: {volume.file_system}), and has '
            'no snapshots; attach it to a container, and copy its files',
        )
    if volume.unavailable:
        draft.refuse('volume', f'volume {volume.name}: {volume.unavailable}')
    if volume.disk_missing:
        from .._model.volume import DISK_MISSING

        draft.refuse(
            'volume',
            f'volume {volume.name}: {DISK_MISSING}; delete the volume (state: absent) and '
            're-create it',
        )
    if volume.unfinished:
        draft.refuse(
            'volume',
            f'volume {volume.name} is unfinished ({volume.unfinished}); run its task again first',
        )
    server: Server | None = draft.settled('server', observed.servers.get(volume.server or ''))
    if server:
        from .server_state import check_server

        check_server(server, Verb.SNAPSHOT, draft)
    return server


def _restored(
    request: VolumeSnapshotRequest,
    current: VolumeSnapshot | None,
    volume: Volume | None,
    observed: ObservedVolumeSnapshots,
    draft: Draft,
) -> Tuple[VolumeSnapshot, ...]:
    """Take the volume back to the snapshot."""
    if not draft.require(_KIND, request.name, observed.snapshots, 'name') or current is None:
        new = VolumeSnapshot(request.name, **request.options)
        return (draft.add(_KIND, Verb.RESTORE, None, new),)
    if current.unfinished in (TaskState.CREATING, TaskState.DELETING):
        draft.refuse(
            'state',
            f'{_KIND} {current.name} is unfinished ({current.unfinished}); complete it (state: '
            'present or absent), and restore another one',
        )
    _check_unused(volume, observed, draft)
    if observed.latest_only and volume:
        _check_latest(current, volume, observed, draft)
    why = COMPLETES_INTERRUPTED_RUN if current.unfinished else ''
    after = replace(current.completed(), **request.options)
    return (draft.add(_KIND, Verb.RESTORE, current, after, why=why),)


def _check_unused(volume: Volume | None, observed: ObservedVolumeSnapshots, draft: Draft) -> None:
    """Refuse to change the disk of a guest that runs."""
    server = _check_volume(volume, observed, draft)
    if server and volume and server.power != 'stopped':
        draft.refuse(
            'state',
            f'volume {volume.name} is attached to {server.name}, which is running; stop that first '
            '(server: state: stopped), or detach the volume',
        )


def _check_latest(
    current: VolumeSnapshot, volume: Volume, observed: ObservedVolumeSnapshots, draft: Draft
) -> None:
    """Refuse what Cinder does not take back."""
    *_others, latest = observed.snapshots
    reasons = [
        *([f'{volume.name} is attached to {volume.server}'] if volume.server else ()),
        *([f'{latest} is later'] if latest != current.name else ()),
        *(
            [f'{volume.name} has {volume.size} GB, and had {current.size}']
            if volume.size != current.size
            else ()
        ),
    ]
    if reasons:
        draft.refuse(
            'state',
            f'{_KIND} {current.name}: {"; ".join(reasons)}; this cloud restores only the latest '
            'snapshot of a detached volume of the same size; create a volume from it (volume: '
            'snapshot)',
        )
