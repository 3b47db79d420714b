# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The XML of a libvirt domain has the right values, for any folder names."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hanok.cloud.plugins.module_utils._local.compute import domain
from ansible_collections.hanok.cloud.plugins.module_utils._local.compute.domain import (
    Interface,
    Machine,
    disk_xml,
    has_kvm,
    target,
    xml,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.compute.machine_hardware import (
    hardware_faults,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.compute.machines import (
    name_in_project,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.storage.pools import Disk
from ansible_collections.hanok.cloud.plugins.module_utils._model.hardware import DEFAULT, Hardware
from ansible_collections.hanok.cloud.plugins.module_utils._model.server_request import MAX_NETWORKS
from ansible_collections.hanok.cloud.plugins.module_utils._plan.volume_attachment import MAX_VOLUMES

UUID = '11111111-2222-4333-8444-555555555555'
NICS = (
    Interface('hkp1', '52:54:00:00:00:01', 'hk1'),
    Interface('hkp2', '52:54:00:00:00:02', 'hk2'),
)
# Names that are valid both in XML 1.0 and in a file system.
FOLDERS = st.text(
    st.characters(exclude_categories=['Cs', 'Cc'], exclude_characters='/\ufffe\uffff'),
    min_size=1,
    max_size=20,
).map('/'.__add__)


def machine(*volumes: Disk, folder: str = '/srv/servers/1', **values: Any) -> Machine:
    """A machine with a root disk and two NICs."""
    defaults = {
        'name': 'hanok-1-web',
        'uuid': UUID,
        'memory': 512,
        'vcpus': 2,
        'max_memory': 1024,
        'max_vcpus': 4,
        'folder': folder,
        'interfaces': NICS,
        'disks': (Disk(folder + '/root.qcow2', 'root'), *volumes),
    }
    return Machine(**{**defaults, **values})


def parsed(text: str) -> ET.Element:
    """The root element."""
    return ET.fromstring(text)


def attributes(root: ET.Element, path: str, name: str) -> list[str | None]:
    """One attribute of all elements at a path."""
    return [element.get(name) for element in root.findall(path)]


def test_values() -> None:
    """Size, name, disks with their serials, the seed, and the NICs in their order."""
    disks = (Disk('/srv/volumes/v.qcow2', 'v'), Disk('/srv/volumes/w.qcow2', 'w'))
    root = parsed(xml(machine(*disks)))
    tags = ('name', 'uuid', 'memory', 'currentMemory', 'vcpu')
    assert [root.get('type'), *map(root.findtext, tags)] == [
        'qemu',
        'hanok-1-web',
        UUID,
        '1024',
        '512',
        '4',
    ]
    assert root.findtext('on_crash') == 'restart'
    assert parsed(xml(machine(on_crash='stop'))).findtext('on_crash') == 'destroy'
    assert attributes(root, 'vcpu', 'current') == ['2']
    assert (
        attributes(root, 'memory', 'unit') == attributes(root, 'currentMemory', 'unit') == ['MiB']
    )
    files = [
        '/srv/servers/1/root.qcow2',
        '/srv/servers/1/seed.iso',
        '/srv/volumes/v.qcow2',
        '/srv/volumes/w.qcow2',
    ]
    assert attributes(root, 'devices/disk/source', 'file') == files
    assert attributes(root, 'devices/disk/target', 'dev') == ['vda', 'sda', 'vdb', 'vdc']
    assert attributes(root, 'devices/disk/alias', 'name') == ['ua-root', 'ua-v', 'ua-w']
    assert [disk.findtext('serial') for disk in root.findall('devices/disk')] == [
        'root',
        None,
        'v',
        'w',
    ]
    assert [
        disk.get('device')
        for disk in root.findall('devices/disk')
        if disk.find('readonly') is not None
    ] == ['cdrom']
    assert attributes(root, 'devices/interface/mac', 'address') == [
        '52:54:00:00:00:01',
        '52:54:00:00:00:02',
    ]
    assert attributes(root, 'devices/interface/source', 'bridge') == ['hk1', 'hk2']
    assert attributes(root, 'devices/interface/target', 'dev') == ['hkp1', 'hkp2']
    assert attributes(root, 'devices/serial/log', 'file') == ['/srv/servers/1/console.log']
    assert attributes(root, 'devices/channel/target', 'name') == ['org.qemu.guest_agent.0']
    assert '<channel' not in xml(machine(guest_agent=False))


@pytest.mark.parametrize(
    ('kvm', 'kind', 'mode'), [(True, 'kvm', 'host-passthrough'), (False, 'qemu', 'maximum')]
)
def test_with_and_without_kvm(kvm: bool, kind: str, mode: str) -> None:
    """The CPU mode is one that the domain type supports."""
    root = parsed(xml(machine(kvm=kvm)))
    assert (root.get('type'), attributes(root, 'cpu', 'mode')) == (kind, [mode])


@pytest.mark.parametrize(
    'folder', ["/srv/Tom & Ann's", '/srv/"quoted"', '/srv/<tag>', '/srv/]]>', '/srv/&amp;']
)
def test_folders_with_xml_syntax(folder: str) -> None:
    """They are escaped."""
    root = parsed(xml(machine(Disk(folder + '/v', 'v'), folder=folder)))
    assert attributes(root, 'devices/disk/source', 'file') == [
        folder + '/root.qcow2',
        folder + '/seed.iso',
        folder + '/v',
    ]
    assert attributes(root, 'devices/serial/log', 'file') == [folder + '/console.log']
    assert len(list(root.iter())) == len(list(parsed(xml(machine(Disk('/v', 'v')))).iter()))


@given(FOLDERS)
def test_any_folder(folder: str) -> None:
    """A parser reads the folder that was written."""
    assert attributes(
        parsed(disk_xml(Disk(folder + '/v', 'v'), 'virtio', 'vdb')), 'source', 'file'
    ) == [folder + '/v']


@pytest.mark.parametrize(('bus', 'last'), [('virtio', 'vdp'), ('scsi', 'sdq'), ('sata', 'sdq')])
def test_a_server_with_the_most_disks_and_nics(bus: str, last: str) -> None:
    """Each disk has its own target, with a single letter, and all have the bus of the server."""
    disks = tuple(Disk(f'/v{number}', f'v{number}') for number in range(MAX_VOLUMES))
    nics = tuple(
        Interface(f'hkp{number}', f'52:54:00:00:00:{number:02x}', 'hk1')
        for number in range(MAX_NETWORKS)
    )
    hardware = Hardware(disk_bus=bus)
    root = parsed(xml(machine(*disks, interfaces=nics, hardware=hardware)))
    targets = attributes(root, 'devices/disk/target', 'dev')
    assert len(set(targets)) == len(targets) == MAX_VOLUMES + 2
    assert target(bus, MAX_VOLUMES) == last
    assert hardware_faults(hardware, 2, root) == []
    assert len(root.findall('devices/interface')) == MAX_NETWORKS


@pytest.mark.parametrize(('virt_type', 'works'), [('kvm', True), ('qemu', False)])
def test_the_operator_decides(monkeypatch: pytest.MonkeyPatch, virt_type: str, works: bool) -> None:
    """A configured type is not probed."""
    monkeypatch.setattr(domain, 'open', None, raising=False)
    monkeypatch.setattr(domain.os, 'open', None)
    assert has_kvm(virt_type) is works


@pytest.mark.parametrize(
    ('flags', 'device', 'works'),
    [
        ('flags\t\t: fpu vmx sse\n', True, True),
        ('flags\t\t: fpu svm\n', True, True),
        ('flags\t\t: fpu sse\n', True, False),
        ('flags\t\t: fpu notvmx\n', True, False),
        ('model name\t: vmx\n', True, False),
        ('', True, False),
        ('flags\t\t: fpu vmx\n', False, False),
    ],
)
def test_kvm_by_evidence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, flags: str, device: bool, works: bool
) -> None:
    """The device opens, and the processor reports virtualisation."""
    existing = tmp_path / 'kvm'
    existing.touch()
    real = domain.os.open
    monkeypatch.setattr(
        domain,
        'open',
        lambda *_arguments, **_options: io.StringIO('processor\t: 0\n' + flags),
        raising=False,
    )
    monkeypatch.setattr(
        domain.os, 'open', lambda _path, mode: real(existing if device else tmp_path / 'none', mode)
    )
    assert has_kvm('auto') is works


def test_name_in_project() -> None:
    """Users of virsh can tell the servers of two projects from each other."""
    assert name_in_project({'name': 'web', 'project': 'default'}) == 'web'
    assert name_in_project({'name': 'web', 'project': 'other'}) == 'other-web'


def test_defaults() -> None:
    """Hardware that nobody specified is left to the machine, apart from what we always set."""
    root = parsed(xml(machine()))
    assert attributes(root, 'os/boot', 'dev') == ['hd']
    assert attributes(root, 'devices/disk/target', 'bus') == ['virtio', 'scsi']
    assert attributes(root, 'devices/interface/rom', 'enabled') == ['no', 'no']
    assert (root.find('cpu/topology'), root.find('features/hyperv')) == (None, None)
    assert hardware_faults(DEFAULT, 2, root) == []


HARDWARE = Hardware(
    'windows',
    sockets=1,
    cores=2,
    threads=1,
    cpu_model='Nehalem',
    disk_bus='scsi',
    nic_model='rtl8139',
    video='none',
    boot_order=('cdrom', 'network', 'disk'),
)


def test_hardware() -> None:
    """All of it is in the machine, and found there again."""
    nics = tuple(replace(nic, model='rtl8139', boots=True) for nic in NICS)
    root = parsed(xml(machine(hardware=HARDWARE, interfaces=nics, kvm=True)))
    assert attributes(root, 'os/boot', 'dev') == ['cdrom', 'network', 'hd']
    assert attributes(root, 'devices/disk/target', 'dev') == ['sdb', 'sda']
    assert attributes(root, 'devices/disk/target', 'bus') == ['scsi', 'sata']
    assert attributes(root, 'devices/interface/rom', 'enabled') == ['yes', 'yes']
    assert (root.findtext('cpu/model'), attributes(root, 'clock', 'offset')) == (
        'Nehalem',
        ['localtime'],
    )
    assert root.find('features/hyperv') is not None
    assert hardware_faults(HARDWARE, 2, root) == []


@pytest.mark.parametrize('os_type', [None, 'other'])
@pytest.mark.parametrize('bus', ['virtio', 'scsi', 'sata'])
def test_discs(bus: str, os_type: str | None) -> None:
    """Each has a drive, and the first one is the first; none has the name of a disk."""
    hardware = Hardware(os_type, disk_bus=bus, cdroms=('a', 'b'))
    disks = [Disk(f'/srv/volumes/{number}', f'{number}') for number in range(MAX_VOLUMES + 1)]
    files = ('/srv/images/a&', '/srv/images/b')
    root = parsed(xml(machine(*disks, hardware=hardware, cdroms=files, interfaces=())))
    drives = "devices/disk[@device='cdrom']"
    assert attributes(root, f'{drives}/source', 'file') == [*files, '/srv/servers/1/seed.iso']
    names = [str(name) for name in attributes(root, f'{drives}/target', 'dev')]
    assert names == sorted(names)
    assert names[0] == 'sda'
    assert not {*names} & {*attributes(root, "devices/disk[@device='disk']/target", 'dev')}
    assert attributes(root, f'{drives}/driver', 'type') == ['raw'] * 3
    assert len(root.findall(f'{drives}/readonly')) == 3
    assert hardware_faults(hardware, 2, root) == []
    # All on one: libvirt would add controllers for which few guests have a driver.
    scsi = [
        dict(address.attrib)
        for disk in root.findall('devices/disk')
        if attributes(disk, 'target', 'bus') == ['scsi']
        for address in disk.findall('address')
    ]
    units = {address.pop('unit') for address in scsi}
    assert len(scsi) == len(units) == len(root.findall("devices/disk/target[@bus='scsi']"))
    only = {'type': 'drive', 'controller': '0', 'bus': '0', 'target': '0'}
    assert all(address == only for address in scsi)
    assert attributes(root, "devices/controller[@type='scsi']", 'model') == ['virtio-scsi']


@pytest.mark.parametrize('secure', [None, True])
def test_efi(secure: bool | None) -> None:
    """EFI keeps what it has in the folder of the server; secure boot has a file of its own."""
    hardware = Hardware(firmware='efi', secure_boot=secure, tpm=True)
    root = parsed(xml(machine(hardware=hardware)))
    file, kind = ('nvram-secure.fd', 'q35') if secure else ('nvram.fd', 'pc')
    assert root.findtext('os/nvram') == f'/srv/servers/1/{file}'
    assert attributes(root, 'os/type', 'machine') == [kind]
    assert {*attributes(root, 'os/firmware/feature', 'enabled')} == {'yes' if secure else 'no'}
    assert (root.find('features/smm') is not None) == bool(secure)
    assert attributes(root, 'devices/tpm', 'model') == ['tpm-crb']
    assert hardware_faults(hardware, 2, root) == []


@pytest.mark.parametrize(
    ('change', 'fault'),
    [
        ({'firmware': 'efi'}, 'its firmware is bios in libvirt, recorded efi'),
        ({'cdroms': ('a',)}, 'its number of CD drives is 1 in libvirt, recorded 2'),
        ({'tpm': True}, 'its tpm is false in libvirt, recorded true'),
        ({'video': None}, 'its video is none in libvirt, recorded vga'),
        ({'disk_bus': None}, 'its disk_bus is scsi in libvirt, recorded sata'),
        ({'nic_model': None}, 'its nic_model is rtl8139 in libvirt, recorded e1000e'),
        ({'cpu_model': 'qemu64'}, 'its cpu_model is Nehalem in libvirt, recorded qemu64'),
        ({'sockets': 2, 'cores': 1}, 'its topology is 1 2 1 in libvirt, recorded 2 1 1'),
        ({'boot_order': None}, 'its boot_order is cdrom network hd in libvirt, recorded hd'),
    ],
)
def test_other_hardware(change: dict[str, Any], fault: str) -> None:
    """Each difference is told."""
    nics = tuple(replace(nic, model='rtl8139') for nic in NICS)
    root = parsed(xml(machine(hardware=HARDWARE, interfaces=nics)))
    assert hardware_faults(replace(HARDWARE, **change), 2, root) == [fault]
