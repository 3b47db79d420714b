# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes: qcow2 files, attached to machines while they run. What changes them."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING, Any, Callable, Iterable, List

from ..._cloud import CloudError, Outcomes, TimedOut
from ..._model.change import Change, Changes
from ..._model.status import TaskState
from ..._model.volume import Volume
from ..record.host import Host
from ..record.projection import Projections
from ..record.protection import protected_columns
from ..record.record import Record
from . import disk_devices
from .attached_disks import find_target, plug, unplug
from .pool_writer import writer_of
from .pools import Disk
from .volume_guests import running_machine
from .volume_progress import lock_of
from .volume_rows import LIST, bus_of, disk_of
from .volume_sources import locks_of, source_of

if TYPE_CHECKING:
    from .row_types import ListedVolume

_DONE = 'UPDATE main.volume SET task_state = NULL WHERE id = ?'
_DETACHED = """UPDATE main.volume SET server_id = NULL, mount_point = '', task_state = NULL
  WHERE id = ?"""
_JOINED = 'UPDATE main.volume_reader SET task_state = NULL WHERE volume_id = ?'
_LEFT = "DELETE FROM main.volume_reader WHERE volume_id = ? AND task_state = 'detaching'"
_DELETED = 'DELETE FROM main.volume WHERE id = ?'
Redefine = Callable[[Iterable[str]], None]


def row_of(record: Record, change: Change) -> ListedVolume:
    """The row of the volume of a change, which must exist."""
    row = record.row_of(change)
    return next(found for found in record.named(LIST, [change.name]) if found['id'] == row)


class VolumeWriter:
    """Changes volumes."""

    def __init__(self, host: Host, projections: Projections, redefine: Redefine) -> None:
        """``redefine``: define the machines of servers with these names as recorded."""
        self.host = host
        self.record = host.record
        self.work = host.work
        self.projections = projections
        self.redefine = redefine
        self.pool = writer_of(host)

    def create(self, changes: Changes) -> Outcomes:
        """Create volumes, empty or as copies."""
        with self.record.writer.transaction():
            for change in changes:
                self._reserve(change.new(Volume))
        created = self.work.for_each(changes, self._create)
        return self.work.finish(created, _DONE)

    def update(self, changes: Changes) -> Outcomes:
        """Grow volumes, also while in use, and update descriptions and labels."""
        for change in changes:
            if change.new(Volume).file_system:
                self._check_growth(change)
        begun = self.record.writer.change(changes, self._resize)
        # before the task state is cleared: the next run does not compare finished volumes
        self.projections.write_metadata()
        moved = self.work.then_each(begun, self._move)
        grown = self.work.then_each(moved, self._grow)
        filled = self.work.then_each(grown, self._fill)
        return self.work.finish(filled, _DONE)

    def attach(self, changes: Changes) -> Outcomes:
        """Attach volumes to servers."""
        begun = self.record.writer.change(changes, self._connect)
        successful = [outcome.change for outcome in begun if not outcome.error]
        self.redefine({name for change in successful for name in change.new(Volume).servers})
        attached = self.work.then_each(begun, self._attach)
        return self.work.finish(attached, _JOINED, _DONE)

    def detach(self, changes: Changes) -> Outcomes:
        """Detach volumes, and wait until the guests have released them."""
        begun = self.record.writer.change(changes, self._disconnect)
        successful = [outcome.change for outcome in begun if not outcome.error]
        self.redefine({name for change in successful for name in _lost(change)})
        detached = self.work.then_each(begun, self._detach)
        return self.work.finish(detached, _LEFT, _DETACHED)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete volumes that are not attached."""
        begun = self.record.writer.set(changes, {'task_state': TaskState.DELETING})
        deleted = self.work.then_each(begun, self._delete)
        return self.work.finish(deleted, _DELETED)

    def _resize(self, change: Change, row: int) -> None:
        volume = change.new(Volume)
        values = {
            'size': volume.size,
            'volume_type': volume.volume_type,
            **protected_columns(volume),
            'task_state': TaskState.EXTENDING,
        }
        self.record.writer.update_row('volume', row, values)

    def _connect(self, change: Change, row: int) -> None:
        values = {
            'server_id': self.record.find('server', change.new(Volume).server),
            'mount_point': change.new(Volume).mount_point or '',
            'task_state': TaskState.ATTACHING,
        }
        self.record.writer.update_row('volume', row, values)
        if change.new(Volume).readers:
            from .volume_readers import add

            add(self.record, row, change.new(Volume))

    def _disconnect(self, change: Change, row: int) -> None:
        self.record.writer.update_row('volume', row, {'task_state': TaskState.DETACHING})
        if change.old(Volume).readers:
            from .volume_readers import mark

            mark(self.record, row, _lost(change))

    def _reserve(self, volume: Volume) -> None:
        if self.record.find('volume', volume.name) is not None:
            return
        values = {
            'uuid': str(uuid.uuid4()),
            'name': volume.name,
            'size': volume.size,
            'source': volume.source or '',
            'volume_type': volume.volume_type,
            'file_system': volume.file_system or '',
            **protected_columns(volume),
            'task_state': TaskState.CREATING,
        }
        self.record.writer.insert_row('volume', values)

    def _disk(self, row: ListedVolume) -> Disk:
        """The disk of a volume. Raises CloudError if it cannot be reached now."""
        disk = disk_of(self.pool, row)
        if disk.fault:
            raise CloudError(disk.fault)
        return disk

    def _create(self, change: Change) -> None:
        row = row_of(self.record, change)
        disk = self._disk(row)
        locks = self.work.held_lock('volume', change.name)
        found = source_of(self.record, self.pool, row['source'])
        if found is None:
            self.pool.create(disk, locks)
        elif not self.pool.exists(disk):
            if found.volume:
                locks += locks_of(self.record, self.work, found.volume)
            if found.check:
                found.check()
                locks += self.work.held_lock('backup', found.backup)
            self.pool.flatten(found.disk, disk, locks, found.tag)

    def _delete(self, change: Change) -> None:
        row = row_of(self.record, change)
        disk = self._disk(row)
        if row['file_system']:
            self._unmount(disk)
        self.pool.remove(disk)
        if disk.folder or self.host.settings.volume_types:
            from .volume_moves import sweep

            sweep(self.pool, disk)  # what a move has left that was interrupted

    def _move(self, change: Change) -> None:
        """Move the disk of a volume, if it is not where its type says."""
        row = row_of(self.record, change)
        disk = self._disk(row)
        if row['file_system'] or not (disk.folder or os.path.islink(disk.path)):
            return
        from . import volume_moves

        machine = self._machine(row)
        is_moved = self._settle(row, disk)
        if volume_moves.is_due(disk):
            locks = locks_of(self.record, self.work, change.name)
            if machine:
                device = find_target(machine, disk.serial) or ''
                volume_moves.mirror(self.pool, disk, machine, device, locks)
                is_moved = True
            else:
                volume_moves.move(self.pool, disk, locks)
        # libvirt has written the copy into the definition, or its type has other limits
        if is_moved or self.host.settings.volume_types:
            self.redefine([row['server'] or ''])
        volume_moves.sweep(self.pool, disk)

    def _settle(self, row: ListedVolume, disk: Disk) -> bool:
        """Whether a run was interrupted after a machine had gone over to a copy."""
        if row['machine'] is None:
            return False
        from .volume_moves import settle

        return settle(disk, self.host.hypervisor.qemu.lookupByUUIDString(row['machine']))

    def _grow(self, change: Change) -> None:
        row = row_of(self.record, change)
        machine = self._machine(row)
        disk = self._disk(row)
        if row['file_system']:
            self._extend(change.name, row, disk, machine)
            return
        target = find_target(machine, disk.serial) if machine else None
        if target:
            disk_devices.grow(machine, target, disk)
        else:
            locks = self.work.held_lock(*lock_of(change.name))
            self.pool.grow(disk, locks)

    def _check_growth(self, change: Change) -> None:
        """Refuse what this process may not do with the file system of a container that runs."""
        from .volume_files import check_growth

        row = row_of(self.record, change)
        disk = self._disk(row)._replace(size=change.new(Volume).size)
        check_growth(change.name, disk, row['server'], self._machine(row) is not None)

    def _extend(self, name: str, row: ListedVolume, disk: Disk, machine: Any) -> None:
        """Grow a file system, also what an interrupted run has begun of that."""
        from .volume_files import check_growth, extend

        check_growth(name, disk, row['server'], machine is not None)
        extend(disk, row['server'] is not None, machine is not None)

    def _unmount(self, disk: Disk) -> None:
        from .volume_files import detach

        detach(disk)

    def _fill(self, change: Change) -> None:
        """Grow partition and file system in the guest, if that was asked for."""
        if not change.new(Volume).filled:
            return
        row = row_of(self.record, change)
        machine = self._machine(row)
        if machine is None:
            raise CloudError(f'server {row["server"]} no longer runs; start it, and run this again')
        from .guest_disks import fill

        fill(machine, self._disk(row).serial, row['size'], self.work.time_left())

    def _machine(self, row: ListedVolume) -> Any:
        return running_machine(self.host.hypervisor, row)

    def _attach(self, change: Change) -> None:
        row = row_of(self.record, change)
        if row['file_system']:  # it is in the definition of its container
            return
        if change.new(Volume).readers:
            from .volume_readers import with_each

            for one in with_each(self.record, row):
                self._plug(one, self._disk(one)._replace(read_only=True))
            return
        self._plug(row, self._disk(row))

    def _plug(self, row: ListedVolume, disk: Disk) -> None:
        machine = self._machine(row)
        if machine:
            plug(machine, disk, bus_of(row))

    def _detach(self, change: Change) -> None:
        row = row_of(self.record, change)
        if row['file_system']:
            self._unmount(disk_of(self.pool, row))
            return
        if change.old(Volume).readers:
            from .volume_readers import with_each

            for one in with_each(self.record, row, TaskState.DETACHING):
                self._unplug(one)
            return
        self._unplug(row)

    def _unplug(self, row: ListedVolume) -> None:
        machine = self._machine(row)
        disk = disk_of(self.pool, row)
        if machine and not unplug(machine, disk, self.work.time_left()):
            raise TimedOut(
                f'timed out after {self.host.timeout} s (wait_timeout) waiting for the guest of '
                f'{row["server"]} to release it; a paused guest does when it resumes',
                'wait_timeout',
            )


def _lost(change: Change) -> List[str]:
    """The servers that lose a volume by its detachment."""
    return sorted({*change.old(Volume).servers} - {*change.new(Volume).servers})
