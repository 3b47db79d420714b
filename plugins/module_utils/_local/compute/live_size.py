# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What of a machine changes while it runs, and whether it does."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any, Dict, Sequence, Tuple

from ..._model.hardware import hardware_from
from ..._model.server import Server
from ..host.hypervisor import tolerate
from .faults import has_agent
from .machine_hardware import attribute, hardware_faults

if TYPE_CHECKING:
    from .row_types import CompleteServer

_LIVE = 1  # VIR_DOMAIN_AFFECT_LIVE; what libvirt keeps of the machine has been defined before
_FORCE = 4  # VIR_DOMAIN_DEVICE_MODIFY_FORCE
_INACTIVE = 2  # VIR_DOMAIN_XML_INACTIVE
_BY_GUEST = 8  # VIR_DOMAIN_VCPU_GUEST
_SECONDS = 3  # for the guest agent


def set_size(machine: Any, row: CompleteServer) -> None:
    """Give a running machine what is recorded, as far as it has room for it."""
    _state, most_memory, memory, vcpus, _time = machine.info()
    wanted = row['memory'] * 1024
    if memory != wanted <= most_memory:
        machine.setMemoryFlags(wanted, _LIVE)
    if vcpus < row['vcpus'] <= machine.maxVcpus():
        machine.setVcpusFlags(row['vcpus'], _LIVE)
        if row['guest_agent']:
            _bring_online(machine, row['vcpus'])
    _change_discs(machine)


def _change_discs(machine: Any) -> None:
    """Insert the discs that the machine is defined with, where it has others in the drives.

    A guest that has locked a drive is not asked: it has nothing to write.
    """
    running = _discs(machine, 0)
    for name, (disc, drive) in _discs(machine, _INACTIVE).items():
        if name in running and running[name][0] != disc:
            machine.updateDeviceFlags(ET.tostring(drive, encoding='unicode'), _LIVE | _FORCE)


def _discs(machine: Any, flags: int) -> Dict[str, Tuple[str, ET.Element]]:
    """The discs (files) of a machine by the name of the drive, with that."""
    root = ET.fromstring(machine.XMLDesc(flags))  # noqa: S314 (libvirt's own)
    drives = root.findall("devices/disk[@device='cdrom']")
    return {
        attribute(drive, 'target', 'dev'): (attribute(drive, 'source', 'file'), drive)
        for drive in drives
    }


def _bring_online(machine: Any, vcpus: int) -> None:
    """Let the agent bring vCPUs online; many guests do it by themselves, and others cannot."""
    codes = ('AGENT_UNRESPONSIVE', 'AGENT_UNSYNCED', 'OPERATION_FAILED')
    with tolerate(*codes, 'OPERATION_INVALID', 'OPERATION_UNSUPPORTED', 'INTERNAL_ERROR'):
        machine.agentSetResponseTimeout(_SECONDS, 0)
        machine.setVcpusFlags(vcpus, _LIVE | _BY_GUEST)


def has_recorded_size(machine: Any, row: CompleteServer) -> bool:
    """Whether a running machine is as recorded, or can become so while it runs."""
    _state, max_memory, _memory, vcpus, _time = machine.info()
    running = ET.fromstring(machine.XMLDesc())  # noqa: S314 (libvirt's own)
    most = ((row['max_memory'] or row['memory']) * 1024, row['max_vcpus'] or row['vcpus'])
    if (max_memory, machine.maxVcpus()) != most or vcpus > row['vcpus']:
        return False
    if hardware_faults(hardware_from(row['hardware']), most[1], running):
        return False
    return has_agent(running) == bool(row['guest_agent'])


def macs_of(server: Server) -> Sequence[Tuple[str, str]]:
    """The MACs of a server, each with its network or bridge."""
    return [(nic.place, nic.mac) for nic in server.networks]


def definition_of(server: Server) -> Tuple[object, ...]:
    """The values of a server that define its machine and may change."""
    return (
        server.flavor,
        server.vcpus,
        server.memory,
        server.max_vcpus,
        server.max_memory,
        server.volume_size,
        server.guest_agent,
        server.on_crash,
        macs_of(server),
        server.hardware,
        server.swap,
        server.dns_servers,
        server.dns_domain,
    )
