# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The disks of machines as devices of libvirt, rendered as XML from validated values."""

from __future__ import annotations

from html import escape  # xml.sax would bring in urllib and ssl
from typing import Any

from .pools import Disk


def target(index: int) -> str:
    """The nominal device name of a disk (0: vda); the guest chooses its own."""
    return 'vd' + chr(ord('a') + index)


def root_target(bus: str, index: int = 0) -> str:
    """The nominal device name of a root disk: the name sda is that of the CD."""
    return target(index) if bus == 'virtio' else 'sd' + chr(ord('b') + index)


def disk_xml(disk: Disk, target: str, bus: str = 'virtio') -> str:
    """The device of a disk; its alias identifies it for detaching."""
    serial = escape(disk.serial)
    return (
        "<disk type='file' device='disk'>"
        f"<driver name='qemu' type='{disk.format}' discard='unmap' error_policy='enospace'/>"
        f"<source file='{escape(disk.path)}'/><target dev='{target}' bus='{bus}'/>"
        f"<serial>{serial}</serial><alias name='ua-{serial}'/></disk>"
    )


def grow(machine: Any, target: str, disk: Disk) -> None:
    """Grow a disk of a running machine to its recorded size, if it is smaller."""
    size = disk.size * 2**30
    if machine.blockInfo(target)[0] < size:
        machine.blockResize(target, size, 1)  # VIR_DOMAIN_BLOCK_RESIZE_BYTES
