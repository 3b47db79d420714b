# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The disks that machines of libvirt have."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any, Dict

from ..record.work import wait_until
from . import disk_devices
from .pools import Disk

_INACTIVE = 2  # VIR_DOMAIN_XML_INACTIVE
_LIVE = 1  # VIR_DOMAIN_AFFECT_LIVE


def serials_of(machine: Any) -> Dict[str, str]:
    """The serials of the disks of a running machine, by target."""
    definition = ET.fromstring(machine.XMLDesc())  # noqa: S314
    found: Dict[str, str] = {}
    for disk in definition.iterfind('devices/disk'):
        target = disk.find('target')
        if target is not None:
            found[target.get('dev', '')] = disk.findtext('serial', '')
    return found


def limits_of(machine: Any, serial: str) -> str:
    """The limits with which a disk has been defined for the next start of a machine, as XML."""
    definition = ET.fromstring(machine.XMLDesc(_INACTIVE))  # noqa: S314
    for disk in definition.iterfind('devices/disk'):
        limits = disk.find('iotune')
        if limits is not None and disk.findtext('serial') == serial:
            return ET.tostring(limits, 'unicode')
    return ''


def find_target(machine: Any, serial: str) -> str | None:
    """The nominal device name of the disk with a serial; None: a running machine has none."""
    for target, found in serials_of(machine).items():
        if found == serial:
            return target
    return None


def find_free_target(machine: Any, bus: str) -> str:
    """A nominal device name that no disk of a running machine has."""
    in_use = serials_of(machine)
    targets = (disk_devices.target(bus, index) for index in range(1, 25))
    return next(target for target in targets if target not in in_use)


def plug(machine: Any, disk: Disk, bus: str) -> None:
    """Attach a disk to a running machine, unless it is."""
    if find_target(machine, disk.serial):
        return
    device = disk_devices.disk_xml(disk, bus, find_free_target(machine, bus))
    limits = limits_of(machine, disk.serial)
    machine.attachDeviceFlags(device.replace('</disk>', f'{limits}</disk>'), _LIVE)


def unplug(machine: Any, disk: Disk, seconds: float) -> bool:
    """Detach a disk from a running machine; return whether its guest has released it in time."""
    if not find_target(machine, disk.serial):
        return True
    machine.detachDeviceAlias('ua-' + disk.serial, _LIVE)
    return wait_until(lambda: not find_target(machine, disk.serial), seconds)
