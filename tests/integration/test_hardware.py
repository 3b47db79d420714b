# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hardware of a server, as its guest and libvirt see it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .conftest import keep, run

Guest = Callable[[str, str], str]

SSH = {'allow_restart': True, 'wait_for': 'ssh', 'wait_timeout': 300}
ROOT = 'awk \'$2 == "/" {print $1}\' /proc/mounts'


@pytest.fixture(scope='module')
def server(image: str, key: str, open_group: str) -> Iterator[dict[str, Any]]:
    """A running server without a flavor, with two cores in a socket."""
    options = {'image': image, 'key_name': 'test', 'security_groups': ['open']}
    size = {'vcpus': 2, 'memory': 192, 'hardware': {'cores': 2, 'cpu_model': 'qemu64'}}
    yield keep('server', name='odd', **options, **size, **SSH)['server']
    keep('server', name='odd', state='absent')


def virsh(*arguments: str, given: str = '') -> str:
    """The output of virsh."""
    ran = subprocess.run(
        ['virsh', *arguments], input=given, capture_output=True, text=True, check=True
    )
    return ran.stdout


def machine(server: str = 'odd') -> str:
    """The name of a machine in libvirt."""
    names = virsh('list', '--all', '--name').split()
    return next(name for name in names if name.endswith(f'-{server}'))


def test_size_and_topology(server: dict[str, Any], ssh: Guest) -> None:
    """The guest has the vCPUs as cores of one socket, the memory, and the CPU model."""
    found = ssh(server['fixed_ip'], 'cat /proc/cpuinfo /proc/meminfo')
    lines = [line.split(':') for line in found.splitlines() if ':' in line]
    values = {name.strip(): value.strip() for name, value in lines}
    assert (values['processor'], values['cpu cores'], values['physical id']) == ('1', '2', '0')
    assert values['model name'].startswith('QEMU Virtual CPU')
    assert 128 * 1024 < int(values['MemTotal'].split()[0]) < 192 * 1024


def test_restart_with_other_hardware(server: dict[str, Any], ssh: Guest) -> None:
    """The guest boots from its disk on another bus, without a graphics card; data stays."""
    ssh(server['fixed_ip'], 'echo mine > /root/mine; sync')
    other = {'disk_bus': 'scsi', 'video': 'none', 'sockets': 2, 'boot_order': ['network', 'disk']}
    refused = run('server', name='odd', hardware=other)['msg']
    assert 'disk_bus from virtio to scsi' in refused
    assert 'set allow_restart: true' in refused
    keep('server', name='odd', hardware={**other, 'boot_order': ['cdrom', 'disk']}, **SSH)
    address = server['fixed_ip']
    assert ssh(address, 'cat /root/mine').strip() == 'mine'
    assert '/target' in ssh(address, 'readlink -f /sys/class/block/sda')
    assert '<topology' not in virsh('dumpxml', machine())
    keep('server', name='odd', volume_size=2)
    assert int(ssh(address, 'cat /sys/class/block/sda/size')) == 2 * 2**21
    plain = {'disk_bus': 'virtio', 'video': 'vga', 'boot_order': ['disk'], 'sockets': 1}
    keep('server', name='odd', hardware=plain, **SSH)
    assert '/dev/vda' in ssh(address, 'ls /dev/vda')


def test_other_guests(server: dict[str, Any]) -> None:
    """The machine for Windows starts, with SATA, another NIC, and a clock in local time."""
    keep('server', name='odd', state='stopped', force=True)
    for kind in ('windows', 'other'):
        options = {'hardware': {'os_type': kind, 'cpu_model': 'default'}}
        assert (
            keep('server', name='odd', state='started', **options)['server']['status'] == 'ACTIVE'
        )
        keep('server', name='odd', state='stopped', force=True)
    keep('server', name='odd', hardware={'os_type': 'linux'})


def test_hardware_changed_by_hand(server: dict[str, Any]) -> None:
    """It is told, and repaired."""
    keep('server', name='odd', state='stopped', force=True)
    definition = virsh('dumpxml', '--inactive', machine())
    changed = definition.replace("<model type='vga'", "<model type='cirrus'")
    virsh('define', '/dev/stdin', given=changed)
    shown = run('server_info', name='odd')['servers'][0]
    reason = 'its video is cirrus in libvirt, recorded vga'
    assert (shown['status'], shown['status_reason']) == ('UNMANAGED', reason)
    repaired = keep('server', name='odd', repair=True)['server']
    assert repaired['status'] == 'SHUTOFF'
