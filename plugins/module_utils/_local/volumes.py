# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes: qcow2 files, plugged into machines while they run."""

from __future__ import annotations

import json
import os
import time
import uuid
import xml.etree.ElementTree as ET
from typing import Any, Dict, Iterable, List, Sequence, Tuple

from .._cloud import CloudError, Outcome
from .._model.change import Change
from .._model.volume import Volume
from . import disks, domain
from .agent import Agent
from .host import Host, wait_until
from .record import description_columns
from .servers import LocalServers

_LIST = """SELECT v.*, s.name AS server, s.uuid AS machine FROM volume v LEFT JOIN server s ON s.id = v.server_id
  WHERE ?1 IS NULL OR v.name IN (SELECT value FROM json_each(?1)) ORDER BY v.name"""
_DONE = 'UPDATE volume SET task_state = NULL WHERE name = ?'
_LIVE = 1  # VIR_DOMAIN_AFFECT_LIVE


class LocalVolumes:
    """Volumes of the local cloud."""

    def __init__(self, host: Host, servers: LocalServers) -> None:
        """Volumes on record, and the servers that have them."""
        self.host, self.record, self.servers = host, host.record, servers

    def list(self, names: Iterable[str] | None = None) -> Tuple[Volume, ...]:
        """Look: all, or those of these names."""
        return tuple(
            _volume(row, self._is_disk_missing(row)) for row in self.record.named(_LIST, names)
        )

    def _is_disk_missing(self, row: Any) -> bool:
        return row['task_state'] is None and not os.path.exists(self._path(row))

    def is_mounted(self, name: str) -> bool | None:
        """Whether the guest that has a volume has it mounted; None when it runs and cannot be asked."""
        found: bool | None = self.host.with_retry(lambda: self._mounted(self._row(name)))
        return found

    def _mounted(self, row: Any) -> bool | None:
        if row['machine'] is None:
            return False
        machine = self.host.hypervisor.qemu.lookupByUUIDString(row['machine'])
        if not machine.isActive():
            return False
        serials = Agent(machine, time.monotonic() + max(1, self.host.timeout)).mounted_serials()
        return None if serials is None else row['uuid'][:20] in serials

    def create(self, changes: Sequence[Change]) -> List[Outcome]:
        """Make empty volumes."""
        with self.record.transaction():
            for change in changes:
                self._reserve(change.after)
        os.makedirs(self.host.settings.path('volumes'), 0o711, exist_ok=True)
        return self.host.finish(self.host.for_each(changes, self._make), _DONE)

    def update(self, changes: Sequence[Change]) -> List[Outcome]:
        """Grow volumes, while they are in use too, and change what is said about them."""
        with self.record.transaction():
            for change in changes:
                self.record.update_named(
                    'volume',
                    change.name,
                    {
                        'size': change.after.size,
                        **description_columns(change.after),
                        'task_state': 'extending',
                    },
                )
        # before it is done: a volume that is done is not looked at again by the next run
        self.servers.firewalls.write_metadata()
        return self.host.finish(self.host.for_each(changes, self._grow), _DONE)

    def attach(self, changes: Sequence[Change]) -> List[Outcome]:
        """Plug volumes into servers."""
        with self.record.transaction() as sql:
            for change in changes:
                server = self.record.value(
                    'SELECT id FROM server WHERE name = ?', change.after.server
                )
                sql.execute(
                    "UPDATE volume SET server_id = ?, task_state = 'attaching' WHERE name = ?",
                    (server, change.name),
                )
        self.servers.redefine({change.after.server for change in changes})
        return self.host.finish(self.host.for_each(changes, self._plug), _DONE)

    def detach(self, changes: Sequence[Change]) -> List[Outcome]:
        """Unplug volumes, and wait until the guests have let go of them."""
        with self.record.transaction() as sql:
            sql.executemany(
                "UPDATE volume SET task_state = 'detaching' WHERE name = ?",
                [(change.name,) for change in changes],
            )
        self.servers.redefine({change.before.server for change in changes})
        return self.host.finish(
            self.host.for_each(changes, self._unplug),
            'UPDATE volume SET server_id = NULL, task_state = NULL WHERE name = ?',
        )

    def delete(self, changes: Sequence[Change]) -> List[Outcome]:
        """Remove volumes that no server has."""
        with self.record.transaction() as sql:
            sql.executemany(
                "UPDATE volume SET task_state = 'deleting' WHERE name = ?",
                [(change.name,) for change in changes],
            )
        return self.host.finish(
            self.host.for_each(
                changes, lambda change: disks.remove(self._path(self._row(change.name)))
            ),
            'DELETE FROM volume WHERE name = ?',
        )

    def _reserve(self, volume: Volume) -> None:
        if self.record.value('SELECT id FROM volume WHERE name = ?', volume.name) is None:
            self.record.insert(
                'volume',
                {
                    'uuid': str(uuid.uuid4()),
                    'name': volume.name,
                    'size': volume.size,
                    **description_columns(volume),
                    'task_state': 'creating',
                },
            )

    def _row(self, name: str) -> Any:
        return self.record.named(_LIST, [name])[0]

    def _path(self, row: Any) -> str:
        return self._disk(row).path

    def _disk(self, row: Any) -> domain.Disk:
        return domain.volume_disk(self.host.settings.path('volumes'), row['uuid'])

    def _make(self, change: Change) -> None:
        row = self._row(change.name)
        disks.create(
            self.host, self._path(row), row['size'], self.host.held_lock('volume', change.name)
        )

    def _grow(self, change: Change) -> None:
        row = self._row(change.name)
        machine, size = self._machine(row), row['size'] * 2**30
        target = _plugged(machine, row['uuid'][:20]) if machine else None
        if target:
            if machine.blockInfo(target)[0] < size:
                machine.blockResize(target, size, 1)  # VIR_DOMAIN_BLOCK_RESIZE_BYTES
        elif disks.describe_own(self.host, self._path(row))['virtual-size'] < size:
            disks.grow(
                self.host, self._path(row), row['size'], self.host.held_lock('volume', change.name)
            )

    def _machine(self, row: Any) -> Any:
        """The machine that has a volume, if it runs."""
        if row['machine'] is None:
            return None
        machine = self.host.hypervisor.qemu.lookupByUUIDString(row['machine'])
        return machine if machine.isActive() else None

    def _plug(self, change: Change) -> None:
        row = self._row(change.name)
        machine = self._machine(row)
        if machine and not _plugged(machine, row['uuid'][:20]):
            machine.attachDeviceFlags(
                domain.disk_xml(self._disk(row), _free_target(machine)), _LIVE
            )

    def _unplug(self, change: Change) -> None:
        row = self._row(change.name)
        machine, serial = self._machine(row), row['uuid'][:20]
        if not machine or not _plugged(machine, serial):
            return
        machine.detachDeviceAlias('ua-' + serial, _LIVE)
        if not wait_until(lambda: not _plugged(machine, serial), self.host.time_left()):
            raise CloudError(
                f'the guest of {row["server"]} did not let go of it in {self.host.timeout} s; a paused guest does so when it goes on'
            )


def _targets(machine: Any) -> Dict[str, str]:
    """Serials of the disks of a machine that runs, by their targets."""
    devices = ET.fromstring(machine.XMLDesc()).iterfind('devices/disk')  # noqa: S314
    found = ((disk.find('target'), disk.findtext('serial', '')) for disk in devices)
    return {target.get('dev', ''): serial for target, serial in found if target is not None}


def _plugged(machine: Any, serial: str) -> str | None:
    return next((target for target, there in _targets(machine).items() if there == serial), None)


def _free_target(machine: Any) -> str:
    taken = _targets(machine)
    return next(name for name in map(domain.target, range(1, 26)) if name not in taken)


def _volume(row: Any, disk_missing: bool) -> Volume:
    serial = row['uuid'][:20]
    return Volume(
        row['name'],
        row['size'],
        row['server'],
        row['description'],
        json.loads(row['labels']),
        row['uuid'],
        serial,
        f'/dev/disk/by-id/virtio-{serial}',
        row['task_state'],
        row['created_by'],
        row['created_at'],
        disk_missing,
    )
