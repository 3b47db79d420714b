# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hardware of machines of libvirt, as it is recorded and as it is there."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from functools import cache
from typing import Dict, List, Mapping

from ..._model.hardware import Hardware

_BOOT = {'disk': 'hd', 'cdrom': 'cdrom', 'network': 'network'}


def boot_devices(hardware: Hardware) -> List[str]:
    """What libvirt calls the devices that the machine boots from, in this order."""
    return [_BOOT[device] for device in hardware.boot_order or ('disk',)]


def machine_type(hardware: Hardware) -> str:
    """The kind of machine: only q35 can guard secure boot from its guest."""
    return 'q35' if hardware.secure_boot else 'pc'


def cd_bus(hardware: Hardware) -> str:
    """The bus of the CD: one that the kind of guest has a driver for."""
    return 'scsi' if hardware.os_type in (None, 'linux') else 'sata'


def vlan_alias(tap: str, vlan: int) -> str:
    """The name of the device of a guest whose tap is in a VLAN, for the hook of the role host."""
    return f'ua-{tap}-v{vlan}' if vlan else ''


def hardware_faults(hardware: Hardware, vcpus: int, machine: ET.Element) -> List[str]:
    """How a machine, as libvirt describes it, differs from its recorded hardware."""
    found = _found(machine)
    return [
        f'its {option} is {found[option]} in libvirt, recorded {value}'
        for option, value in _expected(hardware, vcpus).items()
        if option in found and found[option] != value
    ]


@cache
def _expected(hardware: Hardware, vcpus: int) -> Mapping[str, str]:
    """What a machine has to have, found once for all machines with equal hardware."""
    effective = hardware.effective(vcpus)
    expected = {
        'disk_bus': hardware.bus,
        'nic_model': effective.nic_model or '',
        'video': effective.video or '',
        'boot_order': ' '.join(boot_devices(hardware)),
        'clock': 'localtime' if hardware.os_type == 'windows' else 'utc',
        'CD bus': cd_bus(hardware),
        'number of CD drives': str(1 + len(hardware.cdroms or ())),
        'firmware': effective.firmware or '',
        'secure_boot': _word(hardware.secure_boot),
        'tpm': _word(hardware.tpm),
        'topology': ' '.join(map(str, effective.topology(vcpus))) if hardware.sockets else '',
    }
    if hardware.cpu_model:
        expected['cpu_model'] = hardware.cpu_model
    return expected


def _found(machine: ET.Element) -> Dict[str, str]:
    """What a machine has of the same, as far as it has such devices."""
    disks = devices(machine, 'disk')
    cards = {attribute(card, 'model', 'type') for card in devices(machine, 'interface')}
    kinds = [disk.get('device') for disk in disks]
    found = {
        'number of CD drives': str(kinds.count('cdrom')),
        'boot_order': ' '.join(boot.get('dev', '') for boot in machine.findall('os/boot')),
        'video': attribute(machine, 'devices/video/model', 'type'),
        'clock': attribute(machine, 'clock', 'offset'),
        # Of a machine that runs, libvirt has what it has chosen for the firmware.
        'firmware': 'efi' if machine.find('os/nvram') is not None else 'bios',
        'secure_boot': _word(machine.find('features/smm') is not None),
        'tpm': _word(bool(devices(machine, 'tpm'))),
        **_cpu(machine.find('cpu')),
    }
    if cards:
        found['nic_model'] = ' '.join(sorted(cards))
    for option, kind in (('disk_bus', 'disk'), ('CD bus', 'cdrom')):
        buses = {attribute(disk, 'target', 'bus') for disk in disks if disk.get('device') == kind}
        if buses:
            found[option] = ' '.join(sorted(buses))
    return found


def _cpu(cpu: ET.Element | None) -> Dict[str, str]:
    if cpu is None:
        return {'cpu_model': '', 'topology': ''}
    mode = cpu.get('mode', '')
    model = cpu.findtext('model', '') if mode == 'custom' else mode
    topology = cpu.find('topology')
    numbers = []
    if topology is not None:
        numbers = [topology.get(name, '') for name in ('sockets', 'cores', 'threads')]
    return {'cpu_model': model, 'topology': ' '.join(numbers)}


def _word(value: bool | None) -> str:
    return 'true' if value else 'false'


def devices(machine: ET.Element, kind: str) -> List[ET.Element]:
    """The devices of a kind that a machine has.

    Python finds a child by its tag eight times as fast as by a path like devices/disk.
    """
    found = machine.find('devices')
    return [] if found is None else found.findall(kind)


def attribute(parent: ET.Element, tag: str, name: str) -> str:
    """An attribute of a child element; empty if there is none."""
    child = parent.find(tag)
    return '' if child is None else child.get(name, '')
