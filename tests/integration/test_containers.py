# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers that are containers: their life, and what they cannot reach, on a real libvirt."""

from __future__ import annotations

import gzip
import io
import os
import re
import select
import signal
import struct
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ansible_collections.hanok.cloud.plugins.module_utils._local.host.capabilities import (
    grows_mounted,
)
from ansible_collections.hanok.cloud.tests.reliability.invariants import output_of

from .conftest import backup_stores, eventually, keep, refused, run, volume_types
from .prepared import start_daemons
from .test_agent_connection import connected

Ssh = Callable[[str, str], str]
Item = dict[str, Any]
SCRIPT = '#!/bin/sh\necho once >>/made\necho $(id -u) of $(hostname)\n'
NAME = {'name': 'box'}
PASSWORD = 'correct <horse> $1'  # noqa: S105 (of a container of the tests)
TAKE_200_MIB = 'dd if=/dev/zero of=/dev/null bs=200M count=1 2>/dev/null; echo $?'
HAS_VERSION_2 = Path('/sys/fs/cgroup/cgroup.controllers').exists()
MEMORY_LIMIT = (
    '/sys/fs/cgroup$(sed "s/^0:://" /proc/1/cgroup)/memory.max'
    if HAS_VERSION_2
    else '/sys/fs/cgroup/memory/memory.limit_in_bytes'
)


@pytest.fixture(scope='module')
def box(root_image: str, key: str) -> Iterator[Item]:
    """A container whose first boot has ended."""
    keep('security_group', name='box', rules=[{'preset': 'ssh'}])
    options = {'image': root_image, 'flavor': 'g1.nano', 'key_name': 'test'}
    groups = {'security_groups': ['box']}
    done = keep('server', **NAME, **options, **groups, user_data=SCRIPT, wait_for='init')
    yield done['server']
    keep('server', **NAME, state='absent')
    keep('security_group', name='box', state='absent')


def shown(**options: Any) -> Item:
    """The container, as server_info shows it."""
    (found,) = run('server_info', **NAME, **options)['servers']
    return dict(found)


def tell(server: Item, ssh: Ssh, command: str) -> None:
    """Run a command that may end the connection."""
    with suppress(subprocess.CalledProcessError):
        ssh(server['fixed_ip'], command)


def root_of(server: Item) -> Path:
    """The root file system of a container on this host."""
    return Path('/var/lib/hanok/servers', server['id'], 'root')


def files_of(volume: Item) -> Path:
    """What a container has of a volume, on this host."""
    return Path('/var/lib/hanok/volumes', volume['id'], 'files')


def loops(item: Item) -> list[str]:
    """The files of a server or a volume that loop devices have, also those that are deleted."""
    listed = output_of('losetup', '--list', '--noheadings', '--output', 'BACK-FILE')
    return [Path(line).name for line in listed.splitlines() if item['id'] in line]


# -- life ------------------------------------------------------------------------------------------


def test_created(box: Item, ssh: Ssh) -> None:
    """It is what its image is for, has its address, and ran its script as its own root."""
    assert (box['type'], box['status'], box['volume_size']) == ('container', 'ACTIVE', None)
    assert ssh(box['fixed_ip'], 'cat /made /etc/hostname').split() == ['once', 'box']
    assert shown(init=True)['init']['state'] == 'done'
    assert ssh(box['fixed_ip'], 'cat /etc/resolv.conf') == 'nameserver 192.168.0.1'
    assert not keep('server', **NAME, state='started', wait_for='ip')['changed']


def test_dns(box: Item, ssh: Ssh) -> None:
    """DNS servers and a domain change while it runs, whatever its root has made of the files."""
    ssh(box['fixed_ip'], 'ln -sf /etc/passwd /etc/resolv.conf')
    keep('server', **NAME, dns_servers=['192.0.2.53'], dns_domain='example.com')
    resolver = ssh(box['fixed_ip'], 'cat /etc/resolv.conf; wc -l </etc/passwd')
    assert resolver.split('\n')[:2] == ['search example.com', 'nameserver 192.0.2.53']
    assert f'{box["fixed_ip"]} box.example.com box' in ssh(box['fixed_ip'], 'cat /etc/hosts')
    keep('server', **NAME, dns_servers=[], dns_domain='none')
    assert ssh(box['fixed_ip'], 'cat /etc/resolv.conf') == 'nameserver 192.168.0.1'
    assert 'example.com' not in ssh(box['fixed_ip'], 'cat /etc/hosts')


def hashed(password: str, salt: str) -> str:
    """The password as crypt(3) hashes it with SHA-512."""
    command = ['openssl', 'passwd', '-6', '-salt', salt, '-stdin']
    return subprocess.run(
        command, input=password, capture_output=True, text=True, check=True
    ).stdout.strip()


def hash_in(shadow: Path) -> str:
    """What a shadow has for root."""
    return dict(line.split(':')[:2] for line in shadow.read_text().splitlines())['root']


def test_root_password(root_image: str) -> None:
    """Its hash is in the shadow before the first boot, and again after a rebuild."""
    task = {'name': 'locked', 'root_password': PASSWORD}
    options = {'image': root_image, 'flavor': 'g1.nano', 'state': 'stopped'}
    made = keep('server', **task, **options)['server']
    shadow, kept = root_of(made) / 'etc' / 'shadow', root_of(made).parent / 'root-password'
    found = hash_in(shadow)
    assert found == hashed(PASSWORD, found.split('$')[2])
    assert not shadow.stat().st_mode & 0o077
    assert shadow.stat().st_uid == root_of(made).stat().st_uid
    shadow.write_text('root:changed inside:19000:0:99999:7:::\n')
    assert not keep('server', **task)['changed']
    rebuild = {'name': 'locked', 'action': 'rebuild'}
    assert run('server_action', **rebuild)['changed']
    assert hash_in(shadow) == found
    kept.write_text('of another')
    assert 'only a hash of it is recorded' in run('server_action', **rebuild)['msg']
    keep('server', **task, **options)
    assert run('server_action', **rebuild)['changed']
    assert hash_in(shadow) == hashed(PASSWORD, hash_in(shadow).split('$')[2])
    keep('server', name='locked', state='absent')
    assert not root_of(made).parent.exists()


def test_power(box: Item, ssh: Ssh) -> None:
    """It keeps files and address over all that a server goes through; its script runs once."""
    ssh(box['fixed_ip'], 'echo kept >/kept')
    for state in ('stopped', 'started', 'paused', 'started', 'shelved', 'started'):
        assert keep('server', **NAME, state=state, wait_timeout=60)['changed']
    for action in ('reboot_soft', 'reboot_hard'):
        assert run('server_action', **NAME, action=action)['changed']
    keep('server', **NAME, state='started', wait_for='ssh')
    assert ssh(box['fixed_ip'], 'cat /kept /made').split() == ['kept', 'once']
    assert shown()['fixed_ip'] == box['fixed_ip']


@pytest.mark.parametrize('mode', ['suspend', 'stop'])
def test_backup(box: Item, ssh: Ssh, tmp_path: Path, mode: str) -> None:
    """What was written before is read back, with its owners; what came later is gone.

    Its processes run on when they were frozen. Its script is not run again.
    """
    started = 'cut -d " " -f 22 /proc/1/stat'
    write = 'head -c 3000000 /dev/urandom >/data; chown 7:8 /data; ln -s /etc/passwd /link; sync'
    ssh(box['fixed_ip'], write)
    read = 'sha256sum /data; stat -c "%u %g" /data; readlink /link; cat /made'
    before, first = ssh(box['fixed_ip'], read), ssh(box['fixed_ip'], started)
    files = sorted(os.listdir(root_of(box).parent))
    with backup_stores(disk=tmp_path):
        made = keep('backup', name='b', server='box', mode=mode)['backup']
        archive = tmp_path / made['id'] / 'root.tar.zst'
        assert made['size'] == archive.stat().st_size
        assert archive.stat().st_mode & 0o777 == 0o600
        keep('server', **NAME, state='started', wait_for='ssh')
        assert (ssh(box['fixed_ip'], started) == first) is (mode == 'suspend')
        ssh(box['fixed_ip'], 'rm /data /link; echo later >/later; echo bad >/etc/resolv.conf')
        assert run('backup', name='b', state='restored')['changed']
        keep('server', **NAME, state='started', wait_for='ssh')
        assert ssh(box['fixed_ip'], read) == before
        assert ssh(box['fixed_ip'], 'ls /later 2>/dev/null || echo none') == 'none'
        assert ssh(box['fixed_ip'], 'cat /etc/resolv.conf') == 'nameserver 192.168.0.1'
        assert files == sorted(os.listdir(root_of(box).parent))
        listed = output_of('tar', '--zstd', '--list', '--file', str(archive))
        assert './made\n' in listed
        assert 'seed/nocloud' not in listed
        keep('image', name='of-backup', backup='b')
        other = {'flavor': 'g1.nano', 'key_name': 'test', 'security_groups': ['box']}
        options = {'image': 'of-backup', 'wait_for': 'ssh', **other}
        copy = keep('server', name='copy', **options)['server']
        assert ssh(copy['fixed_ip'], f'hostname; {read}') == f'copy\n{before}'
        keep('server', name='copy', state='absent')
        keep('image', name='of-backup', state='absent')
        archive.write_bytes(b'x' * made['size'])
        wrong = run('backup', name='b', state='restored')
        assert 'checksum mismatch' in wrong['msg']
        assert ssh(box['fixed_ip'], read) == before
        keep('backup', name='b', state='absent')
    ssh(box['fixed_ip'], 'rm /data /link')


def test_snapshot(box: Item, ssh: Ssh) -> None:
    """Its files of then come back, with owners, links and attributes; it stands still meanwhile.

    Copies depend on nothing: an older one is restored when the newer one is deleted, and the other
    way round.
    """
    started = 'cut -d " " -f 22 /proc/1/stat'
    write = 'head -c 3000000 /dev/urandom >/data; chown 7:8 /data; chmod 4711 /data; ln /data /hard'
    ssh(box['fixed_ip'], f'{write}; ln -s /etc/passwd /link; mkfifo /fifo; sync')
    os.setxattr(root_of(box) / 'data', 'user.kept', b'then')
    read = (
        'sha256sum /data; stat -c "%u %g %a %h" /data; readlink /link; test -p /fifo && cat /made'
    )
    before, first = ssh(box['fixed_ip'], read), ssh(box['fixed_ip'], started)
    files = sorted(os.listdir(root_of(box).parent))
    made = keep('server_snapshot', server='box', name='full')['server_snapshot']
    assert (made['size'], made['changed_since']) == (None, None)
    assert ssh(box['fixed_ip'], started) == first
    ssh(box['fixed_ip'], 'rm /data /link /fifo; echo later >/later; echo bad >/etc/resolv.conf')
    keep('server', **NAME, state='paused')
    keep('server_snapshot', server='box', name='empty')
    assert shown()['status'] == 'PAUSED'
    keep('server', **NAME, state='started')
    copies = root_of(box).parent / 'snapshots'
    assert len(list(copies.iterdir())) == 2
    for name, other in (('full', 'empty'), ('empty', 'full')):
        assert run('server_snapshot', server='box', name=name, state='restored')['changed']
        keep('server', **NAME, state='started', wait_for='ssh')
        assert (ssh(box['fixed_ip'], 'ls /later 2>/dev/null || echo none') == 'none') is (
            name == 'full'
        )
        if name == 'full':
            assert ssh(box['fixed_ip'], read) == before
            assert os.getxattr(root_of(box) / 'data', 'user.kept') == b'then'
        assert ssh(box['fixed_ip'], 'cat /etc/resolv.conf') == 'nameserver 192.168.0.1'
        assert other in shown()['snapshots']
    keep('server_snapshot', server='box', name='empty', state='absent')
    run('server_snapshot', server='box', name='full', state='restored')
    keep('server', **NAME, state='started', wait_for='ssh')
    assert ssh(box['fixed_ip'], read) == before
    (copy,) = copies.iterdir()
    copy.rename(copies / 'lost')
    lost = run('server_snapshot', server='box', name='full', state='restored')
    assert 'is missing, with all data in it; delete the snapshot' in lost['msg']
    assert shown()['status'] == 'ACTIVE'
    assert not keep('server', **NAME, state='started')['changed']
    keep('server_snapshot', server='box', name='full', state='absent')
    subprocess.run(['rm', '-r', str(copies)], check=True)
    assert files == sorted(os.listdir(root_of(box).parent))
    ssh(box['fixed_ip'], 'rm /data /hard /link /fifo')


def test_full_disk(box: Item, ssh: Ssh) -> None:
    """A snapshot that does not fit leaves nothing, and the container runs on."""
    started = 'cut -d " " -f 22 /proc/1/stat'
    first = ssh(box['fixed_ip'], started)
    folder = root_of(box).parent / 'snapshots'
    folder.mkdir(0o711)
    words = ['mount', '-t', 'tmpfs', '-o', 'size=64k,mode=0711', 'tmpfs', str(folder)]
    subprocess.run(words, check=True)
    try:
        full = run('server_snapshot', server='box', name='full')
        assert 'No space left on device' in full['msg']
        assert not list(folder.iterdir())
        assert ssh(box['fixed_ip'], started) == first
    finally:
        subprocess.run(['umount', str(folder)], check=True)
    keep('server_snapshot', server='box', name='full', state='absent')
    assert not folder.exists()


def reboot(box: Item, ssh: Ssh) -> None:
    """Let the container reboot itself, and wait until it is back."""
    started = 'cut -d " " -f 22 /proc/1/stat'  # when, in the time of the host
    before = ssh(box['fixed_ip'], started)
    tell(box, ssh, 'reboot')

    def is_back() -> bool:
        with suppress(subprocess.CalledProcessError):
            return ssh(box['fixed_ip'], started) != before
        return False

    eventually(is_back)


def test_own_power(box: Item, ssh: Ssh) -> None:
    """A container that powers itself off is off; one that reboots itself comes back."""
    reboot(box, ssh)
    tell(box, ssh, 'poweroff')
    eventually(lambda: shown()['status'] == 'SHUTOFF')
    keep('server', **NAME, state='started', wait_for='ssh')


def test_init_that_libvirt_does_not_know(box: Item) -> None:
    """It is shut down nevertheless: libvirtd is told the PID once, and may miss it."""
    name = shown_name()
    state = Path('/run/libvirt/lxc', f'{name}.xml')
    end_libvirtd()
    state.write_text(re.sub("<init pid='[0-9]+'/>", "<init pid='0'/>", state.read_text()))
    start_daemons('libvirtd')
    words = ['virsh', '--connect', 'lxc:///', 'shutdown', name]
    refused_by_libvirt = subprocess.run(words, capture_output=True, text=True, check=False)
    assert 'Init process ID is not yet known' in refused_by_libvirt.stderr
    assert keep('server', **NAME, state='stopped', wait_timeout=60)['changed']
    keep('server', **NAME, state='started', wait_for='ssh')


def end_libvirtd() -> None:
    """Kill libvirtd, or stop its units, which would start it again at once."""
    with running(int(Path('/run/libvirtd.pid').read_text())) as libvirtd:
        if Path('/run/systemd/system').exists():
            sockets = [f'libvirtd{kind}.socket' for kind in ('', '-ro', '-admin')]
            output_of('systemctl', 'stop', *sockets, 'libvirtd.service')
        else:
            signal.pidfd_send_signal(libvirtd, signal.SIGKILL)
        select.select([libvirtd], [], [])


def started_at(server: Item) -> float:
    """When a container was started, in seconds since the boot of the host."""
    (state,) = Path('/run/libvirt/lxc').glob(f'hanok-*-{server["name"]}.pid')
    stat = Path('/proc', state.read_text().strip(), 'stat').read_text()
    return int(stat.rpartition(')')[2].split()[19]) / os.sysconf('SC_CLK_TCK')


def test_start_order(box: Item) -> None:
    """At the boot of the host containers start in their order, and not by libvirtd."""
    keep('server', **NAME, start_order=20)
    options = {'like': 'box', 'user_data': SCRIPT, 'start_delay': 1}
    first = keep('server', name='first', start_order=3, volume_size=1, **options)['server']
    there = {'server': 'first', 'state': 'attached', 'allow_restart': True}
    files = files_of(keep('volume', name='early', size=1, file_system='ext4', **there)['volume'])
    for server in (box, first):
        output_of('virsh', '--connect', 'lxc:///', 'destroy', server['id'])
    output_of('umount', str(files.parent))
    start = ['virsh', '--connect', 'lxc:///', 'start', first['id']]
    without = subprocess.run(start, capture_output=True, check=False)
    assert without.returncode, 'it has started without its volume'
    output_of('umount', str(root_of(first)))
    for driver in ('qemu', 'lxc'):
        Path('/run/libvirt', driver, 'autostarted').unlink()
    end_libvirtd()
    output_of('hanok-start', 'hold')
    assert files.parent.is_mount()
    output_of('umount', str(files.parent))  # as if its directory were mounted later
    start_daemons('libvirtd')
    for server in (box, first):
        (found,) = run('server_info', name=server['name'])['servers']
        assert found['status'] == 'SHUTOFF'
    output_of('hanok-start', 'start')
    assert started_at(box) - started_at(first) >= 1  # the delay
    assert root_of(first).is_mount()
    assert files.parent.is_mount()
    keep('server', name='first', state='absent')
    assert not loops(first)
    assert not files.parent.exists()
    keep('volume', name='early', state='absent')
    keep('server', **NAME, start_order=0, wait_for='ssh')


@contextmanager
def running(pid: int) -> Iterator[int]:
    """A descriptor of a process."""
    process = os.pidfd_open(pid)
    try:
        yield process
    finally:
        os.close(process)


def swap_limit() -> int:
    """The bytes beside its memory that the container may have in swap space."""
    pid = Path('/run/libvirt/lxc', f'{shown_name()}.pid').read_text()
    groups = dict(
        line.split(':')[1:] for line in Path('/proc', pid, 'cgroup').read_text().splitlines()
    )
    if HAS_VERSION_2:
        return int(Path(f'/sys/fs/cgroup{groups[""]}', 'memory.swap.max').read_text())
    folder = Path(f'/sys/fs/cgroup/memory{groups["memory"]}')
    limits = ('memory.memsw.limit_in_bytes', 'memory.limit_in_bytes')
    most, memory = (int((folder / limit).read_text()) for limit in limits)
    return most - memory


def test_size(box: Item, ssh: Ssh) -> None:
    """CPU and memory change while it runs; what takes more memory is killed."""
    assert ssh(box['fixed_ip'], TAKE_200_MIB) != '0'
    keep('server', **NAME, vcpus=2, memory=600)
    # That is what free reads. The cat of its busybox asks for the size of the file, which is 0.
    seen = ssh(box['fixed_ip'], 'dd if=/proc/meminfo bs=4096 count=1 2>/dev/null')
    assert re.findall(r'MemTotal: +([0-9]+) kB', seen) == [str(600 * 1024)]
    for swap in (64, 0):
        keep('server', **NAME, swap=swap)
        assert swap_limit() == swap * 2**20
    assert ssh(box['fixed_ip'], TAKE_200_MIB) == '0'
    keep('server', **NAME, flavor='g1.nano')
    run('server_action', **NAME, action='resize', flavor='g1.micro')
    run('server_action', **NAME, action='revert_resize')
    keep('server', **NAME, state='started', wait_for='ssh')
    assert shown()['memory'] == 128


def test_networks(box: Item, ssh: Ssh) -> None:
    """Another network comes with a restart; the first one stays the way out."""
    keep('network', name='back', cidr='10.77.0.0/24')
    both = [{'name': 'default'}, {'name': 'back'}]
    assert 'allow_restart' in refused('server', **NAME, networks=both)
    keep('server', **NAME, networks=both, allow_restart=True)
    keep('server', **NAME, state='started', wait_for='ssh')
    addresses = ssh(box['fixed_ip'], 'ip -4 -o address; ip route')
    assert '10.77.0.' in addresses
    assert 'default via 192.168.0.1' in addresses
    keep('server', **NAME, networks=[{'name': 'default'}], allow_restart=True)
    keep('network', name='back', state='absent')
    keep('server', **NAME, state='started', wait_for='ssh')


def test_rebuild(box: Item, ssh: Ssh) -> None:
    """Its files are new, and its script runs again, which only the container has."""
    ssh(box['fixed_ip'], 'echo x >/old')
    assert run('server_action', **NAME, action='rebuild')['changed']
    keep('server', **NAME, state='started', wait_for='init')
    keep('server', **NAME, state='started', wait_for='ssh')
    assert ssh(box['fixed_ip'], 'ls /old 2>/dev/null; cat /made').split() == ['once']
    ssh(box['fixed_ip'], 'echo other >/var/lib/cloud/seed/nocloud/user-data')
    done = run('server_action', **NAME, action='rebuild')
    assert 'only a hash of it is recorded' in done['msg']
    keep('server', **NAME, user_data=SCRIPT)
    keep('server', **NAME, state='started', wait_for='ssh')


def test_rename(box: Item) -> None:
    """Its domain gets the name when it is off."""
    run('server_action', **NAME, action='rename', new_name='other')
    keep('server', name='other', state='stopped')
    keep('server', name='other', state='started')
    names = output_of('virsh', '--connect', 'lxc:///', 'list', '--name').split()
    assert [name for name in names if name.endswith('-other')]
    run('server_action', name='other', action='rename', new_name='box')


def test_altered(box: Item) -> None:
    """What others change of its domain is found, and undone by a repair."""
    (name,) = output_of('virsh', '--connect', 'lxc:///', 'list', '--name').split()
    output_of('virsh', '--connect', 'lxc:///', 'memtune', name, '--hard-limit', '999', '--config')
    found = shown()
    assert found['status'] == 'UNMANAGED'
    assert 'its memory is 0 MiB in libvirt, recorded 128 MiB' in found['status_reason']
    keep('server', **NAME, repair=True)
    assert shown()['status'] == 'ACTIVE'


@pytest.mark.parametrize(
    ('module', 'options', 'message'),
    [
        ('server', {'volume_size': 3}, 'a limit comes with a new file system'),
        ('server', {'hardware': {'cores': 1}}, 'it runs on the kernel of the host'),
        ('server', {'guest_agent': True}, 'the host sees into it without one'),
        ('server', {'type': 'vm'}, 'a server keeps its type'),
        ('server_action', {'action': 'rescue'}, 'has no disk to boot another system from'),
    ],
)
def test_refused(module: str, options: Item, message: str, box: Item) -> None:
    """What no container has is refused, by name."""
    assert message in refused(module, **NAME, **options)


def test_refused_of_others(box: Item, image: str) -> None:
    """So is what other modules cannot do with it, and an image of the other type."""
    done = run('volume', name='v', size=1, server='box', state='attached')
    assert 'which has volumes with a file system only' in done['msg']
    new = {'name': 'new', 'flavor': 'g1.nano'}
    assert 'is no root file system' in refused('server', **new, image=image, type='container')
    assert 'which is no disk' in refused('server', **new, image='root', type='vm')


# -- what it can reach -----------------------------------------------------------------------------


def test_is_contained(box: Item, ssh: Ssh) -> None:
    """Its root sees its own files and processes only, and changes nothing of the host."""
    attempts = {
        'mknod /disk b 254 0': 'Operation not permitted',
        'echo 1 >/proc/sys/kernel/panic': 'Read-only file system',
        'mount -o remount,rw /proc/sys; echo 1 >/proc/sys/kernel/panic': 'Permission denied',
        'date -s 2001-01-01': 'Operation not permitted',
        'insmod /bin/busybox': "can't insert",
        'chroot /proc/1/root/../.. ls /var/lib/hanok': 'No such file',
        'ls /var/lib/hanok /etc/hanok': 'No such file',
        f'echo 999999999 >{MEMORY_LIMIT}': 'ermission denied',
    }
    for command, message in attempts.items():
        printed = ssh(box['fixed_ip'], f'({command}) 2>&1; true')
        assert message.lower() in printed.lower(), (command, printed)
    processes = ssh(box['fixed_ip'], 'ps -o args').splitlines()
    assert not [line for line in processes if 'libvirt' in line or 'pytest' in line]
    owner = root_of(box).stat().st_uid
    assert owner >= 0x70000000
    controller = int(output_of('virsh', '--connect', 'lxc:///', 'domid', shown_name()))
    (init,) = Path(f'/proc/{controller}/task/{controller}/children').read_text().split()
    assert f'Uid:\t{owner}' in Path(f'/proc/{init}/status').read_text()


@pytest.mark.skipif(not HAS_VERSION_2, reason='with cgroup v1 no limit belongs to a container')
def test_limits_around_it(box: Item, ssh: Ssh) -> None:
    """An init that raised its limits before it lost them gains nothing: those outside hold."""
    controller = output_of('virsh', '--connect', 'lxc:///', 'domid', shown_name()).strip()
    group = Path(f'/proc/{controller}/cgroup').read_text().strip().removeprefix('0::')
    for file in ('memory.max', 'memory.swap.max', 'cpu.max'):
        Path(f'/sys/fs/cgroup{group}', file).write_text('max')
    assert ssh(box['fixed_ip'], TAKE_200_MIB) != '0'
    scope = Path(f'/sys/fs/cgroup{group}').parent
    assert (scope / 'cpu.max').read_text() == '100000 100000\n'
    run('server', **NAME, state='restarted', wait_for='ssh')


def shown_name() -> str:
    """The name of the domain that runs."""
    (name,) = output_of('virsh', '--connect', 'lxc:///', 'list', '--name').split()
    return name


def test_spoofing(box: Item, ssh: Ssh) -> None:
    """Its root can give itself another address or MAC; nothing that it sends from there arrives."""
    ping = 'ping -c 1 -W 1 192.168.0.1 >/dev/null; echo $?'
    assert ssh(box['fixed_ip'], ping) == '0'
    other = (
        f'ip address add 192.168.0.99/24 dev eth0; {ping.replace("-c 1", "-c 1 -I 192.168.0.99")}'
    )
    assert ssh(box['fixed_ip'], f'{other}; ip address del 192.168.0.99/24 dev eth0') != '0'
    change = (
        'ip link set eth0 down; ip link set eth0 address 52:54:00:00:00:99; ip link set eth0 up'
    )
    connected(box['id']).exec_command(f'{change}; {ping} >/heard')  # it ends all of ssh
    assert (root_of(box) / 'heard').read_text() == '1\n'
    run('server', **NAME, state='restarted', force=True, wait_for='ssh')


def test_agent(box: Item, ssh: Ssh, tmp_path: Path) -> None:
    """The connection plugin enters it: as its root, in all of its namespaces, within its limits."""
    connection = connected(box['id'])
    data = bytes(range(256)) * 400
    assert connection.exec_command('cat; echo bad >&2; exit 7', data) == (7, data, b'bad\n')
    assert connection.exec_command('kill -9 $$')[0] == 137
    assert connection.exec_command('head -c 2000000 /dev/zero') == (0, bytes(2000000), b'')
    spaces = 'for n in user pid mnt net ipc uts; do readlink /proc/self/ns/$n; done'
    inside = f'id -u; hostname; pwd; {spaces}'
    _code, seen, _errors = connection.exec_command(inside)
    assert seen.decode().split() == ssh(box['fixed_ip'], f'cd /; {inside}').split()
    entered = connection.exec_command('cat /proc/self/cgroup')[1].decode()
    assert entered == ssh(box['fixed_ip'], 'cat /proc/1/cgroup') + '\n'
    there, back = tmp_path / 'there', tmp_path / 'back'
    there.write_bytes(os.urandom(5 * 2**20))
    connection.put_file(str(there), '/root/file')
    connection.fetch_file('/root/file', str(back))
    assert there.read_bytes() == back.read_bytes()
    assert ssh(box['fixed_ip'], 'stat -c "%u %s" /root/file; rm /root/file') == f'0 {5 * 2**20}'
    for path, message in (
        ('/nowhere/file', '(?i)no such file|nonexistent'),
        ('/dev/full', 'No space left'),
    ):
        with pytest.raises(AnsibleError, match=message):
            connection.put_file(str(there), path)
    with pytest.raises(AnsibleError, match=r'(?i)no such file'):
        connection.fetch_file('/nowhere/file', str(back))
    left = connection.exec_command('ps -o args | grep -c "exec [c]at"')[1]
    assert left == b'0\n'
    for state in ('paused', 'stopped'):
        keep('server', **NAME, state=state, force=True)
        with pytest.raises(AnsibleConnectionFailure, match='it does not run; start it'):
            connected(box['id'], timeout=2)._connect()
    connection.close()
    keep('server', **NAME, state='started', wait_for='ssh')


def test_console(box: Item, ssh: Ssh) -> None:
    """What it prints on its console is its log, over its starts, as that of a virtual machine."""
    folder = root_of(box).parent / 'console'
    start = '-- hanok.cloud starts the server, '
    ssh(box['fixed_ip'], f'echo "{start}2026-01-31T09:00:00Z --" >/dev/console')
    eventually(lambda: f'guest: {start}2026' in log())
    before = log().count(f'\n{start}')
    assert run('server', **NAME, state='restarted', wait_for='ssh').get('changed')
    assert log().count(f'\n{start}') == before + 1
    ssh(box['fixed_ip'], 'echo of the first boot >/dev/console')
    reboot(box, ssh)
    ssh(box['fixed_ip'], 'echo of the second one >/dev/console')
    eventually(lambda: 'of the second one' in log().partition('of the first boot')[2])
    assert folder.stat().st_mode & 0o777 == 0o700


def test_console_nobody_reads(box: Item, ssh: Ssh) -> None:
    """Where libvirtd does not know the hook, a container waits for nobody; its log says why."""
    hook = Path('/etc/libvirt/hooks/lxc.d/hanok')
    text, time = hook.read_text(), hook.stat().st_mtime
    hook.write_text('#!/bin/sh\ncat >/dev/null\n')  # newer than libvirtd
    try:
        done = keep('server', name='unread', like='box', user_data=SCRIPT, wait_for='ssh')
        flood = 'head -c 1m /dev/zero >/dev/console; echo $?'
        assert ssh(done['server']['fixed_ip'], flood) == '0'
        message = run('server_log', name='unread')['msg']
        assert 'run the role hanok.cloud.host, then restart' in message
    finally:
        hook.write_text(text)
        os.utime(hook, (time, time))
    run('server', name='unread', state='restarted', wait_for='ssh')
    assert '-- hanok.cloud starts the server' in run('server_log', name='unread')['log']
    keep('server', name='unread', state='absent')


def test_endless_console(box: Item, ssh: Ssh) -> None:
    """What it prints without end takes no more than four files, and it waits for nobody."""
    folder = root_of(box).parent / 'console'
    flood = 'yes "$(head -c 999 /dev/zero | tr "\\0" x)" | head -c 9m >/dev/console; echo $?'
    assert ssh(box['fixed_ip'], flood) == '0'
    assert ssh(box['fixed_ip'], 'head -c 1m /dev/zero >/dev/console; echo $?') == '0'
    subprocess.run(['pkill', '-KILL', '--full', f's6-log .* {folder}'], check=True)
    assert ssh(box['fixed_ip'], f'{flood}; echo last >/dev/console') == '0'
    eventually(lambda: log().rstrip().endswith('last'))
    assert sum(file.stat().st_size for file in folder.iterdir()) < 2**23 + 2**16


def log() -> str:
    """The newest lines of its console."""
    return str(run('server_log', **NAME, lines=1000)['log'])


def test_deep_folders(box: Item, ssh: Ssh) -> None:
    """Folders of any depth, and links out of the container, are deleted with it."""
    keep('server', name='deep', like='box', wait_for='ssh', user_data=SCRIPT)
    (deep,) = run('server_info', name='deep')['servers']
    command = 'cd /; i=0; while [ $i -lt 1500 ]; do mkdir d && cd d || exit 1; i=$((i+1)); done'
    ssh(deep['fixed_ip'], f'ln -s /etc /link; {command}')
    keep('server', name='deep', state='absent')
    assert not root_of(deep).parent.exists()
    assert Path('/etc/passwd').exists()


def test_image(box: Item, ssh: Ssh) -> None:
    """Its files are an image, of which others are made; first-boot content is not among them."""
    content = 'echo kept >/kept; chown 33:44 /kept; chmod 4711 /kept; mkfifo /f'
    ssh(box['fixed_ip'], f'ln -sf /etc/shadow /link; {content}; touch /run/left /tmp/left; sync')
    assert 'an image requires one that is off' in refused('image', name='copy', server='box')
    keep('server', **NAME, state='stopped')
    sparse = root_of(box) / 'sparse'
    sparse.touch(0o644)
    os.truncate(sparse, 200 * 2**30)
    owner = root_of(box).stat().st_uid
    os.chown(sparse, owner, owner)
    made = keep('image', name='copy', server='box')['image']
    assert made['disk_format'] == 'root-tar'
    assert made['size'] < 2**28
    listed = output_of('tar', '--list', '--file', f'/var/lib/hanok/images/{made["id"]}.tar')
    assert not [name for name in listed.split() if 'seed' in name or name.endswith('left')]
    keep('server', **NAME, state='started')
    options = {'flavor': 'g1.nano', 'key_name': 'test', 'security_groups': ['box']}
    copy = keep('server', name='copy', image='copy', **options, user_data=SCRIPT, wait_for='init')
    address = copy['server']['fixed_ip']
    run('server', name='copy', wait_for='ssh')
    seen = 'cat /kept /etc/hostname; stat -c "%a %u %g" /kept; stat -c %s /sparse; cat /made'
    assert ssh(address, seen).split('\n') == [
        'kept',
        'copy',
        '4711 33 44',
        str(200 * 2**30),
        'once',
        'once',
    ]
    run('server_action', **NAME, action='rebuild', image='copy')
    keep('server', **NAME, state='started', wait_for='ssh')
    assert ssh(box['fixed_ip'], 'cat /kept') == 'kept'
    run('server_action', **NAME, action='rebuild', image='root')
    keep('server', name='copy', state='absent')
    keep('image', name='copy', state='absent')
    keep('server', **NAME, state='started', wait_for='ssh')


# -- images ----------------------------------------------------------------------------------------


def archive(*members: tuple[str, str, str]) -> bytes:
    """A tar archive of members: name, type (file, link, hard, device), and content or target."""
    found = io.BytesIO()
    types = {'link': tarfile.SYMTYPE, 'hard': tarfile.LNKTYPE, 'device': tarfile.BLKTYPE}
    with tarfile.open(fileobj=found, mode='w') as tar:
        for name, kind, content in members:
            member = tarfile.TarInfo(name)
            data = content.encode() if kind == 'file' else b''
            member.type, member.size = types.get(kind, tarfile.REGTYPE), len(data)
            member.linkname, member.mode = '' if kind == 'file' else content, 0o755
            tar.addfile(member, io.BytesIO(data))
    return found.getvalue()


INIT = (('./sbin/init', 'file', '#!/bin/sh\n'), ('./bin/sh', 'file', ''))
HOSTILE = [
    (('./x', 'link', '/run'), ('./x/evil', 'file', 'evil')),
    (('../../../../../run/evil', 'file', 'evil'),),
    (('/run/evil', 'file', 'evil'),),
    (('./evil', 'hard', '/etc/shadow'),),
    (('./evil', 'device', ''),),
    (('./var/lib/cloud', 'link', '/run/evil'),),
    (('./etc', 'link', '/run'), ('./etc/resolv.conf', 'file', 'evil')),
]


@pytest.mark.parametrize('members', HOSTILE)
def test_hostile_archive(members: Any, host: None, tmp_path: Path) -> None:
    """Whatever is in the archive of an image: it writes nothing outside the container."""
    path = tmp_path / 'root.tar'
    path.write_bytes(archive(*members, *INIT))
    before = {name: Path(name).stat() for name in ('/etc/shadow', '/run')}
    resolver = Path('/etc/resolv.conf').read_bytes()
    keep('image', name='hostile', path=str(path), disk_format='root-tar')
    run('server', name='bad', image='hostile', flavor='g1.nano', state='stopped')
    assert not Path('/run/evil').exists()
    assert not Path('/run/resolv.conf').exists()
    assert Path('/etc/resolv.conf').read_bytes() == resolver
    after = {name: Path(name).stat() for name in before}
    for name, was in before.items():
        assert (after[name].st_mode, after[name].st_uid) == (was.st_mode, was.st_uid)
        assert after[name].st_nlink == was.st_nlink or name == '/run'
    keep('server', name='bad', state='absent')
    keep('image', name='hostile', state='absent')


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', 'is not a tar archive'),
        (b'QFI\xfb' + bytes(1000), 'is not a tar archive'),
        (archive(('./etc/passwd', 'file', 'x')), 'has no /sbin/init'),
        (archive(*INIT)[:700] + b'x' * 4000, 'tar --list'),
        (gzip.compress(gzip.compress(archive(*INIT))), 'is compressed twice'),
        (gzip.compress(bytes(10_000_000))[:500], 'gzip'),
    ],
)
def test_bad_archive(content: bytes, message: str, host: None, tmp_path: Path) -> None:
    """What is no archive of a root file system is told, and nothing is left."""
    path = tmp_path / 'root.tar'
    path.write_bytes(content)
    done = run('image', name='bad', path=str(path), disk_format='root-tar')
    assert message in done['msg']
    run('image', name='bad', state='absent')
    assert not list(Path('/var/lib/hanok/images').glob('*.import'))


@pytest.mark.parametrize('program', ['gzip', 'xz', 'zstd'])
def test_compressed(program: str, host: None, tmp_path: Path) -> None:
    """An archive may be compressed; it is kept as it is unpacked."""
    path = tmp_path / 'root.tar'
    path.write_bytes(archive(*INIT))
    packed = subprocess.run([program, '--stdout', path], capture_output=True, check=True).stdout
    path.write_bytes(packed)
    done = keep('image', name='packed', path=str(path), disk_format='root-tar')
    assert done['image']['size'] == len(archive(*INIT))
    keep('image', name='packed', state='absent')


def test_systemd(host: None, tmp_path: Path) -> None:
    """Without cgroup v2 an unprivileged systemd has no cgroups: it is refused."""
    if os.path.exists('/sys/fs/cgroup/cgroup.controllers'):
        pytest.skip('this host has cgroup v2')
    path = tmp_path / 'root.tar'
    systemd = ('./lib/systemd/systemd', 'file', '')
    shell = ('./bin/sh', 'file', '')
    path.write_bytes(archive(systemd, shell, ('./sbin/init', 'link', '/lib/systemd/systemd')))
    keep('image', name='systemd', path=str(path), disk_format='root-tar')
    done = run('server', name='bad', image='systemd', flavor='g1.nano')
    assert 'needs cgroup v2 on this host' in done['msg']
    keep('server', name='bad', state='absent')
    keep('image', name='systemd', state='absent')


# -- a limit of its files: the last tests, because the others know which containers run -----------


@pytest.fixture(scope='module')
def small(root_image: str, key: str, box: Item) -> Iterator[Item]:
    """A container whose files have a limit."""
    options = {'image': root_image, 'flavor': 'g1.nano', 'key_name': 'test', 'volume_size': 1}
    done = keep('server', name='small', **options, security_groups=['box'], wait_for='ssh')
    yield done['server']
    keep('server', name='small', state='absent')
    assert not loops(done['server'])
    assert not root_of(done['server']).parent.exists()


def test_limit(small: Item, ssh: Ssh) -> None:
    """It is told the limit, cannot exceed it, and has no other way to what is behind it."""
    disk = root_of(small).with_suffix('.raw')
    assert disk.stat().st_mode & 0o7777 == 0o600
    assert disk.stat().st_size == 2**30
    assert small['volume_size'] == 1
    there = ssh(small['fixed_ip'], 'df -k / | tail -n 1; ls -d /lost+found 2>/dev/null; true')
    device, size, _used, free = there.split()[:4]
    assert 900_000 < int(free) <= int(size) < 2**20
    assert 'lost+found' not in there
    filled = ssh(small['fixed_ip'], 'dd if=/dev/zero of=/full bs=1M 2>&1; echo more >/more; true')
    assert 'No space left on device' in filled
    assert disk.stat().st_blocks * 512 <= 2**30
    reached = f'mknod /loop b 7 {device[-1]} && echo >/loop; cat {device}; mount {device} /mnt'
    assert ssh(small['fixed_ip'], f'({reached}) 2>/dev/null && echo reached; true') == ''
    # What the host writes fits nevertheless, also into a copy.
    keep('server_snapshot', server='small', name='full')
    keep('server', name='small', dns_servers=['192.0.2.53'])
    assert run('server_snapshot', server='small', name='full', state='restored')['changed']
    keep('server', name='small', state='started', wait_for='ssh')
    keep('server_snapshot', server='small', name='full', state='absent')
    seen = ssh(small['fixed_ip'], 'cat /etc/resolv.conf; echo more >/more || true')
    assert 'nameserver 192.0.2.53' in seen
    keep('server', name='small', dns_servers=[])
    ssh(small['fixed_ip'], 'rm /full /more; echo kept >/kept; sync')


def test_restore_that_does_not_fit(small: Item, ssh: Ssh) -> None:
    """It leaves the container as it was, which runs on, and nothing of the copy."""
    started = 'cut -d " " -f 22 /proc/1/stat'
    there = {'server': 'small', 'name': 's'}
    keep('server_snapshot', **there, description='then')
    (copy,) = (root_of(small).parent / 'snapshots').iterdir()
    words = ['dd', 'if=/dev/urandom', f'of={copy}/more', 'bs=1M', 'count=1100']
    subprocess.run(words, check=True, capture_output=True)
    os.chown(copy / 'more', os.stat(copy).st_uid, os.stat(copy).st_uid)
    first = ssh(small['fixed_ip'], started)
    full = run('server_snapshot', **there, state='restored', description='now')
    assert 'the files of small/s cannot be copied: ' in full['msg']
    assert 'No space left on device' in full['msg']
    (found,) = run('server_snapshot_info', server='small')['server_snapshots']
    assert (found['status'], found['description']) == ('available', 'then')
    assert not keep('server', name='small', state='started')['changed']
    assert ssh(small['fixed_ip'], started) == first
    (last, *_others) = run('history_info', kind='server_snapshot', name='small/s')['history']
    assert (last['verb'], last['result']) == ('restore', 'failed')
    keep('server_snapshot', **there, state='absent')
    assert {path.name for path in root_of(small).parent.glob('root*')} == {'root', 'root.raw'}


def test_limit_grows(small: Item, ssh: Ssh) -> None:
    """At once where the host may do that, else while it is off."""
    if not grows_mounted():
        assert 'stop server small first' in refused('server', name='small', volume_size=2)
        assert keep('server', name='small')['server']['volume_size'] == 1
        keep('server', name='small', state='stopped')
    keep('server', name='small', volume_size=2)
    keep('server', name='small', state='started', wait_for='ssh')
    size, kept = ssh(small['fixed_ip'], 'df -k / | tail -n 1; cat /kept').split('\n')
    assert 1_900_000 < int(size.split()[1]) < 2 * 2**20
    assert kept == 'kept'


def test_limit_stays(small: Item, ssh: Ssh, tmp_path: Path) -> None:
    """Whatever replaces its files, and nothing is left of those."""
    address, root = small['fixed_ip'], root_of(small)
    ssh(address, 'head -c 3000000 /dev/urandom >/large; chmod 4711 /large; sync')
    keep('server_snapshot', server='small', name='s')
    assert not run('server_snapshot', server='small', name='s')['changed']
    with backup_stores(disk=tmp_path):
        keep('backup', name='b', server='small')
        for module, options in (
            ('server_snapshot', {'server': 'small', 'name': 's'}),
            ('backup', {'name': 'b'}),
        ):
            ssh(address, 'echo later >/later')
            assert run(module, **options, state='restored')['changed']
            keep('server', name='small', state='started', wait_for='ssh')
            read = 'ls /later 2>/dev/null; cat /kept; stat -c "%s %a" /large; df -k / | tail -n 1'
            kept, large, df = ssh(address, read).split('\n')
            assert (kept, large) == ('kept', '3000000 4711')
            assert 1_900_000 < int(df.split()[1]) < 2 * 2**20
            assert loops(small) == ['root.raw']
        keep('backup', name='b', state='absent')
    keep('server_snapshot', server='small', name='s', state='absent')
    assert run('server_action', name='small', action='rebuild')['changed']
    keep('server', name='small', state='started', wait_for='ssh')
    size = ssh(address, 'ls /kept 2>/dev/null; df -k / | tail -n 1').split()[1]
    assert 1_900_000 < int(size) < 2 * 2**20
    assert {path.name for path in root.parent.glob('root*')} == {'root', 'root.raw'}


def test_image_that_does_not_fit(host: None, tmp_path: Path) -> None:
    """The error names it, and nothing is left; another limit is taken."""
    path = tmp_path / 'root.tar'
    names = (f'./many/{number}' for number in range(70_000))  # there is room for 65,536
    path.write_bytes(archive(*INIT, *((name, 'file', '') for name in names)))
    keep('image', name='many', path=str(path), disk_format='root-tar')
    new = {'name': 'crowded', 'image': 'many', 'flavor': 'g1.nano', 'state': 'stopped'}
    full = run('server', **new, volume_size=1)
    assert 'volume_size: the files of image many (3' in full['msg']
    assert 'are too large, or too many, for 1 GB; use a larger one' in full['msg']
    (left,) = run('server_info', name='crowded')['servers']
    assert not list(root_of(left).parent.glob('root*'))
    assert not loops(left)
    assert keep('server', **new, volume_size=2)['server']['volume_size'] == 2
    keep('server', name='crowded', state='absent')
    keep('image', name='many', state='absent')


# -- volumes, in the same containers ---------------------------------------------------------------


def test_mount_points(small: Item, ssh: Ssh) -> None:
    """What is no folder in the container is refused, or told when it does not start."""
    address, root = small['fixed_ip'], root_of(small)
    new = {'name': 'more', 'size': 1, 'file_system': 'ext4', 'server': 'small'}
    there = {**new, 'state': 'attached', 'allow_restart': True}
    ssh(address, 'echo >/later; ln -s / /link; ln -s nothing /dangling; mkdir -p /a/b')
    for path, text in (
        ('/later', '/later is a file; remove it there, or use another path'),
        ('/later/deep', '/later is a file'),
        ('/link/a', '/link is a symbolic link; use the path that it leads to'),
        ('/dangling', '/dangling is a symbolic link'),
    ):
        message = refused('volume', **there, mount_point=path)
        assert f'mount_point: {path}: in container small, {text}' in message
    assert not run('volume_info', name='more')['volumes']
    keep('server_snapshot', server='small', name='s')
    ssh(address, 'rm /later')
    keep('volume', **there, mount_point='/later')
    keep('server', name='small', wait_for='ssh')
    ssh(address, 'echo >/later/file')
    message = refused('volume', **{**there, 'name': 'third'}, mount_point='/later/file')
    assert 'in container small, /later/file is a file' in message
    fails = run('server_snapshot', server='small', name='s', state='restored')['msg']
    assert 'cannot have volume more at its mount_point /later: there, /later is a file' in fails
    assert 'the snapshot is restored, and the server is off; start it' in fails
    assert 'cannot have volume more' in run('server', name='small', state='started')['msg']
    keep('volume', name='more', state='detached')
    keep('server', name='small', state='started', wait_for='ssh')
    assert (root / 'later').is_file()
    keep('volume', name='more', state='absent')
    keep('server_snapshot', server='small', name='s', state='absent')
    ssh(address, 'rm -r /later /link /dangling /a')


def test_volume_of_another_type(small: Item, ssh: Ssh, tmp_path: Path) -> None:
    """Its files are where the type says, also through growth and another mount."""
    at = {'name': 'fast', 'server': 'small', 'state': 'attached', 'allow_restart': True}
    with volume_types(fast={'path': str(tmp_path)}):
        new = {'size': 1, 'file_system': 'ext4', 'volume_type': 'fast'}
        volume = keep('volume', **at, **new)['volume']
        disk = tmp_path / f'{volume["id"]}.raw'
        assert (disk.is_symlink(), disk.stat().st_size) == (False, 2**30)
        keep('server', name='small', wait_for='ssh')
        ssh(small['fixed_ip'], 'echo kept >/mnt/fast/kept; sync')
        assert loops(volume) == [disk.name]
        keep('server', name='small', state='stopped')
        keep('volume', name='fast', size=2)
        output_of('umount', str(files_of(volume).parent))  # as after a reboot
        keep('server', name='small', state='started', wait_for='ssh')
        said = ssh(small['fixed_ip'], 'cat /mnt/fast/kept; df -k /mnt/fast | tail -n 1').split()
        assert said[0] == 'kept'
        assert int(said[2]) > 1_900_000
        keep('volume', name='fast', state='detached', allow_restart=True)
        assert not loops(volume)
        keep('volume', name='fast', state='absent')
        assert not list(tmp_path.iterdir())
        assert not list(files_of(volume).parent.parent.glob(f'{volume["id"]}*'))


@pytest.fixture(scope='module')
def data(box: Item, small: Item) -> Iterator[Item]:
    """A volume in a container that was restarted for it."""
    there = {'name': 'data', 'server': 'box', 'state': 'attached', 'mount_point': '/srv/data'}
    new = {'size': 1, 'file_system': 'ext4'}
    assert 'set allow_restart: true to allow it' in refused('volume', **there, **new)
    done = keep('volume', **there, **new, allow_restart=True)
    assert shown()['volumes'] == ['data']
    keep('server', name='box', wait_for='ssh')
    yield done['volume']
    keep('volume', name='data', state='detached', allow_restart=True)
    assert not loops(done['volume'])
    assert not files_of(done['volume']).parent.exists()
    keep('volume', name='data', state='absent')
    assert not list(Path('/var/lib/hanok/volumes').glob(f'{done["volume"]["id"]}*'))


def test_volume(data: Item, box: Item, ssh: Ssh) -> None:
    """It is full by itself, and stays through a reboot; nothing else of it is in reach."""
    assert (data['mount_point'], data['device']) == ('/srv/data', None)
    address = box['fixed_ip']
    filled = 'cd /srv/data; ls -A; dd if=/dev/zero of=full bs=1M 2>&1; echo more >more; cat more'
    said = ssh(address, f'({filled}) 2>&1; echo other >/other && rm /other && rm /srv/data/*')
    assert 'No space left on device' in said
    assert 'lost+found' not in said
    escapes = 'cat /srv/data/../../lost+found; ls /srv/data/../files; mknod /srv/data/n b 7 0'
    assert ssh(address, f'({escapes}) 2>/dev/null && echo reached; true') == ''
    ssh(address, 'echo kept >/srv/data/kept; sync')
    reboot(box, ssh)
    assert ssh(address, 'cat /srv/data/kept') == 'kept'


def test_users_of_the_host(data: Item, box: Item, small: Item) -> None:
    """They do not reach the files of containers, in which set-user-ID programs may be."""
    somebody = ('setpriv', '--reuid=12345', '--regid=12345', '--clear-groups', 'ls')
    for folder in (files_of(data), root_of(box), root_of(small)):
        assert folder.stat().st_mode & 0o777 == 0o755
        ran = subprocess.run([*somebody, folder], capture_output=True, text=True, check=False)
        assert 'Permission denied' in ran.stderr, folder


def test_volume_of_another_container(data: Item, box: Item, small: Item, ssh: Ssh) -> None:
    """Its files belong to the same users there, with all rights, also after an interruption."""
    write = (
        'cd /srv/data; head -c 3000000 /dev/urandom >large; sha256sum large >sums; '
        'chmod 4711 large; echo u >of-user; chown 1000:1001 of-user; chown 33:0 .; '
        'ln -s /etc/shadow link; mkdir -p $(printf "d/%.0s" $(seq 1200)); sync'
    )
    ssh(box['fixed_ip'], write)
    files = files_of(data)
    mine, theirs = (os.stat(root_of(one)).st_uid for one in (box, small))
    acl = struct.pack('<I', 2) + b''.join(
        struct.pack('<HHI', *entry)
        for entry in (
            (1, 6, 2**32 - 1),
            (2, 4, mine + 7),
            (4, 4, 2**32 - 1),
            (16, 4, 2**32 - 1),
            (32, 0, 2**32 - 1),
        )
    )
    os.setxattr(files / 'of-user', 'system.posix_acl_access', acl)
    capability = struct.pack('<6I', 0x03000001, 1 << 13, 0, 0, 0, mine)
    os.setxattr(files / 'sums', 'security.capability', capability)
    (files / 'of-host').touch(0o600)
    os.chown(files / 'of-host', 2 * 65536, 12345)
    move = {'name': 'data', 'server': 'small', 'state': 'attached'}
    assert 'box runs' in refused('volume', **move)
    keep('volume', **move, allow_restart=True)
    keep('server', name='small', wait_for='ssh')
    keep('server', name='box', wait_for='ssh')
    assert ssh(box['fixed_ip'], 'ls -A /srv/data') == ''

    def check() -> None:
        look = 'cd /mnt/data; sha256sum -c sums; stat -c "%u:%g %a" . large of-*; readlink link'
        said = ssh(small['fixed_ip'], look).split('\n')
        of_host, of_user = '65534:65534 600', '1000:1001 640'
        assert said == ['large: OK', '33:0 755', '0:0 4711', of_host, of_user, '/etc/shadow']
        shifted = acl.replace(struct.pack('<I', mine + 7), struct.pack('<I', theirs + 7))
        assert os.getxattr(files / 'of-user', 'system.posix_acl_access') == shifted
        found = os.getxattr(files / 'sums', 'security.capability')
        assert struct.unpack('<6I', found)[-1] == theirs
        owners = {
            int(one) - theirs for one in output_of('find', str(files), '-printf', '%U ').split()
        }
        assert owners == {0, 33, 1000, 65534}

    check()
    keep('server', name='small', state='stopped', force=True)
    os.setxattr(files, 'trusted.hanok.begun', b'1')  # as an interrupted run leaves them
    os.setxattr(files / 'large', 'trusted.hanok.mode', struct.pack('<I', 0o4711))
    os.chown(files / 'large', mine, mine)
    keep('server', name='small', state='started', wait_for='ssh')
    check()
    assert not [name for name in os.listxattr(files / 'large') if 'hanok' in name]


def test_volume_grows(data: Item, small: Item, ssh: Ssh) -> None:
    """At once where the host may do that, else while its container is off."""
    keep('volume', name='data', server='small', state='attached', allow_restart=True)
    if not grows_mounted():
        assert 'stop server small first' in refused('volume', name='data', size=2)
        assert keep('volume', name='data')['volume']['size'] == 1
        keep('server', name='small', state='stopped')
    keep('volume', name='data', size=2)
    if not grows_mounted():
        output_of('umount', str(files_of(data).parent))  # as an interrupted run leaves it
        keep('volume', name='data', description='grown')
        assert files_of(data).is_dir()
    keep('server', name='small', state='started', wait_for='ssh')
    size, sums = ssh(
        small['fixed_ip'], 'cd /mnt/data; df -k . | tail -n 1; sha256sum -c sums'
    ).split('\n')
    assert 1_900_000 < int(size.split()[1]) < 2 * 2**20
    assert sums == 'large: OK'
    assert loops(data) == [f'{data["id"]}.raw']


def test_full_host(data: Item, small: Item, ssh: Ssh) -> None:
    """What the kernel has stopped writing to, as its blocks found no room, is mounted anew."""
    keep('server', name='small', state='stopped')
    for folder in (root_of(small), files_of(data).parent):
        output_of('mount', '-o', 'remount,ro', str(folder))
    keep('server', name='small', state='started', wait_for='ssh')
    ssh(small['fixed_ip'], 'touch /written /mnt/data/written')
    assert loops(data) == [f'{data["id"]}.raw']
