# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The container of a load balancer: its isolation, and the limits on client connections."""

from __future__ import annotations

import contextlib
import os
import pwd
import resource
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._local.balancer import haproxy_socket

from .conftest import STATE, inventory, keep, refused, run

OTHER = '192.168.0.250'
KINDS = {'root': 's6-svscan', 'haproxy': 'haproxy'}
FIXED = [
    '/',
    '/usr',
    '/usr/bin',
    '/usr/lib',
    '/etc',
    '/run',
    '/home',
    '/root',
    '/var',
    '/var/empty',
    '/var/lib/hanok',
]
FIXED += ['/proc/sys/kernel', '/.oldroot']


@pytest.fixture
def lb(host: None) -> Iterator[dict[str, Any]]:
    """A load balancer without members: it answers 503."""
    before = inventory()
    yield keep('lb', name='alone', listeners=[{'port': 80}])['lb']
    keep('lb', name='alone', state='absent')
    assert inventory() == before


def processes(uuid: str, program: str) -> list[int]:
    """The processes of a program that belong to a load balancer, oldest first."""
    found = []
    for path in Path('/proc').glob('[0-9]*'):
        with contextlib.suppress(OSError):
            if (path / 'exe').readlink().name == program and uuid in (path / 'cmdline').read_text():
                found.append(int(path.name))
    return sorted(found)


def inside(pid: int, script: str, haproxy: bool = False) -> str:
    """Run a script in the namespaces of a process, with its user and at most its capabilities."""
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
        user = pwd.getpwnam('haproxy')
        words += ['--reuid', str(user.pw_uid), '--regid', str(user.pw_gid), '--clear-groups']
    ran = subprocess.run([*words, 'sh', '-c', script], capture_output=True, text=True, check=False)
    return ran.stdout


@pytest.mark.parametrize('user', ['root', 'haproxy'])
def test_container_isolation(lb: dict[str, Any], user: str) -> None:
    """No file of the host but programs, no daemon, and no writable place but its own."""
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
    fixed = [*FIXED, folder, f'{folder}/services', f'{folder}/services/haproxy']
    read = '; '.join(f'[ ! -e {path} ] || echo {path}' for path in hidden)
    write = '; '.join(f'(: > {path}/hanok-test) 2>/dev/null && echo {path}' for path in fixed)
    remount = 'mount -o remount,rw,bind /usr 2>/dev/null && echo remounted'
    output = inside(pid, f'echo runs; {read}; {write}; {remount}', user == 'haproxy')
    assert output == 'runs\n'
    written = inside(
        pid,
        f': > {folder}/run/hanok-test && rm {folder}/run/hanok-test && echo own',
        user == 'haproxy',
    )
    assert written == ('own\n' if user == 'root' else '')


def owners(pid: int) -> list[int]:
    """The UIDs and GIDs of a process on the host: real, effective, saved, of its files."""
    lines = Path(f'/proc/{pid}/status').read_text().splitlines()
    named = [line.split() for line in lines if line.startswith(('Uid:', 'Gid:'))]
    return [int(number) for _name, *numbers in named for number in numbers]


def test_users_of_the_container_are_no_users_of_the_host(lb: dict[str, Any]) -> None:
    """Root and haproxy of each container are users whom nothing else on the host belongs to.

    So a file of root of the host is not theirs, not even one in their folder.
    """
    keep('lb', name='beside', listeners=[{'port': 80}])
    beside = run('lb_info', name='beside')['lbs'][0]
    found = {
        (uuid, kind): set(owners(processes(uuid, program)[-1]))
        for uuid in (lb['id'], beside['id'])
        for kind, program in KINDS.items()
    }
    assert all(len(ids) == 1 and min(ids) >= 0x78000000 for ids in found.values()), found
    assert len(set.union(*found.values())) == 4
    folder = f'/var/lib/hanok/balancers/{lb["id"]}'
    pid = processes(lb['id'], KINDS['root'])[-1]
    assert '\nbackend sources\n' in inside(pid, f'cat {folder}/haproxy.cfg')
    assert os.path.exists(f'{folder}/taken-up.cfg')
    assert inside(pid, f'cat {folder}/taken-up.cfg 2>&1').endswith('Permission denied\n')
    keep('lb', name='beside', state='absent')


def test_file_system_with_nosuid_and_nodev(host: None) -> None:
    """As the benchmarks for hardened hosts have it for /var."""
    subprocess.run(['mount', '--bind', str(STATE), str(STATE)], check=True)
    subprocess.run(['mount', '-o', 'remount,bind,nosuid,nodev', str(STATE)], check=True)
    try:
        created = keep('lb', name='hardened', listeners=[{'port': 80}])['lb']
        assert created['status'] == 'ACTIVE'
        pid = processes(created['id'], KINDS['root'])[-1]
        write = '; '.join(f'(: > {path}/hanok-test) 2>/dev/null && echo {path}' for path in FIXED)
        assert inside(pid, f'echo runs; {write}') == 'runs\n'
        keep('lb', name='hardened', state='absent')
    finally:
        subprocess.run(['umount', '--lazy', str(STATE)], check=True)


def test_container_of_an_older_version(lb: dict[str, Any]) -> None:
    """Its users were those of the host. It serves until it stops, and is then created anew."""
    folder = Path('/var/lib/hanok/balancers', lb['id'])
    for path in folder.rglob('*'):
        os.chown(path, 0, 0, follow_symlinks=False)
    (folder / 'haproxy.cfg').chmod(0o600)
    (folder / 'form').write_text('3\n')
    assert keep('lb', name='alone', labels={'old': 'yes'})['lb']['status'] == 'ACTIVE'
    assert (folder / 'form').read_text() == '3\n'
    subprocess.run(['virsh', '-q', '-c', 'lxc:///system', 'destroy', lb['id']], check=True)
    assert run('lb_info', name='alone')['lbs'][0]['status'] == 'ERROR'
    assert keep('lb', name='alone')['lb']['status'] == 'ACTIVE'
    assert min(owners(processes(lb['id'], KINDS['root'])[-1])) >= 0x78000000
    assert keep('lb', name='alone', listeners=[{'port': 81}])['lb']['status'] == 'ACTIVE'
    with socket.create_connection((lb['address'], 81), 5) as stream:
        stream.sendall(b'GET / HTTP/1.0\r\n\r\n')
        assert b' 503 ' in stream.recv(64)


def test_container_cannot_write_kernel_settings(lb: dict[str, Any]) -> None:
    """Files are opened for writing only, as root of the container; nothing is written."""
    pid = processes(lb['id'], KINDS['root'])[-1]
    names = [
        'sysrq-trigger',
        'sys/kernel/core_pattern',
        'sys/kernel/hostname',
        'irq/default_smp_affinity',
    ]
    attempts = '; '.join(f'(: >> /proc/{name}) 2>/dev/null && echo {name}' for name in names)
    assert inside(pid, f'echo runs; {attempts}') == 'runs\n'


def test_symlinks_of_the_container_are_not_followed(lb: dict[str, Any], tmp_path: Path) -> None:
    """Files that the host writes cannot be replaced, and the host follows no symbolic link."""
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


def test_haproxy_worker_has_no_privileges(lb: dict[str, Any]) -> None:
    """The process that parses packets has an empty root directory and no capabilities."""
    worker = processes(lb['id'], 'haproxy')[-1]
    assert os.listdir(f'/proc/{worker}/root/') == []
    status = Path(f'/proc/{worker}/status').read_text()
    assert 'CapEff:\t0000000000000000' in status
    assert status.split('Uid:\t')[1].split()[0] != '0'


def test_connections_of_one_source_are_limited(lb: dict[str, Any]) -> None:
    """While one address holds as many partial requests as allowed, another one is served."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    subprocess.run(['ip', 'address', 'add', f'{OTHER}/32', 'dev', 'hk1'], check=True)
    try:
        with contextlib.ExitStack() as held:
            for _number in range(4100):
                with contextlib.suppress(ConnectionError):  # the limit of the source is reached
                    partial = held.enter_context(socket.create_connection((lb['address'], 80), 5))
                    partial.sendall(b'GET / HTTP/1.1\r\nHost: a\r\n')
            other = held.enter_context(socket.create_connection((lb['address'], 80), 5, (OTHER, 0)))
            other.sendall(b'GET / HTTP/1.0\r\n\r\n')
            other.settimeout(5)
            assert b' 503 ' in other.recv(64)
    finally:
        subprocess.run(['ip', 'address', 'delete', f'{OTHER}/32', 'dev', 'hk1'], check=True)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_partial_request_times_out(lb: dict[str, Any]) -> None:
    """HAProxy answers a partial request with 408."""
    with socket.create_connection((lb['address'], 80), 30) as partial:
        partial.sendall(b'GET / HTTP/1.1\r\n')
        assert b' 408 ' in partial.recv(64)


def test_dns_name_is_unique_in_the_network(image: str, lb: dict[str, Any]) -> None:
    """Unique in its network, case insensitive, among servers, groups and load balancers.

    In another network the name is free.
    """
    taken = 'is already the DNS name of lb alone in network default'
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


def test_health_check_is_removed(lb: dict[str, Any]) -> None:
    """The protocol none removes the health check."""
    keep('lb', name='alone', health_check={'port': 81})
    assert keep('lb', name='alone', health_check={'protocol': 'none'})['lb']['health_check'] is None


def test_a_member_is_not_healthy_before_its_first_check(image: str, lb: dict[str, Any]) -> None:
    """A member that does not run never counts as healthy, not even while it is being added."""
    keep('server', name='down', image=image, flavor='g1.nano', state='stopped')
    check = {'protocol': 'tcp', 'interval': 2}
    try:
        added = run(
            'lb',
            name='alone',
            members=['down'],
            health_check=check,
            wait_for='healthy',
            wait_timeout=15,
        )
        assert 'timed out' in added['msg']
        assert 'down is ERROR' in added['msg']
    finally:
        keep('lb', name='alone', members=[])
        keep('server', name='down', state='absent')


def test_what_an_interrupted_run_left_drained(no_guest: str, lb: dict[str, Any]) -> None:
    """The task that completes the work on a server lets its load balancers use it again."""
    folder = f'/var/lib/hanok/balancers/{lb["id"]}'

    def is_drained() -> bool:
        statistics = haproxy_socket.query(folder, 'show stat') or ''
        (line,) = [
            line for line in statistics.splitlines() if line.startswith('members_80,member,')
        ]
        return ',DRAIN,' in line

    keep('server', name='member', image=no_guest, flavor='g1.nano')
    try:
        keep('lb', name='alone', members=['member'])
        haproxy_socket.query(folder, 'set server members_80/member state drain')
        with sqlite3.connect(STATE / 'hanok.db') as record:
            record.execute("UPDATE server SET task_state = 'rebooting' WHERE name = 'member'")
        record.close()
        assert is_drained()
        keep('lb', name='alone', listeners=[{'port': 80}, {'port': 81}])
        assert is_drained()  # also after HAProxy has read another configuration
        assert 'completes an earlier run' in keep('server', name='member')['msg']
        assert not is_drained()
    finally:
        keep('lb', name='alone', members=[])
        keep('server', name='member', state='absent')


@pytest.mark.parametrize('name', ['haproxy.cfg', 'taken-up.cfg'])
def test_configuration_is_changed(lb: dict[str, Any], name: str) -> None:
    """By hand, or by a run that was killed before HAProxy loaded it: any networked task repairs."""
    path = Path(f'/var/lib/hanok/balancers/{lb["id"]}') / name
    text = path.read_text('utf-8')
    path.write_text(text.replace('timeout client 60s', 'timeout client 1s'), 'utf-8')
    fault = 'the configuration of load balancer alone does not match the record'
    assert fault in str(run('network_info')['warnings'])
    assert fault in keep('network', name='default')['msg']
    assert path.read_text('utf-8') == text


def test_orphaned_haproxy_is_killed(lb: dict[str, Any]) -> None:
    """A HAProxy without its container does not count as active; it is killed and restarted."""
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
    """Two names of the maximum length that differ in the last character."""
    before = inventory()
    names = ['b' * 62 + end for end in 'xy']
    for name in names:
        assert keep('lb', name=name, listeners=[{'port': 80}])['lb']['status'] == 'ACTIVE'
    for name in names:
        keep('lb', name=name, state='absent')
    assert inventory() == before
