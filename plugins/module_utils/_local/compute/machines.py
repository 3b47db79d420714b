# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Machines of libvirt, whatever their kind: virtual machines, and containers of load balancers.

All methods are idempotent. ``row`` is the row of the record that a machine belongs to.
"""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..._model.checks import DEFAULT_PROJECT
from ..host.hypervisor import tolerate
from ..record.host import Host

if TYPE_CHECKING:
    from .row_types import Machine, Named


_TRIES, _PAUSE = 50, 0.1  # s
MachineRow = TypeVar('MachineRow', bound='Machine')


class Machines(ABC, Generic[MachineRow]):
    """The machines of one kind on this host."""

    logs: str  # the folder where the driver of libvirt writes their logs

    def __init__(self, host: Host) -> None:
        """Manage machines of this host."""
        self.host = host

    @property
    @abstractmethod
    def connection(self) -> Any:
        """This thread's connection to the driver of this kind."""

    @abstractmethod
    def name(self, row: MachineRow) -> str:
        """The name of the domain, unique by the id of the row."""

    def log_pattern(self, row: MachineRow) -> str:
        """The names of its logs."""
        return f'{glob.escape(self.name(row))}.log*'

    @abstractmethod
    def folder(self, row: MachineRow) -> str:
        """The folder of the machine."""

    @abstractmethod
    def xml(self, row: MachineRow) -> str:
        """The domain as recorded."""

    @abstractmethod
    def prepare(self, row: MachineRow) -> None:
        """Create the files that the machine needs."""

    @abstractmethod
    def start(self, row: MachineRow) -> None:
        """Start the machine, which is defined."""

    def lookup(self, row: MachineRow) -> Any:
        """The domain. Raises libvirtError if it does not exist."""
        return self.connection.lookupByUUIDString(row['uuid'])

    def define(self, row: MachineRow) -> Any:
        """Define the machine as recorded; a running one changes at its next start."""
        return self.connection.defineXML(self.xml(row))

    def power_off(self, row: MachineRow) -> None:
        """Power off the machine without a shutdown of its guest."""
        with tolerate('NO_DOMAIN'):  # it does not exist
            machine = self.lookup(row)
            with tolerate('OPERATION_INVALID'):  # it is no longer defined, and only runs
                machine.setAutostart(0)
            with tolerate('OPERATION_INVALID'):  # it does not run
                destroy(machine)

    def undefine(self, row: MachineRow) -> None:
        """Power off the machine and undefine it; its files remain."""
        self.power_off(row)
        with tolerate('NO_DOMAIN'):
            self.lookup(row).undefine()

    def erase(self, row: MachineRow) -> None:
        """Delete the machine with its files and logs."""
        self.undefine(row)
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.folder(row))
        for log in glob.glob(f'{self.logs}/{self.log_pattern(row)}'):
            os.unlink(log)


def destroy(machine: Any) -> None:
    """Power off a machine. Raises libvirtError, also if it does not run.

    With cgroup v2 systemd may remove the group of a container while libvirt still reads what it has
    to kill there. Then libvirt fails, though nothing runs any more, and soon notices that itself.
    """
    for _try in range(_TRIES):
        with tolerate('SYSTEM_ERROR'):
            machine.destroy()
            return
        time.sleep(_PAUSE)
    machine.destroy()


def name_in_project(row: Named) -> str:
    """The name of what a machine belongs to, after that of its project if it is not the default."""
    name = row['name']
    return name if row['project'] == DEFAULT_PROJECT else f'{row["project"]}-{name}'
