# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The machines of servers, of any type; ``row`` is a complete one (server_rows.py)."""

from __future__ import annotations

import time
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from ..._cloud import TimedOut, Unsupported
from ..._model.change import Change
from ..._model.server import Server
from ..host.hypervisor import tolerate
from ..record.work import wait_until
from .machines import Machines, name_in_project
from .server_status import SHELVED

if TYPE_CHECKING:
    from .row_types import CompleteServer

_NOT_RUNNING = ('OPERATION_INVALID', 'SYSTEM_ERROR', 'INTERNAL_ERROR')  # or it exits just now
_RETRY = 3.0  # seconds; a power button pressed in the first second after a start has no effect


class ServerMachines(Machines['CompleteServer']):
    """The machines of servers of one type: what the actions of their life cycle do."""

    def name(self, row: CompleteServer) -> str:
        """The name of the domain, with the server's name for virsh users."""
        return f'hanok-{row["id"]}-{name_in_project(row)}'

    def defined_name(self, row: CompleteServer) -> str:
        """The name of the domain: that of a server which was renamed while it ran is kept."""
        with tolerate('NO_DOMAIN'):
            return str(self.lookup(row).name())
        return self.name(row)

    def log_pattern(self, row: CompleteServer) -> str:
        """The names of its logs, also of those from before it was renamed."""
        return f'hanok-{row["id"]}-*.log*'

    def folder(self, row: CompleteServer) -> str:
        """The folder with all files of the machine."""
        return self.host.settings.path('servers', row['uuid'])

    @abstractmethod
    def rename(self, row: CompleteServer) -> None:
        """Rename the machine if it is off; libvirt renames no running one, which keeps its name."""

    @abstractmethod
    def resize(self, change: Change, row: CompleteServer) -> None:
        """Change the machine to its recorded size, with a restart if the change allows one."""

    @abstractmethod
    def rebuild(self, row: CompleteServer) -> None:
        """Start the machine with fresh files, and the init script as it is now."""

    @abstractmethod
    def limit(self, row: CompleteServer) -> None:
        """Limit the machine as recorded, also while it runs."""

    def renew_volumes(self, row: CompleteServer) -> None:
        """Let a machine that runs have the volumes that it is defined with, if it must restart."""

    @abstractmethod
    def _request_shutdown(self, machine: Any, row: CompleteServer) -> None:
        """Request a shutdown of a machine, which may not run any more."""

    def rescue(self, row: CompleteServer) -> None:
        """Start the machine from a disk of the rescue image, with its own as the second one."""
        raise Unsupported(f'a server of type {row["type"]} cannot be rescued')

    def unrescue(self, row: CompleteServer) -> None:
        """Start the machine from its own disk, and remove what it was rescued with."""
        raise Unsupported(f'a server of type {row["type"]} cannot be rescued')

    def define_and_start(self, row: CompleteServer) -> None:
        """Define the machine, and start it if its recorded power is started.

        What is off stays as it is at the boot of the host, too: only who stops it says not then.
        """
        self.define(row)
        if row['power'] == 'started':
            self.start(row)

    def keep_off(self, server: Server, row: CompleteServer) -> None:
        """Let libvirt not start a machine with the host that a task has stopped."""
        if server.power == 'stopped' and not server.starts_at_boot:
            with tolerate('NO_DOMAIN'):
                self.lookup(row).setAutostart(0)

    def pause(self, row: CompleteServer) -> None:
        """Pause the machine."""
        with tolerate('OPERATION_INVALID'):  # it no longer runs
            self.lookup(row).suspend()

    def resume(self, row: CompleteServer) -> None:
        """Resume the paused machine."""
        with tolerate('OPERATION_INVALID'):  # it is no longer paused
            self.lookup(row).resume()

    def press_power_button(self, row: CompleteServer) -> None:
        """Request a shutdown of the guest without waiting for it."""
        with tolerate('NO_DOMAIN', *_NOT_RUNNING):
            self._request_shutdown(self.lookup(row), row)

    def shut_down(self, row: CompleteServer) -> None:
        """Shut down the guest, and wait until it has. Raises CloudError after a timeout."""
        machine = self.lookup(row)
        pressed_at = 0.0

        def is_down() -> bool:
            nonlocal pressed_at
            if not machine.isActive():
                return True
            if time.monotonic() - pressed_at > _RETRY:
                with tolerate(*_NOT_RUNNING):
                    self._request_shutdown(machine, row)
                pressed_at = time.monotonic()
            return False

        if not wait_until(is_down, self.host.work.time_left()):
            raise TimedOut(
                f'timed out after {self.host.timeout} s (wait_timeout) waiting for the guest of '
                f'{row["name"]} to shut down; force: true powers it off',
                'wait_timeout',
            )
        if row['power'] in ('stopped', SHELVED):
            machine.setAutostart(0)
