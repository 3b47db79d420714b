# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each module on a real host: check mode, idempotence, and refusals that touch nothing."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hanok.cloud.tests.contract.web import served

from .conftest import SEEN, TREE, inventory, keep, refused, run, start
from .test_ground import eventually

Guest = Callable[..., str]


@pytest.fixture(scope='module')
def second_key(host: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A key pair named second; the path of its private key."""
    path = str(tmp_path_factory.mktemp('key') / 'second.pem')
    keep('keypair', name='second', private_key_file=path)
    yield path
    keep('keypair', name='second', state='absent')


@pytest.fixture(scope='module')
def pair(image: str, key: str, second_key: str, open_group: str) -> Iterator[list[dict[str, Any]]]:
    """Two servers created in one task, booted, with floating IPs."""
    options = {
        'name': 'pair',
        'count': 2,
        'image': image,
        'flavor': 'g1.nano',
        'key_names': ['test', 'second'],
        'security_groups': ['open'],
        'floating_ip': 'auto',
    }
    created = keep(
        'server',
        **options,
        wait_for='init',
        wait_timeout=300,
        user_data='#!/bin/sh\ntouch /var/www/.serve; httpd -p 80 -h /var/www\n',
    )
    yield created['servers']
    keep('server', name='pair', state='absent')


class EndlessHandler(SimpleHTTPRequestHandler):
    """A server whose answers do not end: one byte at a time, or more than the disk can hold."""

    def do_GET(self) -> None:
        """Answer without an end."""
        self.send_response(200)
        if self.path.endswith('huge'):
            self.send_header('Content-Length', str(1 << 60))
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(b'Q')
                time.sleep(0.3)  # simulates a slow server; nothing waits for it

    def log_message(self, *_words: Any) -> None:
        """Log nothing."""


def image_files() -> list[str]:
    """The files in the directory of images, which the first image creates."""
    return sorted(path.name for path in Path('/var/lib/hanok/images').glob('*'))


def test_invalid_images_are_refused(host: None, tmp_path: Path) -> None:
    """References to files of the host, no disk format, endless downloads: refused in bounded time.

    Nothing is left behind.
    """
    before = image_files()

    def disk(name: str, *options: str) -> str:
        subprocess.run(
            ['qemu-img', 'create', '-q', *options, name, '1M'],
            check=True,
            cwd=tmp_path,
            capture_output=True,
        )
        return str(tmp_path / name)

    flat = tmp_path / 'flat.vmdk'
    flat.write_text(
        '# Disk DescriptorFile\nversion=1\ncreateType="monolithicFlat"\n'
        'RW 256 FLAT "../hanok.json" 0\n',
        encoding='ascii',
    )
    html = tmp_path / 'page'
    html.write_text('<!DOCTYPE html><title>404</title>', encoding='ascii')
    traps = (
        disk('backed', '-f', 'qcow2', '-u', '-b', '/etc/shadow', '-F', 'raw'),
        str(flat),
        str(html),
        disk('raw', '-f', 'raw'),
    )
    for trap in traps:
        predicted = run('image', check=True, name='trap', path=trap)
        result = run('image', name='trap', path=trap)
        assert result['failed'], trap
        assert result['msg'].removeprefix('refused: path: ') in str(predicted['warnings']), (
            predicted
        )
    with served(functools.partial(SimpleHTTPRequestHandler, directory=tmp_path)) as server:
        digest = hashlib.sha256(flat.read_bytes()).hexdigest()
        result = run('image', name='trap', url=f'{server}/flat.vmdk', checksum=f'sha256:{digest}')
        assert 'whose data is in other files' in result['msg']
    with served(EndlessHandler) as server:
        for path, words in (
            ('slow', 'the download timed out (wait_timeout)'),
            ('huge', 'are available; no image was created'),
        ):
            result = run(
                'image',
                name='trap',
                url=f'{server}/{path}',
                checksum='sha256:' + '0' * 64,
                wait_timeout=3,
            )
            assert words in result['msg'], result
    keep('image', name='trap', state='absent')
    assert image_files() == before


def test_qemu_img_has_no_access_to_the_record(host: None, tmp_path: Path) -> None:
    """The user that opens images has no access to the record, whatever a disk refers to."""
    disk = tmp_path / 'disk.qcow2'
    subprocess.run(
        [
            'qemu-img',
            'create',
            '-q',
            '-f',
            'qcow2',
            '-u',
            '-b',
            '/var/lib/hanok/hanok.db',
            '-F',
            'raw',
            str(disk),
            '1M',
        ],
        check=True,
    )
    code = (
        'import sys; sys.path[:0] = [sys.argv[1]]\n'
        'from ansible_collections.hanok.cloud.plugins.module_utils._local import cloud\n'
        'from ansible_collections.hanok.cloud.plugins.module_utils._local.storage '
        'import image_import\n'
        'host = cloud.this_host("default", "root", 60)\n'
        'target = host.settings.path("images", "test.qcow2")\n'
        'with image_import.Import(host, target, ()) as process:\n'
        '    process.copy(sys.argv[2]); process._hand_over()\n'
        '    process._qemu_img(0, "convert", "-O", "raw", "source", "disk")\n'
    )
    ran = subprocess.run(
        ['/usr/bin/python3', '-c', code, str(TREE), str(disk)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Could not open '/var/lib/hanok/hanok.db': Permission denied" in ran.stderr


def test_servers_boot(pair: list[dict[str, Any]], ssh: Guest) -> None:
    """Members have their own names, addresses and host keys; user data ran."""
    assert [ssh(server['floating_ip'], 'hostname') for server in pair] == ['pair-1', 'pair-2']
    assert (
        len(
            {
                ssh(server['fixed_ip'], 'cat /etc/dropbear/dropbear_ed25519_host_key | md5sum')
                for server in pair
            }
        )
        == 2
    )
    assert ssh(
        pair[0]['fixed_ip'], f'hostname; nc -w 5 {pair[1]["fixed_ip"]} 22 < /dev/null | head -c 3'
    ).splitlines() == ['pair-1', 'SSH']
    assert ssh(pair[0]['fixed_ip'], 'nslookup pair-2 | grep -c 192.168.0') != '0'


def test_security_group_cuts_connections(pair: list[dict[str, Any]], open_group: str) -> None:
    """Connections survive the removal of a rule unless the task sets cut.

    A run that was killed before it cut them is completed by the next.
    """
    address = pair[0]['fixed_ip']
    keep(
        'security_group',
        name='cutting',
        rules=[{'protocol': 'tcp', 'port': '22'}, {'protocol': 'tcp', 'port': '80'}],
    )
    keep('server', name='pair-1', security_groups=['cutting'])

    def is_open(stream: socket.socket) -> bool:
        stream.settimeout(3)
        try:
            stream.sendall(b'GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n')
            return bool(stream.recv(1))
        except OSError:
            return False

    with (
        socket.create_connection((address, 22), 5) as ssh_stream,
        socket.create_connection((address, 80), 5) as web,
    ):
        assert ssh_stream.recv(4) == b'SSH-'
        keep('security_group', name='cutting', rules=[{'protocol': 'tcp', 'port': '80'}])
        ssh_stream.sendall(b'SSH-2.0-still-there\r\n')
        assert ssh_stream.recv(1)
        keep('security_group', name='cutting', rules=[], cut=True)
        assert not is_open(web)
        assert not run('security_group', name='cutting', rules=[], cut=True)['changed']
    keep('security_group', name='cutting', rules=[{'protocol': 'tcp', 'port': '80'}])
    with socket.create_connection((address, 80), 5) as web:
        keep('security_group', name='cutting', rules=[])
        record = sqlite3.connect('/var/lib/hanok/hanok.db', isolation_level=None)
        record.execute(
            "UPDATE security_group SET to_cut = 1 WHERE name = 'cutting'"
        )  # as a run leaves it that was killed before it cut the connections
        record.close()
        assert (
            'connections that the rules no longer allow may still be open'
            in keep('security_group', name='cutting')['msg']
        )
        assert not is_open(web)
    keep('server', name='pair-1', security_groups=['open'])
    keep('security_group', name='cutting', rules=[], state='absent')


def test_server_with_several_keys(pair: list[dict[str, Any]], ssh: Guest, second_key: str) -> None:
    """Each key grants access."""
    by_second = ssh(pair[0]['fixed_ip'], 'hostname', identity=second_key)
    assert by_second == ssh(pair[0]['fixed_ip'], 'hostname') == 'pair-1'


def test_server_changes(pair: list[dict[str, Any]], ssh: Guest) -> None:
    """The guest is shut down and booted by changes that need it, and has what was changed."""
    name, address = pair[0]['name'], pair[0]['fixed_ip']
    wait = {'wait_for': 'init', 'wait_timeout': 300}
    keep('server', name=name, flavor='g1.micro', allow_restart=True, **wait)
    assert int(ssh(address, "awk '/MemTotal/{print $2}' /proc/meminfo")) > 400 * 1024
    keep('server', name=name, state='stopped', force=True)
    keep('server', name=name, flavor='g1.nano')
    options = {'state': 'started', 'wait_for': 'ssh', 'wait_timeout': 0, 'wait': False}
    started = run('server', name=name, **options)
    assert not started.get('failed'), started['msg']
    assert [step['what'] for step in started['steps']] == [f'server {name}: start']
    keep('server', name=name, state='started', **wait)
    assert int(ssh(address, "awk '/MemTotal/{print $2}' /proc/meminfo")) < 400 * 1024
    booted = ssh(address, 'cat /proc/sys/kernel/random/boot_id')
    restarted = run('server', name=name, state='restarted', wait_for='ssh', wait_timeout=300)
    assert restarted['changed']
    assert ssh(address, 'cat /proc/sys/kernel/random/boot_id') != booted


def test_volume(pair: list[dict[str, Any]], ssh: Guest) -> None:
    """Attached, not detached while mounted, moved with its data, resized while in use."""
    one, two = pair
    volume = keep('volume', name='data', size=1, server=one['name'], state='attached')['volume']
    device = volume['device']
    seen = SEEN.format(device)
    ssh(
        one['fixed_ip'],
        f'{seen}; mkfs.ext4 -q {device} && mount {device} /mnt && echo kept > /mnt/file',
    )
    assert 'is mounted in pair-1' in refused(
        'volume', name='data', server=two['name'], state='attached'
    )
    ssh(one['fixed_ip'], 'umount /mnt')
    keep('volume', name='data', server=two['name'], state='attached')
    assert ssh(two['fixed_ip'], f'{seen}; mount {device} /mnt && cat /mnt/file') == 'kept'
    keep('volume', name='data', size=2)
    size = f'cat /sys/block/$(basename $(readlink {device}))/size'
    eventually(lambda: int(ssh(two['fixed_ip'], size)) == 2 * 2**30 // 512)
    keep('volume', name='data', state='detached', force=True)
    keep('volume', name='data', state='absent')


def test_floating_ip(pair: list[dict[str, Any]], ssh: Guest) -> None:
    """It reaches the server that has it, and nobody else."""
    one, two = pair
    for server in pair:
        keep('server', name=server['name'], floating_ip='none')
    mine = keep('floating_ip', name='mine', server=one['name'], state='attached')['floating_ip'][
        'address'
    ]
    assert ssh(mine, 'hostname') == 'pair-1'
    keep('floating_ip', name='mine', server=two['name'], state='attached')
    assert ssh(mine, 'hostname') == 'pair-2'
    keep('floating_ip', name='mine', state='detached')
    with pytest.raises(OSError, match=r'timed out|unreachable|No route'):
        socket.create_connection((mine, 22), 1)
    keep('floating_ip', name='mine', state='absent')
    for server in pair:
        keep('server', name=server['name'], floating_ip='auto')


def test_lb(pair: list[dict[str, Any]]) -> None:
    """Round robin, then by source; updated without a gap; deleted without a trace."""

    def fetch(address: str, times: int) -> list[str]:
        words = [
            'curl',
            '-s',
            '--fail',
            '--retry',
            '10',
            '--retry-delay',
            '1',
            '--max-time',
            '30',
            *[f'http://{address}/'] * times,
        ]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()

    listeners = [{'port': 80, 'protocol': 'HTTP'}]
    created = keep(
        'lb',
        name='web',
        listeners=listeners,
        members=['pair-1', 'pair-2'],
        health_check={'port': 80},
        floating_ip='auto',
    )['lb']
    answers = fetch(created['floating_ip'], 20)
    assert len(set(answers[::2])) == 1
    assert len(set(answers[1::2])) == 1
    assert set(answers) == {'pair-1', 'pair-2'}
    healthy = keep('lb', name='web', wait_for='healthy')['lb']['health']
    assert [(member['name'], member['status']) for member in healthy] == [
        ('pair-1', 'ONLINE'),
        ('pair-2', 'ONLINE'),
    ]
    keep('server', name='pair-2', state='stopped')
    deadline = time.monotonic() + 30
    while run('lb_info', name='web')['lbs'][0]['health'][1]['status'] != 'ERROR':
        assert time.monotonic() < deadline, 'the balancer did not see it'
    late = run('lb', name='web', wait_for='healthy', wait_timeout=2)
    assert late['failed']
    assert (
        'timed out after 2 s (wait_timeout) waiting for healthy members: pair-2 is ERROR (Layer4'
        in late['msg']
    )
    assert run('lb_info', name='web')['lbs'][0]['health'][0]['status'] == 'ONLINE'
    keep('server', name='pair-2', state='started')
    keep('lb', name='web', algorithm='SOURCE_IP', wait_for='healthy', wait_timeout=60)
    assert len(set(fetch(created['floating_ip'], 6))) == 1
    keep('lb', name='web', algorithm='least_connections', members=['pair-2'])
    assert set(fetch(created['floating_ip'], 4)) == {'pair-2'}
    keep('lb', name='web', state='absent')


@pytest.mark.parametrize('step', ['rename:1', 'rename:3', 'fdatasync:2', 'fdatasync:5', 'execve:4'])
def test_killed_run_is_completed(image: str, step: str) -> None:
    """The next run completes one that was killed with SIGKILL; nothing is duplicated or left."""
    before = inventory()
    options = {
        'name': 'killed',
        'count': 2,
        'image': image,
        'flavor': 'g1.nano',
        'state': 'stopped',
    }
    call, _colon, number = step.partition(':')
    killer = (
        'strace',
        '-f',
        '-qq',
        '-o',
        '/dev/null',
        '-e',
        f'inject={call}:signal=KILL:when={number}',
    )
    ran = start('server', killer, **options)
    assert ran.returncode != 0
    assert not run('server', **options).get('failed')
    assert not run('server', **options)['changed']
    keep('server', name='killed', state='absent')
    assert inventory() == before
