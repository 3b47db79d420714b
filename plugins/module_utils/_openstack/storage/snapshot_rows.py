# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Snapshots of Cinder as those of this collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import List

from ..._model.snapshot import full_name, own_name
from ..._model.status import TaskState
from ..._model.volume_snapshot import VolumeSnapshot
from ..api.api import Api, Body, Raw
from ..api.lists import all_servers, all_snapshots, all_volumes, names_by_id
from ..api.marks import MetadataChanges, from_metadata, metadata_changes, to_metadata
from .root_volumes import with_names

# What Cinder is doing, by its statuses; each ends by itself.
_TASKS: Mapping[str, TaskState] = {
    'creating': TaskState.CREATING,
    'restoring': TaskState.RESTORING,
    'deleting': TaskState.DELETING,
}


def with_full_names(api: Api) -> List[Raw]:
    """Return all snapshots with their names here: VOLUME/NAME, or the id, if they have none."""
    volumes = names_by_id(with_names(all_volumes(api), all_servers(api)))
    found: List[Raw] = []
    for raw in all_snapshots(api):
        volume = str(volumes.get(raw['volume_id'], raw['volume_id']))
        name = full_name(volume, raw['name'] or raw['id'])
        found.append({**raw, 'name': name, 'project_id': api.project_id})
    return found


def is_ours(raw: Raw) -> bool:
    """Return whether this collection has created a snapshot."""
    return 'created_by' in from_metadata(raw['metadata']).own


def snapshot_of(raw: Raw) -> VolumeSnapshot:
    """Return the snapshot of this collection; ``raw`` has its full name."""
    marks = from_metadata(raw['metadata'])
    status = raw['status']
    return VolumeSnapshot(
        raw['name'],
        raw['size'],
        raw['description'] or '',
        marks.labels,
        raw['id'],
        _TASKS.get(status),
        TaskState.CREATING if status.startswith('error') else None,
        marks.created_by,
        f'{raw["created_at"][:19]}Z',
    )


def creation_body(snapshot: VolumeSnapshot, volume_id: str, actor: str) -> Body:
    """Return the request for a snapshot, also of a volume in use."""
    return {
        'volume_id': volume_id,
        'name': own_name(snapshot.name),
        'description': snapshot.description or None,
        'force': True,
        'metadata': to_metadata(snapshot.labels, {'created_by': actor}),
    }


def label_changes(before: VolumeSnapshot, after: VolumeSnapshot) -> MetadataChanges:
    """Return what to change in metadata; other keys in it stay."""
    return metadata_changes(to_metadata(before.labels, {}), to_metadata(after.labels, {}))
