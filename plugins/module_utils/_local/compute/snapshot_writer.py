# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Changes of snapshots: a transaction, steps that may be done twice, a transaction."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Callable, Dict, List, Tuple

from ..._cloud import Outcome, Outcomes
from ..._model.change import Change, Changes
from ..._model.effect import LIVE
from ..._model.server_snapshot import ServerSnapshot
from ..._model.status import TaskState
from ..record.host import Host
from ..record.projection import Projections
from ..record.record import description_columns
from ..storage.pool_writer import writer_of
from . import server_rows
from .restoring import Restoring
from .snapshot_machines import Place, SnapshotMachines, place_of
from .snapshot_rows import Disks, disks_of, snapshot_rows
from .snapshot_types import SnapshotsOfServers

if TYPE_CHECKING:
    from .row_types import CompleteServer

_DONE = 'UPDATE main.server_snapshot SET task_state = NULL WHERE id = ?'
# What the server has come from: ?1 is the id of a snapshot.
_OTHERS = """UPDATE main.server_snapshot SET current = 0 WHERE id <> ?1
  AND server_id = (SELECT server_id FROM server_snapshot WHERE id = ?1)"""
_PARENT = """UPDATE main.server_snapshot SET parent_id = (SELECT n.id FROM server_snapshot n
  WHERE n.server_id = server_snapshot.server_id AND n.current AND n.id <> ?1) WHERE id = ?1"""
_CURRENT = 'UPDATE main.server_snapshot SET current = 1 WHERE id = ?1'
# A restore replaces what others have begun.
_RESTORED = f"""UPDATE main.server_snapshot SET task_state = NULL
  WHERE task_state = '{TaskState.RESTORING}'
  AND server_id = (SELECT server_id FROM server_snapshot WHERE id = ?1)"""
_CHILDREN = """UPDATE main.server_snapshot SET
  parent_id = (SELECT n.parent_id FROM server_snapshot n WHERE n.id = ?1) WHERE parent_id = ?1"""
_PREVIOUS = """UPDATE main.server_snapshot SET current = 1 WHERE id =
  (SELECT n.parent_id FROM server_snapshot n WHERE n.id = ?1 AND n.current)"""
_DELETED = 'DELETE FROM main.server_snapshot WHERE id = ?1'


def with_snapshots(
    host: Host, servers: Iterable[str], erase: Callable[[CompleteServer], None]
) -> Callable[[CompleteServer], None]:
    """Return what erases servers, and their snapshots from the volumes that stay."""
    return _then_delete(host, servers, erase, SnapshotMachines(host).delete_from_files)


def without_snapshots(
    host: Host, servers: Iterable[str], stop: Callable[[CompleteServer], None]
) -> Callable[[CompleteServer], None]:
    """Return what stops servers, and deletes their snapshots from all disks."""
    return _then_delete(host, servers, stop, SnapshotsOfServers(host).delete)


def _then_delete(
    host: Host,
    servers: Iterable[str],
    step: Callable[[CompleteServer], None],
    delete: Callable[[Place, Disks], None],
) -> Callable[[CompleteServer], None]:
    """Return a step that is followed by the deletion of the snapshots that servers have now."""
    found = {name: _snapshots(host, name) for name in servers}

    def step_and_delete(server: CompleteServer) -> None:
        step(server)
        for place, disks in found[server['name']]:
            delete(place, disks)

    return step_and_delete


def _snapshots(host: Host, server: str) -> List[Tuple[Place, Disks]]:
    """The snapshots of a server, each with the disks that hold it."""
    rows = snapshot_rows(host.record, None, server)
    disks = disks_of(host.record, writer_of(host), rows)
    return [(place_of(row), disks[row['id']]) for row in rows]


class SnapshotWriter:
    """Changes snapshots of servers."""

    def __init__(self, host: Host, projections: Projections) -> None:
        """Change snapshots of this host."""
        self.host = host
        self.record = host.record
        self.projections = projections
        self.machines = SnapshotsOfServers(host)

    def create(self, changes: Changes) -> Outcomes:
        """Record the snapshots, make them, and record that the servers come from them."""
        with self.record.writer.transaction():
            for change in changes:
                self._reserve(change.new(ServerSnapshot))
        begun = self._recorded(changes)
        servers = self._servers(changes)
        outcomes = self.host.work.for_each(
            changes,
            lambda change: self.machines.create(
                *begun[change.name], servers[change.new(ServerSnapshot).server]
            ),
        )
        return self.host.work.finish(outcomes, _PARENT, _OTHERS, _CURRENT, _DONE)

    def _reserve(self, snapshot: ServerSnapshot) -> None:
        row = self.record.find('server_snapshot', snapshot.name)
        columns = {
            'memory': int(snapshot.memory),
            'hardware': json.dumps(snapshot.hardware) if snapshot.memory else None,
            **description_columns(snapshot),
            'task_state': TaskState.CREATING,
        }
        if row is None:
            server = self.record.find('server', snapshot.server)
            identity = {'uuid': str(uuid.uuid4()), 'name': snapshot.name, 'server_id': server}
            row = self.record.writer.insert_row('server_snapshot', {**identity, **columns})
        else:
            self.record.writer.update_row('server_snapshot', row, columns)
            self.record.sql.execute(
                'DELETE FROM main.server_snapshot_disk WHERE snapshot_id = ?', (row,)
            )
        for volume, size in snapshot.volumes.items():
            disk = {'volume_id': self.record.find('volume', volume), 'size': size}
            self.record.writer.insert_row('server_snapshot_disk', {'snapshot_id': row, **disk})

    def update(self, changes: Changes) -> Outcomes:
        """Write descriptions and labels."""
        return self.record.writer.update(changes, ServerSnapshot, description_columns)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete snapshots; what came from them comes from their parents, then."""

        def begin(_change: Change, row: int) -> None:
            self.record.sql.execute(_PREVIOUS, (row,))
            self.record.sql.execute(_CHILDREN, (row,))
            columns = {'current': 0, 'task_state': TaskState.DELETING}
            self.record.writer.update_row('server_snapshot', row, columns)

        outcomes = self.record.writer.change(changes, begin)
        begun = self._recorded(changes)
        outcomes = self.host.work.then_each(
            outcomes, lambda change: self.machines.delete(*begun[change.name])
        )
        return self.host.work.finish(outcomes, _DELETED)

    def restore(self, changes: Changes) -> Outcomes:
        """Restore the disks, or the files, of servers."""
        outcomes = self.record.writer.set(changes, {'task_state': TaskState.RESTORING})
        self.projections.apply()
        begun = self._recorded(changes)
        servers = self._servers(changes)
        restoring = {change.name: self._restoring(change) for change in changes}

        def restore(change: Change) -> None:
            server = servers[change.new(ServerSnapshot).server]
            has_memory = change.effect == LIVE
            self.machines.restore(*begun[change.name], server, has_memory, restoring[change.name])

        outcomes = self.host.work.then_each(outcomes, restore)
        # before the task state is cleared: the next run does not compare finished sizes
        self.projections.write_metadata()
        return self._end_restore(outcomes, restoring)

    def _end_restore(self, outcomes: Outcomes, restoring: Mapping[str, Restoring]) -> Outcomes:
        """Leave nothing to be completed where all, or nothing, was replaced."""
        done, untouched = [], []
        for outcome in outcomes:
            change, one = outcome.change, restoring[outcome.change.name]
            one.explain(outcome)
            if one.is_done:
                done.append(Outcome(change))
            elif one.left_nothing:
                untouched.append(change)
        if untouched:
            self.record.writer.set(untouched, {'task_state': None})
        self.host.work.finish(done, _RESTORED, _OTHERS, _CURRENT, _DONE)
        return self.record.writer.end(outcomes)

    def _restoring(self, change: Change) -> Restoring:
        def record() -> CompleteServer:
            self.record.writer.change([change], self._begin_restore)
            return self._servers([change])[change.new(ServerSnapshot).server]

        return Restoring(record, was_whole=change.old(ServerSnapshot).unfinished is None)

    def _begin_restore(self, change: Change, row: int) -> None:
        """Record the sizes of the disks and the power of the server."""
        columns = description_columns(change.new(ServerSnapshot))
        self.record.writer.update_row('server_snapshot', row, columns)
        self.record.sql.execute(
            'UPDATE main.volume SET size = (SELECT d.size FROM server_snapshot_disk d '
            'WHERE d.snapshot_id = ?1 AND d.volume_id = volume.id) '
            'WHERE id IN (SELECT volume_id FROM server_snapshot_disk WHERE snapshot_id = ?1)',
            (row,),
        )
        # A guest continues with its memory; one that is paused boots afresh, as one that runs.
        self.record.sql.execute(
            "UPDATE main.server SET power = 'started' WHERE (?2 OR power = 'paused') AND id = "
            '(SELECT server_id FROM server_snapshot WHERE id = ?1)',
            (row, change.effect == LIVE),
        )

    def _servers(self, changes: Changes) -> Dict[str, CompleteServer]:
        """The servers of the snapshots by name; read before threads are started."""
        names = [change.new(ServerSnapshot).server for change in changes]
        return server_rows.complete_rows(self.record, None, names)

    def _recorded(self, changes: Changes) -> Dict[str, Tuple[Place, Disks]]:
        """The places of the snapshots and their disks by name; read before threads are started."""
        rows = snapshot_rows(self.record, [change.name for change in changes], None)
        disks = disks_of(self.record, writer_of(self.host), rows)
        return {row['full_name']: (place_of(row), disks[row['id']]) for row in rows}
