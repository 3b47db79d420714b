# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What new volumes, and images, are copies of."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Callable, List, NamedTuple

from ..._cloud import Busy
from ..._model.snapshot import own_name, owner_of
from ..record.database import Query
from ..record.record import Record
from ..record.work import Work
from .pools import Disk, Pool, tag_of
from .volume_progress import lock_of
from .volume_rows import disk_of, volume_row

if TYPE_CHECKING:
    from .row_types import SnapshotOfVolume

_SNAPSHOT: Query[SnapshotOfVolume] = Query("""SELECT n.uuid, n.size, v.name AS volume
  FROM volume_snapshot n JOIN volume v ON v.id = n.volume_id WHERE n.name = ?""")


class Source(NamedTuple):
    """What a volume is a copy of: a disk, and its volume; ``tag``, ``size``: of a snapshot in it.

    ``size``: in GB (2^30 bytes). ``backup``: that it is in. ``check``: raises CloudError if it is
    not what was written then.
    """

    disk: Disk
    volume: str = ''
    tag: str = ''
    size: int = 0
    backup: str = ''
    check: Callable[[], None] | None = None


def source_of(record: Record, pool: Pool, source: str) -> Source | None:
    """What a volume, or an image, is a copy of, as recorded of it; None: nothing."""
    kind, _colon, name = source.partition(':')
    if not kind:
        return None
    if kind == 'image':
        identity = record.value('SELECT uuid FROM image WHERE name = ?', name)
        if identity is None:
            raise Busy(f'image {name} was deleted by another run; run the task again')
        return Source(pool.image(identity))
    if kind in ('source_volume', 'volume'):
        return Source(disk_of(pool, volume_row(record, name)), name)
    if kind == 'backup':
        return _in_backup(record, pool, name)
    for snapshot in record.rows(_SNAPSHOT, name):
        volume = snapshot['volume']
        disk = disk_of(pool, volume_row(record, volume))
        return Source(disk, volume, tag_of(snapshot['uuid']), snapshot['size'])
    raise Busy(f'volume_snapshot {name} was deleted by another run; run the task again')


def _in_backup(record: Record, pool: Pool, name: str) -> Source:
    """The copy of a volume in a backup. ``name``: of the backup, a slash, and of the volume."""
    from .backup_chain import Chain, rows_of_chain
    from .backup_copies import volume_file
    from .backup_rows import rows_of

    backup = owner_of(name)
    for row in rows_of(record, [backup]):
        chain = Chain(pool.host.settings, rows_of_chain(record, row), 'backup')
        for volume in json.loads(row['volumes'] or '[]'):
            if volume['name'] == own_name(name):
                file = volume_file(volume['id'])
                check = partial(chain.check, [file])
                return Source(chain.disk(file), backup=backup, check=check)
    raise Busy(f'backup {backup} was deleted by another run; run the task again')


def locks_of(record: Record, work: Work, name: str) -> List[int]:
    """The locks of a volume and its server, which keep its content as it is."""
    holder = volume_row(record, name)['server']
    locks = {lock_of(name), ('server', holder or '')}
    return [number for lock in locks for number in work.held_lock(*lock)]
