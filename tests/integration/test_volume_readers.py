# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A volume that two guests read: both see the same, and neither can write to it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import libvirt
import pytest

from .conftest import SEEN, STATE, keep, refused, run

Guest = Callable[[str, str], str]
READ = {'name': 'data', 'state': 'attached', 'read_only': True}
BUSES = {'one': 'virtio', 'two': 'scsi'}
# By its size, which no other disk has: a guest names disks on SCSI in the order in which it finds
# them.
FOUND = 'until grep -lx 4194304 /sys/block/[sv]d*/size; do sleep 0.1; done'


@pytest.fixture(scope='module')
def guest(image: str, key: str, open_group: str, ssh: Callable[[str, str], str]) -> Iterator[Guest]:
    """Run a command in one of two servers."""
    addresses: dict[str, str] = {}
    for name, bus in BUSES.items():
        server = keep(
            'server',
            name=name,
            image=image,
            flavor='g1.nano',
            hardware={'disk_bus': bus},
            key_name='test',
            security_groups=[open_group],
            wait_for='ssh',
            wait_timeout=300,
        )['server']
        addresses[name] = server['fixed_ip']
    yield lambda name, command: ssh(addresses[name], command)
    for name in BUSES:
        keep('server', name=name, state='absent')
    keep('volume', name='data', state='absent')


def disk_of(guest: Guest, name: str) -> str:
    """What a guest calls the volume, when it has it."""
    return guest(name, FOUND).strip().split('/')[3]


def is_read_only(guest: Guest, name: str) -> bool:
    """Whether a guest sees a disk that is read-only."""
    return guest(name, f'cat /sys/block/{disk_of(guest, name)}/ro').strip() == '1'


def read(guest: Guest, name: str) -> str:
    """The checksum of a part of the disk, which the guest has not kept in memory."""
    guest(name, 'echo 3 > /proc/sys/vm/drop_caches')
    disk = disk_of(guest, name)
    return guest(name, f'dd if=/dev/{disk} bs=1M skip=700 count=3 | sha256sum').split()[0]


def overwrite(guest: Guest, name: str) -> str:
    """What becomes of an attempt to write to the disk, after the guest has allowed it to itself."""
    disk = disk_of(guest, name)
    return guest(
        name,
        f'blockdev --setrw /dev/{disk}; dd if=/dev/zero of=/dev/{disk} bs=1M seek=700 count=1 '
        'conv=notrunc,fsync && echo written || echo failed',
    ).split()[-1]


def path_of(volume: dict[str, Any]) -> Path:
    """The file of a volume."""
    return Path(STATE) / 'volumes' / f'{volume["id"]}.qcow2'


def test_two_guests_read(guest: Guest) -> None:
    """One writes, and both read that then; nobody writes while they do, not even on the host."""
    attached = keep('volume', name='data', size=2, server='one', state='attached')['volume']
    guest('one', SEEN.format('/dev/vdb'))
    guest('one', 'dd if=/dev/urandom of=/dev/vdb bs=1M seek=700 count=3 conv=fsync')
    checksum = read(guest, 'one')
    shared = keep('volume', **READ, servers=['one', 'two'])
    assert [step['what'] for step in shared['steps']] == [
        'volume data: detach',
        'volume data: attach',
    ]
    for name in BUSES:
        assert is_read_only(guest, name)
        assert read(guest, name) == checksum
        assert overwrite(guest, name) == 'failed'
    assert [read(guest, name) for name in BUSES] == [checksum, checksum]
    written = subprocess.run(
        ['qemu-io', '-f', 'qcow2', '-c', 'write 700M 1M', path_of(attached)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert 'Failed to get "write" lock' in written.stdout + written.stderr
    keep('volume', name='data', labels={'content': 'shared'})
    keep('volume', name='copy', source_volume='data')
    keep('volume', name='copy', state='absent')
    (found,) = run('server_info', name='two')['servers']
    assert (found['volumes'], found['read_only_volumes'], found['status']) == (
        ['data'],
        ['data'],
        'ACTIVE',
    )


def test_restart(guest: Guest) -> None:
    """A guest has it as before when it has booted again."""
    checksum = read(guest, 'one')
    keep('server', name='two', state='stopped', force=True)
    keep('server', name='two', state='started', wait_for='ssh', wait_timeout=300)
    assert is_read_only(guest, 'two')
    assert read(guest, 'two') == checksum


def test_drift(guest: Guest) -> None:
    """A machine that somebody lets write to it is found, and repaired."""
    with libvirt.open('qemu:///system') as connection:
        (machine,) = [one for one in connection.listAllDomains() if one.name().endswith('-one')]
        definition = machine.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
        before, disk, after = definition.partition("<target dev='vdb'")
        connection.defineXML(before + disk + after.replace('<readonly/>', '', 1))
    (found,) = run('server_info', name='one')['servers']
    assert found['status'] == 'UNMANAGED'
    assert '.qcow2 (read-only)' in str(found)
    assert keep('server', name='one', repair=True)['server']['status'] == 'ACTIVE'


def test_mounted(guest: Guest) -> None:
    """What a guest has mounted is detached from that one with force only, and from others."""
    keep('volume', name='data', server='one', state='attached', read_only=False)
    guest('one', SEEN.format('/dev/vdb'))
    guest('one', 'mkfs.ext4 -q -F /dev/vdb && mount /dev/vdb /mnt && echo text > /mnt/text')
    text = 'volume data is mounted in one, and data would be lost'
    assert text in refused('volume', **READ, servers=['one', 'two'])
    guest('one', 'umount /mnt')
    keep('volume', **READ, servers=['one', 'two'])
    for name in BUSES:
        guest(name, f'mount -o ro /dev/{disk_of(guest, name)} /mnt')
        assert guest(name, 'cat /mnt/text').strip() == 'text'
    assert 'volume data is mounted in one, two, and' in refused(
        'volume', name='data', state='detached'
    )
    guest('one', 'umount /mnt')
    assert 'volume data is mounted in two, and' in refused('volume', name='data', state='detached')
    assert keep('volume', name='data', state='detached', server='one')['volume']['servers'] == [
        'two'
    ]
    assert guest('one', 'ls /dev/vdb || echo gone').strip().endswith('gone')
    assert guest('two', 'cat /mnt/text').strip() == 'text'
    guest('two', 'umount /mnt')
    keep('volume', name='data', state='detached')
