# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Snapshots in the disks of servers that run, and of those that do not.

A machine that runs has its disks open, and its monitor makes and deletes their snapshots: those of
all disks at one instant. Otherwise qemu-img does. A restore begins with a machine that is off.
"""

from __future__ import annotations

import contextlib
import os
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any, NamedTuple, Sequence, Tuple

from ..._cloud import CloudError, TimedOut
from ..._model.server_type import CONTAINER
from ..._model.snapshot import owner_of
from ..host.files import read_file, write_atomically
from ..host.hypervisor import tolerate
from ..host.monitor import Monitor
from ..record.host import Host
from ..record.work import wait_until
from ..storage.pool_writer import writer_of
from ..storage.pools import tag_of
from .frozen_guests import frozen
from .snapshot_rows import Disks
from .virtual_machines import VirtualMachines, active_machine

if TYPE_CHECKING:
    from .restoring import Restoring
    from .row_types import CompleteServer, ListedSnapshot

_PAUSED = 1  # VIR_DOMAIN_START_PAUSED


class Place(NamedTuple):
    """Where a snapshot is. ``name``: in full. ``tag``: its name in the disks, never used again.

    ``machine``: the UUID of the one that may have them open; empty: none has. ``memory``: it has
    that of its guest. ``locks``: what programs inherit that write to them. ``is_container``: what
    it is of, which has files instead of disks.
    """

    name: str
    tag: str
    machine: str
    memory: bool
    locks: Tuple[Tuple[str, str], ...]
    is_container: bool = False


def place_of(row: ListedSnapshot) -> Place:
    """Where the snapshot of a server is."""
    locks = (('server', row['name']),)
    memory = bool(row['memory'])
    is_container = row['type'] == CONTAINER
    return Place(row['full_name'], tag_of(row['uuid']), row['machine'], memory, locks, is_container)


class SnapshotMachines:
    """Snapshots of the disks and the memory of machines; all changes are idempotent."""

    def __init__(self, host: Host) -> None:
        """Make them on this host."""
        self.host = host
        self.pool = writer_of(host)
        self.machines = VirtualMachines(host)

    # -- create ----------------------------------------------------------------------------------

    def create(self, place: Place, disks: Disks) -> None:
        """Create the snapshot; what an interrupted run has left of it is taken if it is whole."""
        domain = self._running(place)
        if domain:
            self._create_live(place, disks, domain)
        elif place.memory and self._missing(place, disks):
            raise CloudError(
                f'server {owner_of(place.name)} has stopped, and only a running guest has memory '
                'to keep; start it, and run the task again',
                'memory',
            )
        else:
            self._create_offline(place, disks)

    def _running(self, place: Place) -> Any:
        """The machine that has the disks open; None: none has."""
        return active_machine(self.host, place.machine) if place.machine else None

    def has_guest(self, place: Place) -> bool:
        """Whether a guest may write to the disks."""
        return self._running(place) is not None

    def _missing(self, place: Place, disks: Disks) -> bool:
        return not all(place.tag in self.pool.snapshots(disk) for disk in disks)

    def _create_offline(self, place: Place, disks: Disks) -> None:
        tag, locks = place.tag, self._locks(place)
        if not self._missing(place, disks):
            return
        for disk in disks:  # of another instant
            self.pool.delete_snapshot(disk, tag, locks)
        for disk in disks:
            self.pool.snapshot(disk, tag, locks)

    def _create_live(self, place: Place, disks: Disks, domain: Any) -> None:
        monitor = Monitor(domain)
        nodes = monitor.nodes([disk.path for disk in disks])
        tag = place.tag
        self._end_job(place, monitor, tag)
        if all(tag in monitor.snapshots(node) for node in nodes) and self._has_machine(place):
            return
        _delete(monitor, nodes, tag)
        if place.memory:
            write_atomically(self._machine_path(place), domain.XMLDesc())
            self._run_job(place, monitor, nodes, 'snapshot-save')
            return
        actions = [
            {'type': 'blockdev-snapshot-internal-sync', 'data': {'device': node, 'name': tag}}
            for node in nodes
        ]
        with frozen(domain):
            monitor.execute('transaction', actions=actions)

    def _has_machine(self, place: Place) -> bool:
        return not place.memory or os.path.exists(self._machine_path(place))

    def _machine_path(self, place: Place) -> str:
        """The file with the machine that the memory is of, as libvirt had it then."""
        return self.host.settings.path('servers', place.machine, f'{place.tag}.xml')

    def _run_job(self, place: Place, monitor: Monitor, nodes: Sequence[str], command: str) -> None:
        """Save or load memory, and await the end. The memory is in the root disk."""
        tag = place.tag
        self._end_job(place, monitor, tag)
        monitor.execute(command, job_id=tag, tag=tag, vmstate=nodes[0], devices=list(nodes))
        error = self._end_job(place, monitor, tag)
        if error:
            raise CloudError(f'QEMU: {command}: {error}')

    def _end_job(self, place: Place, monitor: Monitor, name: str) -> str:
        """Await the end of a job, if there is one: it continues without the run that began it.

        Return its error.
        """
        found = monitor.job(name)

        def has_ended() -> bool:
            nonlocal found
            found = monitor.job(name)
            return found is None or found['status'] == 'concluded'

        if found is None:
            return ''
        if not wait_until(has_ended, self.host.work.time_left()):
            raise TimedOut(
                f'timed out after {self.host.timeout} s (wait_timeout) waiting for the memory of '
                f'server {owner_of(place.name)}, which is still being written or read; run the '
                'task again',
                'wait_timeout',
            )
        if found is None:
            return ''
        monitor.execute('job-dismiss', id=name)
        return str(found.get('error', ''))

    # -- delete ----------------------------------------------------------------------------------

    def delete(self, place: Place, disks: Disks) -> None:
        """Delete the snapshot from all disks, also while the machine runs."""
        domain = self._running(place)
        if domain:
            tag = place.tag
            monitor = Monitor(domain)
            self._end_job(place, monitor, tag)
            _delete(monitor, monitor.nodes([disk.path for disk in disks]), tag)
        else:
            self.delete_from_files(place, disks)
        if place.memory:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._machine_path(place))

    def delete_from_files(self, place: Place, disks: Disks) -> None:
        """Delete the snapshot from the disks that exist; no machine has them open."""
        for disk in filter(self.pool.exists, disks):
            self.pool.delete_snapshot(disk, place.tag, self._locks(place))

    # -- restore ---------------------------------------------------------------------------------

    def check(self, place: Place, disks: Disks) -> None:
        """Raise CloudError if a disk does not have the snapshot."""
        if self._missing(place, disks):
            raise CloudError(f'{place.name} is missing in its disks; delete the snapshot')

    def restore_disks(self, place: Place, disks: Disks) -> None:
        """Restore disks that no machine has open."""
        for disk in disks:
            self.pool.restore(disk, place.tag, self._locks(place))

    def restore(self, place: Place, disks: Disks, with_memory: bool, restoring: Restoring) -> None:
        """Power the machine off, restore its disks, and start it, with its memory or afresh."""
        machine = read_file(self._machine_path(place)) if with_memory else ''
        if machine is None:
            raise CloudError(
                f'the machine that the memory in {place.name} is of is no longer known; set '
                'memory: false to restore the disks only',
                'memory',
            )
        self.check(place, disks)
        server = restoring.begin()
        self.machines.power_off(server)
        self.restore_disks(place, disks)
        restoring.is_done = not with_memory
        if not with_memory:
            self.machines.define_and_start(server)
            return
        self.machines.define(server).setAutostart(1)
        domain = self.machines.connection.createXML(self._as_of_today(machine, server), _PAUSED)
        try:
            monitor = Monitor(domain)
            nodes = monitor.nodes([disk.path for disk in disks])
            self._run_job(place, monitor, nodes, 'snapshot-load')
        except CloudError as error:
            with tolerate('OPERATION_INVALID'):
                domain.destroy()  # it has nothing to continue with
            error.args = (f'{error}; set memory: false to restore the disks only',)
            raise
        restoring.is_done = True
        domain.resume()

    def _as_of_today(self, machine: str, server: CompleteServer) -> str:
        """A machine of that time with the name and the metadata of today."""
        found = ET.fromstring(machine)  # noqa: S314 (libvirt's own)
        name, metadata = found.find('name'), found.find('metadata')
        if name is not None and metadata is not None:
            name.text = self.machines.name(server)
            metadata.clear()
            metadata.append(ET.fromstring(server['metadata']))  # noqa: S314 (ours)
        _keep_chosen_firmware(found)
        return ET.tostring(found, encoding='unicode')

    def _locks(self, place: Place) -> Sequence[int]:
        work = self.host.work
        return [number for lock in place.locks for number in work.held_lock(*lock)]


def _keep_chosen_firmware(machine: ET.Element) -> None:
    """Remove what the firmware was chosen by: libvirt 9 takes it only where it is to choose."""
    system = machine.find('os')
    if system is not None and 'firmware' not in system.attrib:
        for features in system.findall('firmware'):
            system.remove(features)


def _delete(monitor: Monitor, nodes: Sequence[str], tag: str) -> None:
    for node in nodes:
        if tag in monitor.snapshots(node):
            monitor.execute('blockdev-snapshot-delete-internal-sync', device=node, name=tag)
