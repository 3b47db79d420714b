# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Differences between recorded servers and their machines and disks, which were edited by hand.

Compared field by field, never as text.
"""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from contextlib import suppress
from typing import TYPE_CHECKING, Dict, List, Tuple

from ..._model.hardware import hardware_from
from ..._model.server import DISK_MISSING, SEED_MISSING
from ..host.devices import AGENT_CHANNEL, bridge_name, bridge_tap_name, tap_name
from ..host.hypervisor import Machine, tolerate
from ..storage.pools import Pool
from .machine_hardware import attribute, devices, hardware_faults, vlan_alias
from .server_queries import nic_of, words_of

if TYPE_CHECKING:
    from ..record.rows import BridgePortRow
    from .row_types import CompleteServer, ObservedServer

_DEFINITION = '/etc/libvirt/{}/{}.xml'
NOT_DEFINED = 'its machine is no longer defined in libvirt'
_INACTIVE = 2  # VIR_DOMAIN_XML_INACTIVE: the persistent definition
_READ = ('', ' (read-only)')


def machine_faults(
    row: ObservedServer,
    machine: Machine | None,
    seed: str,
    pool: Pool,
) -> Tuple[str, ...]:
    """The differences of a server's machine from its record. ``seed``: the path of its seed."""
    root = pool.root(row['uuid'])
    faults = []
    if not pool.exists(root):
        faults.append(DISK_MISSING)
    if not os.path.exists(seed):
        faults.append(SEED_MISSING)
    volumes = [volume for volume in row['volumes'] if volume['task_state'] is None]
    files = {pool.volume(one['uuid']).path + _READ[one['read_only']] for one in volumes}
    files.add(root.path)
    files.update(pool.image(image).path for image in words_of(row['cdroms']))
    files |= {pool.rescue(row['uuid']).path} if row['rescue_image_uuid'] else {seed}
    return (*faults, *_definition_faults(row, machine, files, pool))


def has_agent(machine: ET.Element) -> bool:
    """Whether a machine, as libvirt describes it, has a guest agent channel."""
    channels = devices(machine, 'channel')
    return any(attribute(channel, 'target', 'name') == AGENT_CHANNEL for channel in channels)


def _definition_faults(
    row: ObservedServer, machine: Machine | None, files: set[str], pool: Pool
) -> List[str]:
    definition = definition_of(machine)
    if definition is None:
        return [NOT_DEFINED]
    faults = [*_size_faults(row, definition), *_limit_faults(row, definition, pool)]
    faults += [
        f'its machine no longer has the disk {file}' for file in sorted(files - _files(definition))
    ]
    if has_agent(definition) != bool(row['guest_agent']):
        has = 'no longer has' if row['guest_agent'] else 'has'
        faults.append(f'its machine {has} a guest agent channel')
    hardware = hardware_from(row['hardware'])
    faults += hardware_faults(hardware, row['max_vcpus'] or row['vcpus'], definition)
    return faults + interface_faults(row, definition)


def definition_of(machine: Machine | None, driver: str = 'qemu') -> ET.Element | None:
    """What a driver of libvirt keeps of a machine.

    From its file, which takes a tenth of the time of a call.

    libvirtd replaces the file as a whole, whoever changes the machine by whatever program.
    """
    if machine is None or not machine.defined:
        return None
    path = _DEFINITION.format(driver, machine.domain.name())
    with suppress(ET.ParseError, FileNotFoundError, PermissionError), open(path, 'rb') as kept:
        return ET.fromstring(kept.read())  # noqa: S314 (libvirt's own)
    with tolerate('NO_DOMAIN'):
        return ET.fromstring(machine.domain.XMLDesc(_INACTIVE))  # noqa: S314 (libvirt's own)
    return None


def _limit_faults(row: ObservedServer, definition: ET.Element, pool: Pool) -> List[str]:
    has_limits = row['limits'] not in (None, '{}') or pool.host.settings.volume_types
    found = [one for name in ('iotune', 'bandwidth') for one in definition.iter(name)]
    if not (has_limits or found):
        return []
    from .device_limits import limit_faults
    from .volume_limits import recorded_limits

    return limit_faults(row, definition, recorded_limits(pool.host, row))


def _size_faults(row: ObservedServer, definition: ET.Element) -> List[str]:
    most_memory = int(definition.findtext('memory', '0')) // 1024
    memory = int(definition.findtext('currentMemory', '0')) // 1024 or most_memory
    most_vcpus = int(definition.findtext('vcpu', '0'))
    vcpus = int(attribute(definition, 'vcpu', 'current') or most_vcpus)
    max_memory = row['max_memory'] or row['memory']
    max_vcpus = row['max_vcpus'] or row['vcpus']
    faults = []
    if memory != row['memory']:
        faults.append(f'its memory is {memory} MiB in libvirt, recorded {row["memory"]} MiB')
    elif most_memory != max_memory:
        faults.append(f'it can have {most_memory} MiB of memory in libvirt, recorded {max_memory}')
    if vcpus != row['vcpus']:
        faults.append(f'it has {vcpus} vCPUs in libvirt, recorded {row["vcpus"]}')
    elif most_vcpus != max_vcpus:
        faults.append(f'it can have {most_vcpus} vCPUs in libvirt, recorded {max_vcpus}')
    return faults


def interface_faults(row: ObservedServer | CompleteServer, definition: ET.Element) -> List[str]:
    """The differences of the interfaces of a machine from its record."""
    existing = _interfaces(definition)
    missing = [
        f'of {port["address"]}'
        for port in row['ports']
        if existing.get(tap_name(port['id'])) != (port['mac'], bridge_name(port['network_id']), '')
    ]
    missing += [
        f'{port["mac"]} on {nic_of(port).place}'
        for port in row['bridge_ports']
        if existing.get(bridge_tap_name(port['id'])) != _on_bridge(port)
    ]
    return [f'its machine no longer has the network interface {nic}' for nic in missing]


def _on_bridge(port: BridgePortRow) -> Tuple[str, str, str]:
    return (port['mac'], port['bridge'], vlan_alias(bridge_tap_name(port['id']), port['vlan']))


def _files(definition: ET.Element) -> set[str]:
    return {
        attribute(disk, 'source', 'file') + mark
        for disk in devices(definition, 'disk')
        for mark in _READ[: 1 if disk.find('readonly') is None else 2]
    }


def _interfaces(definition: ET.Element) -> Dict[str, Tuple[str, str, str]]:
    """MAC, bridge and name of the interfaces, by tap device."""
    return {
        attribute(interface, 'target', 'dev'): (
            attribute(interface, 'mac', 'address'),
            attribute(interface, 'source', 'bridge'),
            attribute(interface, 'alias', 'name'),
        )
        for interface in devices(definition, 'interface')
    }


def pause_reason(machine: Machine | None) -> str:
    """Why it takes an action of the operator to resume a machine; empty: it takes none."""
    if machine is None or machine.power != 'paused':
        return ''
    from .paused import reason

    return reason(machine)
