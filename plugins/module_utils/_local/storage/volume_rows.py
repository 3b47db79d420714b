# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rows of volumes in the record."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Mapping

from ..._model.status import VolumeStatus
from ..._model.volume import DEFAULT_TYPE, Volume
from ..record.database import Query
from ..record.record import Record
from . import disk_devices
from .pools import Disk, Pool

if TYPE_CHECKING:
    from .row_types import ListedVolume

# A root volume is created and deleted by the task of its server.
LIST: Query[ListedVolume] = Query("""SELECT v.id, v.project, v.created_by, v.created_at,
    v.uuid, v.name, v.size, v.server_id, v.description, v.labels, v.bootable,
    v.source, v.delete_protection, v.volume_type, v.file_system, v.mount_point,
    s.name AS server, s.uuid AS machine, s.power AS power, s.hardware AS hardware,
    CASE WHEN v.bootable AND s.task_state IN ('creating', 'deleting') THEN s.task_state
      ELSE v.task_state END AS task_state,
    (SELECT json_group_array(name) FROM (SELECT n.name FROM server_snapshot_disk d
      JOIN server_snapshot n ON n.id = d.snapshot_id WHERE d.volume_id = v.id ORDER BY n.id))
      AS snapshots,
    (SELECT json_group_array(name) FROM (SELECT substr(n.name, length(v.name) + 2) AS name
      FROM volume_snapshot n WHERE n.volume_id = v.id ORDER BY n.id)) AS own_snapshots,
    (SELECT max(n.task_state) FROM volume_snapshot n WHERE n.volume_id = v.id) AS own_task_state,
    (SELECT max(n.task_state) FROM server_snapshot n WHERE n.server_id = s.id)
      AS snapshot_task_state,
    (SELECT max(i.task_state) FROM image i WHERE i.project = v.project AND i.source IN
      ('volume:' || v.name, iif(v.bootable, 'server:' || s.name, ''))) AS image_task_state,
    (SELECT json_group_array(json_array(o.name, r.task_state, o.power, o.hardware))
      FROM volume_reader r JOIN server o ON o.id = r.server_id WHERE r.volume_id = v.id) AS readers
  FROM volume v LEFT JOIN server s ON s.id = v.server_id
  WHERE ?1 IS NULL OR v.name IN (SELECT value FROM json_each(?1)) ORDER BY v.name""")


def volume_row(record: Record, name: str) -> ListedVolume:
    """The row of a volume, with its server."""
    return record.named(LIST, [name])[0]


def disk_of(pool: Pool, row: ListedVolume) -> Disk:
    """The disk of a volume."""
    if row['bootable']:
        return pool.root(row['machine'] or '', row['size'])
    of_kind = pool.files if row['file_system'] else pool.volume
    disk = of_kind(row['uuid'], row['size'])
    if row['volume_type'] == DEFAULT_TYPE and not os.path.islink(disk.path):
        return disk
    from .volume_places import placed

    return placed(pool.host.settings, row['volume_type'], disk)


def bus_of(row: ListedVolume) -> str:
    """The bus of a volume: that of its server."""
    if row['hardware'] in (None, '{}'):
        return 'virtio'  # of most servers: what follows is not imported for them
    from ..._model.hardware import hardware_from

    return hardware_from(row['hardware']).bus


def volume_of(row: ListedVolume, pool: Pool) -> Volume:
    """The volume of a row."""
    disk = disk_of(pool, row)
    found = Volume(
        row['name'],
        row['size'],
        row['server'],
        row['description'],
        json.loads(row['labels']),
        row['uuid'],
        disk.serial,
        None if row['file_system'] else disk_devices.path(bus_of(row), disk.serial),
        created_by=row['created_by'],
        created_at=row['created_at'],
        disk_missing=not (row['task_state'] or disk.fault or pool.exists(disk)),
        bootable=bool(row['bootable']),
        cloud_status=VolumeStatus.RESERVED if row['power'] == 'shelved' else None,
        server_snapshots=tuple(json.loads(row['snapshots'])),
        source=row['source'] or None,
        delete_protection=bool(row['delete_protection']),
        snapshots=tuple(json.loads(row['own_snapshots'])),
        volume_type=row['volume_type'],
        unavailable=disk.fault,
        limits=_limits(row, pool),
        file_system=row['file_system'] or None,
        mount_point=row['mount_point'] or None,
    )
    if row['readers'] == '[]':
        return found
    from .volume_readers import with_readers

    return with_readers(found, row['readers'])


def _limits(row: ListedVolume, pool: Pool) -> Mapping[str, int]:
    if row['volume_type'] == DEFAULT_TYPE:
        return {}
    from ..host.settings_volume_types import limits_of_types

    return limits_of_types(pool.host.settings).get(row['volume_type'], {})
