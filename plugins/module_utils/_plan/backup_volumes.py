# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes in backups of servers: those that a new one has, and those that a restore replaces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from .._model.backup import Backup
from .._model.backup_volume import VolumeCopy, copy_of
from .._model.change import Draft
from .._model.volume import Volume

if TYPE_CHECKING:
    from .._model.server import Server


def with_volumes(
    new: Backup,
    begun: Backup | None,
    server: Server,
    volumes: Mapping[str, Volume],
    draft: Draft,
) -> Backup:
    """A new backup with the volumes that its server has. ``begun``: by an interrupted run."""
    names = server.volumes if new.include_volumes else ()
    found = [volumes[name] for name in names if name in volumes]
    for volume in found:
        _check_whole(volume, draft)
        _check_disk(volume, draft)
    if new.include_volumes and server.read_only_volumes:
        draft.notes.append(
            f'volume {", ".join(server.read_only_volumes)}: attached read-only; it is not in the '
            'backup'
        )
    if begun:
        _check_begun(begun, found, draft)
    return replace(new, volumes=tuple(map(copy_of, found)))


def _check_begun(begun: Backup, found: Iterable[Volume], draft: Draft) -> None:
    """Refuse to complete a backup with other volumes than it was begun with."""
    before = {copy.id: copy.name for copy in begun.volumes}
    if before and {*before} != {volume.id for volume in found}:
        draft.refuse(
            'server',
            f'backup {begun.name} was begun with other volumes ({", ".join(before.values())}) than '
            'it would have now; delete it first (state: absent)',
        )


def check_targets(
    backup: Backup, server: Server, volumes: Mapping[str, Volume], draft: Draft
) -> None:
    """Refuse volumes whose disks cannot be replaced; say which are not."""
    existing = {volume.id: volume for volume in volumes.values()}
    for copy in backup.volumes:
        volume = existing.pop(copy.id, None)
        if volume:
            _check_target(backup, copy, volume, server, draft)
        else:
            draft.notes.append(
                f'volume {copy.name}: it no longer exists, and is not restored; a new one is '
                f'created from the backup (volume: backup: {backup.name}/{copy.name})'
            )
    later = sorted(one.name for one in existing.values() if one.server == server.name)
    if later:
        draft.notes.append(
            f'volume {", ".join(later)}: attached after the backup {backup.name} was made; it is '
            'not restored'
        )


def _check_target(
    backup: Backup, copy: VolumeCopy, volume: Volume, server: Server, draft: Draft
) -> None:
    name = volume.name
    _check_whole(volume, draft)
    if volume.server != server.name:
        draft.refuse(
            'state',
            f'backup {backup.name}: the volume {name} that is in it is not attached to '
            f'{server.name}; attach it first (volume: state: attached)',
        )
    if volume.snapshots or volume.server_snapshots:
        names = ', '.join([*volume.snapshots, *volume.server_snapshots])
        draft.refuse(
            'state',
            f'volume {name} has snapshots ({names}), which are in the disk that is replaced; '
            'delete those first',
        )
    if volume.size < copy.volume_size:
        draft.refuse(
            'state',
            f'backup {backup.name} has {copy.volume_size} GB of the volume {name}, which has '
            f'only {volume.size}; extend that first (volume: size: {copy.volume_size})',
        )


def _check_disk(volume: Volume, draft: Draft) -> None:
    """Refuse a volume that is no disk."""
    if volume.file_system:
        draft.refuse(
            'include_volumes',
            f'include_volumes: volume {volume.name} is for containers (file_system: '
            f'{volume.file_system}), and is in no backup; omit it, and back up the files of the '
            'volume from inside the container',
        )


def _check_whole(volume: Volume, draft: Draft) -> None:
    """Refuse a volume of which there is no disk now, or not the one that there will be."""
    if volume.unfinished:
        draft.refuse(
            'server',
            f'volume {volume.name} is unfinished ({volume.unfinished}); run its task again first',
        )
    elif volume.fault:
        draft.refuse('server', f'volume {volume.name}: {volume.fault}')
