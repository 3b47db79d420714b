# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes that are copies, and snapshots: a guest reads back what another disk held."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._local.host.locks import Locks
from ansible_collections.hanok.cloud.plugins.module_utils._local.host.progress import Copy

from .conftest import SEEN, STATE, keep, refused, run, volume_types

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
    """Of a volume, of the root volume, and of an image; while the guest is off.

    An image of the server is made while the guest runs, with what it has not written to the disk.
    """
    checksum = written(guest, '/dev/vdb')
    live = guest('dd if=/dev/urandom of=/root/live bs=1M count=3; sha256sum </root/live')
    made = keep('image', name='live', server='holder')['image']
    assert (made['source'], made['size']) == ('server:holder', 2**30)
    guest('rm /root/live')
    guest('echo mark > /root/mark; sync')
    assert 'attached to holder, which is running' in refused(
        'volume', name='copy', source_volume='data'
    )
    keep('server', name='holder', state='stopped')
    for name, source in (
        ('copy', {'source_volume': 'data', 'size': 2}),
        ('root', {'source_volume': 'holder/root'}),
        ('fresh', {'image': image}),
        ('live', {'image': 'live'}),
    ):
        keep('volume', name=name, **source)
    keep('server', name='holder', state='started', wait_for='ssh', wait_timeout=300)
    for name in ('copy', 'root', 'fresh', 'live'):
        keep('volume', name=name, server='holder', state='attached')
    for device in ('/dev/vdc', '/dev/vdd', '/dev/vde', '/dev/vdf'):
        guest(SEEN.format(device))
    assert read(guest, '/dev/vdc') == checksum
    assert guest('cat /sys/block/vdc/size').strip() == str(2 * 2**30 // 512)
    guest('echo more > /root/mark; sync; mkdir -p /tmp/old /tmp/new')
    guest('mount -o ro /dev/vdd1 /tmp/old && mount -o ro /dev/vde1 /tmp/new')
    assert guest('cat /tmp/old/root/mark').strip() == 'mark'
    assert guest('ls /tmp/new/root/mark || echo none').strip() == 'none'
    guest('umount /tmp/old /tmp/new; mount -o ro /dev/vdf1 /tmp/new')
    assert guest('sha256sum </tmp/new/root/live') == live
    guest('umount /tmp/new')
    for name in ('copy', 'root', 'fresh', 'live'):
        keep('volume', name=name, state='detached')
        keep('volume', name=name, state='absent')
    keep('image', name='live', state='absent')


GROWN = "df -m /mnt | tail -n 1 | awk '{print $2}'"


def test_grow(guest: Guest) -> None:
    """A mounted file system follows its volume; test_debian.py has partitions, and writers."""
    attached = keep('volume', name='wide', size=1, server='holder', state='attached')
    guest(SEEN.format(attached['volume']['device']))
    device = guest(f'readlink -f {attached["volume"]["device"]}').strip()
    assert not run('volume', name='wide', grow=True)['changed']  # a blank one
    guest(f'echo text > /tmp/text; dd if=/tmp/text of={device}')
    unmounted = f'{device.removeprefix("/dev/")} is not mounted in the guest'
    assert unmounted in refused('volume', name='wide', size=2, grow=True)
    guest(f'mkfs.ext4 -q -F {device} && mount {device} /mnt')
    guest('dd if=/dev/urandom of=/mnt/random bs=1M count=20')
    checksum = guest('sha256sum /mnt/random')
    assert not run('volume', name='wide', grow=True)['changed']
    before = int(guest(GROWN))
    grown = keep('volume', name='wide', size=2, grow=True)['volume']
    assert grown['size'] == 2
    assert int(guest(GROWN)) > before + 900
    keep('volume', name='wide', size=3)
    assert int(guest(GROWN)) < 2048
    diff = keep('volume', name='wide', grow=True)['diff']
    assert diff['after'] == 'volume wide:  # update\n  filled: true\n'
    assert int(guest(GROWN)) > before + 1900
    guest(f'umount /mnt; mount {device} /mnt')
    assert guest('sha256sum /mnt/random') == checksum
    guest('umount /mnt')
    keep('volume', name='wide', state='detached')
    keep('volume', name='wide', state='absent')


def test_snapshots(guest: Guest, tmp_path: Path) -> None:
    """Made while the guest writes on; copied, restored with the size of then, deleted live.

    One goes through the file of an image, as to another host.
    """
    first = written(guest, '/dev/vdb')
    guest(
        "setsid sh -c 'while true; do dd if=/dev/urandom of=/dev/vdb bs=1M seek=100 count=2 "
        "conv=notrunc,fsync; done' </dev/null >/dev/null 2>&1 & echo $! > /tmp/writer"
    )
    keep('volume_snapshot', volume='data', name='first')
    keep('volume', name='data', size=2)
    second = written(guest, '/dev/vdb')
    keep('volume_snapshot', volume='data', name='second')
    third = written(guest, '/dev/vdb')
    assert len({first, second, third}) == 3
    # while it writes
    keep('image', name='second', snapshot='data/second', export_path=str(tmp_path / 'second'))
    keep('image', name='elsewhere', path=str(tmp_path / 'second'))
    for name, size, of in (
        ('first', 1, {'snapshot': 'data/first'}),
        ('second', 2, {'image': 'elsewhere'}),
    ):
        made = keep('volume', name=name, **of, server='holder', state='attached')
        assert made['volume']['size'] == size
    for name in ('second', 'elsewhere'):
        keep('image', name=name, state='absent')
    for device in ('/dev/vdc', '/dev/vdd'):
        guest(SEEN.format(device))
    assert (read(guest, '/dev/vdc'), read(guest, '/dev/vdd')) == (first, second)
    assert guest('cat /sys/block/vdc/size').strip() == str(2**30 // 512)
    assert read(guest, '/dev/vdb') == third
    keep('volume_snapshot', volume='data', name='third')
    keep('volume_snapshot', volume='data', name='second', state='absent')
    guest('kill $(cat /tmp/writer); sync')
    assert (read(guest, '/dev/vdb'), read(guest, '/dev/vdd')) == (third, second)
    assert 'which is running' in refused(
        'volume_snapshot', volume='data', name='first', state='restored'
    )
    for name in ('first', 'second', 'data'):
        keep('volume', name=name, state='detached')
    for expected, name, size in ((first, 'first', 1), (third, 'third', 2)):
        restored = run('volume_snapshot', volume='data', name=name, state='restored')
        assert restored['changed']
        assert (
            keep('volume', name='data', server='holder', state='attached')['volume']['size'] == size
        )
        guest(SEEN.format('/dev/vdb'))
        assert read(guest, '/dev/vdb') == expected
        keep('volume', name='data', state='detached')
    for name in ('first', 'third'):
        keep('volume_snapshot', volume='data', name=name, state='absent')
    for name in ('first', 'second'):
        keep('volume', name=name, state='absent')
    assert check('data') == ''


def check(name: str) -> str:
    """What qemu-img finds wrong with the disk of a volume that is detached: nothing."""
    identity = keep('volume', name=name)['volume']['id']
    path = f'{STATE}/volumes/{identity}.qcow2'
    words = ['qemu-img', 'check', '-q', '-f', 'qcow2', path]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    return ran.stdout + ran.stderr


# Numbers its blocks from the first on, and says in a file which is the last that is on the disk.
WRITER = (
    "setsid sh -c 'n=0; while [ ! -e /tmp/stop ]; do printf %08d $n | "
    'dd of=/dev/vdc bs=512 seek=$n conv=notrunc,fsync; '
    'n=$((n+1)); echo $n > /tmp/n.new; mv /tmp/n.new /tmp/n; done; '
    "rm /tmp/stop' </dev/null >/dev/null 2>&1 &"
)


def moves(guest: Guest, checksum: str) -> None:
    """The guest writes on and loses nothing; snapshots, sizes and later starts find the disk."""
    folder, back = Path('/run/fast'), STATE / 'moved-volumes'
    guest(f'rm -f /tmp/n; {WRITER} until [ -e /tmp/n ]; do sleep 0.1; done')
    for volume_type, full, empty in (('default', back, folder), ('fast', folder, back)):
        before = guest('cat /tmp/n')
        found = keep('volume', name='quick', volume_type=volume_type)['volume']
        assert (found['status'], found['volume_type']) == ('in-use', volume_type)
        assert (os.listdir(full), os.listdir(empty)) == ([f'{found["id"]}.qcow2'], [])
        guest(f'until [ $(cat /tmp/n) -gt {before} ]; do sleep 0.1; done')
        assert read(guest, '/dev/vdc') == checksum
        keep('volume_snapshot', volume='quick', name='here')
        keep('volume_snapshot', volume='quick', name='here', state='absent')
        assert run('server_info', name='holder')['servers'][0]['status_reason'] is None
    guest('touch /tmp/stop; while [ -e /tmp/stop ]; do sleep 0.1; done')
    count = int(guest('cat /tmp/n'))
    numbers = ''.join(f'{number:08}' for number in range(count))
    seen = guest(f"dd if=/dev/vdc bs=512 count={count} | tr -d '\\0' | sha256sum").split()[0]
    assert seen == hashlib.sha256(numbers.encode()).hexdigest()
    keep('volume', name='quick', state='detached')
    for volume_type in ('default', 'fast'):
        keep('volume', name='quick', volume_type=volume_type)
    keep('volume', name='quick', server='holder', state='attached')
    guest(SEEN.format('/dev/vdc'))
    assert read(guest, '/dev/vdc') == checksum


def test_types(guest: Guest) -> None:
    """A file system of its own: what is on it stays there, also while it is not mounted."""
    store, folder = Path('/run/store'), Path('/run/fast')
    mount = ['mount', '--bind', str(store), str(folder)]
    for each in (store, folder):
        each.mkdir()
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', str(store)], check=True)
    keep('volume', name='data', server='holder', state='attached')
    guest(SEEN.format('/dev/vdb'))
    away = '/run/fast, the directory of volume type fast, is not mounted; mount it'
    new = {'name': 'quick', 'size': 1, 'volume_type': 'fast'}
    with volume_types(fast={'path': str(folder), 'mounted': True, 'capacity': 2}):
        assert refused('volume', **new) == f'refused: volume_type: {away}'
        assert os.listdir(folder) == []
        subprocess.run(mount, check=True)
        keep('volume', **new, server='holder', state='attached')
        guest(SEEN.format('/dev/vdc'))
        checksum = written(guest, '/dev/vdc')
        keep('volume', name='quick', size=2)
        assert read(guest, '/dev/vdc') == checksum
        moves(guest, checksum)
        text = refused('volume', name='quick', size=3)
        assert '1 GB of disk space of volume type fast; 0 GB of 2 GB are free' in text
        found = keep('volume', name='quick', state='detached')['volume']
        assert os.listdir(folder) == os.listdir(store) == [f'{found["id"]}.qcow2']
        subprocess.run(['umount', folder], check=True)
        (shown,) = run('volume_info', name='quick')['volumes']
        assert (shown['status'], shown['status_reason']) == ('error', away)
        for options in (
            {'state': 'absent'},
            {'description': 'x'},
            {'server': 'holder', 'state': 'attached'},
        ):
            assert refused('volume', name='quick', **options) == f'refused: volume quick: {away}'
        keep('volume', name='data', description='the others go on')
        subprocess.run(mount, check=True)
        keep('volume', name='quick', server='holder', state='attached')
        guest(SEEN.format('/dev/vdc'))
        assert read(guest, '/dev/vdc') == checksum
        keep('volume', name='quick', state='detached')
        keep('volume', name='quick', state='absent')
        assert os.listdir(store) == []
    for each in (folder, store):
        subprocess.run(['umount', each], check=True)
        each.rmdir()


def test_shown_while_copied(host: None) -> None:
    """What another run makes of a volume is its status, until that ends."""
    keep('volume', name='quiet', size=1)
    keep('image', name='quiet', volume='quiet')
    keep('volume_snapshot', volume='quiet', name='monday')
    locks = Locks('/var/lib/hanok/locks', 'the other run', 0)

    def status() -> str:
        return str(run('volume_info', name='quiet')['volumes'][0]['status'])

    def progress() -> Any:
        return run('volume_info', name='quiet')['volumes'][0]['progress']

    with closing(sqlite3.connect('/var/lib/hanok/hanok.db', isolation_level=None)) as sql:
        for table, name, shown in (
            ('image', 'quiet', 'uploading'),
            ('volume_snapshot', 'quiet/monday', 'backing-up'),
        ):
            sql.execute(f"UPDATE {table} SET task_state = 'creating' WHERE name = ?", (name,))
            locks.acquire({('volume', 'quiet')})
            assert status() == shown
            Copy(list(locks.held.values())).is_at(25)
            assert progress()['percent'] == 25
            locks.release()
            assert (status(), progress()) == ('available', None)
            sql.execute(f'UPDATE {table} SET task_state = NULL WHERE name = ?', (name,))
    keep('image', name='quiet', state='absent')
    keep('volume_snapshot', volume='quiet', name='monday', state='absent')
    keep('volume', name='quiet', state='absent')
