# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Machines get the limits of their flavors and volumes: when defined, and while they run."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Any

from .device_limits import DISKS, INTERFACES, Limits, disks_of, interfaces_of, strictest, values_of

_LIVE, _CONFIG = 1, 2  # VIR_DOMAIN_AFFECT_LIVE, VIR_DOMAIN_AFFECT_CONFIG
_INACTIVE = 2  # VIR_DOMAIN_XML_INACTIVE
_OPEN_DISK = "<disk type='file' device='disk'>"
_SERIAL = re.compile('<serial>([^<]*)</serial>')
_OPEN_INTERFACE = "<interface type='bridge'>"


def limited(xml: str, limits: Limits, of_volumes: Mapping[str, Limits]) -> str:
    """Return the definition of a machine with limits. ``of_volumes``: by serial."""
    bandwidth = {name: value for name, value in values_of(INTERFACES, limits).items() if value}
    if bandwidth:
        inner = ''.join(f"<{name} average='{value}'/>" for name, value in bandwidth.items())
        xml = xml.replace(_OPEN_INTERFACE, f'{_OPEN_INTERFACE}<bandwidth>{inner}</bandwidth>')
    start, *disks = xml.split(_OPEN_DISK)
    return _OPEN_DISK.join([start, *(_tuned(disk, limits, of_volumes) for disk in disks)])


def _tuned(disk: str, limits: Limits, of_volumes: Mapping[str, Limits]) -> str:
    """Return what follows the start of a disk, with its limits."""
    serial = _SERIAL.search(disk)
    own = of_volumes.get(serial[1], {}) if serial else {}
    values = values_of(DISKS, strictest(limits, own))
    inner = ''.join(f'<{name}>{value}</{name}>' for name, value in values.items() if value)
    return f'<iotune>{inner}</iotune>{disk}' if inner else disk


def apply(machine: Any, limits: Limits, of_volumes: Mapping[str, Limits]) -> None:
    """Limit a machine: what libvirt keeps of it and, if it runs, what runs."""
    bandwidth = values_of(INTERFACES, limits)
    for flag in (_CONFIG, _LIVE) if machine.isActive() else (_CONFIG,):
        description = machine.XMLDesc(_INACTIVE if flag == _CONFIG else 0)
        definition = ET.fromstring(description)  # noqa: S314 (libvirt's own)
        for disk in disks_of(definition):
            tune = values_of(DISKS, strictest(limits, of_volumes.get(disk.serial, {})))
            if disk.values != tune:
                machine.setBlockIoTune(disk.target, tune, flag)
        for mac, found in interfaces_of(definition):
            if found != bandwidth:
                values = {f'{name}.average': value for name, value in bandwidth.items()}
                machine.setInterfaceParameters(mac, values, flag)
