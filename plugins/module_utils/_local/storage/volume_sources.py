# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What new volumes are copies of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..._cloud import Busy
from ..record.database import Query
from ..record.record import Record
from .pools import Disk, Pool, tag_of
from .volume_rows import disk_of, volume_row

if TYPE_CHECKING:
    from .row_types import ListedVolume, SnapshotOfVolume

_SNAPSHOT: Query[SnapshotOfVolume] = Query("""SELECT n.uuid, v.name AS volume
  FROM volume_snapshot n JOIN volume v ON v.id = n.volume_id WHERE n.name = ?""")


class Source(NamedTuple):
    """What a volume is a copy of: a disk, its volume, and the tag of a snapshot in it, or empty."""

    disk: Disk
    volume: str = ''
    tag: str = ''


def source_of(record: Record, pool: Pool, row: ListedVolume) -> Source | None:
    """What a volume is a copy of; None: nothing."""
    kind, _colon, name = row['source'].partition(':')
    if not kind:
        return None
    if kind == 'image':
        identity = record.value('SELECT uuid FROM image WHERE name = ?', name)
        if identity is None:
            raise Busy(f'image {name} was deleted by another run; run the task again')
        return Source(pool.image(identity))
    if kind == 'source_volume':
        return Source(disk_of(pool, volume_row(record, name)), name)
    for snapshot in record.rows(_SNAPSHOT, name):
        volume = snapshot['volume']
        return Source(disk_of(pool, volume_row(record, volume)), volume, tag_of(snapshot['uuid']))
    raise Busy(f'volume_snapshot {name} was deleted by another run; run the task again')
