# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a new volume is a copy of."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .._model.change import Draft
from .._model.image import DISK_FORMATS
from .._model.snapshot import own_name
from .checks import check_image_disk

if TYPE_CHECKING:
    from .._model.image import Image
    from .._model.volume import Volume
    from .._model.volume_snapshot import VolumeSnapshot
    from .volume import ObservedVolumes

_KINDS = {'source_volume': 'volume', 'snapshot': 'volume_snapshot'}


def with_source(new: Volume, observed: ObservedVolumes, draft: Draft) -> Volume:
    """The new volume, by default as large as its source; refuse what cannot be copied."""
    kind, _colon, name = (new.source or '').partition(':')
    if kind == 'image':
        least = _of_image(name, observed, draft)
    elif kind == 'snapshot':
        least = of_snapshot(name, observed, draft)
    elif kind == 'backup':
        least = _of_backup(name, observed, draft)
    else:
        least = of_volume(name, observed, draft, kind)
    if new.size and new.size < least:
        draft.refuse(
            'size',
            f'size: {new.size} GB is less than {kind} {name} needs ({least} GB); use at least that',
        )
    return replace(new, size=new.size or least)


def _of_image(name: str, observed: ObservedVolumes, draft: Draft) -> int:
    """The size that a copy of an image has at least, in GB."""
    if not draft.require('image', name, observed.images):
        return 1
    image: Image | None = draft.settled('image', observed.images[name])
    if image is None:
        draft.miss('image', f'image {name} is being deleted by another run')
        return 1
    check_image_disk(image, draft)
    if image.unfinished:
        _refuse_unfinished('image', image, draft)
    if image.disk_format != DISK_FORMATS[0]:
        draft.refuse(
            'image',
            f'image {name} is no disk (disk_format: {image.disk_format}); use the image of a disk',
        )
    return image.min_disk if isinstance(image.min_disk, int) else 1


def of_volume(name: str, observed: ObservedVolumes, draft: Draft, option: str) -> int:
    """The size that a copy of a volume has at least, in GB."""
    if not draft.require('volume', name, observed.volumes, option):
        return 1
    volume: Volume | None = draft.settled('volume', observed.volumes[name])
    if volume is None:
        draft.miss(option, f'volume {name} is being deleted by another run')
        return 1
    if volume.fault:
        draft.refuse(option, f'volume {name}: {volume.fault}; copy another volume')
    if volume.file_system:
        draft.refuse(
            option,
            f'volume {name} is for containers (file_system: {volume.file_system}), and is not '
            'copied as a disk; attach it to a container, and copy its files',
        )
    if volume.unfinished:
        _refuse_unfinished(option, volume, draft)
    _check_not_in_use(volume, observed, draft, option)
    return volume.size


def of_snapshot(name: str, observed: ObservedVolumes, draft: Draft) -> int:
    """The size that a copy of a snapshot has at least, in GB."""
    if not draft.require('volume_snapshot', name, observed.snapshots, 'snapshot'):
        return 1
    snapshot: VolumeSnapshot | None = draft.settled('volume_snapshot', observed.snapshots[name])
    if snapshot is None:
        draft.miss('snapshot', f'volume_snapshot {name} is being deleted by another run')
        return 1
    if snapshot.unfinished:
        _refuse_unfinished('snapshot', snapshot, draft)
    volume: Volume | None = draft.settled('volume', observed.volumes.get(snapshot.volume))
    if volume and volume.size < snapshot.size:  # QEMU would copy only as much as that
        draft.refuse(
            'snapshot',
            f'snapshot: {name} has {snapshot.size} GB, and its volume has only {volume.size} since '
            f'another one was restored; extend that first (volume: size: {snapshot.size})',
        )
    return snapshot.size


def _of_backup(name: str, observed: ObservedVolumes, draft: Draft) -> int:
    """The size that a copy of a volume in a backup has at least, in GB."""
    if not draft.require('backup', name, observed.backups):
        return 1
    from .backup_source import check_backup

    backup = observed.backups[name]
    check_backup(backup, draft)
    own = own_name(name)
    return next(one.volume_size for one in backup.volumes if one.name == own)


def _refuse_unfinished(option: str, item: Image | Volume | VolumeSnapshot, draft: Draft) -> None:
    kind = _KINDS.get(option, option)
    draft.refuse(
        option, f'{kind} {item.name} is unfinished ({item.unfinished}); run its task again first'
    )


def _check_not_in_use(volume: Volume, observed: ObservedVolumes, draft: Draft, option: str) -> None:
    """Refuse to copy what a guest writes to meanwhile, or what a restore has half written."""
    from .server_state import is_unfinished

    server = draft.settled('server', observed.servers.get(volume.server or ''))
    if server is None or is_unfinished(server, draft):
        return
    if server.power != 'stopped' and not observed.of_running:
        draft.refuse(
            option,
            f'{option}: {volume.name} is attached to {server.name}, which is running; stop that '
            'first (server: state: stopped), detach the volume, or use a snapshot of it',
        )
