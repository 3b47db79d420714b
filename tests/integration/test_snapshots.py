# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Snapshots of a guest that runs: with its memory it continues where it was, without it boots."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import SEEN, STATE, Result, keep, refused, run
from .test_ground import eventually

Guest = Callable[[str], str]
# Counts in the memory of a process, and shows it in a file system that is in memory, too.
# Renamed when it is written, so that it never is empty.
COUNT = (
    'mkdir -p /mem; mount -t tmpfs none /mem; '
    "setsid sh -c 'i=0; while true; do i=$((i+1)); echo $i > /mem/m; mv /mem/m /mem/n; "
    "usleep 50000; done' </dev/null >/dev/null 2>&1 &"
)


@pytest.fixture(scope='module')
def server(image: str, key: str, open_group: str) -> Iterator[dict[str, Any]]:
    """A running server with a volume that was attached while it ran."""
    created = keep(
        'server',
        name='still',
        image=image,
        flavor='g1.nano',
        key_name='test',
        security_groups=[open_group],
        wait_for='ssh',
        wait_timeout=300,
    )['server']
    keep('volume', name='still', size=1, server='still', state='attached')
    yield created
    keep('server', name='still', state='absent', delete_snapshots=True)
    keep('volume', name='still', state='absent')


@pytest.fixture(scope='module')
def guest(server: dict[str, Any], ssh: Callable[[str, str], str]) -> Guest:
    """Run a command in the guest, which sees its volume."""
    ssh(server['fixed_ip'], SEEN.format('/dev/vdb'))
    return lambda command: ssh(server['fixed_ip'], command)


def snapshot(name: str, **options: Any) -> Result:
    """Make, restore or delete a snapshot."""
    found = run('server_snapshot', server='still', name=name, **options)
    assert not found.get('failed'), found['msg']
    return found


def disks() -> list[str]:
    """The files of the disks, the root disk first."""
    found = run('volume_info')['volumes']
    (server,) = run('server_info', name='still')['servers']
    (volume,) = (one for one in found if one['name'] == 'still')
    return [f'{STATE}/servers/{server["id"]}/root.qcow2', f'{STATE}/volumes/{volume["id"]}.qcow2']


def names_in(path: str) -> list[str]:
    """The snapshots in a disk."""
    words = ['qemu-img', 'info', '-U', '--output=json', path]
    found = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
    return [one['name'] for one in found.get('snapshots', ())]


def test_memory(server: dict[str, Any], guest: Guest) -> None:
    """The guest continues exactly where it was, also after it was powered off."""
    guest(COUNT)
    eventually(lambda: int(guest('cat /mem/n')) > 0)
    process = guest('pgrep -f "echo .i" | head -1')
    boot = guest('cat /proc/sys/kernel/random/boot_id')
    before = int(guest('cat /mem/n'))
    made = keep('server_snapshot', server='still', name='running', memory=True)['server_snapshot']
    assert made['volumes'] == {'still': 1, 'still/root': 1}
    assert made['size'] > 2**24
    after = int(guest('cat /mem/n'))
    assert before < after  # it runs on
    guest('echo new > /root/new; sync')
    keep('server', name='still', volume_size=2)
    for turn in range(2):
        then = int(guest('cat /mem/n'))
        if turn:
            keep('server', name='still', state='stopped', force=True)
        shown = snapshot('running', state='restored')['server_snapshot']
        assert shown['current']
        now = int(guest('cat /mem/n'))
        assert before <= now < then, (before, now, then)
        assert guest('cat /proc/sys/kernel/random/boot_id') == boot
        assert guest('pgrep -f "echo .i" | head -1') == process
        eventually(lambda now=now: int(guest('cat /mem/n')) > now)
        assert guest('ls /root/new 2>/dev/null || true') == ''
        (found,) = run('server_info', name='still')['servers']
        assert (found['status'], found['volume_size']) == ('ACTIVE', 1)
        # for the next turn: later than what is restored
        eventually(lambda: int(guest('cat /mem/n')) > after)


def test_disks_only(server: dict[str, Any], guest: Guest, tmp_path: Path) -> None:
    """All disks at one instant, whose file systems were frozen; the guest boots afresh."""
    guest('mkfs.ext4 -q /dev/vdb 2>/dev/null && mkdir -p /data && mount /dev/vdb /data')
    guest('echo old > /root/file; echo old > /data/file')
    keep('server_snapshot', server='still', name='disks')
    for path in disks():
        assert len(names_in(path)) == 2
    # A file system that is not frozen has a journal to replay.
    copy = tmp_path / 'copy'
    tag = names_in(disks()[1])[-1]
    words = ['qemu-img', 'convert', '-U', '-l', f'snapshot.name={tag}', '-O', 'raw', disks()[1]]
    subprocess.run([*words, str(copy)], check=True)
    checked = subprocess.run(['dumpe2fs', '-h', str(copy)], check=True, capture_output=True)
    assert b'needs_recovery' not in checked.stdout
    subprocess.run(['e2fsck', '-fn', str(copy)], check=True, capture_output=True)
    guest('echo new > /root/file; echo new > /data/file; sync')  # the guest is thawed
    guest('dd if=/dev/zero of=/data/large bs=1M count=20 conv=fsync 2>/dev/null')
    (shown,) = run('server_snapshot_info', server='still', name='disks')['server_snapshots']
    assert 20 * 2**20 <= shown['changed_since'] < 100 * 2**20
    boot = guest('cat /proc/sys/kernel/random/boot_id')
    snapshot('disks', state='restored')
    waited = run('server', name='still', state='started', wait_for='ssh', wait_timeout=300)
    assert not waited['changed']
    assert guest('cat /proc/sys/kernel/random/boot_id') != boot
    assert guest('cat /root/file') == 'old'
    assert guest('mount /dev/vdb /data && cat /data/file') == 'old'


def test_other_machine(server: dict[str, Any], guest: Guest) -> None:
    """Memory is not restored into another machine; the disks alone are."""
    keep('volume', name='later', size=1)
    keep('volume', name='later', server='still', state='attached')
    assert refused('server_snapshot', server='still', name='running', state='restored') == (
        'refused: memory: server still is not as it was when still/running was made (volume later '
        'was not attached); change that back, or set memory: false to restore the disks only'
    )
    assert 'only a running guest' not in snapshot('running', state='restored', memory=False)['msg']
    run('server', name='still', wait_for='ssh', wait_timeout=300)
    keep('volume', name='later', state='detached', force=True)
    keep('volume', name='later', state='absent')
    assert guest('ls /mem/n 2>/dev/null || true') == ''


def test_mute_agent(server: dict[str, Any], guest: Guest) -> None:
    """An agent that does not answer delays a snapshot by seconds only."""
    guest('killall -STOP qemu-ga')
    assert snapshot('mute')['changed']
    guest('killall -CONT qemu-ga; echo thawed > /root/thawed; sync')


def test_deleted_while_it_runs(server: dict[str, Any], guest: Guest) -> None:
    """In any order, and nothing is left in the disks or beside them."""
    for name in ('running', 'mute', 'disks'):
        keep('server_snapshot', server='still', name=name, state='absent')
    assert [names_in(path) for path in disks()] == [[], []]
    assert not list(Path(disks()[0]).parent.glob('hanok-*'))
    guest('sync')
    keep('server', name='still', state='stopped', force=True)
    for path in disks():
        words = ['qemu-img', 'check', '--output=json', path]
        found = json.loads(subprocess.run(words, check=False, capture_output=True).stdout)
        assert (found.get('leaks', 0), found.get('corruptions', 0)) == (0, 0)


def test_checkpoints_of_others(no_guest: str) -> None:
    """Those of backup programs are in the way of nothing; after a restore they mean nothing."""
    server = keep('server', name='watched', image=no_guest, flavor='g1.nano')['server']
    keep('volume', name='watched', size=1, server='watched', state='attached')
    keep('server_snapshot', server='watched', name='a')
    for name in ('before', 'after'):
        words = ['virsh', '--quiet', 'checkpoint-create-as', server['id'], name]
        subprocess.run(words, check=True)
        if name == 'before':
            restored = run('server_snapshot', server='watched', name='a', state='restored')
            assert not restored.get('failed'), restored['msg']
    keep('server', name='watched', state='absent', delete_snapshots=True)
    keep('volume', name='watched', state='absent')


def test_restore_that_fails(no_guest: str) -> None:
    """Before a disk is touched: the server is as it was. Later: the way out works."""
    server = keep('server', name='fails', image=no_guest, flavor='g1.nano')['server']
    disk = f'{STATE}/servers/{server["id"]}/root.qcow2'
    for name in ('a', 'b'):
        keep('server_snapshot', server='fails', name=name)
    keep('server', name='fails', state='stopped', force=True)
    (tag,) = names_in(disk)[:1]
    subprocess.run(['qemu-img', 'snapshot', '-d', tag, disk], check=True)
    lost = run('server_snapshot', server='fails', name='a', state='restored')
    assert 'fails/a is missing in its disks; delete the snapshot' in lost['msg']
    assert keep('server', name='fails', description='d')['server']['status'] == 'SHUTOFF'
    keep('server_snapshot', server='fails', name='a', state='absent')
    words = ['qemu-io', '-f', 'qcow2', disk]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdin.write(b'read 0 512\n')
        holder.stdin.flush()
        holder.stdout.readline()  # it has the disk open
        held = run('server_snapshot', server='fails', name='b', state='restored')
        holder.stdin.close()
    assert 'Failed to get "write" lock' in held['msg']
    assert 'restore this snapshot again, or another one, or delete the server' in held['msg']
    assert 'is unfinished (restoring)' in refused('server', name='fails', description='e')
    assert run('server_snapshot', server='fails', name='b', state='restored')['changed']
    keep('server', name='fails', state='absent', delete_snapshots=True)
    volume = keep('volume', name='fails', size=1)['volume']
    disk = f'{STATE}/volumes/{volume["id"]}.qcow2'
    keep('volume_snapshot', volume='fails', name='a')
    keep('volume', name='fails', size=2)
    subprocess.run(['qemu-img', 'snapshot', '-d', *names_in(disk), disk], check=True)
    lost = run('volume_snapshot', volume='fails', name='a', state='restored')
    assert 'fails/a is missing in its disks; delete the snapshot' in lost['msg']
    assert keep('volume', name='fails')['volume']['size'] == 2
    keep('volume_snapshot', volume='fails', name='a', state='absent')
    keep('volume', name='fails', state='absent')
