# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backups of a guest that runs, and what it reads back from them."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .conftest import SEEN, STATE, Result, backup_stores, keep, refused, run
from .test_ground import eventually

Guest = Callable[[str], str]
BOOT = 'cat /proc/sys/kernel/random/boot_id'
# Never ends, and has something else to write each time.
WRITER = (
    "setsid sh -c 'while true; do dd if=/dev/urandom of=/root/noise bs=1M count=2 conv=fsync; "
    "done' </dev/null >/dev/null 2>&1 & echo $! > /tmp/writer"
)
# Has the same number on the disk of the system as on a volume, or one that is smaller by one.
COUNTER = (
    "setsid sh -c 'n=10000000; while true; do n=$((n + 1)); "
    'printf $n | dd of=/dev/vdc conv=notrunc,fsync; '
    'printf $n | dd of=/root/counter conv=notrunc,fsync; '
    "done' </dev/null >/dev/null 2>&1 & echo $! > /tmp/counter; "
    'until [ -s /root/counter ]; do sleep 0.1; done'
)


@pytest.fixture(scope='module')
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store that is a file system of its own, and a small one."""
    paths = {name: tmp_path_factory.mktemp(name) for name in ('disk', 'small')}
    for name, size in (('disk', '400m'), ('small', '1m')):
        words = ['mount', '-t', 'tmpfs', '-o', f'size={size}', 'none', str(paths[name])]
        subprocess.run(words, check=True)
    with backup_stores(**paths):
        settings = Path('/etc/hanok/host.json')
        found = json.loads(settings.read_text('utf-8'))
        for one in found['backup_stores']:
            one['mounted'] = True
        settings.write_text(json.dumps(found), 'utf-8')
        yield paths['disk']
    for path in paths.values():
        subprocess.run(['umount', str(path)], check=True)


@pytest.fixture(scope='module')
def guest(
    store: Path, image: str, key: str, open_group: str, ssh: Callable[[str, str], str]
) -> Iterator[Guest]:
    """Run a command in the server."""
    server = keep(
        'server',
        name='kept',
        image=image,
        flavor='g1.nano',
        key_name='test',
        security_groups=[open_group],
        wait_for='ssh',
        wait_timeout=300,
    )['server']
    yield lambda command: ssh(server['fixed_ip'], command)
    keep('server', name='kept', state='absent')
    for one in run('backup_info')['backups']:
        keep('backup', name=one['name'], state='absent')
    assert os.listdir(store) == []


def started() -> None:
    """Wait until the guest can be asked again."""
    keep('server', name='kept', state='started', wait_for='ssh', wait_timeout=300)


def restore(name: str, **options: bool) -> Result:
    """Restore a backup, and wait for the guest."""
    done = run('backup', name=name, state='restored', **options)
    assert not done.get('failed'), done['msg']
    started()
    return done


def snapshots_in_disk() -> str:
    """What snapshots the root disk has."""
    (server,) = run('server_info', name='kept')['servers']
    words = ['qemu-img', 'snapshot', '-U', '-l', f'{STATE}/servers/{server["id"]}/root.qcow2']
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def test_while_it_writes(store: Path, guest: Guest) -> None:
    """The guest reads back what it had written before, and runs on meanwhile."""
    guest('dd if=/dev/urandom of=/root/data bs=1M count=5; sync')
    checksum = guest('sha256sum /root/data')
    guest(WRITER)
    boot = guest(BOOT)
    made = keep('backup', name='live', server='kept', store='disk')['backup']
    assert made['status'] == 'available'
    assert guest(BOOT) == boot
    guest('kill -0 $(cat /tmp/writer)')
    assert snapshots_in_disk() == ''
    folder = store / made['id']
    assert oct(folder.stat().st_mode)[-3:] == '700'
    manifest = json.loads((folder / 'manifest.json').read_text('utf-8'))
    assert manifest['files']['root.qcow2']['checksum'] == made['checksum']
    assert made['size'] == (folder / 'root.qcow2').stat().st_size
    guest('kill $(cat /tmp/writer); rm /root/data; echo later > /root/later; sync')
    restore('live')
    assert guest(BOOT) != boot
    assert guest('sha256sum /root/data') == checksum
    assert guest('ls /root/later 2>/dev/null || echo none').strip() == 'none'


def test_new_server(
    store: Path, guest: Guest, open_group: str, ssh: Callable[[str, str], str]
) -> None:
    """It has the data of then, another name and size; also made from the bare file in the store."""
    checksum = guest('sha256sum /root/data')
    (made,) = run('backup_info', name='live')['backups']
    file = {'path': f'{store}/{made["id"]}/root.qcow2', 'checksum': made['checksum']}
    keep('image', name='of-file', **file)
    keep('image', name='of-file', state='absent')
    keep('image', name='of-backup', backup='live')
    server = keep(
        'server',
        name='other',
        image='of-backup',
        flavor='g1.nano',
        volume_size=made['volume_size'] + 1,
        key_name='test',
        security_groups=[open_group],
        wait_for='ssh',
        wait_timeout=300,
    )['server']
    assert ssh(server['fixed_ip'], 'sha256sum /root/data') == checksum
    assert ssh(server['fixed_ip'], 'hostname').strip() == 'other'
    keep('server', name='other', state='absent')
    keep('image', name='of-backup', state='absent')


def read(guest: Guest, device: str) -> str:
    """The checksum of what a volume has, past its middle."""
    return guest(f'dd if=/dev/{device} bs=1M skip=700 count=3 | sha256sum').split()[0]


def test_with_volumes(store: Path, guest: Guest) -> None:
    """All disks are of one instant; they are restored together, and copied to a new volume."""
    for name, device in (('data', 'vdb'), ('logs', 'vdc')):
        keep('volume', name=name, size=1, server='kept', state='attached')
        guest(SEEN.format(f'/dev/{device}'))
    guest('dd if=/dev/urandom of=/dev/vdb bs=1M seek=700 count=3 conv=fsync')
    checksum = read(guest, 'vdb')
    guest(COUNTER)
    made = keep('backup', name='all', server='kept', store='disk', include_volumes=True)['backup']
    guest('kill -0 $(cat /tmp/counter); kill $(cat /tmp/counter)')
    assert snapshots_in_disk() == ''
    folder = store / made['id']
    manifest = json.loads((folder / 'manifest.json').read_text('utf-8'))
    for item in made['volumes']:
        file = f'{item["id"]}.qcow2'
        sums = {option: item[option] for option in ('size', 'checksum')}
        assert manifest['files'][file] == sums
        assert (folder / file).stat().st_size == item['size']
        path = f'{STATE}/volumes/{file}'
        words = ['qemu-img', 'snapshot', '-U', '-l', path]
        assert subprocess.run(words, check=True, capture_output=True).stdout == b''
    guest('dd if=/dev/zero of=/dev/vdb bs=1M seek=700 count=3 conv=fsync')
    keep('volume', name='data', size=2)
    with sqlite3.connect(STATE / 'hanok.db') as record:  # as after an interrupted restore
        record.execute("UPDATE backup SET task_state = 'restoring' WHERE name = 'all'")
    record.close()
    for task in (('server', {'labels': {'a': 'b'}}), ('backup', {'name': 'x', 'server': 'kept'})):
        options = {'name': 'kept', **task[1]}
        assert 'is unfinished (restoring): a restore was' in refused(task[0], **options)
    restore('all')
    assert read(guest, 'vdb') == checksum
    assert int(guest('cat /sys/block/vdb/size')) == 2 * 2**21
    on_volume = int(guest('head -c 8 /dev/vdc'))
    on_root = int(guest('cat /root/counter'))
    assert on_volume > 10**7
    assert on_volume - on_root in (0, 1)
    keep('volume', name='copy', backup='all/data', server='kept', state='attached')
    guest(SEEN.format('/dev/vdd'))
    assert read(guest, 'vdd') == checksum
    with (folder / f'{made["volumes"][1]["id"]}.qcow2').open('r+b') as damaged:
        damaged.write(b'?')
    boot = guest(BOOT)
    for task in (
        ('backup', {'name': 'all', 'state': 'restored'}),
        ('volume', {'name': 'new', 'backup': 'all/logs'}),
    ):
        assert 'checksum mismatch: got sha256:' in run(task[0], **task[1])['msg']
    assert guest(BOOT) == boot
    keep('volume', name='new', state='absent')
    for name in ('data', 'logs', 'copy'):
        keep('volume', name=name, state='detached', force=True)
        keep('volume', name=name, state='absent')
    assert os.listdir(f'{STATE}/volumes') == []


LOST = 'a disk was replaced or restored since, or QEMU crashed'
WRITE = (
    'dd if=/dev/urandom of=/root/part bs=1M count=3; sync; '
    'dd if=/dev/urandom of=/dev/vdb bs=1M seek=700 count=3 conv=fsync'
)


def checkpoints() -> set[str]:
    """The names of the checkpoints of the machine."""
    (server,) = run('server_info', name='kept')['servers']
    words = ['virsh', '--quiet', 'checkpoint-list', '--name', server['id']]
    found = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    return set(found.split())


def test_incremental(store: Path, guest: Guest) -> None:
    """Each has what changed since the one before it, of all disks; what it stands on stays."""
    keep('volume', name='data', size=1, server='kept', state='attached')
    guest(SEEN.format('/dev/vdb'))
    options = {'server': 'kept', 'store': 'disk', 'include_volumes': True, 'incremental': True}
    made, sums = [], []
    for name in ('inc-1', 'inc-2', 'inc-3'):
        guest(WRITE)
        sums.append((guest('sha256sum /root/part'), read(guest, 'vdb')))
        predicted = run('backup', name=name, check=True, **options)
        done = run('backup', name=name, **options)
        assert not done.get('failed'), done['msg']
        assert predicted['diff'] == done['diff']
        assert not run('backup', name=name, **options)['changed']
        made.append(done['backup'])
        if name == 'inc-1':
            assert done['steps'][0]['why'].startswith('not incremental: ')
            assert done['steps'][0]['why'] == predicted['steps'][0]['why']
    assert [one['base'] for one in made] == [None, 'inc-1', 'inc-2']
    assert [one['incremental'] for one in made] == [False, True, True]
    assert max(one['size'] for one in made[1:]) < made[0]['size'] / 2
    assert max(one['volumes'][0]['size'] for one in made[1:]) < 8 * 2**20
    assert checkpoints() == {f'hanok-{one["id"]}' for one in made[1:]}
    (server,) = run('server_info', name='kept')['servers']
    assert not list((STATE / 'servers' / server['id']).glob('*.part*'))
    manifest = json.loads((store / made[2]['id'] / 'manifest.json').read_text('utf-8'))
    assert manifest['base']['id'] == made[1]['id']
    assert manifest['base']['base']['files']['root.qcow2']['checksum'] == made[0]['checksum']
    for number, device in enumerate(('vdc', 'vdd', 'vde')):
        source = {'name': f'copy-{number}', 'backup': f'inc-{number + 1}/data'}
        keep('volume', **source, server='kept', state='attached')
        guest(SEEN.format(f'/dev/{device}'))
        assert read(guest, device) == sums[number][1]
    for number in range(3):
        keep('volume', name=f'copy-{number}', state='detached', force=True)
        keep('volume', name=f'copy-{number}', state='absent')
    restore('inc-2')
    assert (guest('sha256sum /root/part'), read(guest, 'vdb')) == sums[1]
    assert 'backup inc-1: inc-2 has only what changed since it' in refused(
        'backup', name='inc-1', state='absent'
    )
    whole = run('backup', name='inc-4', **options)
    assert whole['steps'][0]['why'] == (f'not incremental: backup inc-3: {LOST}')
    assert checkpoints() == {f'hanok-{whole["backup"]["id"]}'}
    last = run('backup', name='inc-5', **options, keep_last=1)
    assert last['backup']['base'] == 'inc-4'
    assert 'backup inc-4: kept beyond keep_last: 1' in str(last['warnings'])
    there = [one['name'] for one in run('backup_info', server='kept')['backups']]
    assert there == ['inc-4', 'inc-5']
    copy = store / whole['backup']['id'] / 'root.qcow2'
    with copy.open('r+b') as damaged:
        damaged.write(b'?')
    assert f'{copy}: checksum mismatch' in run('backup', name='inc-5', state='restored')['msg']
    copy.unlink()
    assert 'No such file' in refused('backup', name='inc-5', state='restored')
    why = run('backup', name='inc-6', check=True, **options)['steps'][0]['why']
    assert f'not incremental: backup inc-5: {copy}: No such file' in why
    for name in ('inc-5', 'inc-4'):
        keep('backup', name=name, state='absent', force=True)
    assert checkpoints() == set()
    keep('volume', name='data', state='detached', force=True)
    keep('volume', name='data', state='absent')


def test_after_a_crash_of_qemu(store: Path, no_guest: str) -> None:
    """Nothing tells what changed since the base; checkpoints of other programs are left alone."""
    server = keep('server', name='crashed', image=no_guest, flavor='g1.nano')['server']
    words = ['virsh', '--quiet', 'checkpoint-create-as', server['id'], 'of-another']
    subprocess.run(words, check=True)
    options = {'server': 'crashed', 'store': 'disk', 'incremental': True}
    for name, base in (('crash-1', None), ('crash-2', 'crash-1')):
        assert run('backup', name=name, **options)['backup']['base'] == base
    words = ['virsh', '--quiet', 'domname', server['id']]
    name = subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
    os.kill(int(Path(f'/run/libvirt/qemu/{name}.pid').read_text('ascii')), signal.SIGKILL)
    eventually(lambda: run('server_info', name='crashed')['servers'][0]['status'] == 'SHUTOFF')
    keep('server', name='crashed', state='started')
    done = run('backup', name='crash-3', **options)
    assert not done.get('failed'), done['msg']
    assert done['steps'][0]['why'] == f'not incremental: backup crash-2: {LOST}'
    words = ['virsh', '--quiet', 'checkpoint-list', '--name', server['id']]
    found = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()
    assert sorted(found) == sorted(['of-another', f'hanok-{done["backup"]["id"]}'])
    assert run('backup', name='crash-4', **options)['backup']['base'] == 'crash-3'
    # Seven in a row, also of a server that is called otherwise meanwhile.
    run('server_action', name='crashed', action='rename', new_name='renamed')
    options['server'] = 'renamed'
    for number in range(5, 11):
        made = run('backup', name=f'crash-{number}', **options)['backup']
        assert made['base'] == f'crash-{number - 1}'
    done = run('backup', name='crash-11', **options)
    why = 'not incremental: backup crash-10: it is the last of 7 in a row'
    assert done['steps'][0]['why'] == why
    assert run('backup', name='crash-12', **options)['backup']['base'] == 'crash-11'
    keep('server', name='renamed', state='absent')
    why = 'backup crash-4: crash-5 has only what changed since it'
    assert why in refused('backup', name='crash-4', state='absent')
    for number in (2, 1, *range(12, 2, -1)):
        keep('backup', name=f'crash-{number}', state='absent')


def test_of_a_stopped_guest(guest: Guest) -> None:
    """It shuts down before, and runs again; a server that is off is restored and stays off."""
    guest('echo one > /root/mark; sync')
    boot = guest(BOOT)
    keep('backup', name='stopped', server='kept', store='disk', mode='stop')
    started()
    assert guest(BOOT) != boot
    guest('echo two > /root/mark; sync')
    keep('server', name='kept', state='stopped')
    (server,) = run('server_info', name='kept')['servers']
    keep('server', name='kept', volume_size=server['volume_size'] + 1)
    assert run('backup', name='stopped', state='restored')['changed']
    assert run('server_info', name='kept')['servers'][0]['status'] == 'SHUTOFF'
    started()
    assert guest('cat /root/mark').strip() == 'one'
    size = int(guest('cat /sys/block/vda/size'))
    assert size == (server['volume_size'] + 1) * 2**21


def test_what_is_not_restored(store: Path, guest: Guest) -> None:
    """A copy that was changed, one that is not there, and a store that is full or not mounted."""
    boot = guest(BOOT)
    made = keep('backup', name='changed', server='kept', store='disk')['backup']
    copy = store / made['id'] / 'root.qcow2'
    with copy.open('r+b') as file:
        file.seek(made['size'] // 2)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))
    failed = run('backup', name='changed', state='restored')
    assert f'{copy}: checksum mismatch: got sha256:' in failed['msg']
    copy.write_bytes(b'')
    assert 'has 0 bytes, and had' in refused('backup', name='changed', state='restored')
    copy.unlink()
    assert 'No such file' in refused('backup', name='changed', state='restored')
    keep('backup', name='changed', state='absent', force=True)
    for name in ('one', 'two'):
        keep('backup', name=name, server='kept', store='disk')
    there = [one['name'] for one in run('backup_info')['backups']]
    full = run('backup', name='full', server='kept', store='small', keep_last=1)
    assert 'No space left on device' in full['msg']
    assert 'it is kept, because the backup full was not made' in full['msg']
    assert [one['name'] for one in run('backup_info')['backups']] == [*there, 'full']
    assert os.listdir(store.parent / 'small0') == []
    assert snapshots_in_disk() == ''
    keep('backup', name='full', state='absent')
    assert guest(BOOT) == boot
    subprocess.run(['umount', '-l', str(store)], check=True)
    try:
        assert {one['status'] for one in run('backup_info')['backups']} == {'unavailable'}
        assert run('backup_info')['backups']
        away = f'the store disk is not mounted ({store})'
        assert away in refused('backup', name='one', state='restored')
        assert away in refused('backup', name='new', server='kept', store='disk')
        assert f'{away}; force: true forgets it' in refused('backup', name='one', state='absent')
        assert os.listdir(store) == []
        for one in run('backup_info')['backups']:
            keep('backup', name=one['name'], state='absent', force=True)
    finally:
        subprocess.run(['mount', '-t', 'tmpfs', 'none', str(store)], check=True)
