# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The libvirt domain of a server, as text built from validated values."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from html import escape  # xml.sax would bring in urllib and ssl
from typing import Tuple

_AGENT = 'org.qemu.guest_agent.0'  # the channel by which libvirt finds it


@dataclass(frozen=True)
class Interface:
    """A NIC: the tap on the host, and the bridge that libvirt puts it on."""

    device: str
    mac: str
    bridge: str


@dataclass(frozen=True)
class Disk:
    """A volume: its file, and the serial by which the guest finds it (20 characters are seen)."""

    path: str
    serial: str


@dataclass(frozen=True)
class Machine:
    """All that a domain is made of. ``memory`` in MiB."""

    name: str
    uuid: str
    memory: int
    vcpus: int
    folder: str
    interfaces: Tuple[Interface, ...]
    disks: Tuple[Disk, ...] = ()
    kvm: bool = False
    guest_agent: bool = True
    metadata: str = ''  # an element of its own namespace


def kvm_works(virt_type: str) -> bool:
    """Whether guests are to run on KVM. By evidence: a device that opens is not enough where the processor shows no virtualisation."""
    if virt_type != 'auto':
        return virt_type == 'kvm'
    try:
        with open('/proc/cpuinfo', encoding='ascii', errors='replace') as file:
            flags = next((line.split() for line in file if line.startswith('flags')), [])
        os.close(os.open('/dev/kvm', os.O_RDWR))
    except OSError:
        return False
    return 'vmx' in flags or 'svm' in flags


def has_agent(machine: ET.Element) -> bool:
    """Whether a machine, as libvirt describes it, has the channel of a guest agent."""
    return any(target.get('name') == _AGENT for target in machine.findall('devices/channel/target'))


def volume_disk(folder: str, identity: str) -> Disk:
    """The disk of a volume, by its UUID; the serial is what of that a guest can see."""
    return Disk(os.path.join(folder, identity + '.qcow2'), identity[:20])


def disk_xml(disk: Disk, target: str) -> str:
    """A volume's device; the alias is how it is found again to detach it."""
    serial = escape(disk.serial)
    return (
        "<disk type='file' device='disk'><driver name='qemu' type='qcow2' discard='unmap' error_policy='enospace'/>"
        f"<source file='{escape(disk.path)}'/><target dev='{target}' bus='virtio'/><serial>{serial}</serial><alias name='ua-{serial}'/></disk>"
    )


def target(number: int) -> str:
    """The nominal name of the n-th disk (0: vda); the guest chooses its own."""
    return 'vd' + chr(ord('a') + number)


def xml(machine: Machine) -> str:
    """The whole domain."""
    parts = [
        f"<domain type='{'kvm' if machine.kvm else 'qemu'}'><name>{escape(machine.name)}</name><uuid>{escape(machine.uuid)}</uuid>",
        f'<metadata>{machine.metadata}</metadata>',
        f"<memory unit='MiB'>{machine.memory}</memory><vcpu>{machine.vcpus}</vcpu>",
        # One PCI bus has room for the root disk, the controllers, 8 NICs and 15 volumes plugged
        # while it runs; q35 takes a port for each, and 3 s more to boot.
        "<os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os><features><acpi/><apic/></features>",
        "<cpu mode='host-passthrough'/>" if machine.kvm else "<cpu mode='maximum'/>",
        "<clock offset='utc'/><on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>restart</on_crash>",
        '<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>',
        "<controller type='scsi' index='0' model='virtio-scsi'/><controller type='usb' model='none'/>",
        disk_xml(Disk(os.path.join(machine.folder, 'root.qcow2'), 'root'), target(0)),
        "<disk type='file' device='cdrom'><driver name='qemu' type='raw'/>",
        f"<source file='{escape(os.path.join(machine.folder, 'seed.iso'))}'/><target dev='sda' bus='scsi'/><readonly/></disk>",
        *(disk_xml(disk, target(number)) for number, disk in enumerate(machine.disks, 1)),
        *(
            f"<interface type='bridge'><mac address='{escape(nic.mac)}'/><source bridge='{nic.bridge}'/><target dev='{nic.device}'/>"
            "<model type='virtio'/><rom enabled='no'/></interface>"
            for nic in machine.interfaces
        ),
        f"<serial type='pty'><log file='{escape(os.path.join(machine.folder, 'console.log'))}' append='on'/><target port='0'/></serial>",
        f"<channel type='unix'><target type='virtio' name='{_AGENT}'/></channel>"
        if machine.guest_agent
        else '',
        "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng><memballoon model='virtio'><stats period='2'/></memballoon>",
        "<video><model type='vga'/></video></devices></domain>",
    ]
    return ''.join(parts)
