# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The libvirt domain of a server, rendered as XML from validated values."""

from __future__ import annotations

import os
from dataclasses import dataclass
from html import escape  # xml.sax would bring in urllib and ssl
from typing import Tuple

from ..._model.hardware import DEFAULT, Hardware
from ..host.devices import AGENT_CHANNEL
from ..storage.disk_devices import address_xml, disk_xml, target
from ..storage.pools import Disk
from . import hardware_xml
from .machine_hardware import cd_bus, vlan_alias

SEED = 'seed.iso'  # the CD with first-boot content
_CD_NAMES = ('sda', 'sdb', 'sdc')
_FAR_CD_NAMES = ('sda', 'sds', 'sdt')


@dataclass(frozen=True)
class Interface:
    """A NIC: its tap device on the host, and the bridge that libvirt adds it to.

    ``vlan``: that of the bridge, which the hook of the role host reads from the name of the device.
    """

    device: str
    mac: str
    bridge: str
    model: str = 'virtio'
    boots: bool = False
    vlan: int = 0


@dataclass(frozen=True)
class Machine:
    """The values of a domain. ``memory`` in MiB. ``disks``: the one that it boots from first.

    ``max_memory``, ``max_vcpus``: what it can get while it runs. ``seed``: the file in its folder
    that is its own CD. ``cdroms``: the files of the other ones.
    """

    name: str
    uuid: str
    memory: int
    vcpus: int
    max_memory: int
    max_vcpus: int
    folder: str
    interfaces: Tuple[Interface, ...]
    disks: Tuple[Disk, ...]
    kvm: bool = False
    guest_agent: bool = True
    on_crash: str = 'restart'  # read by hanok-crashed of the role host, too
    seed: str = SEED
    cdroms: Tuple[str, ...] = ()
    hardware: Hardware = DEFAULT
    metadata: str = ''  # an XML element in its own namespace


def has_kvm(virt_type: str) -> bool:
    """Whether guests run on KVM (virt_type kvm, qemu or auto).

    For auto, /dev/kvm must open and the processor must report virtualisation: the device alone is
    not enough.
    """
    if virt_type != 'auto':
        return virt_type == 'kvm'
    try:
        with open('/proc/cpuinfo', encoding='ascii', errors='replace') as file:
            flags = next((line.split() for line in file if line.startswith('flags')), [])
        os.close(os.open('/dev/kvm', os.O_RDWR))
    except OSError:
        return False
    return 'vmx' in flags or 'svm' in flags


def interface_xml(nic: Interface, link: str = 'up') -> str:
    """The device of a NIC. libvirt before 11.0 refuses a <vlan> on a bridge of the kernel."""
    alias = f"<alias name='{vlan_alias(nic.device, nic.vlan)}'/>" if nic.vlan else ''
    state = "<link state='down'/>" if link == 'down' else ''
    return (
        f"<interface type='bridge'><mac address='{escape(nic.mac)}'/>"
        f"<source bridge='{escape(nic.bridge)}'/><target dev='{nic.device}'/>"
        f"<model type='{nic.model}'/><rom enabled='{'yes' if nic.boots else 'no'}'/>"
        f'{state}{alias}</interface>'
    )


# One PCI bus has room for the root disk, the controllers, 8 NICs and 15 hot-plugged volumes; q35
# needs a port for each, and 3 s more to boot: it is for secure boot only.
_XML = """<domain type='{type}'><name>{name}</name><uuid>{uuid}</uuid>
<metadata>{metadata}</metadata>
<memory unit='MiB'>{max_memory}</memory><currentMemory unit='MiB'>{memory}</currentMemory>
<vcpu current='{vcpus}'>{max_vcpus}</vcpu>
{os}
<features><acpi/><apic/>{features}</features>{cpu}{clock}
<on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>{on_crash}</on_crash>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
<controller type='scsi' index='0' model='virtio-scsi'/><controller type='usb' model='none'/>
{firmware}{root_disk}
{cds}
{disks}{interfaces}
<serial type='pty'><log file='{console}' append='on'/><target port='0'/></serial>
{agent}
<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
<memballoon model='virtio'><stats period='2'/></memballoon>
<video><model type='{video}'/></video></devices></domain>"""


def _cds_xml(machine: Machine) -> str:
    """The CD drives. libvirt sorts them by their names, and lets the first one boot: not the seed.

    Disks on SCSI or SATA have the names from sdb on (target).
    """
    bus = cd_bus(machine.hardware)
    names = _CD_NAMES if machine.hardware.bus == 'virtio' else _FAR_CD_NAMES
    files = [*machine.cdroms, os.path.join(machine.folder, machine.seed)]
    return ''.join(
        "<disk type='file' device='cdrom'><driver name='qemu' type='raw'/>"
        f"<source file='{escape(file)}'/><target dev='{name}' bus='{bus}'/><readonly/>"
        f'{address_xml(bus, name)}</disk>'
        for file, name in zip(files, names)
    )


def xml(machine: Machine) -> str:
    """The complete domain."""
    agent = f"<channel type='unix'><target type='virtio' name='{AGENT_CHANNEL}'/></channel>"
    hardware = machine.hardware
    effective = hardware.effective(machine.vcpus)
    root, *others = [
        disk_xml(disk, hardware.bus, target(hardware.bus, index))
        for index, disk in enumerate(machine.disks)
    ]
    return _XML.format(
        type='kvm' if machine.kvm else 'qemu',
        name=escape(machine.name),
        uuid=escape(machine.uuid),
        metadata=machine.metadata,
        memory=machine.memory,
        vcpus=machine.vcpus,
        max_memory=machine.max_memory,
        max_vcpus=machine.max_vcpus,
        os=hardware_xml.os_xml(hardware, machine.folder),
        firmware=hardware_xml.devices_xml(hardware),
        features=hardware_xml.features_xml(hardware, machine.kvm),
        cpu=hardware_xml.cpu_xml(hardware, machine.kvm),
        clock=hardware_xml.clock_xml(hardware, machine.kvm),
        video=effective.video,
        root_disk=root,
        cds=_cds_xml(machine),
        disks=''.join(others),
        interfaces=''.join(interface_xml(nic) for nic in machine.interfaces),
        console=escape(os.path.join(machine.folder, 'console.log')),
        on_crash='restart' if machine.on_crash == 'restart' else 'destroy',
        agent=agent if machine.guest_agent else '',
    )
