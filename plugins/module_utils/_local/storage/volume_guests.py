# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes in the guests of the servers that they are attached to."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ..._model.guest_disk import NO_ANSWER, GuestDisk
from ..record.host import Host
from .pools import pool_of
from .volume_rows import disk_of, volume_row

if TYPE_CHECKING:
    from ..host.hypervisor import Hypervisor
    from .row_types import ListedVolume


def running_machine(hypervisor: Hypervisor, row: ListedVolume) -> Any:
    """The machine of libvirt to which a volume is attached, if it runs."""
    if row['machine'] is None:
        return None
    driver = hypervisor.lxc if row['file_system'] else hypervisor.qemu
    machine = driver.lookupByUUIDString(row['machine'])
    return machine if machine.isActive() else None


def is_mounted(host: Host, name: str, server: str) -> bool | None:
    """Whether a volume is mounted in a guest; None if the guest agent does not respond."""
    row = volume_row(host.record, name)
    if row['server'] != server:
        from .volume_readers import as_of

        row = as_of(host.record, row, server)
    return host.with_retry(lambda: _is_mounted(host, row))


def guest_disk(host: Host, name: str) -> GuestDisk:
    """What the running guest of a server uses of a volume that is attached to it."""
    row = volume_row(host.record, name)
    return host.with_retry(lambda: _guest_disk(host, row))


def _is_mounted(host: Host, row: ListedVolume) -> bool | None:
    machine = None if row['file_system'] else running_machine(host.hypervisor, row)
    if machine is None:
        return False
    from ..host.agent import Agent

    deadline = time.monotonic() + max(1, host.timeout)
    serials = Agent(machine, deadline).mounted_serials()
    if serials is None:
        return None
    return row['uuid'][:20] in serials


def _guest_disk(host: Host, row: ListedVolume) -> GuestDisk:
    machine = running_machine(host.hypervisor, row)
    if machine is None:
        return NO_ANSWER
    from .guest_disks import look

    return look(machine, disk_of(pool_of(host), row).serial, row['size'])
