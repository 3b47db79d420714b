# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Changes of backups: a transaction, steps that may be done twice, a transaction.

A backup is a copy of a snapshot of the root disk, which is deleted afterwards: the guest writes on
while it is copied. A restore replaces the disk by a copy of the backup that was made beside it.
"""

from __future__ import annotations

import json
import os
import uuid
from typing import TYPE_CHECKING, Callable, Dict, Sequence, Set

from ..._cloud import CloudError, Outcomes
from ..._model.backup import Backup
from ..._model.change import Change, Changes, names_of
from ..._model.effect import LIVE, POWER_OFF
from ..._model.status import TaskState
from ..record.host import Host
from ..record.protection import protected_columns
from ..storage.backup_files import BackupFolder, Copied
from ..storage.backup_rows import folder_of, rows_of, store_problem
from ..storage.pool_writer import writer_of
from ..storage.pools import Disk, tag_of
from . import server_rows
from .snapshot_machines import Place, SnapshotMachines
from .virtual_machines import VirtualMachines

if TYPE_CHECKING:
    from ..storage.row_types import ListedBackup
    from .row_types import CompleteServer

_DONE = 'UPDATE main.backup SET task_state = NULL WHERE id = ?'
_COPIED = 'UPDATE main.backup SET size = ?, checksum = ? WHERE id = ?'
_DELETED = 'DELETE FROM main.backup WHERE id = ?'


class BackupWriter:
    """Changes backups."""

    def __init__(self, host: Host) -> None:
        """Change backups of this host."""
        self.host = host
        self.record = host.record
        self.work = host.work
        self.pool = writer_of(host)
        self.snapshots = SnapshotMachines(host)
        self.machines = VirtualMachines(host)

    def update(self, changes: Changes) -> Outcomes:
        """Write descriptions, labels and protection."""
        return self.record.writer.update(changes, Backup, protected_columns)

    # -- create ----------------------------------------------------------------------------------

    def create(self, changes: Changes) -> Outcomes:
        """Record the backups, and make them."""
        with self.record.writer.transaction():
            for change in changes:
                self._reserve(change.new(Backup))
        rows = self._rows(changes)
        servers = self._servers(rows)

        def create(change: Change) -> None:
            row = rows[change.name]
            self._create(change, row, servers[row['server_uuid']])

        return self.work.finish(self.work.for_each(changes, create), _DONE)

    def _reserve(self, backup: Backup) -> None:
        identity = self.record.value('SELECT uuid FROM server WHERE name = ?', backup.server)
        columns = {
            'server': backup.server,
            'server_uuid': identity,
            'store': backup.store,
            'mode': backup.mode,
            'volume_size': backup.volume_size,
            'config': json.dumps(backup.config),
            **protected_columns(backup),
            'task_state': TaskState.CREATING,
        }
        row = self.record.find('backup', backup.name)
        if row is not None:  # of an interrupted run
            self.record.writer.update_row('backup', row, columns)
            return
        new = {'uuid': str(uuid.uuid4()), 'name': backup.name}
        self.record.writer.insert_row('backup', {**new, **columns})

    def _create(self, change: Change, row: ListedBackup, server: CompleteServer) -> None:
        folder = self._folder(row)
        disk, place = self._root(server), self._place(row, server)
        is_stopped = change.effect != LIVE
        if is_stopped and place.tag not in self.pool.snapshots(disk):
            self._stop(change, server)
        try:
            try:
                self.snapshots.create(place, (disk,))
            finally:
                if is_stopped:
                    self.machines.define_and_start(server)
            copied = folder.write(disk, place.tag, _manifest(row), self._locks(row, server))
        finally:
            self.snapshots.delete(place, (disk,))
        with self.record.writer.transaction() as sql:
            sql.execute(_COPIED, (*copied, row['id']))

    def _stop(self, change: Change, server: CompleteServer) -> None:
        """Shut the guest down, or power it off."""
        if change.effect == POWER_OFF:
            self.machines.power_off(server)
        else:
            self.machines.shut_down(server)

    # -- restore ---------------------------------------------------------------------------------

    def restore(self, changes: Changes) -> Outcomes:
        """Replace the disks of servers by copies of their backups."""

        def begin(change: Change, row: int) -> None:
            columns = protected_columns(change.new(Backup))
            self.record.writer.update_row(
                'backup', row, {**columns, 'task_state': TaskState.RESTORING}
            )

        begun = self.record.writer.change(changes, begin)
        rows = self._rows(changes)
        servers = self._servers(rows)

        touched: Set[str] = set()

        def restore(change: Change) -> None:
            row = rows[change.name]
            server = servers[row['server_uuid']]
            self._restore(change, row, server, lambda: touched.add(change.name))

        restored = self.work.then_each(begun, restore)
        untouched = [
            outcome.change
            for outcome in restored
            if outcome.error and outcome.change.name not in touched
        ]
        if untouched:  # nothing is left to be completed
            self.record.writer.set(untouched, {'task_state': None})
        return self.work.finish(restored, _DONE)

    def _restore(
        self,
        change: Change,
        row: ListedBackup,
        server: CompleteServer,
        touch: Callable[[], None],
    ) -> None:
        """``touch``: called before the server is."""
        folder = self._folder(row)
        folder.check(Copied(row['size'] or 0, row['checksum'] or ''))
        disk = self._root(server)
        copy = _copy_of(disk)
        try:
            self.pool.flatten(Disk(folder.disk, ''), copy, self._locks(row, server))
            touch()
            if change.effect != LIVE:
                self._stop(change, server)
            os.rename(copy.path, disk.path)
        finally:
            self.pool.remove(copy)
        if change.effect != LIVE:
            self.machines.define_and_start(server)

    # -- delete ----------------------------------------------------------------------------------

    def delete(self, changes: Changes) -> Outcomes:
        """Delete backups."""
        begun = self.record.writer.set(changes, {'task_state': TaskState.DELETING})
        rows = self._rows(changes)
        servers = self._servers(rows)

        def delete(change: Change) -> None:
            row = rows[change.name]
            server = servers.get(row['server_uuid'])
            if server and change.old(Backup).unfinished:  # what an interrupted run has left
                disk = self._root(server)
                self.pool.remove(_copy_of(disk))
                self.snapshots.delete(self._place(row, server), (disk,))
            if change.effect != POWER_OFF or not store_problem(self.host.settings, row['store']):
                self._folder(row).remove()

        return self.work.finish(self.work.then_each(begun, delete), _DELETED)

    # -- what is read before threads are started ---------------------------------------------------

    def _rows(self, changes: Changes) -> Dict[str, ListedBackup]:
        return {row['name']: row for row in rows_of(self.record, names_of(changes))}

    def _servers(self, rows: Dict[str, ListedBackup]) -> Dict[str, CompleteServer]:
        """The servers of backups that exist, by UUID."""
        names = [row['server_name'] for row in rows.values() if row['server_name']]
        found = server_rows.complete_rows(self.record, None, names)
        return {server['uuid']: server for server in found.values()}

    def _folder(self, row: ListedBackup) -> BackupFolder:
        problem = store_problem(self.host.settings, row['store'])
        if problem:
            raise CloudError(f'backup {row["name"]}: {problem}', 'store')
        return BackupFolder(self.work, folder_of(self.host.settings, row))

    def _root(self, server: CompleteServer) -> Disk:
        return self.pool.root(server['uuid'], server['volume_size'] or 0)

    def _place(self, row: ListedBackup, server: CompleteServer) -> Place:
        locks = (('server', server['name']), ('backup', row['name']))
        name = f'{server["name"]}/{row["name"]}'
        return Place(name, tag_of(row['uuid']), server['uuid'], False, locks)

    def _locks(self, row: ListedBackup, server: CompleteServer) -> Sequence[int]:
        held = self.work.held_lock
        return [*held('backup', row['name']), *held('server', server['name'])]


def _copy_of(disk: Disk) -> Disk:
    """The disk that replaces the one of a server."""
    return disk._replace(path=f'{disk.path}.restored')


def _manifest(row: ListedBackup) -> Dict[str, object]:
    """What a backup is, for whoever finds it without the record."""
    return {
        'name': row['name'],
        'project': row['project'],
        'id': row['uuid'],
        'server': row['server'],
        'server_id': row['server_uuid'],
        'mode': row['mode'],
        'created_at': row['created_at'],
        'created_by': row['created_by'],
        'volume_size': row['volume_size'],
        'config': json.loads(row['config']),
    }
