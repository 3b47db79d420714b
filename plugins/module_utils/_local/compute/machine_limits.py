# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Machines get the limits of their flavors: when they are defined, and while they run."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Any

from .device_limits import DISKS, INTERFACES, disks_of, interfaces_of, values_of

_LIVE, _CONFIG = 1, 2  # VIR_DOMAIN_AFFECT_LIVE, VIR_DOMAIN_AFFECT_CONFIG
_INACTIVE = 2  # VIR_DOMAIN_XML_INACTIVE
_OPEN_DISK = "<disk type='file' device='disk'>"
_OPEN_INTERFACE = "<interface type='bridge'>"


def limited(xml: str, limits: Mapping[str, int]) -> str:
    """Return the definition of a machine with limits."""
    tune = {name: value for name, value in values_of(DISKS, limits).items() if value}
    bandwidth = {name: value for name, value in values_of(INTERFACES, limits).items() if value}
    if tune:
        inner = ''.join(f'<{name}>{value}</{name}>' for name, value in tune.items())
        xml = xml.replace(_OPEN_DISK, f'{_OPEN_DISK}<iotune>{inner}</iotune>')
    if bandwidth:
        inner = ''.join(f"<{name} average='{value}'/>" for name, value in bandwidth.items())
        xml = xml.replace(_OPEN_INTERFACE, f'{_OPEN_INTERFACE}<bandwidth>{inner}</bandwidth>')
    return xml


def apply(machine: Any, limits: Mapping[str, int]) -> None:
    """Limit a machine: what libvirt keeps of it and, if it runs, what runs."""
    tune, bandwidth = values_of(DISKS, limits), values_of(INTERFACES, limits)
    for flag in (_CONFIG, _LIVE) if machine.isActive() else (_CONFIG,):
        description = machine.XMLDesc(_INACTIVE if flag == _CONFIG else 0)
        definition = ET.fromstring(description)  # noqa: S314 (libvirt's own)
        for target, found in disks_of(definition):
            if found != tune:
                machine.setBlockIoTune(target, tune, flag)
        for mac, found in interfaces_of(definition):
            if found != bandwidth:
                values = {f'{name}.average': value for name, value in bandwidth.items()}
                machine.setInterfaceParameters(mac, values, flag)
