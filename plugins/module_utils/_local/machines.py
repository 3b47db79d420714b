# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The machine of a server: its disks, its definition in libvirt, its power. Each step may be done twice; ``row`` is a whole one (server_rows.py)."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import time
import xml.etree.ElementTree as ET
from typing import Any, Tuple

from .._cloud import CloudError
from .._model.change import RESTART, Change
from .._model.server import Server
from . import disks, domain, images, readiness, seed
from .devices import bridge_name, tap_name
from .host import Host, wait_until
from .hypervisor import tolerate

# VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN: without it libvirt asks the guest agent first, for a minute
_POWER_BUTTON = 1
_ASK_AGAIN = 3.0  # seconds; a power button pressed in the first second after a start is lost


class Machines:
    """Machines of this host."""

    def __init__(self, host: Host) -> None:
        """Of this host."""
        self.host = host

    def _folder(self, row: Any, *names: str) -> str:
        return self.host.settings.path('servers', row['uuid'], *names)

    def prepare(self, row: Any) -> None:
        """Make the root disk and the seed."""
        folder, locks = self._folder(row), self.host.held_lock('server', row['name'])
        os.makedirs(os.path.dirname(folder), 0o711, exist_ok=True)
        os.makedirs(folder, 0o711, exist_ok=True)
        disks.create(
            self.host,
            os.path.join(folder, 'root.qcow2'),
            row['volume_size'],
            locks,
            images.path(self.host, row['image_uuid']),
        )
        macs, clone = (
            tuple(port['mac'] for port in row['ports']),
            row['image_source'].startswith('server:'),
        )
        content = seed.Seed(
            row['uuid'], row['name'], macs, row['public_keys'], row['first_boot'], clone
        )
        seed.write(self.host, os.path.join(folder, 'seed.iso'), content, locks)

    def _machine(self, row: Any) -> domain.Machine:
        return domain.Machine(
            name=_name(row),
            uuid=row['uuid'],
            memory=row['memory'],
            vcpus=row['vcpus'],
            folder=self._folder(row),
            interfaces=tuple(
                domain.Interface(tap_name(port['id']), port['mac'], bridge_name(port['network_id']))
                for port in row['ports']
            ),
            disks=tuple(
                domain.volume_disk(self.host.settings.path('volumes'), volume['uuid'])
                for volume in row['volumes']
                if volume['task_state'] != 'detaching'
            ),
            kvm=domain.kvm_works(self.host.settings.virt_type),
            metadata=row['metadata'],
            guest_agent=bool(row['guest_agent']),
        )

    def define(self, row: Any) -> Any:
        """Define the machine as the record says; what runs goes on as it was until its next start."""
        return self.host.hypervisor.qemu.defineXML(domain.xml(self._machine(row)))

    def settle(self, row: Any) -> None:
        """Define the machine, and start it if it is to run."""
        self.define(row).setAutostart(1 if row['power'] == 'started' else 0)
        if row['power'] == 'started':
            self.power_on(row)

    def remake(self, change: Change, row: Any) -> None:
        """Have the machine become what was asked for: at once what can be, with a restart what was allowed to need one."""
        before, after = change.before, change.after
        if before.task_state is None and _shape(before) == _shape(after):
            return
        machine = self.define(row)
        if (
            machine.isActive()
            and (change.effect == RESTART or before.task_state is not None)
            and not _fits(machine, row)
        ):
            self.shut_down(row)
        self._grow(machine, row)
        self.settle(row)

    def _grow(self, machine: Any, row: Any) -> None:
        size, path = row['volume_size'] * 2**30, self._folder(row, 'root.qcow2')
        if machine.isActive():
            if machine.blockInfo('vda')[0] < size:
                machine.blockResize('vda', size, 1)  # VIR_DOMAIN_BLOCK_RESIZE_BYTES
        elif disks.describe_own(self.host, path)['virtual-size'] < size:
            disks.grow(
                self.host, path, row['volume_size'], self.host.held_lock('server', row['name'])
            )

    def power_on(self, row: Any) -> None:
        """Start it."""
        with tolerate('OPERATION_INVALID'):  # it runs already
            machine = self.host.hypervisor.qemu.lookupByUUIDString(row['uuid'])
            machine.setAutostart(1)
            if not machine.isActive():
                readiness.mark_start(self._folder(row, 'console.log'))
            machine.create()

    def resume(self, row: Any) -> None:
        """Let it go on."""
        with tolerate('OPERATION_INVALID'):  # it is not paused any more
            self.host.hypervisor.qemu.lookupByUUIDString(row['uuid']).resume()

    def pull(self, row: Any) -> None:
        """Pull the plug."""
        with tolerate('NO_DOMAIN'):  # it is gone
            machine = self.host.hypervisor.qemu.lookupByUUIDString(row['uuid'])
            with tolerate('OPERATION_INVALID'):  # it is not defined any more, and only runs
                machine.setAutostart(0)
            with tolerate('OPERATION_INVALID'):  # it does not run
                machine.destroy()

    def press(self, row: Any) -> None:
        """Press the power button, and wait for nothing."""
        with tolerate('OPERATION_INVALID', 'NO_DOMAIN'):  # it does not run
            self.host.hypervisor.qemu.lookupByUUIDString(row['uuid']).shutdownFlags(_POWER_BUTTON)

    def shut_down(self, row: Any) -> None:
        """Ask the guest to shut down, and wait until it has. Raises CloudError when it does not in time."""
        machine = self.host.hypervisor.qemu.lookupByUUIDString(row['uuid'])
        requested = [0.0]

        def down() -> bool:
            if not machine.isActive():
                return True
            if time.monotonic() - requested[0] > _ASK_AGAIN:
                with tolerate('OPERATION_INVALID'):
                    machine.shutdownFlags(_POWER_BUTTON)
                requested[0] = time.monotonic()
            return False

        if not wait_until(down, self.host.time_left()):
            raise CloudError(
                f'the guest of {row["name"]} did not shut down in {self.host.timeout} s and stays as it is; force: true pulls the plug'
            )
        if row['power'] == 'stopped':
            machine.setAutostart(0)

    def erase(self, row: Any) -> None:
        """Remove it with its disks and logs."""
        self.pull(row)
        with tolerate('NO_DOMAIN'):
            self.host.hypervisor.qemu.lookupByUUIDString(row['uuid']).undefine()
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self._folder(row))
        for log in glob.glob(f'/var/log/libvirt/qemu/{glob.escape(_name(row))}.log*'):
            os.unlink(log)


def _name(row: Any) -> str:
    """The name of a domain: from the row's number, with the server's for people who look with virsh."""
    return f'hanok-{row["id"]}-{row["name"]}'


def _shape(server: Server) -> Tuple[int, int, int, bool]:
    """What the machine of a server is defined by, of what may change."""
    return server.vcpus, server.memory, server.volume_size, server.guest_agent


def _fits(machine: Any, row: Any) -> bool:
    _state, most, _memory, vcpus, _time = machine.info()
    has_agent = domain.has_agent(ET.fromstring(machine.XMLDesc()))  # noqa: S314 (libvirt's own)
    return (most, vcpus, has_agent) == (
        row['memory'] * 1024,
        row['vcpus'],
        bool(row['guest_agent']),
    )
