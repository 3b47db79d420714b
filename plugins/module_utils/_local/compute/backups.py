# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backups of servers in the stores of this host.

What changes them (backup_writer.py) is imported at the first change.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Tuple

from ..._cloud import Outcomes
from ..._model.backup import Backup
from ..._model.change import AFTER_APPLY, Changes
from ..record.host import Host
from ..storage.backup_rows import fault_of, rows_of, store_problem

if TYPE_CHECKING:
    from ..._model.backup_volume import VolumeCopy
    from ..storage.row_types import ListedBackup
    from .backup_writer import BackupWriter


class LocalBackups:
    """Backups of the local cloud."""

    def __init__(self, host: Host) -> None:
        """Manage the backups of this host."""
        self.host = host

    def stores(self) -> Mapping[str, str]:
        """Why each store cannot be used now; empty: it can."""
        settings = self.host.settings
        names = [store['name'] for store in settings.backup_stores]
        return {name: store_problem(settings, name) for name in names}

    def list(self, names: Iterable[str] | None = None) -> Tuple[Backup, ...]:
        """All backups, or those with these names."""
        wanted = None if names is None else [*names]
        host = self.host
        rows = host.rows_in_progress('backup', lambda: rows_of(host.record, wanted))
        return tuple(map(self._observed, rows))

    def _observed(self, row: ListedBackup) -> Backup:
        backup = self.host.with_progress('backup', row, self._backup(row))
        if not backup.task_state:
            return backup
        from ..host.progress import shown

        return shown(self.host.locks, 'backup', backup.name, backup)

    def _backup(self, row: ListedBackup) -> Backup:
        """The backup of a row. Only root sees into stores."""
        return Backup(
            row['name'],
            row['server_name'] or row['server'],
            row['store'],
            row['mode'],
            row['volume_size'],
            row['description'],
            json.loads(row['labels']),
            bool(row['delete_protection']),
            json.loads(row['config']),
            AFTER_APPLY if row['size'] is None else row['size'],
            AFTER_APPLY if row['checksum'] is None else row['checksum'],
            row['server_name'] is not None,
            bool(row['application']),
            None if self.host.only_looks else self._fault(row),
            row['volumes'] is not None,
            _volumes(row['volumes']) if row['volumes'] else (),
            row['base'] and (row['base_name'] or row['base']),
            id=row['uuid'],
            created_by=row['created_by'],
            created_at=row['created_at'],
        )

    def _fault(self, row: ListedBackup) -> str | None:
        if row['base'] is None or row['size'] is None:
            return fault_of(self.host.settings, row)
        from ..storage.backup_chain import fault_of_chain

        return fault_of_chain(self.host, row)

    def bases(self, server: str) -> Mapping[str, str]:
        """Why the next backup of a server cannot be based on each; empty: it can."""
        from .backup_increments import base_problems

        return base_problems(self.host, server)

    @cached_property
    def _writer(self) -> BackupWriter:
        from .backup_writer import BackupWriter

        return BackupWriter(self.host)

    def create(self, changes: Changes) -> Outcomes:
        """Create backups; one that was interrupted is completed."""
        return self._writer.create(changes)

    def update(self, changes: Changes) -> Outcomes:
        """Update descriptions, labels and protection."""
        return self._writer.update(changes)

    def restore(self, changes: Changes) -> Outcomes:
        """Give servers their disks back."""
        return self._writer.restore(changes)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete backups."""
        return self._writer.delete(changes)

    def shortage(self, name: str, makes_image: bool = False) -> str:
        """Why there is no room for what is copied from a backup now; empty: there is."""
        return self._writer.shortage(name, makes_image)

    def interrupt(self, name: str) -> None:
        """Ask whoever makes a backup to end, when this run waits for its lock."""
        self.host.locks.interrupted.add(('backup', name))


def _volumes(recorded: str) -> Tuple[VolumeCopy, ...]:
    from ..._model.backup_volume import VolumeCopy

    return tuple(VolumeCopy(**volume) for volume in json.loads(recorded))
