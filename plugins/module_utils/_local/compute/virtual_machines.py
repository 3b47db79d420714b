# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The virtual machines of servers; ``row`` is a complete one (server_rows.py)."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ..._cloud import TimedOut
from ..._model.change import Change
from ..._model.effect import RESTART
from ..._model.hardware import hardware_from
from ..._model.server import Server
from ..._model.status import TaskState
from ..host.hypervisor import tolerate
from ..record.host import Host
from ..storage import disk_devices
from ..storage.pool_writer import writer_of
from . import domain, firmware_state, seed
from .console import Console
from .device_limits import limits_of
from .first_boot_content import check_recorded, content_of
from .interfaces import interfaces_of, plug
from .live_size import definition_of, has_recorded_size, macs_of
from .machine_limits import apply, limited
from .server_machines import ServerMachines
from .volume_limits import limits_of_volumes

if TYPE_CHECKING:
    from .row_types import CompleteServer

# VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN: without it libvirt tries the guest agent first, for a minute
_POWER_BUTTON = 1
# VIR_DOMAIN_UNDEFINE_NVRAM and _CHECKPOINTS_METADATA, of backup programs; what a TPM keeps is
# deleted in any case.
_WITH_ALL = 4 | 16
_RESCUE_SEED = 'rescue.iso'


class VirtualMachines(ServerMachines):
    """Virtual machines of QEMU."""

    logs = '/var/log/libvirt/qemu'

    @property
    def connection(self) -> Any:
        """This thread's connection to the QEMU driver."""
        return self.host.hypervisor.qemu

    def prepare(self, row: CompleteServer) -> None:
        """Create the root disk and the seed."""
        folder = self.folder(row)
        locks = self.host.work.held_lock('server', row['name'])
        os.makedirs(os.path.dirname(folder), 0o711, exist_ok=True)
        os.makedirs(folder, 0o711, exist_ok=True)
        pool = writer_of(self.host)
        pool.create(
            pool.root(row['uuid'], row['volume_size'] or 0), locks, pool.image(row['image_uuid'])
        )
        content = content_of(row, row['first_boot'])
        seed.write(self.host, os.path.join(folder, domain.SEED), content, locks)

    def xml(self, row: CompleteServer) -> str:
        """The domain as recorded."""
        hardware = hardware_from(row['hardware'])
        pool = writer_of(self.host)
        volumes = [
            pool.volume(volume['uuid'])._replace(read_only=bool(volume['read_only']))
            for volume in row['volumes']
            if volume['task_state'] != TaskState.DETACHING
        ]
        root = pool.root(row['uuid'])
        is_rescued = row['rescue_image_uuid'] is not None
        machine = domain.Machine(
            name=self.defined_name(row),
            uuid=row['uuid'],
            memory=row['memory'],
            vcpus=row['vcpus'],
            max_memory=row['max_memory'] or row['memory'],
            max_vcpus=row['max_vcpus'] or row['vcpus'],
            folder=self.folder(row),
            cdroms=tuple(pool.image(image).path for image in json.loads(row['cdroms'])),
            seed=_RESCUE_SEED if is_rescued else domain.SEED,
            interfaces=interfaces_of(row),
            disks=(pool.rescue(row['uuid']), root, *volumes) if is_rescued else (root, *volumes),
            kvm=domain.has_kvm(self.host.settings.virt_type),
            metadata=row['metadata'],
            guest_agent=bool(row['guest_agent']),
            on_crash=row['on_crash'],
            hardware=hardware,
        )
        of_volumes = limits_of_volumes(self.host, row)
        return limited(domain.xml(machine), limits_of(row), of_volumes)

    def erase(self, row: CompleteServer) -> None:
        """Delete the machine with its root disk, its other files and its logs."""
        self.undefine(row)
        pool = writer_of(self.host)
        pool.remove(pool.root(row['uuid']))
        firmware_state.erase_tpm(row['uuid'])
        firmware_state.erase_logs(self.log_pattern(row))
        super().erase(row)

    def undefine(self, row: CompleteServer) -> None:
        """Power off the machine and undefine it, with what its firmware and its TPM keep."""
        self.power_off(row)
        with tolerate('NO_DOMAIN'):
            self.lookup(row).undefineFlags(_WITH_ALL)

    def define(self, row: CompleteServer) -> Any:
        """Define the machine as recorded, also its name."""
        with tolerate('NO_DOMAIN'):
            self.rename(row)
            self._settle_moves(row)
        machine = super().define(row)
        if not (hardware_from(row['hardware']).tpm or machine.isActive()):
            firmware_state.erase_tpm(row['uuid'])
        return machine

    def _settle_moves(self, row: CompleteServer) -> None:
        """Do not define disks where they were before a move that was interrupted."""
        extending = [one for one in row['volumes'] if one['task_state'] == TaskState.EXTENDING]
        if extending:
            from ..storage.volume_moves import settle

            pool = writer_of(self.host)
            for volume in extending:
                settle(pool.volume(volume['uuid']), self.lookup(row))

    def limit(self, row: CompleteServer) -> None:
        """Limit the machine as recorded, also while it runs."""
        with tolerate('NO_DOMAIN'):  # whatever creates it limits it
            of_volumes = limits_of_volumes(self.host, row)
            apply(self.lookup(row), limits_of(row), of_volumes)

    def resize(self, change: Change, row: CompleteServer) -> None:
        """Change the machine to its recorded size, with a restart if the change allows one."""
        before = change.old(Server)
        after = change.new(Server)
        self.keep_off(after, row)
        if before.unfinished is None and definition_of(before) == definition_of(after):
            return
        machine = self.define(row)
        may_restart = change.effect == RESTART or before.unfinished is not None
        if machine.isActive() and may_restart and not has_recorded_size(machine, row):
            self.shut_down(row)
        if machine.isActive():
            from .live_size import set_size

            set_size(machine, row)
        if machine.isActive() and (before.unfinished or macs_of(before) != macs_of(after)):
            self._plug(machine, row)
        self._grow(machine, row)
        self.define_and_start(row)
        self.limit(row)

    def _plug(self, machine: Any, row: CompleteServer) -> None:
        """Plug interfaces into a running machine, and unplug others."""
        if not plug(self.host.work, machine, interfaces_of(row)):
            raise TimedOut(
                f'timed out after {self.host.timeout} s (wait_timeout) waiting for the guest of '
                f'{row["name"]} to release a network interface; a guest that does not respond '
                'loses it when it is restarted (state: restarted)',
                'wait_timeout',
            )

    def _grow(self, machine: Any, row: CompleteServer) -> None:
        pool = writer_of(self.host)
        root = pool.root(row['uuid'], row['volume_size'] or 0)
        if machine.isActive():
            target = disk_devices.target(hardware_from(row['hardware']).bus, 0)
            disk_devices.grow(machine, target, root)
        else:
            pool.grow(root, self.host.work.held_lock('server', row['name']))

    def start(self, row: CompleteServer) -> None:
        """Start the machine."""
        with tolerate('OPERATION_INVALID'):  # it runs already
            self.rename(row)
            machine = self.lookup(row)
            machine.setAutostart(1)
            if not machine.isActive():
                Console(self.folder(row)).mark_start()
            machine.create()

    def rebuild(self, row: CompleteServer) -> None:
        """Start the machine with a fresh root disk, and the init script as it is now.

        User data is recorded only as a hash, and taken from the first-boot disk.
        """
        self.power_off(row)
        firmware_state.erase(row['uuid'], self.folder(row))
        pool = writer_of(self.host)
        pool.remove(pool.root(row['uuid']))
        locks = self.host.work.held_lock('server', row['name'])
        content = content_of(row, row['first_boot'])
        check = partial(check_recorded, row, self.host.record.secret())
        path = os.path.join(self.folder(row), domain.SEED)
        seed.renew(self.host, path, content, check, locks)
        self.prepare(row)
        self.define_and_start(row)

    def rescue(self, row: CompleteServer) -> None:
        """Start the machine from a disk of the rescue image, with its own as the second one."""
        locks = self.host.work.held_lock('server', row['name'])
        pool = writer_of(self.host)
        pool.create(pool.rescue(row['uuid']), locks, pool.image(row['rescue_image_uuid'] or ''))
        content = content_of(row)
        content = replace(content, identity=f'{content.identity}-rescue')
        seed.write(self.host, os.path.join(self.folder(row), _RESCUE_SEED), content, locks)
        self.define_and_start(row)

    def unrescue(self, row: CompleteServer) -> None:
        """Start the machine from its own disk, and remove what it was rescued with."""
        self.define_and_start(row)
        pool = writer_of(self.host)
        pool.remove(pool.rescue(row['uuid']))
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self.folder(row), _RESCUE_SEED))

    def rename(self, row: CompleteServer) -> None:
        """Rename the machine if it is off; libvirt renames no running one, which keeps its name."""
        machine = self.lookup(row)
        if machine.name() != self.name(row):
            with tolerate('OPERATION_INVALID'):
                machine.rename(self.name(row))

    def _request_shutdown(self, machine: Any, row: CompleteServer) -> None:
        machine.shutdownFlags(_POWER_BUTTON)


def active_machine(host: Host, server: str) -> Any:
    """The machine of a server, by its UUID, if it runs; else None."""
    with tolerate('NO_DOMAIN'):
        domain = host.hypervisor.qemu.lookupByUUIDString(server)
        return domain if domain.isActive() else None
    return None
