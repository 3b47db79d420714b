# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes of Cinder as those of this collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Dict, NamedTuple, Tuple

from ..._model.change import AFTER_APPLY
from ..._model.status import TaskState, VolumeStatus
from ..._model.volume import Volume
from ..api.api import Body, Raw, Raws
from ..api.lists import by_id
from ..api.marks import (
    Marks,
    MetadataChanges,
    from_metadata,
    metadata_changes,
    protection_mark,
    to_metadata,
)
from .root_volumes import root_volume, volume_ids

_SERIAL = 20  # characters of the serial number of a virtio disk
# Cinder shows these among the metadata of an attached volume.
_CINDERS = ('attached_mode', 'readonly')
# What Cinder is doing, by its statuses; each ends by itself.
_TASKS: Mapping[str, TaskState] = {
    'creating': TaskState.CREATING,
    'downloading': TaskState.CREATING,
    'attaching': TaskState.ATTACHING,
    'detaching': TaskState.DETACHING,
    'extending': TaskState.EXTENDING,
    'backing-up': TaskState.BACKING_UP,
    'uploading': TaskState.UPLOADING,
    'deleting': TaskState.DELETING,
    'retyping': TaskState.UPDATING,
    'restoring-backup': TaskState.UPDATING,
    'reverting': TaskState.UPDATING,
}
_SETTLED = ('available', 'in-use')


class Holder(NamedTuple):
    """The server that has a volume. ``is_root``: it boots from it."""

    name: str
    is_root: bool
    is_shelved: bool


def holders_of(volumes: Raws, servers: Raws) -> Mapping[str, Holder]:
    """Return the servers that have volumes by the ids of those, as Nova knows them.

    Cinder tells the server only when the volume is attached.
    """
    volumes_by_id = by_id(volumes)
    found: Dict[str, Holder] = {}
    for server in servers:
        root = root_volume(server, volumes_by_id)
        is_shelved = server['status'] == 'SHELVED_OFFLOADED'
        for identity in volume_ids(server):
            is_root = root is not None and root['id'] == identity
            found[identity] = Holder(server['name'], is_root, is_shelved)
    return found


def marks_of(raw: Raw) -> Marks:
    """Return the marks of a volume."""
    metadata = dict(raw['metadata'])
    for key in _CINDERS:
        metadata.pop(key, None)
    return from_metadata(metadata)


def is_ours(raw: Raw) -> bool:
    """Return whether this collection has created a volume."""
    return 'created_by' in marks_of(raw).own


def volume_of(raw: Raw, holder: Holder | None, snapshots: Iterable[Raw] = ()) -> Volume:
    """Return the volume of this collection. ``snapshots``: of all volumes, the oldest first."""
    marks = marks_of(raw)
    task_state, status = _state(raw['status'], holder)
    serial = raw['id'][:_SERIAL]
    return Volume(
        raw['name'],
        raw['size'],
        _server(raw, holder),
        raw['description'] or '',
        marks.labels,
        raw['id'],
        serial,
        f'/dev/disk/by-id/virtio-{serial}',
        task_state,
        created_by=marks.created_by,
        created_at=f'{raw["created_at"][:19]}Z',
        bootable=holder is not None and holder.is_root,
        cloud_status=status,
        source=marks.own.get('source'),
        delete_protection=marks.delete_protection,
        volume_type=raw['volume_type'] or '',
        snapshots=tuple(
            one['name'] or one['id'] for one in snapshots if one['volume_id'] == raw['id']
        ),
    )


def _server(raw: Raw, holder: Holder | None) -> str | None:
    """The server that has it; by its id if it is one of another project."""
    if holder is not None:
        return holder.name
    for attachment in raw['attachments']:
        return str(attachment['server_id'])
    return None


def _state(status: str, holder: Holder | None) -> Tuple[TaskState | None, VolumeStatus | None]:
    """The task state, and the status that does not follow from it."""
    if status == 'reserved' and holder is not None and not holder.is_shelved:
        return TaskState.ATTACHING, None  # Nova is at it
    if status in _TASKS:
        return _TASKS[status], None
    if status in _SETTLED:
        return None, None
    # Another status (awaiting-transfer, maintenance) also allows nothing.
    is_error = status.startswith('error')
    return None, VolumeStatus.ERROR if is_error else VolumeStatus.RESERVED


def creation_body(volume: Volume, actor: str, token: str, source: Mapping[str, str]) -> Body:
    """Return the request for a volume. ``token``: identifies it if the answer is lost.

    ``source``: what it is a copy of, in the words of Cinder.
    """
    own = {
        'created_by': actor,
        'token': token,
        'source': volume.source,
        'delete_protection': protection_mark(volume),
    }
    is_default = volume.volume_type in ('', AFTER_APPLY)
    of_type = {} if is_default else {'volume_type': volume.volume_type}
    return {
        **source,
        **of_type,
        'name': volume.name,
        'size': volume.size,
        'description': volume.description or None,
        'metadata': to_metadata(volume.labels, own),
    }


def label_changes(before: Volume, after: Volume) -> MetadataChanges:
    """Return what to change in metadata, labels and the protection; other keys in it stay."""
    old, new = (
        to_metadata(volume.labels, {'delete_protection': protection_mark(volume)})
        for volume in (before, after)
    )
    return metadata_changes(old, new)
