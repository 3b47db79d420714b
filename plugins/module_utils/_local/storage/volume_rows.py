# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rows of volumes in the record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ..._model.change import Change
from ..._model.volume import Volume
from ..record.database import Query
from ..record.record import Record

if TYPE_CHECKING:
    from .row_types import ListedVolume

LIST: Query[ListedVolume] = Query("""SELECT v.*, s.name AS server, s.uuid AS machine
  FROM volume v LEFT JOIN server s ON s.id = v.server_id
  WHERE ?1 IS NULL OR v.name IN (SELECT value FROM json_each(?1)) ORDER BY v.name""")


def volume_row(record: Record, name: str) -> ListedVolume:
    """The row of a volume, with its server."""
    return record.named(LIST, [name])[0]


def row_of(record: Record, change: Change) -> ListedVolume:
    """The row of the volume of a change, which must exist."""
    row = record.row_of(change)
    return next(found for found in record.named(LIST, [change.name]) if found['id'] == row)


def volume_of(row: ListedVolume, disk_missing: bool) -> Volume:
    """The volume of a row."""
    serial = row['uuid'][:20]
    return Volume(
        row['name'],
        row['size'],
        row['server'],
        row['description'],
        json.loads(row['labels']),
        row['uuid'],
        serial,
        f'/dev/disk/by-id/virtio-{serial}',
        created_by=row['created_by'],
        created_at=row['created_at'],
        disk_missing=disk_missing,
    )
