# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The disks of machines as devices of libvirt, rendered as XML from validated values."""

from __future__ import annotations

import os
from dataclasses import dataclass
from html import escape  # xml.sax would bring in urllib and ssl


@dataclass(frozen=True)
class Disk:
    """A volume: its file, and the serial by which the guest finds it (at most 20 characters)."""

    path: str
    serial: str


def volume_disk(folder: str, identity: str) -> Disk:
    """The disk of a volume, by its UUID; the serial is the part of it that a guest can see."""
    return Disk(os.path.join(folder, identity + '.qcow2'), identity[:20])


def target(index: int) -> str:
    """The nominal device name of a disk (0: vda); the guest chooses its own."""
    return 'vd' + chr(ord('a') + index)


def disk_xml(disk: Disk, target: str) -> str:
    """The device of a volume; its alias identifies it for detaching."""
    serial = escape(disk.serial)
    return (
        "<disk type='file' device='disk'>"
        "<driver name='qemu' type='qcow2' discard='unmap' error_policy='enospace'/>"
        f"<source file='{escape(disk.path)}'/><target dev='{target}' bus='virtio'/>"
        f"<serial>{serial}</serial><alias name='ua-{serial}'/></disk>"
    )
