# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The init of a container that runs.

libvirtd may not know it: it is told once, by the controller, and on a busy host it registers for
what the controller says before it can read that (virLXCMonitorNew in src/lxc/lxc_monitor.c). Then
its own calls fail until the container starts anew ("Init process ID is not yet known").
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import Any

from .container_roots import is_busybox, is_systemd

# What inits power off by: systemd(1), "SIGRTMIN+4"; init/init.c of BusyBox; lxc.container.conf(5),
# "lxc.signal.halt".
_OF_SYSTEMD, _OF_BUSYBOX, _OF_OTHERS = signal.SIGRTMIN + 4, signal.SIGUSR2, signal.SIGPWR


def init_of(machine: Any) -> int | None:
    """The PID of the init on the host; None if the container does not run.

    The id of its domain is the PID of its controller, whose child is its init.
    """
    controller = machine.ID()
    with suppress(OSError, ValueError):
        path = f'/proc/{controller}/task/{controller}/children'
        with open(path, encoding='ascii') as file:
            (init,) = map(int, file.read().split())
        return init
    return None


def has_ended(machine: Any) -> bool:
    """Whether a container is gone that libvirt takes for running.

    On a busy host libvirtd may also lose its connection to the controller, and is never told then
    that this has ended ("Dropping event 1 because libvirtd is not connected").
    """
    return bool(machine.isActive()) and not os.path.exists(f'/proc/{machine.ID()}')


def signal_init(machine: Any, number: int) -> None:
    """Send a signal to the init, and to nobody who got its PID since; nothing if it has ended."""
    with suppress(ProcessLookupError):
        init = init_of(machine)
        if init is None:
            return
        process = os.pidfd_open(init)
        try:
            if init_of(machine) == init:
                signal.pidfd_send_signal(process, number)
        finally:
            os.close(process)


def halt_signal(root: str) -> int:
    """The signal by which the init in a root file system powers off."""
    if is_systemd(root):
        return _OF_SYSTEMD
    return _OF_BUSYBOX if is_busybox(root) else _OF_OTHERS
