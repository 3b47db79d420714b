# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The container of a balancer: what is reached from inside, and who takes whose connections."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import inventory, keep, refused, run

OTHER = '192.168.0.250'
KINDS = {'root': 's6-svscan', 'haproxy': 'haproxy'}


@pytest.fixture
def lb(host: None) -> Iterator[dict[str, Any]]:
    """A balancer without members: it answers 503."""
    before = inventory()
    yield keep('lb', name='alone', listeners=[{'port': 80}])['lb']
    keep('lb', name='alone', state='absent')
    assert inventory() == before


def processes(uuid: str, program: str) -> list[int]:
    """The processes of a program that belong to a balancer, oldest first."""
    found = []
    for path in Path('/proc').glob('[0-9]*'):
        with contextlib.suppress(OSError):
            if (path / 'exe').readlink().name == program and uuid in (path / 'cmdline').read_text():
                found.append(int(path.name))
    return sorted(found)


def inside(pid: int, script: str, haproxy: bool = False) -> str:
    """Run a script where a process is, with its user and no more rights than it may get."""
    status = dict(
        line.split(':', 1) for line in Path(f'/proc/{pid}/status').read_text().splitlines()
    )
    bounds = int(status['CapBnd'], 16)
    dropped = ','.join(f'-cap_{number}' for number in range(41) if not bounds >> number & 1)
    words = [
        'nsenter',
        '-t',
        str(pid),
        '-a',
        'setpriv',
        '--bounding-set',
        dropped,
        '--inh-caps=-all',
    ]
    if haproxy:
        words += ['--reuid', status['Uid'].split()[0], '--regid', status['Gid'].split()[0]]
        words += ['--clear-groups']
    ran = subprocess.run([*words, 'sh', '-c', script], capture_output=True, text=True, check=False)
    return ran.stdout


@pytest.mark.parametrize('user', ['root', 'haproxy'])
def test_what_is_reached_from_inside(lb: dict[str, Any], user: str) -> None:
    """No file of the host but programs, no daemon of it, and no place to write but its own."""
    pid = processes(lb['id'], KINDS[user])[-1]
    folder = f'/var/lib/hanok/balancers/{lb["id"]}'
    hidden = [
        '/etc/shadow',
        '/var/lib/hanok/hanok.db',
        '/etc/hanok/host.json',
        '/run/libvirt',
        '/run/dbus',
        '/root/.ssh',
    ]
    fixed = [
        '/',
        '/usr',
        '/etc',
        '/run',
        '/home',
        '/root',
        '/var',
        '/var/lib/hanok',
        '/proc/sys/kernel',
        folder,
    ]
    look = '; '.join(f'[ ! -e {path} ] || echo {path}' for path in hidden)
    write = '; '.join(f'(: > {path}/hanok-test) 2>/dev/null && echo {path}' for path in fixed)
    remount = 'mount -o remount,rw,bind /usr 2>/dev/null && echo remounted'
    said = inside(pid, f'echo runs; {look}; {write}; {remount}', user == 'haproxy')
    assert said == 'runs\n'
    own = inside(
        pid,
        f': > {folder}/run/hanok-test && rm {folder}/run/hanok-test && echo own',
        user == 'haproxy',
    )
    assert own == ('own\n' if user == 'root' else '')


def test_the_kernel_is_not_written_to_from_inside(lb: dict[str, Any]) -> None:
    """Opened for writing only, by the container's root; nothing is written."""
    pid = processes(lb['id'], KINDS['root'])[-1]
    names = [
        'sysrq-trigger',
        'sys/kernel/core_pattern',
        'sys/kernel/hostname',
        'irq/default_smp_affinity',
    ]
    attempts = '; '.join(f'(: >> /proc/{name}) 2>/dev/null && echo {name}' for name in names)
    assert inside(pid, f'echo runs; {attempts}') == 'runs\n'


def test_links_from_inside_are_not_followed(lb: dict[str, Any], tmp_path: Path) -> None:
    """What the host writes cannot be replaced, and what it opens is no link to its files."""
    pid = processes(lb['id'], KINDS['root'])[-1]
    folder = f'/var/lib/hanok/balancers/{lb["id"]}'
    service = f'{folder}/services/haproxy'
    swap = f'rm -f {service}/run; mv {service} {service}-2; ln -s / {service}/run.part'
    inside(pid, f'({swap}) 2>/dev/null')
    assert sorted(os.listdir(service)) == ['event', 'run', 'supervise']
    victim = tmp_path / 'victim'
    victim.write_text('whole')
    inside(pid, f'ln -sf {victim} {service}/supervise/control')
    assert run('lb', name='alone', listeners=[{'port': 81}])['failed']
    assert victim.read_text() == 'whole'


def test_haproxy_is_shut_in(lb: dict[str, Any]) -> None:
    """What parses packets sees an empty folder, and has no rights."""
    worker = processes(lb['id'], 'haproxy')[-1]
    assert os.listdir(f'/proc/{worker}/root/') == []
    status = Path(f'/proc/{worker}/status').read_text()
    assert 'CapEff:\t0000000000000000' in status
    assert status.split('Uid:\t')[1].split()[0] != '0'


def test_one_source_leaves_room(lb: dict[str, Any]) -> None:
    """While one address holds all the half requests that it can, another one is served."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    subprocess.run(['ip', 'address', 'add', f'{OTHER}/32', 'dev', 'hk1'], check=True)
    try:
        with contextlib.ExitStack() as held:
            for _number in range(4100):
                with contextlib.suppress(ConnectionError):  # it has its share
                    half = held.enter_context(socket.create_connection((lb['address'], 80), 5))
                    half.sendall(b'GET / HTTP/1.1\r\nHost: a\r\n')
            other = held.enter_context(socket.create_connection((lb['address'], 80), 5, (OTHER, 0)))
            other.sendall(b'GET / HTTP/1.0\r\n\r\n')
            other.settimeout(5)
            assert b' 503 ' in other.recv(64)
    finally:
        subprocess.run(['ip', 'address', 'delete', f'{OTHER}/32', 'dev', 'hk1'], check=True)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_half_a_request_is_ended(lb: dict[str, Any]) -> None:
    """By HAProxy, with 408."""
    with socket.create_connection((lb['address'], 80), 30) as half:
        half.sendall(b'GET / HTTP/1.1\r\n')
        assert b' 408 ' in half.recv(64)


def test_its_dns_name_is_taken(image: str, lb: dict[str, Any]) -> None:
    """In its network, in whatever case, for servers, groups and balancers; in another network it is free."""
    taken = 'is the DNS name of lb alone in network default already'
    server = {'flavor': 'g1.nano', 'image': image}
    assert f'name: Alone {taken}' in refused('server', name='Alone', **server)
    assert f'name: alone {taken}' in refused('server', name='alone', **server)
    assert f'name: ALONE {taken}' in refused('lb', name='ALONE', listeners=[{'port': 80}])
    with_group = run('lb', name='Two-2', listeners=[{'port': 80}])
    try:
        message = refused('server', name='two', count=2, **server)
        assert 'name: two-2 is already the DNS name of lb Two-2 in network default' in message
        assert 'two-1' not in message
        assert run('server_info')['servers'] == []
        keep('network', name='back', cidr='10.55.0.0/24')
        keep('lb', name='ALONE', network='back', listeners=[{'port': 80}])
    finally:
        run('lb', name='ALONE', state='absent')
        run('network', name='back', state='absent')
        run('lb', name='Two-2', state='absent')
    assert with_group['changed']


def test_a_health_check_is_taken_away(lb: dict[str, Any]) -> None:
    """By a word."""
    keep('lb', name='alone', health_check={'port': 81})
    assert keep('lb', name='alone', health_check={'protocol': 'none'})['lb']['health_check'] is None


def test_an_orphan_is_ended(lb: dict[str, Any]) -> None:
    """HAProxy that outlived its container is not taken for it: it is told, ended, and started anew."""
    folder = f'/var/lib/hanok/balancers/{lb["id"]}'
    subprocess.run(['virsh', '-q', '-c', 'lxc:///system', 'destroy', lb['id']], check=True)
    orphan = subprocess.Popen(['/usr/bin/s6-svscan', f'{folder}/services'])
    try:
        assert run('lb_info', name='alone')['lbs'][0]['status'] == 'ERROR'
        assert keep('lb', name='alone')['lb']['status'] == 'ACTIVE'
        assert orphan.wait(10) == -signal.SIGKILL
    finally:
        orphan.kill()
        orphan.wait()
    with socket.create_connection((lb['address'], 80), 5) as stream:
        stream.sendall(b'GET / HTTP/1.0\r\n\r\n')
        assert b' 503 ' in stream.recv(64)


def test_long_names(host: None) -> None:
    """The longest name that is allowed, twice, that differ at the end."""
    before = inventory()
    names = ['b' * 62 + end for end in 'xy']
    for name in names:
        assert keep('lb', name=name, listeners=[{'port': 80}])['lb']['status'] == 'ACTIVE'
    for name in names:
        keep('lb', name=name, state='absent')
    assert inventory() == before
