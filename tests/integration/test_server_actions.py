# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Actions on a server with a booted guest: what guest, disks and host see of them."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hanok.cloud.tests import idle_machine

from .conftest import ROOT, SEEN, STATE, keep, run
from .test_ground import eventually, warnings_of

Guest = Callable[[str, str], str]

SSH = {'wait_for': 'ssh', 'wait_timeout': 300}
FIRST = '#!/bin/sh\necho first >> /root/booted\n'
SECOND = '#!/bin/sh\necho second >> /root/booted\n'
BOOT = 'cat /proc/sys/kernel/random/boot_id'
COUNT = 'n=0; while true; do n=$((n+1)); echo $n > /tmp/next; mv /tmp/next /tmp/count; done'
# The label is in the superblock. The kernel, which has it mounted, writes its checksum later.
LABEL = 'printf {} | dd of={} bs=1 seek=1144 conv=notrunc 2>/dev/null'
BY_SERIAL = '/dev/disk/by-id/virtio-'


@pytest.fixture(scope='module')
def server(image: str, key: str, open_group: str) -> Iterator[dict[str, Any]]:
    """A running server with data on its root disk and on a volume."""
    keep('init_script', name='actor', content=FIRST)
    options = {'image': image, 'flavor': 'g1.nano', 'key_name': 'test', 'security_groups': ['open']}
    keep('server', name='actor', **options, init_script='actor', wait_for='init', wait_timeout=300)
    keep('volume', name='prop', size=1, server='actor', state='attached')
    yield shown()
    keep('server', name='actor', state='absent')
    keep('volume', name='prop', state='absent')
    keep('init_script', name='actor', state='absent')


@pytest.fixture
def address(server: dict[str, Any], ssh: Guest) -> str:
    """The address of the server, which accepts logins, and on whose disks there is something."""
    found = str(server['fixed_ip'])
    ssh(found, SEEN.format(device()))
    ssh(found, f'echo mine > /root/mine; sync; printf kept | dd of={device()} 2>/dev/null; sync')
    return found


def shown(name: str = 'actor') -> dict[str, Any]:
    """A server as it is shown now."""
    found: dict[str, Any] = run('server_info', name=name)['servers'][0]
    return found


def device() -> str:
    """The device of the volume in the guest."""
    return str(run('volume_info', name='prop')['volumes'][0]['device'])


def event(action: str, **options: Any) -> dict[str, Any]:
    """Do what is an event."""
    done = run('server_action', name='actor', action=action, **options)
    assert not done.get('failed'), done['msg']
    assert done['changed']
    return done


def domain(*command: str, server: str = 'actor') -> str:
    """What virsh says of the domain of a server."""
    words = ['virsh', command[0], shown(server)['id'], *command[1:]]
    ran = subprocess.run(words, capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def host_keys(address: str) -> set[str]:
    """The SSH host keys of a guest."""
    words = ['ssh-keyscan', '-t', 'ed25519', '-T', '10', address]
    ran = subprocess.run(words, capture_output=True, text=True, check=True)
    return {line.split()[2] for line in ran.stdout.splitlines()}


def test_phase_of_a_creation(image: str) -> None:
    """Other tasks see how far it is: here it waits for the lock of what makes up the network."""
    options = {'name': 'new', 'image': image, 'flavor': 'g1.nano', 'state': 'stopped'}
    with open(STATE / 'locks' / 'projection.firewall', 'a') as lock, ThreadPoolExecutor() as pool:
        fcntl.flock(lock, fcntl.LOCK_EX)
        creation = pool.submit(run, 'server', **options)
        eventually(lambda: state_of_new() == ('BUILD', 'networking', False))
        fcntl.flock(lock, fcntl.LOCK_UN)
        assert creation.result()['changed']
    assert state_of_new() == ('SHUTOFF', None, True)
    keep('server', name='new', state='absent')


def state_of_new() -> tuple[str, str, bool] | None:
    """The status and task state of the server, and whether it is billed; None: not there yet."""
    found = [
        (server['status'], server['task_state'], server['billable'])
        for server in run('server_info', name='new')['servers']
    ]
    return found[0] if found else None


def test_paused(address: str, ssh: Guest) -> None:
    """What runs in the guest stands still and goes on; the host shows it as paused."""
    ssh(address, f"(sh -c '{COUNT}' </dev/null >/dev/null 2>&1 &)")
    eventually(lambda: ssh(address, 'cat /tmp/count 2>/dev/null || true') != '')
    before = ssh(address, f'{BOOT}; cat /tmp/count').split()
    paused = keep('server_action', name='actor', action='pause')['servers'][0]
    assert (paused['status'], domain('domstate')) == ('PAUSED', 'paused')
    with pytest.raises(OSError, match='timed out'):
        socket.create_connection((address, 22), timeout=2)
    keep('server_action', name='actor', action='unpause', **SSH)
    after = ssh(address, f'{BOOT}; cat /tmp/count').split()
    assert after[0] == before[0]
    assert int(after[1]) >= int(before[1])
    last = after[1]
    eventually(lambda: int(ssh(address, 'cat /tmp/count')) > int(last))
    ssh(address, "kill $(ps | awk '/tmp.next/ && !/awk/ {print $1}')")


def test_soft_reboot(address: str, ssh: Guest) -> None:
    """The guest shuts down, which writes its files, and boots; its disks have what they had."""
    booted = ssh(address, BOOT)
    ssh(address, 'echo cached > /root/cached')
    event('reboot_soft', **SSH)
    assert ssh(address, BOOT) != booted
    assert ssh(address, 'cat /root/cached /root/mine /root/booted').split() == [
        'cached',
        'mine',
        'first',
    ]


def test_guest_that_does_not_shut_down(address: str, ssh: Guest) -> None:
    """Whatever needs its shutdown times out, and leaves the server as it was."""
    booted = ssh(address, BOOT)
    ssh(address, 'killall acpid')
    before = shown()
    actions: list[dict[str, str]] = [
        *({'action': action} for action in ('stop', 'shelve', 'reboot_soft', 'rescue')),
        {'action': 'resize', 'flavor': 'g1.micro'},
    ]
    for options in actions:
        failed = run('server_action', name='actor', **options, wait_timeout=1)
        assert [error['code'] for error in failed['errors']] == ['timeout'], failed['msg']
        assert shown() == before, options
    assert domain('dominfo').count('Autostart:      enable') == 1
    ssh(address, 'acpid -c /etc/acpi')
    assert ssh(address, BOOT) == booted


def test_interfaces(server: dict[str, Any], address: str, ssh: Guest) -> None:
    """They come and go while the guest runs, which answers at the new address."""
    keep('network', name='side', cidr='10.79.0.0/24')
    booted = ssh(address, BOOT)
    front, side = {'name': 'default'}, {'name': 'side', 'fixed_ip': '10.79.0.9'}
    two = keep('server', name='actor', networks=[front, side])['server']
    mac = two['networks'][1]['mac']
    eventually(lambda: mac in ssh(address, 'cat /sys/class/net/*/address'))
    device = ssh(address, f'cd /sys/class/net; grep -l {mac} */address').split('/')[0]
    ssh(address, f'ip link set {device} up; udhcpc -i {device} -n -q -t 20 >/dev/null 2>&1')
    assert ssh('10.79.0.9', BOOT) == booted
    keep('server', name='actor', networks=[front])
    assert mac not in ssh(address, 'cat /sys/class/net/*/address')
    assert ssh(address, BOOT) == booted
    assert (mac in domain('dumpxml'), mac in domain('dumpxml', '--inactive')) == (False, False)
    keep('server_action', name='actor', action='pause')
    keep('server', name='actor', networks=[side, front])
    refused = run('server', name='actor', networks=[front])['msg']
    assert 'a paused guest releases no interface' in refused
    keep('server_action', name='actor', action='unpause', **SSH)
    keep('server', name='actor', networks=[front])
    keep('network', name='side', state='absent')


def test_grows(server: dict[str, Any], address: str, ssh: Guest) -> None:
    """What there is room for comes and goes while the guest runs; fewer vCPUs need a restart."""
    room = {'disk': 1, 'max_vcpus': 2, 'max_memory': 256}
    sizes = {'room.1': (1, 128), 'room.2': (2, 256), 'room.3': (2, 160)}
    for name, (vcpus, memory) in sizes.items():
        keep('flavor', name=name, vcpus=vcpus, memory=memory, **room)
    counted = 'nproc; awk "/MemTotal/ {print int(\\$2 / 1024)}" /proc/meminfo'
    keep('server', name='actor', flavor='room.1', allow_restart=True, **SSH)
    booted = ssh(address, BOOT)

    def has(vcpus: int, least: int, most: int) -> bool:
        seen, memory = map(int, ssh(address, counted).split())
        return seen == vcpus and least < memory < most

    eventually(lambda: has(1, 60, 128))
    keep('server', name='actor', flavor='room.2')
    eventually(lambda: has(2, 180, 256))
    keep('server', name='actor', flavor='room.3')
    eventually(lambda: has(2, 90, 160))
    assert ssh(address, BOOT) == booted
    text = run('server', name='actor', flavor='room.1')['msg']
    assert 'vcpus changes from 2 to 1, which requires a restart' in text
    keep('server', name='actor', flavor='g1.nano', allow_restart=True, **SSH)
    assert ssh(address, BOOT) != booted
    for name in sizes:
        keep('flavor', name=name, state='absent')


def test_crashed(no_guest: str) -> None:
    """The host starts one whose QEMU was killed; not if it is to stop, or its guest shut down."""
    program = ROOT / 'roles/host/files/hanok-crashed.sh'
    boot = ['/bin/sh', ROOT / 'roles/host/files/hanok-start.sh', 'start']

    def has(status: str) -> bool:
        return bool(shown('faint')['status'] == status)

    def status_after_start() -> str:
        subprocess.run(['/bin/sh', program], check=True, timeout=60)
        return str(shown('faint')['status'])

    def crash() -> None:
        name = domain('domname', server='faint')
        os.kill(int(Path(f'/run/libvirt/qemu/{name}.pid').read_text('ascii')), signal.SIGKILL)
        eventually(lambda: has('SHUTOFF'))

    def shut_down() -> None:
        eventually(lambda: idle_machine.is_up(domain('domname', server='faint')))
        domain('shutdown', server='faint')
        eventually(lambda: has('SHUTOFF'))

    keep('server', name='faint', image=no_guest, flavor='g1.nano')
    crash()
    assert status_after_start() == 'ACTIVE'
    keep('server', name='faint', on_crash='stop')
    crash()
    assert status_after_start() == 'SHUTOFF'
    keep('server', name='faint', on_crash='restart', state='started')
    shut_down()
    assert status_after_start() == 'SHUTOFF'
    # Until a task or the boot of the host starts it, whatever else tasks change.
    assert keep('server', name='faint', on_crash='stop')['server']['status'] == 'SHUTOFF'
    keep('server', name='faint', on_crash='restart', labels={'seen': 'off'})
    subprocess.run(boot, check=True, timeout=60)
    assert has('ACTIVE')
    shut_down()
    (stays_off,) = keep('server', name='faint', state='stopped')['steps']
    assert 'would be started at the next boot' in stays_off['why']
    subprocess.run(boot, check=True, timeout=60)
    assert has('SHUTOFF')
    keep('server', name='faint', state='absent')


def test_recreated(server: dict[str, Any], address: str, ssh: Guest) -> None:
    """Another init script has run, on a fresh root disk; the volume has what it had."""
    keep('init_script', name='other', content=SECOND)
    options = {'init_script': 'other', 'on_drift': 'recreate', 'wait_timeout': 300}
    done = keep('server', name='actor', **options, wait_for='init')
    assert (done['server']['id'], done['server']['fixed_ip']) == (server['id'], address)
    assert f'ssh-keygen -R {address}' in warnings_of(done)
    assert ssh(address, 'cat /root/booted') == 'second'
    assert ssh(address, 'ls /root/mine 2>/dev/null || true') == ''
    assert ssh(address, f'dd if={device()} bs=4 count=1 2>/dev/null') == 'kept'
    keep('server', name='actor', init_script='actor', on_drift='recreate', **SSH)
    keep('init_script', name='other', state='absent')


def test_renamed(server: dict[str, Any], address: str, ssh: Guest) -> None:
    """It runs on; its network knows it by the new name, and so does libvirt after the next boot."""
    booted = ssh(address, BOOT)
    knows = f'nslookup {{}} 2>/dev/null | grep -c {address} || true'
    keep('server_action', name='actor', action='rename', new_name='star')
    eventually(lambda: ssh(address, knows.format('star')) != '0')
    assert ssh(address, knows.format('actor')) == '0'
    assert ssh(address, BOOT) == booted
    keep('server_action', name='star', action='stop', wait_timeout=300)
    keep('server_action', name='star', action='start')
    words = ['virsh', 'domname', str(server['id'])]
    named = subprocess.run(words, capture_output=True, text=True, check=True)
    assert named.stdout.strip().split('-', 2)[2] == 'star'
    keep('server_action', name='star', action='rename', new_name='actor', **SSH)
    eventually(lambda: ssh(address, knows.format('actor')) != '0')


def test_rescued(address: str, ssh: Guest, image: str) -> None:
    """A server that cannot boot is repaired: the label of its file system was lost.

    The guest of the rescue image sees the disks, and is no first boot of the server.
    """
    own = f'{BY_SERIAL}root-part1'
    ssh(address, LABEL.format('lostroot', own))
    options = {'image': image, 'wait_for': 'ssh', 'wait_timeout': 300}
    rescued = keep('server_action', name='actor', action='rescue', **options)['servers'][0]
    assert (rescued['status'], rescued['rescue_image']) == ('RESCUE', image)
    assert ssh(address, 'ls /root/mine /root/booted 2>/dev/null || true') == ''
    ssh(address, f'mount {own} /mnt')
    assert ssh(address, 'cat /mnt/root/mine') == 'mine'
    ssh(address, 'echo repaired > /mnt/root/repaired')
    ssh(address, f'{LABEL.format("tinyroot", own)}; umount /mnt')
    assert ssh(address, f'head -c 4 {device()}') == 'kept'
    keep('server_action', name='actor', action='unrescue', **SSH)
    assert ssh(address, 'cat /root/mine /root/repaired /root/booted').split() == [
        'mine',
        'repaired',
        'first',
    ]
    assert 'rescue' not in domain('dumpxml')


def test_shelved(address: str, ssh: Guest) -> None:
    """The host has its memory back; the disks have what they had."""
    keep('server_action', name='actor', action='shelve', wait_timeout=300)
    assert domain('domstate') == 'shut off'
    running = subprocess.run(['pgrep', '-f', f'uuid {shown()["id"]}'], check=False)
    assert running.returncode == 1
    assert run('volume_info', name='prop')['volumes'][0]['status'] == 'reserved'
    keep('server_action', name='actor', action='unshelve', **SSH)
    assert ssh(address, f'cat /root/mine /root/booted; head -c 4 {device()}').split() == [
        'mine',
        'first',
        'kept',
    ]


def test_rebuilt(address: str, ssh: Guest) -> None:
    """A fresh root disk, with the script as it is now; the rest is the same but host keys."""
    keep('init_script', name='actor', content=SECOND)
    before, keys = shown(), host_keys(address)
    assert before['outdated'] == ['init_script']
    done = event('rebuild', wait_for='init', wait_timeout=300)
    assert f'ssh-keygen -R {address}' in warnings_of(done)
    assert shown() == {**before, 'outdated': []}
    assert keys
    assert not host_keys(address) & keys
    assert ssh(address, f'cat /root/booted; head -c 4 {device()}').split() == ['second', 'kept']
    assert ssh(address, 'ls /root/mine 2>/dev/null || true') == ''
