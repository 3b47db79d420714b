# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backups of virtual machines, which are copies of their root disks, and of volumes.

Each is a copy of a snapshot of all of these disks at one instant, which is deleted afterwards: the
guest writes on while they are copied. A restore replaces each disk by a copy of the backup that was
made beside it, when all of the copies are complete. backup_increments.py has what is incremental.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Collection, Dict

from ..._cloud import CloudError
from ..._model.backup import Backup
from ..._model.change import Change
from ..._model.effect import LIVE
from ..host.aborts import Abortable
from ..record.host import Host
from ..storage.backup_copies import volume_file
from ..storage.backup_files import BackupFolder, Copied
from ..storage.backup_rows import copy_of
from ..storage.pool_writer import writer_of
from ..storage.pools import Disk, tag_of
from ..storage.volume_rows import disk_of
from .backup_increments import BackupIncrements
from .backup_stops import stop
from .snapshot_machines import Place, SnapshotMachines
from .virtual_machines import VirtualMachines

if TYPE_CHECKING:
    from ..storage.backup_chain import Chain
    from ..storage.row_types import ListedBackup, ListedVolume
    from .row_types import CompleteServer

_OPTIONS = 'compression_type=zstd'


class BackupDisks:
    """Makes and restores copies of disks."""

    def __init__(
        self,
        host: Host,
        volumes: Sequence[ListedVolume] = (),
        staying: Collection[str] = (),
        abortable: Abortable | None = None,
    ) -> None:
        """Copy the disks of this host.

        ``volumes``: those of the backup that exist. ``staying``: the checkpoints of others.
        ``abortable``: what ends the making of a backup.
        """
        self.abortable = abortable or Abortable()
        self.host = host
        self.volumes = volumes
        self.staying = staying
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
    ) -> Mapping[str, Copied]:
        """Copy the disks of a server as they are now."""
        named = self.disks(row, server)
        disks, place = tuple(named.values()), self._place(row, server)
        increments = BackupIncrements(self.host, server['uuid'], self._locks(place), self.abortable)
        increments.clean(row, self.staying)
        if row['base']:
            return increments.create(row, named, folder, manifest)
        if change.new(Backup).tracked:
            self.snapshots.delete(place, disks)  # it may be older than what is tracked
            with increments.tracked(row, disks):
                return self._create(change, place, named, server, folder, manifest)
        return self._create(change, place, named, server, folder, manifest)

    def _create(
        self,
        change: Change,
        place: Place,
        named: Mapping[str, Disk],
        server: CompleteServer,
        folder: BackupFolder,
        manifest: Mapping[str, Any],
    ) -> Mapping[str, Copied]:
        """Copy all of the disks of a server."""
        disks = tuple(named.values())
        is_stopped = change.effect != LIVE
        if is_stopped and any(place.tag not in self.pool.snapshots(disk) for disk in disks):
            stop(self.machines, change, server)
        try:
            try:
                self.snapshots.create(place, disks)
            finally:
                if is_stopped:
                    self.machines.define_and_start(server)
            copy = partial(self._copy, place.tag, self._locks(place))
            copies = {name: partial(copy, disk) for name, disk in named.items()}
            return folder.write(manifest, copies, self.abortable.check)
        finally:
            self.snapshots.delete(place, disks)

    def _copy(self, snapshot: str, locks: Sequence[int], disk: Disk, path: str) -> None:
        """Copy a snapshot in a disk, which its machine may write to meanwhile."""
        options = ['-U', '-l', f'snapshot.name={snapshot}', '-f', disk.format]
        options += ['-O', 'qcow2', '-c', '-o', _OPTIONS]
        check = self.abortable.check
        self.work.copy_disk(*options, disk.path, path, locks=locks, check=check)

    def restore(
        self,
        change: Change,
        row: ListedBackup,
        server: CompleteServer,
        chain: Chain,
        touch: Callable[[], None],
    ) -> None:
        """Replace the disks of a server. ``touch``: called before the server is."""
        named = self.disks(row, server)
        try:
            locks = self._locks(self._place(row, server))
            for name, disk in named.items():
                self.pool.flatten(chain.disk(name), self.pool.copy_beside(disk), locks)
            touch()
            if change.effect != LIVE:
                stop(self.machines, change, server)
            for disk in named.values():
                self.pool.replace(disk)
        finally:
            for disk in named.values():
                self.pool.remove(self.pool.copy_beside(disk))
        if change.effect != LIVE:
            self.machines.define_and_start(server)

    def clean(self, row: ListedBackup, server: CompleteServer) -> None:
        """Remove what an interrupted run has left at a server."""
        BackupIncrements(self.host, server['uuid']).clean(row)
        self._clean(self._place(row, server), self._root(server))

    def clean_volumes(self, row: ListedBackup) -> None:
        """Remove what an interrupted run has left at volumes, whoever has them by now."""
        for volume in self.volumes:
            names = (('server', volume['server'] or ''), ('volume', volume['name']))
            locks = (('backup', row['name']), *names)
            place = Place(row['name'], tag_of(row['uuid']), volume['machine'] or '', False, locks)
            self._clean(place, self._disk(volume))

    def _clean(self, place: Place, disk: Disk) -> None:
        self.pool.remove(self.pool.copy_beside(disk))
        self.snapshots.delete(place, (disk,))

    def disks(self, row: ListedBackup, server: CompleteServer) -> Dict[str, Disk]:
        """The disks of a backup, by the files in its folder, the root disk first."""
        volumes = {volume_file(one['uuid']): self._disk(one) for one in self.volumes}
        return {copy_of(row): self._root(server), **volumes}

    def _root(self, server: CompleteServer) -> Disk:
        return self.pool.root(server['uuid'], server['volume_size'] or 0)

    def _disk(self, volume: ListedVolume) -> Disk:
        """The disk of a volume. Raises CloudError if it cannot be reached now."""
        disk = disk_of(self.pool, volume)
        if disk.fault:
            raise CloudError(f'volume {volume["name"]}: {disk.fault}')
        return disk

    def _place(self, row: ListedBackup, server: CompleteServer) -> Place:
        volumes = [('volume', one['name']) for one in self.volumes]
        locks = (('server', server['name']), ('backup', row['name']), *volumes)
        name = f'{server["name"]}/{row["name"]}'
        return Place(name, tag_of(row['uuid']), server['uuid'], False, locks)

    def _locks(self, place: Place) -> Sequence[int]:
        return [number for lock in place.locks for number in self.work.held_lock(*lock)]
