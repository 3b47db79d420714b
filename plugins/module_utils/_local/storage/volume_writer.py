# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes: qcow2 files, attached to machines while they run. What changes them."""

from __future__ import annotations

import uuid
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable

from ..._cloud import Outcomes, TimedOut
from ..._model.change import Change, Changes
from ..._model.status import TaskState
from ..._model.volume import Volume
from ..record.host import Host
from ..record.projection import Projections
from ..record.record import description_columns
from ..record.work import wait_until
from . import disk_devices
from .pool_writer import writer_of
from .pools import Disk
from .volume_rows import disk_of, lock_of, row_of

if TYPE_CHECKING:
    from .row_types import ListedVolume

_DONE = 'UPDATE main.volume SET task_state = NULL WHERE id = ?'
Redefine = Callable[[Iterable[str]], None]
_LIVE = 1  # VIR_DOMAIN_AFFECT_LIVE


class VolumeWriter:
    """Changes volumes."""

    def __init__(self, host: Host, projections: Projections, redefine: Redefine) -> None:
        """``redefine``: define the machines of servers with these names as recorded."""
        self.host = host
        self.record = host.record
        self.projections = projections
        self.redefine = redefine
        self.pool = writer_of(host)

    def create(self, changes: Changes) -> Outcomes:
        """Create empty volumes."""
        with self.record.writer.transaction():
            for change in changes:
                self._reserve(change.new(Volume))
        return self.host.work.finish(self.host.work.for_each(changes, self._create), _DONE)

    def update(self, changes: Changes) -> Outcomes:
        """Grow volumes, also while in use, and update descriptions and labels."""
        begun = self.record.writer.change(changes, self._resize)
        # before the task state is cleared: the next run does not compare finished volumes
        self.projections.write_metadata()
        return self.host.work.finish(self.host.work.then_each(begun, self._grow), _DONE)

    def attach(self, changes: Changes) -> Outcomes:
        """Attach volumes to servers."""
        begun = self.record.writer.change(changes, self._connect)
        self.redefine({one.change.new(Volume).server or '' for one in begun if not one.error})
        return self.host.work.finish(self.host.work.then_each(begun, self._attach), _DONE)

    def detach(self, changes: Changes) -> Outcomes:
        """Detach volumes, and wait until the guests have released them."""
        begun = self.record.writer.set(changes, {'task_state': TaskState.DETACHING})
        self.redefine({one.change.old(Volume).server or '' for one in begun if not one.error})
        return self.host.work.finish(
            self.host.work.then_each(begun, self._detach),
            'UPDATE main.volume SET server_id = NULL, task_state = NULL WHERE id = ?',
        )

    def delete(self, changes: Changes) -> Outcomes:
        """Delete volumes that are not attached."""
        begun = self.record.writer.set(changes, {'task_state': TaskState.DELETING})
        return self.host.work.finish(
            self.host.work.then_each(begun, self._delete), 'DELETE FROM main.volume WHERE id = ?'
        )

    def _resize(self, change: Change, row: int) -> None:
        values = {'size': change.new(Volume).size, **description_columns(change.new(Volume))}
        self.record.writer.update_row('volume', row, {**values, 'task_state': TaskState.EXTENDING})

    def _connect(self, change: Change, row: int) -> None:
        server = self.record.find('server', change.new(Volume).server)
        self.record.writer.update_row(
            'volume', row, {'server_id': server, 'task_state': TaskState.ATTACHING}
        )

    def _reserve(self, volume: Volume) -> None:
        if self.record.find('volume', volume.name) is None:
            self.record.writer.insert_row(
                'volume',
                {
                    'uuid': str(uuid.uuid4()),
                    'name': volume.name,
                    'size': volume.size,
                    **description_columns(volume),
                    'task_state': TaskState.CREATING,
                },
            )

    def _disk(self, row: ListedVolume) -> Disk:
        return disk_of(self.pool, row)

    def _create(self, change: Change) -> None:
        row = row_of(self.record, change)
        self.pool.create(self._disk(row), self.host.work.held_lock('volume', change.name))

    def _delete(self, change: Change) -> None:
        self.pool.remove(self._disk(row_of(self.record, change)))

    def _grow(self, change: Change) -> None:
        row = row_of(self.record, change)
        machine = self._machine(row)
        disk = self._disk(row)
        target = _find_target(machine, disk.serial) if machine else None
        if target:
            disk_devices.grow(machine, target, disk)
        else:
            self.pool.grow(disk, self.host.work.held_lock(*lock_of(change.name)))

    def _machine(self, row: ListedVolume) -> Any:
        """The machine to which a volume is attached, if it runs."""
        if row['machine'] is None:
            return None
        machine = self.host.hypervisor.qemu.lookupByUUIDString(row['machine'])
        return machine if machine.isActive() else None

    def _attach(self, change: Change) -> None:
        row = row_of(self.record, change)
        machine = self._machine(row)
        disk = self._disk(row)
        if machine and not _find_target(machine, disk.serial):
            device = disk_devices.disk_xml(disk, _find_free_target(machine))
            machine.attachDeviceFlags(device, _LIVE)

    def _detach(self, change: Change) -> None:
        row = row_of(self.record, change)
        machine = self._machine(row)
        serial = self._disk(row).serial
        if not machine or not _find_target(machine, serial):
            return
        machine.detachDeviceAlias('ua-' + serial, _LIVE)
        if not wait_until(lambda: not _find_target(machine, serial), self.host.work.time_left()):
            raise TimedOut(
                f'timed out after {self.host.timeout} s (wait_timeout) waiting for the guest of '
                f'{row["server"]} to release it; a paused guest does when it resumes',
                'wait_timeout',
            )


def _serials(machine: Any) -> Dict[str, str]:
    """The serials of the disks of a running machine, by target."""
    devices = ET.fromstring(machine.XMLDesc()).iterfind('devices/disk')  # noqa: S314
    found = ((disk.find('target'), disk.findtext('serial', '')) for disk in devices)
    return {target.get('dev', ''): serial for target, serial in found if target is not None}


def _find_target(machine: Any, serial: str) -> str | None:
    return next((target for target, found in _serials(machine).items() if found == serial), None)


def _find_free_target(machine: Any) -> str:
    in_use = _serials(machine)
    return next(name for name in map(disk_devices.target, range(1, 26)) if name not in in_use)
