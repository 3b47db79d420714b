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
        from .volume_snapshot_checks import check_volume

        check_volume(volume, observed, draft)
    return draft.finish(result, *_ORDER)


def _after_restore(
    request: VolumeSnapshotRequest,
    current: VolumeSnapshot,
    volume: Volume | None,
    observed: ObservedVolumeSnapshots,
    draft: Draft,
) -> VolumeSnapshot:
    """Complete a restore that was interrupted, before anything else is done with the snapshot."""
    from .volume_snapshot_checks import check_unused

    check_unused(volume, observed, draft)
    return draft.add(
        _KIND, Verb.RESTORE, current, current.completed(), why=COMPLETES_INTERRUPTED_RUN
    )


def _restored(
    request: VolumeSnapshotRequest,
    current: VolumeSnapshot | None,
    volume: Volume | None,
    observed: ObservedVolumeSnapshots,
    draft: Draft,
) -> Tuple[VolumeSnapshot, ...]:
    """Take the volume back to the snapshot."""
    from .volume_snapshot_checks import check_latest, check_unused

    if not draft.require(_KIND, request.name, observed.snapshots, 'name') or current is None:
        new = VolumeSnapshot(request.name, **request.options)
        return (draft.add(_KIND, Verb.RESTORE, None, new),)
    if current.unfinished in (TaskState.CREATING, TaskState.DELETING):
        draft.refuse(
            'state',
            f'{_KIND} {current.name} is unfinished ({current.unfinished}); complete it (state: '
            'present or absent), and restore another one',
        )
    check_unused(volume, observed, draft)
    if observed.latest_only and volume:
        check_latest(current, volume, observed, draft)
    why = COMPLETES_INTERRUPTED_RUN if current.unfinished else ''
    after = replace(current.completed(), **request.options)
    return (draft.add(_KIND, Verb.RESTORE, current, after, why=why),)
