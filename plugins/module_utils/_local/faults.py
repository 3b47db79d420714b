# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is no longer as it was made: machines and disks that somebody altered or removed by hand. Compared field by field, never as text."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import Any, Dict, List, Tuple

from .._model.server import DISK_MISSING, SEED_MISSING
from .devices import bridge_name, tap_name
from .domain import has_agent
from .hypervisor import Machine, tolerate

_INACTIVE = 2  # VIR_DOMAIN_XML_INACTIVE: as it is defined, whatever runs now
_PAUSED, _BY_ERROR = 3, 5  # VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_IOERROR


def machine_faults(
    row: Mapping[str, Any], machine: Machine | None, folder: str, volumes: Sequence[str]
) -> Tuple[str, ...]:
    """What the machine of a server no longer has of what it was given. ``volumes``: the files of its volumes."""
    root, seed = (os.path.join(folder, name) for name in ('root.qcow2', 'seed.iso'))
    faults = [DISK_MISSING] if not os.path.exists(root) else []
    faults += [] if os.path.exists(seed) else [SEED_MISSING]
    return (*faults, *_definition_faults(row, machine, {root, seed, *volumes}))


def _definition_faults(
    row: Mapping[str, Any], machine: Machine | None, files: set[str]
) -> List[str]:
    defined = ET.Element('none')
    if machine and machine.defined:
        with tolerate('NO_DOMAIN'):
            defined = ET.fromstring(machine.domain.XMLDesc(_INACTIVE))  # noqa: S314 (libvirt's own)
    if defined.tag != 'domain':
        return ['its machine is no longer defined in libvirt']
    memory, vcpus = int(defined.findtext('memory', '0')) // 1024, int(defined.findtext('vcpu', '0'))
    faults = (
        [f'its memory is {memory} MiB in libvirt, recorded are {row["memory"]}']
        if memory != row['memory']
        else []
    )
    faults += (
        [f'it has {vcpus} vCPUs in libvirt, recorded are {row["vcpus"]}']
        if vcpus != row['vcpus']
        else []
    )
    faults += [
        f'its machine no longer has the disk {file}' for file in sorted(files - _files(defined))
    ]
    if has_agent(defined) != bool(row['guest_agent']):
        faults.append(
            'its machine '
            + ('no longer has' if row['guest_agent'] else 'has')
            + ' the channel of a guest agent'
        )
    there = _interfaces(defined)
    wanted = {
        tap_name(port['id']): (port['mac'], bridge_name(port['network_id']), port['address'])
        for port in row['ports']
    }
    return faults + [
        f'its machine no longer has the network interface of {port[2]}'
        for device, port in wanted.items()
        if there.get(device) != port[:2]
    ]


def _files(defined: ET.Element) -> set[str]:
    return {source.get('file', '') for source in defined.findall('devices/disk/source')}


def _interfaces(defined: ET.Element) -> Dict[str, Tuple[str, str]]:
    found = {}
    for interface in defined.findall('devices/interface'):
        parts = {tag: interface.find(tag) for tag in ('target', 'mac', 'source')}
        words = [
            part.get(key, '') if part is not None else ''
            for part, key in zip(parts.values(), ('dev', 'address', 'bridge'))
        ]
        found[words[0]] = (words[1], words[2])
    return found


def pause_reason(machine: Machine | None) -> str:
    """Why a machine is paused, where somebody has to do something about it."""
    if (
        machine is None
        or machine.power != 'paused'
        or machine.domain.state() != [_PAUSED, _BY_ERROR]
    ):
        return ''
    disks = ', '.join(sorted(machine.domain.diskErrors()))
    return f'a disk of it could not be written ({disks}): is the host out of room? Make room, then start it (state: started)'
