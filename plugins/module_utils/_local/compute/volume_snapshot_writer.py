# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Changes of snapshots of volumes: a transaction, steps that may be done twice, a transaction."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Dict, Mapping, Tuple

from ..._cloud import Outcomes
from ..._model.change import Change, Changes, names_of
from ..._model.status import TaskState
from ..._model.volume_snapshot import VolumeSnapshot
from ..record.host import Host
from ..record.projection import Projections
from ..record.record import description_columns
from ..storage.pool_writer import writer_of
from ..storage.pools import tag_of
from ..storage.volume_progress import lock_of
from .snapshot_machines import Place, SnapshotMachines
from .snapshot_rows import Disks
from .volume_snapshot_rows import rows_of

if TYPE_CHECKING:
    from .row_types import ListedVolumeSnapshot

_DONE = 'UPDATE main.volume_snapshot SET task_state = NULL WHERE id = ?'
_DELETED = 'DELETE FROM main.volume_snapshot WHERE id = ?'
_SIZE = """UPDATE main.volume SET
  size = (SELECT size FROM volume_snapshot WHERE id = ?1)
  WHERE id = (SELECT volume_id FROM volume_snapshot WHERE id = ?1)"""


class VolumeSnapshotWriter:
    """Changes snapshots of volumes."""

    def __init__(self, host: Host, projections: Projections) -> None:
        """Change snapshots of this host."""
        self.host = host
        self.record = host.record
        self.work = host.work
        self.projections = projections
        self.pool = writer_of(host)
        self.machines = SnapshotMachines(host)

    def create(self, changes: Changes) -> Outcomes:
        """Record the snapshots, and make them."""
        with self.record.writer.transaction():
            for change in changes:
                self._reserve(change.new(VolumeSnapshot))
        begun = self._places(changes)
        made = self.work.for_each(changes, lambda change: self.machines.create(*begun[change.name]))
        return self.work.finish(made, _DONE)

    def _reserve(self, snapshot: VolumeSnapshot) -> None:
        row = self.record.find('volume_snapshot', snapshot.name)
        columns = {
            'size': snapshot.size,
            **description_columns(snapshot),
            'task_state': TaskState.CREATING,
        }
        if row is not None:  # of an interrupted run
            self.record.writer.update_row('volume_snapshot', row, columns)
            return
        volume = self.record.find('volume', snapshot.volume)
        identity = {'uuid': str(uuid.uuid4()), 'name': snapshot.name, 'volume_id': volume}
        self.record.writer.insert_row('volume_snapshot', {**identity, **columns})

    def update(self, changes: Changes) -> Outcomes:
        """Write descriptions and labels."""
        return self.record.writer.update(changes, VolumeSnapshot, description_columns)

    def restore(self, changes: Changes) -> Outcomes:
        """Record the sizes of then, and restore the disks."""
        places = self._places(changes)
        checked = self.work.for_each(changes, lambda change: self._check(change, places))
        whole = [outcome.change for outcome in checked if not outcome.error]
        begun = self.record.writer.change(whole, self._begin_restore)
        restored = [
            *self.work.then_each(
                begun, lambda change: self.machines.restore_disks(*places[change.name])
            ),
            *(outcome for outcome in checked if outcome.error),
        ]
        # before the task state is cleared: the next run does not compare finished sizes
        self.projections.write_metadata()
        return self.work.finish(restored, _DONE)

    def _check(self, change: Change, places: Mapping[str, Tuple[Place, Disks]]) -> None:
        """Raise CloudError before the record says that a restore has begun."""
        if change.name in places:  # else it is gone, which is told later
            self.machines.check(*places[change.name])

    def _begin_restore(self, change: Change, row: int) -> None:
        columns = description_columns(change.new(VolumeSnapshot))
        self.record.writer.update_row(
            'volume_snapshot', row, {**columns, 'task_state': TaskState.RESTORING}
        )
        self.record.sql.execute(_SIZE, (row,))

    def delete(self, changes: Changes) -> Outcomes:
        """Delete snapshots, also while a machine has their disks open."""
        begun = self.record.writer.set(changes, {'task_state': TaskState.DELETING})
        places = self._places(changes)
        deleted = self.work.then_each(
            begun, lambda change: self.machines.delete(*places[change.name])
        )
        return self.work.finish(deleted, _DELETED)

    def _places(self, changes: Changes) -> Dict[str, Tuple[Place, Disks]]:
        """Where snapshots are, and their disks; read before threads are started."""
        rows = rows_of(self.record, names_of(changes))
        return {row['full_name']: (_place(row), self._disks(row)) for row in rows}

    def _disks(self, row: ListedVolumeSnapshot) -> Disks:
        if row['bootable']:
            return (self.pool.root(row['machine'] or ''),)
        return (self.pool.volume(row['volume_uuid']),)


def _place(row: ListedVolumeSnapshot) -> Place:
    locks = (lock_of(row['name']), ('server', row['server'] or ''))
    return Place(row['full_name'], tag_of(row['uuid']), row['machine'] or '', False, locks)
