# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Changes of backups: a transaction, steps that may be done twice, a transaction.

What is copied and replaced is that of virtual machines (backup_disks.py) or of containers
(backup_roots.py).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Collection, Dict, List, Set

from ..._cloud import Outcomes
from ..._model.backup import Backup
from ..._model.change import Change, Changes, names_of
from ..._model.effect import POWER_OFF
from ..._model.server_type import CONTAINER
from ..._model.status import TaskState
from ..host.aborts import Abortable
from ..record.host import Host
from ..record.protection import protected_columns
from ..storage.backup_chain import Chain, copies_of, rows_of_chain
from ..storage.backup_copies import volume_file
from ..storage.backup_files import BackupFolder, Copied, folder_in_store
from ..storage.backup_rows import rows_of, store_problem
from ..storage.pools import tag_of
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
# The backups of a server whose checkpoints stay when it gets another one (?2: its id). One that is
# or can be a base (?3) takes the place of the others with the same disks in the same store.
_STAYING = """SELECT b.uuid FROM backup b JOIN backup n ON n.id = ?2
  WHERE b.server_uuid = ?1 AND b.id <> n.id AND b.task_state IS NULL AND (b.uuid = n.base OR NOT ?3
    OR b.store <> n.store OR (b.volumes IS NULL) <> (n.volumes IS NULL))"""


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
        chains = {name: rows_of_chain(self.record, row) for name, row in rows.items()}
        staying = {change.name: self._staying(change, rows[change.name]) for change in changes}

        def create(change: Change) -> None:
            name, (row, *bases) = change.name, chains[change.name]
            server = servers[row['server_uuid']]
            abortable = Abortable(self.work.held_lock('backup', name))
            copies = self._copies(server, volumes[name], staying[name], abortable)
            self._create(change, row, server, copies, _manifest(row, bases))

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
            'base': self._base(backup),
            **protected_columns(backup),
            'task_state': TaskState.CREATING,
        }
        row = self.record.find('backup', backup.name)
        if row is not None:  # of an interrupted run
            self.record.writer.update_row('backup', row, columns)
            return
        new = {'uuid': str(uuid.uuid4()), 'name': backup.name}
        self.record.writer.insert_row('backup', {**new, **columns})

    def _base(self, backup: Backup) -> str | None:
        """The UUID of the base of a backup."""
        if backup.base is None:
            return None
        found: str | None = self.record.value('SELECT uuid FROM backup WHERE name = ?', backup.base)
        return found

    def _staying(self, change: Change, row: ListedBackup) -> List[str]:
        """The checkpoints that the machine of a new backup keeps."""
        query = (row['server_uuid'], row['id'], change.new(Backup).tracked)
        return [tag_of(found['uuid']) for found in self.record.fetch(_STAYING, *query)]

    def _create(
        self,
        change: Change,
        row: ListedBackup,
        server: CompleteServer,
        copies: BackupDisks | BackupRoots,
        manifest: Mapping[str, object],
    ) -> None:
        folder = self._folder(row)
        copied = copies.create(change, row, server, folder, manifest)
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

        chains = {name: rows_of_chain(self.record, row) for name, row in rows.items()}
        touched: Set[str] = set()

        def restore(change: Change) -> None:
            row = rows[change.name]
            server = servers[row['server_uuid']]
            copies = self._copies(server, volumes[change.name])
            chain = Chain(self.host.settings, chains[change.name], 'store')
            chain.check()
            copies.restore(change, row, server, chain, lambda: touched.add(change.name))

        restored = self.work.then_each(begun, restore)
        untouched = [
            outcome.change
            for outcome in restored
            if outcome.error and outcome.change.name not in touched
        ]
        if untouched:  # nothing is left to be completed
            self.record.writer.set(untouched, {'task_state': None})
        return self.work.finish(restored, _DONE)

    def shortage(self, name: str, makes_image: bool) -> str:
        """Why there is no room for what is copied from a backup now; empty: there is."""
        from .restore_room import RestoreRoom

        rows = {row['name']: row for row in rows_of(self.record, [name])}
        room = RestoreRoom(self.host)
        for row in rows.values():
            if makes_image:
                return room.of_image(row)
            server = self._servers(rows).get(row['server_uuid'])
            if server:
                return room.of_backup(row, server, self._volumes(rows)[name])
        return ''

    # -- delete ----------------------------------------------------------------------------------

    def delete(self, changes: Changes) -> Outcomes:
        """Delete backups."""
        begun = self.record.writer.set(changes, {'task_state': TaskState.DELETING})
        rows = self._rows(changes)
        servers = self._servers(rows)
        volumes = self._volumes(rows)

        def delete(change: Change) -> None:
            row = rows[change.name]
            server = servers.get(row['server_uuid'])
            if change.old(Backup).unfinished:
                self._clean(row, server, volumes[change.name])
            elif server and server['type'] != CONTAINER:
                from .backup_increments import BackupIncrements

                BackupIncrements(self.host, server['uuid']).clean(row)
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

    def _copies(
        self,
        server: CompleteServer,
        volumes: Volumes,
        staying: Collection[str] = (),
        abortable: Abortable | None = None,
    ) -> BackupDisks | BackupRoots:
        """What copies a server, and replaces what it has by a copy."""
        if server['type'] == CONTAINER:
            from .backup_roots import BackupRoots

            return BackupRoots(self.host, abortable)
        from .backup_disks import BackupDisks

        return BackupDisks(self.host, volumes, staying, abortable)


def _manifest(row: ListedBackup, bases: Sequence[ListedBackup]) -> Dict[str, object]:
    """What a backup is, for whoever finds it without the record."""
    base: Dict[str, object] | None = None
    for one in reversed(bases):
        files = {name: copied._asdict() for name, copied in copies_of(one).items()}
        base = {'id': one['uuid'], 'name': one['name'], 'files': files, 'base': base}
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
        'base': base,
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
