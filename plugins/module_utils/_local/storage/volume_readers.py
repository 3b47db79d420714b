# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes that several servers have read-only: imported for one of these."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, List

from ..._cloud import Busy
from ..._model.hardware import hardware_from
from ..._model.status import TaskState, VolumeStatus
from ..._model.volume import Volume
from ..record.database import Query
from ..record.record import Record
from . import disk_devices

if TYPE_CHECKING:
    from .row_types import Attachment, ListedVolume

# ?1: a volume. ?2: what is being done with its attachments; NULL: all of them are meant.
_ATTACHMENTS: Query[Attachment] = Query("""SELECT s.name AS server, s.uuid AS machine, s.hardware
  FROM volume_reader r JOIN server s ON s.id = r.server_id
  WHERE r.volume_id = ?1 AND (?2 IS NULL OR r.task_state = ?2) ORDER BY s.name""")
_SET = """UPDATE main.volume_reader SET task_state = ? WHERE volume_id = ?
  AND server_id = (SELECT id FROM server WHERE name = ?)"""


def with_readers(volume: Volume, readers: str) -> Volume:
    """A volume with the servers that have it read-only; reserved if all of them are shelved."""
    found = sorted(json.loads(readers))
    names, _states, powers, hardware = zip(*found)
    buses = {hardware_from(one).bus for one in hardware}
    path = disk_devices.path(buses.pop(), volume.serial) if len(buses) == 1 else None
    return replace(
        volume,
        readers=names,
        leaving=tuple(one[0] for one in found if one[1] == TaskState.DETACHING),
        cloud_status=VolumeStatus.RESERVED if {*powers} == {'shelved'} else None,
        device=path,
    )


def with_each(
    record: Record, row: ListedVolume, task_state: str | None = None
) -> List[ListedVolume]:
    """The row of a volume as one that each of the servers has that read it."""
    found: List[ListedVolume] = []
    for attachment in record.rows(_ATTACHMENTS, row['id'], task_state):
        one: ListedVolume = {**row, **attachment}
        found.append(one)
    return found


def as_of(record: Record, row: ListedVolume, server: str) -> ListedVolume:
    """The row of a volume as one that a server has that reads it."""
    for one in with_each(record, row):
        if one['server'] == server:
            return one
    raise Busy(f'volume {row["name"]} is no longer attached to {server}; run the task again')


def add(record: Record, row: int, volume: Volume) -> None:
    """Record the servers that get a volume; those that an interrupted run has added are there."""
    for name in volume.readers:
        server = record.find('server', name)
        query = 'SELECT id FROM volume_reader WHERE volume_id = ? AND server_id = ?'
        if record.value(query, row, server) is None:
            values = {'volume_id': row, 'server_id': server, 'task_state': TaskState.ATTACHING}
            record.writer.insert_row('volume_reader', values)


def mark(record: Record, row: int, leaving: Iterable[str]) -> None:
    """Record that a volume is being detached from servers."""
    for name in leaving:
        record.sql.execute(_SET, (TaskState.DETACHING, row, name))
