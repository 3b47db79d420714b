# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Changes of backups: a transaction, steps that may be done twice, a transaction.

What is copied and replaced is that of virtual machines (backup_disks.py) or of containers
(backup_roots.py).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Dict, List, Set

from ..._cloud import Outcomes
from ..._model.backup import Backup
from ..._model.change import Change, Changes, names_of
from ..._model.effect import POWER_OFF
from ..._model.server_type import CONTAINER
from ..._model.status import TaskState
from ..record.host import Host
from ..record.protection import protected_columns
from ..storage.backup_files import BackupFolder, Copied, folder_in_store
from ..storage.backup_rows import rows_of, store_problem, volume_file
from ..storage.volume_rows import LIST
from . import server_rows

if TYPE_CHECKING:
    from ..storage.row_types import ListedBackup, ListedVolume
    from .backup_disks import BackupDisks
    from .backup_roots import BackupRoots
    from .row_types import CompleteServer

_DONE = 'UPDATE main.backup SET task_state = NULL WHERE id = ?'
_COPIED = """UPDATE main.backup SET size = ?, checksum = ?, application = ?, volumes = ?
  WHERE id = ?"""
_DELETED = 'DELETE FROM main.backup WHERE id = ?'


Volumes = List['ListedVolume']


class BackupWriter:
    """Changes backups."""

    def __init__(self, host: Host) -> None:
        """Change backups of this host."""
        self.host = host
        self.record = host.record
        self.work = host.work

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
        volumes = self._volumes(rows)

        def create(change: Change) -> None:
            row = rows[change.name]
            self._create(change, row, servers[row['server_uuid']], volumes[change.name])

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
            'volumes': _recorded(backup),
            **protected_columns(backup),
            'task_state': TaskState.CREATING,
        }
        row = self.record.find('backup', backup.name)
        if row is not None:  # of an interrupted run
            self.record.writer.update_row('backup', row, columns)
            return
        new = {'uuid': str(uuid.uuid4()), 'name': backup.name}
        self.record.writer.insert_row('backup', {**new, **columns})

    def _create(
        self, change: Change, row: ListedBackup, server: CompleteServer, volumes: Volumes
    ) -> None:
        folder = self._folder(row)
        copies = self._copies(server, volumes)
        copied = copies.create(change, row, server, folder, _manifest(row))
        values = (*copied[folder.name], server['application'], _with_sums(row['volumes'], copied))
        with self.record.writer.transaction() as sql:
            sql.execute(_COPIED, (*values, row['id']))

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
        volumes = self._volumes(rows)

        touched: Set[str] = set()

        def restore(change: Change) -> None:
            row = rows[change.name]
            server = servers[row['server_uuid']]
            copies = self._copies(server, volumes[change.name])
            folder = self._checked(row)
            copies.restore(change, row, server, folder, lambda: touched.add(change.name))

        restored = self.work.then_each(begun, restore)
        untouched = [
            outcome.change
            for outcome in restored
            if outcome.error and outcome.change.name not in touched
        ]
        if untouched:  # nothing is left to be completed
            self.record.writer.set(untouched, {'task_state': None})
        return self.work.finish(restored, _DONE)

    def _checked(self, row: ListedBackup) -> BackupFolder:
        """The folder of a backup that has what was written then."""
        folder = self._folder(row)
        folder.check(Copied(row['size'] or 0, row['checksum'] or ''))
        for volume in json.loads(row['volumes'] or '[]'):
            copied = Copied(volume['size'], volume['checksum'])
            folder.check(copied, volume_file(volume['id']))
        return folder

    # -- delete ----------------------------------------------------------------------------------

    def delete(self, changes: Changes) -> Outcomes:
        """Delete backups."""
        begun = self.record.writer.set(changes, {'task_state': TaskState.DELETING})
        rows = self._rows(changes)
        servers = self._servers(rows)
        volumes = self._volumes(rows)

        def delete(change: Change) -> None:
            row = rows[change.name]
            if change.old(Backup).unfinished:
                self._clean(row, servers.get(row['server_uuid']), volumes[change.name])
            if change.effect != POWER_OFF or not store_problem(self.host.settings, row['store']):
                self._folder(row).remove()

        return self.work.finish(self.work.then_each(begun, delete), _DELETED)

    def _clean(self, row: ListedBackup, server: CompleteServer | None, volumes: Volumes) -> None:
        """Remove what an interrupted run has left."""
        if server:
            self._copies(server, volumes).clean(row, server)
        if volumes:
            from .backup_disks import BackupDisks

            BackupDisks(self.host, volumes).clean_volumes(row)

    # -- what is read before threads are started ---------------------------------------------------

    def _rows(self, changes: Changes) -> Dict[str, ListedBackup]:
        return {row['name']: row for row in rows_of(self.record, names_of(changes))}

    def _servers(self, rows: Dict[str, ListedBackup]) -> Dict[str, CompleteServer]:
        """The servers of backups that exist, by UUID."""
        names = [row['server_name'] for row in rows.values() if row['server_name']]
        found = server_rows.complete_rows(self.record, None, names)
        return {server['uuid']: server for server in found.values()}

    def _volumes(self, rows: Dict[str, ListedBackup]) -> Dict[str, Volumes]:
        """The volumes of backups that exist, by the name of the backup."""
        found = {name: json.loads(row['volumes'] or '[]') for name, row in rows.items()}
        if not any(found.values()):
            return {key: [] for key in rows}
        existing = {row['uuid']: row for row in self.record.named(LIST, None)}
        return {
            name: [existing[one['id']] for one in volumes if one['id'] in existing]
            for name, volumes in found.items()
        }

    def _folder(self, row: ListedBackup) -> BackupFolder:
        return folder_in_store(self.host.settings, row, 'store')

    def _copies(self, server: CompleteServer, volumes: Volumes) -> BackupDisks | BackupRoots:
        """What copies a server, and replaces what it has by a copy."""
        if server['type'] == CONTAINER:
            from .backup_roots import BackupRoots

            return BackupRoots(self.host)
        from .backup_disks import BackupDisks

        return BackupDisks(self.host, volumes)


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
        'volumes': json.loads(row['volumes'] or '[]'),
    }


def _recorded(backup: Backup) -> str | None:
    """What is recorded of volumes before they are copied; None: the backup is without."""
    if not backup.include_volumes:
        return None
    return json.dumps([volume.recorded() for volume in backup.volumes])


def _with_sums(volumes: str | None, copied: Mapping[str, Copied]) -> str | None:
    """What is recorded of volumes when they are copied."""
    if volumes is None:
        return None
    found = [{**one, **copied[volume_file(one['id'])]._asdict()} for one in json.loads(volumes)]
    return json.dumps(found)
