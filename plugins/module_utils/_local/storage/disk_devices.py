# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The disks of machines as devices of libvirt, rendered as XML from validated values."""

from __future__ import annotations

from html import escape  # xml.sax would bring in urllib and ssl
from typing import Any

from .pools import Disk

# How udev begins the names of disks in /dev/disk/by-id, by the bus (60-persistent-storage.rules).
_BY_ID = {
    'virtio': 'virtio-',
    'scsi': 'scsi-0QEMU_QEMU_HARDDISK_',
    'sata': 'ata-QEMU_HARDDISK_',
}


def target(bus: str, index: int) -> str:
    """The nominal device name of a disk (0: the root disk); the guest chooses its own.

    The name sda is that of the CD.
    """
    return 'vd' + chr(ord('a') + index) if bus == 'virtio' else 'sd' + chr(ord('b') + index)


def address_xml(bus: str, target: str) -> str:
    """The place of a disk or CD on the only SCSI controller, which has room for all.

    By default libvirt puts seven on each, and adds controllers of a model (lsilogic) for which the
    kernels of many images have no driver. Other buses have a place for each.
    """
    if bus != 'scsi':
        return ''
    unit = ord(target[-1]) - ord('a')
    return f"<address type='drive' controller='0' bus='0' target='0' unit='{unit}'/>"


def path(bus: str, serial: str) -> str:
    """The path of a disk in a guest with udev."""
    return f'/dev/disk/by-id/{_BY_ID[bus]}{serial}'


def disk_xml(disk: Disk, bus: str, target: str) -> str:
    """The device of a disk; its alias identifies it for detaching."""
    serial = escape(disk.serial)
    # not <shareable/>: QEMU locks the file against writers
    read_only = '<readonly/>' if disk.read_only else ''
    return (
        "<disk type='file' device='disk'>"
        f"<driver name='qemu' type='{disk.format}' discard='unmap' error_policy='enospace'/>"
        f"<source file='{escape(disk.path)}'/><target dev='{target}' bus='{bus}'/>{read_only}"
        f"<serial>{serial}</serial><alias name='ua-{serial}'/>{address_xml(bus, target)}</disk>"
    )


def grow(machine: Any, target: str, disk: Disk) -> None:
    """Grow a disk of a running machine to its recorded size, if it is smaller."""
    size = disk.size * 2**30
    if machine.blockInfo(target)[0] < size:
        machine.blockResize(target, size, 1)  # VIR_DOMAIN_BLOCK_RESIZE_BYTES
