# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rows of snapshots of servers in the record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Dict, Iterable, List, Tuple

from ..._model.server_snapshot import ServerSnapshot
from ..._model.snapshot import own_name
from ..record.database import Query
from ..record.record import Record
from ..storage.pools import Disk, Pool

if TYPE_CHECKING:
    from .row_types import DiskOfSnapshot, ListedSnapshot

# ?1: full names as a JSON array, or NULL for all. ?2: the name of a server, or NULL.
_LIST: Query[ListedSnapshot] = Query("""SELECT n.id, n.project, n.created_by, n.created_at, n.uuid,
    n.server_id, n.parent_id, n.memory, n.hardware, n.current, n.description, n.labels,
    n.task_state, n.name AS full_name, s.name AS name, s.uuid AS machine, s.type, p.name AS parent,
    (SELECT json_group_object(v.name, d.size) FROM server_snapshot_disk d
      JOIN volume v ON v.id = d.volume_id WHERE d.snapshot_id = n.id) AS volumes
  FROM server_snapshot n JOIN server s ON s.id = n.server_id
  LEFT JOIN server_snapshot p ON p.id = n.parent_id
  WHERE (?1 IS NULL OR n.name IN (SELECT value FROM json_each(?1)))
    AND (?2 IS NULL OR s.name = ?2) ORDER BY s.name, n.id""")
_DISKS: Query[DiskOfSnapshot] = Query("""SELECT d.snapshot_id, v.uuid, v.bootable
  FROM server_snapshot_disk d JOIN volume v ON v.id = d.volume_id ORDER BY v.bootable DESC, v.id""")
Disks = Tuple[Disk, ...]


def snapshot_rows(
    record: Record, names: Iterable[str] | None, server: str | None
) -> List[ListedSnapshot]:
    """The rows of snapshots, or of those with these names, or of one server."""
    wanted = None if names is None else json.dumps(sorted(set(names)))
    return record.rows(_LIST, wanted, server)


def disks_of(record: Record, pool: Pool, rows: Iterable[ListedSnapshot]) -> Dict[int, Disks]:
    """The disks of snapshots, the root disk first, by the id of the row."""
    machines = {row['id']: row['machine'] for row in rows}
    found: Dict[int, Disks] = dict.fromkeys(machines, ())
    for disk in record.rows(_DISKS):
        row = disk['snapshot_id']
        if row in machines:
            one = pool.root(machines[row]) if disk['bootable'] else pool.volume(disk['uuid'])
            found[row] = (*found[row], one)
    return found


def snapshot_of(row: ListedSnapshot, own: int | None, changed: int | None) -> ServerSnapshot:
    """The snapshot of a row. ``own``, ``changed``: its size, and what has changed since."""
    return ServerSnapshot(
        row['full_name'],
        bool(row['memory']),
        row['description'],
        json.loads(row['labels']),
        dict(sorted(json.loads(row['volumes']).items())),
        None if row['hardware'] is None else json.loads(row['hardware']),
        None if row['parent'] is None else own_name(row['parent']),
        bool(row['current']),
        own,
        changed,
        row['uuid'],
        created_by=row['created_by'],
        created_at=row['created_at'],
    )


def delete_snapshots(record: Record, server: int) -> None:
    """Delete the snapshots of a server."""
    record.sql.execute('DELETE FROM main.server_snapshot WHERE server_id = ?', (server,))
