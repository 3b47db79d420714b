# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes that are copies: a guest reads back what another disk held."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from .conftest import SEEN, keep, refused

Guest = Callable[[str], str]
DEVICE = '/dev/disk/by-id/virtio-{}'


@pytest.fixture(scope='module')
def guest(image: str, key: str, open_group: str, ssh: Callable[[str, str], str]) -> Iterator[Guest]:
    """Run a command in a server with the volume data."""
    server = keep(
        'server',
        name='holder',
        image=image,
        flavor='g1.nano',
        key_name='test',
        security_groups=[open_group],
        wait_for='ssh',
        wait_timeout=300,
    )['server']
    keep('volume', name='data', size=1, server='holder', state='attached')
    ssh(server['fixed_ip'], SEEN.format('/dev/vdb'))
    yield lambda command: ssh(server['fixed_ip'], command)
    keep('server', name='holder', state='absent')
    keep('volume', name='data', state='absent')


def written(guest: Guest, device: str) -> str:
    """The checksum of random data that the guest writes to a disk, past its middle."""
    guest(
        f'dd if=/dev/urandom of=/tmp/r bs=1M count=3; dd if=/tmp/r of={device} bs=1M seek=700; sync'
    )
    return read(guest, device)


def read(guest: Guest, device: str) -> str:
    """The checksum of what is there."""
    return guest(f'dd if={device} bs=1M skip=700 count=3 | sha256sum').split()[0]


def test_copies(guest: Guest, image: str) -> None:
    """Of a volume, of the root volume, and of an image; while the guest is off."""
    checksum = written(guest, '/dev/vdb')
    guest('echo mark > /root/mark; sync')
    assert 'attached to holder, which is running' in refused(
        'volume', name='copy', source_volume='data'
    )
    keep('server', name='holder', state='stopped')
    for name, source in (
        ('copy', {'source_volume': 'data', 'size': 2}),
        ('root', {'source_volume': 'holder/root'}),
        ('fresh', {'image': image}),
    ):
        keep('volume', name=name, **source)
    keep('server', name='holder', state='started', wait_for='ssh', wait_timeout=300)
    for name in ('copy', 'root', 'fresh'):
        keep('volume', name=name, server='holder', state='attached')
    for device in ('/dev/vdc', '/dev/vdd', '/dev/vde'):
        guest(SEEN.format(device))
    assert read(guest, '/dev/vdc') == checksum
    assert guest('cat /sys/block/vdc/size').strip() == str(2 * 2**30 // 512)
    guest('echo more > /root/mark; sync; mkdir -p /tmp/old /tmp/new')
    guest('mount -o ro /dev/vdd* /tmp/old; mount -o ro /dev/vde* /tmp/new')
    assert guest('cat /tmp/old/root/mark').strip() == 'mark'
    assert guest('ls /tmp/new/root/mark || echo none').strip() == 'none'
    guest('umount /tmp/old /tmp/new')
    for name in ('copy', 'root', 'fresh'):
        keep('volume', name=name, state='detached')
        keep('volume', name=name, state='absent')
