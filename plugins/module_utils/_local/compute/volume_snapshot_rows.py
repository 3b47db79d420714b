# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Snapshots of volumes as rows of the record."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, List

from ..record.database import Query
from ..record.record import Record

if TYPE_CHECKING:
    from .row_types import ListedVolumeSnapshot

# ?1: full names as a JSON array, or NULL for all. ?2: the name of a volume, or NULL.
_LIST: Query[ListedVolumeSnapshot] = Query("""SELECT n.id, n.project, n.created_by, n.created_at,
    n.uuid, n.volume_id, n.size, n.description, n.labels, n.task_state, n.name AS full_name,
    v.name AS name, v.bootable, v.uuid AS volume_uuid, s.name AS server, s.uuid AS machine
  FROM volume_snapshot n JOIN volume v ON v.id = n.volume_id
  LEFT JOIN server s ON s.id = v.server_id
  WHERE (?1 IS NULL OR n.name IN (SELECT value FROM json_each(?1)))
    AND (?2 IS NULL OR v.name = ?2) ORDER BY v.name, n.id""")


def rows_of(
    record: Record, names: Iterable[str] | None, volume: str | None = None
) -> List[ListedVolumeSnapshot]:
    """The rows of snapshots, or of those with these names, or of one volume."""
    wanted = None if names is None else json.dumps(sorted(set(names)))
    return record.rows(_LIST, wanted, volume)
