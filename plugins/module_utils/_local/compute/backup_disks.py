# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backups of virtual machines, which are copies of their root disks.

Each is a copy of a snapshot, which is deleted afterwards: the guest writes on while it is copied. A
restore replaces the disk by a copy of the backup that was made beside it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable

from ..._model.change import Change
from ..._model.effect import LIVE
from ..record.host import Host
from ..storage.backup_files import BackupFolder, Copied
from ..storage.pool_writer import writer_of
from ..storage.pools import Disk, tag_of
from .backup_stops import stop
from .snapshot_machines import Place, SnapshotMachines
from .virtual_machines import VirtualMachines

if TYPE_CHECKING:
    from ..storage.row_types import ListedBackup
    from .row_types import CompleteServer

_OPTIONS = 'compression_type=zstd'


class BackupDisks:
    """Makes and restores copies of root disks."""

    def __init__(self, host: Host) -> None:
        """Copy the disks of this host."""
        self.work = host.work
        self.pool = writer_of(host)
        self.snapshots = SnapshotMachines(host)
        self.machines = VirtualMachines(host)

    def create(
        self,
        change: Change,
        row: ListedBackup,
        server: CompleteServer,
        folder: BackupFolder,
        manifest: Mapping[str, Any],
    ) -> Copied:
        """Copy the root disk of a server as it is now."""
        disk, place = self._root(server), _place(row, server)
        is_stopped = change.effect != LIVE
        if is_stopped and place.tag not in self.pool.snapshots(disk):
            stop(self.machines, change, server)
        try:
            try:
                self.snapshots.create(place, (disk,))
            finally:
                if is_stopped:
                    self.machines.define_and_start(server)
            locks = self._locks(place)
            return folder.write(manifest, lambda path: self._copy(disk, place.tag, path, locks))
        finally:
            self.snapshots.delete(place, (disk,))

    def _copy(self, disk: Disk, snapshot: str, path: str, locks: Sequence[int]) -> None:
        """Copy a snapshot in a disk, which its machine may write to meanwhile."""
        options = ['-q', '-U', '-l', f'snapshot.name={snapshot}', '-f', disk.format]
        options += ['-O', 'qcow2', '-c', '-o', _OPTIONS]
        self.work.run('qemu-img', 'convert', *options, disk.path, path, locks=locks)

    def restore(
        self,
        change: Change,
        row: ListedBackup,
        server: CompleteServer,
        folder: BackupFolder,
        touch: Callable[[], None],
    ) -> None:
        """Replace the root disk of a server. ``touch``: called before the server is."""
        disk = self._root(server)
        copy = _copy_of(disk)
        try:
            locks = self._locks(_place(row, server))
            self.pool.flatten(Disk(folder.copy, ''), copy, locks)
            touch()
            if change.effect != LIVE:
                stop(self.machines, change, server)
            os.rename(copy.path, disk.path)
        finally:
            self.pool.remove(copy)
        if change.effect != LIVE:
            self.machines.define_and_start(server)

    def clean(self, row: ListedBackup, server: CompleteServer) -> None:
        """Remove what an interrupted run has left at a server."""
        disk = self._root(server)
        self.pool.remove(_copy_of(disk))
        self.snapshots.delete(_place(row, server), (disk,))

    def _root(self, server: CompleteServer) -> Disk:
        return self.pool.root(server['uuid'], server['volume_size'] or 0)

    def _locks(self, place: Place) -> Sequence[int]:
        return [number for lock in place.locks for number in self.work.held_lock(*lock)]


def _place(row: ListedBackup, server: CompleteServer) -> Place:
    locks = (('server', server['name']), ('backup', row['name']))
    name = f'{server["name"]}/{row["name"]}'
    return Place(name, tag_of(row['uuid']), server['uuid'], False, locks)


def _copy_of(disk: Disk) -> Disk:
    """The disk that replaces the one of a server."""
    return disk._replace(path=f'{disk.path}.restored')
