# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each module on a real host: check mode, idempotence, and refusals that touch nothing."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from .conftest import TREE, inventory, keep, refused, run, start

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
        wait_timeout=120,
        user_data='#!/bin/sh\ntouch /var/www/.serve; httpd -p 80 -h /var/www\n',
    )
    yield created['servers']
    keep('server', name='pair', state='absent')


def test_keypair(host: None, tmp_path: Path) -> None:
    """Specified, generated, adopted from the file, and never overwritten."""
    path = tmp_path / 'one.pem'
    created = keep('keypair', name='one', private_key_file=str(path))['keypair']
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text(encoding='utf-8')
    keep('keypair', name='two', public_key=created['public_key'])
    keep('keypair', name='one', state='absent')
    assert (
        keep('keypair', name='one', private_key_file=str(path))['keypair']['fingerprint']
        == created['fingerprint']
    )
    assert path.read_text(encoding='utf-8') == text
    path.unlink()
    assert 'written only once' in refused('keypair', name='one', private_key_file=str(path))
    assert 'to create it, also set public_key' in refused('keypair', name='three')
    for name in ('one', 'two'):
        keep('keypair', name=name, state='absent')


def test_flavor(host: None) -> None:
    """Flavors can be added; built-in flavors cannot be deleted."""
    keep('flavor', name='our.small', vcpus=1, memory=256, disk=2)
    keep('flavor', name='our.small', family='cpu', description='ours')
    assert 'with another name' in refused('flavor', name='our.small', memory=512)
    assert 'built in' in refused('flavor', name='g1.nano', state='absent')
    keep('flavor', name='our.small', state='absent')


def test_network(host: None) -> None:
    """A free range is chosen, ranges do not overlap, and delete leaves nothing."""
    before = inventory()
    first = keep('network', name='back', description='behind')['network']
    assert first['cidr'] == '192.168.1.0/24'
    keep('network', name='back', labels={'tier': 'db'})
    assert 'overlaps' in refused('network', name='other', cidr='192.168.1.0/25')
    assert 'cannot be renumbered' in refused('network', name='back', cidr='10.9.0.0/24')
    keep('network', name='back', state='absent')
    assert inventory() == before


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


@contextlib.contextmanager
def served(handler: Any) -> Iterator[str]:
    """Run a web server on this host; yield its address."""
    with ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{server.server_port}'
        server.shutdown()


def image_files() -> list[str]:
    """The files in the directory of images."""
    return sorted(os.listdir('/var/lib/hanok/images'))


def test_image(image: str, tiny: str, tmp_path: Path) -> None:
    """By URL and checksum, by a checksum file, by the content of a path.

    A wrong checksum leaves nothing.
    """
    before = image_files()
    right = hashlib.sha256(Path(tiny).read_bytes()).hexdigest()
    name = os.path.basename(tiny)
    (tmp_path / 'SHA256SUMS').write_text(f'{right}  {name}\n', encoding='ascii')
    (tmp_path / name).symlink_to(tiny)
    with served(functools.partial(SimpleHTTPRequestHandler, directory=tmp_path)) as server:
        url, sums = f'{server}/{name}', f'sha256:{server}/SHA256SUMS'
        assert keep('image', name='web', url=url, checksum=sums)['image']['min_disk'] == 1
        for same in (
            f'sha256:{right}',
            f'SHA256:{right.upper()}',
            f'sha512:{hashlib.sha512(Path(tiny).read_bytes()).hexdigest()}',
        ):
            assert not run('image', name='web', url=url, checksum=same)['changed'], same
        assert 'cannot be changed; delete' in refused(
            'image', name='web', url=url, checksum='sha256:' + '0' * 64
        )
        shown = keep('image', name='web', url=url, checksum=sums, hide_url=True)['image']['source']
        assert name not in shown
        wrong = run('image', name='bad', url=url, checksum='sha256:' + '0' * 64)
        assert wrong['msg'].startswith('image bad: checksum mismatch: got sha256:' + right)
        keep('image', name='bad', state='absent')
    keep('image', name='web', state='absent')
    copy = tmp_path / 'copy.qcow2'
    copy.write_bytes(Path(tiny).read_bytes())
    assert not run('image', name=image, path=str(copy), checksum=f'sha256:{right}')['changed']
    copy.write_bytes(Path(tiny).read_bytes() + bytes(512))
    assert 'cannot be changed; delete' in refused('image', name=image, path=str(copy))
    assert image_files() == before


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
        'from ansible_collections.hanok.cloud.plugins.module_utils._local '
        'import cloud, image_import\n'
        'host = cloud.this_host("root", 60)\n'
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


def test_security_group(host: None) -> None:
    """Rules are a set, however they are written; the default group cannot be deleted."""
    keep(
        'security_group',
        name='web',
        rules=[{'preset': 'http'}, {'protocol': 'tcp', 'port': '22', 'remote': '10.0.0.1/24'}],
    )
    same = [
        {'protocol': 'TCP', 'ports': ['22-22'], 'remote': '10.0.0.0/24'},
        {'protocol': 'tcp', 'port': '80', 'remote': '0.0.0.0/0'},
    ]
    assert not run('security_group', name='web', rules=same)['changed']
    keep('security_group', name='web', rules=[{'preset': 'https'}], purge_rules=False)
    keep('security_group', name='db', rules=[{'protocol': 'tcp', 'port': '5432', 'remote': 'web'}])
    assert 'used by rules of' in refused('security_group', name='web', state='absent')
    assert 'cannot be deleted' in refused('security_group', name='default', state='absent')
    many = [{'protocol': 'tcp', 'port': str(port)} for port in range(1, 102)]
    assert 'at most 100' in refused('security_group', name='many', rules=many)
    for name in ('db', 'web'):
        keep('security_group', name=name, state='absent')


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
    """Each key grants access in any order, and cannot be deleted while the server exists."""
    assert [(server['key_name'], server['key_names']) for server in pair] == [
        ('test', ['test', 'second'])
    ] * 2
    assert (
        ssh(pair[0]['fixed_ip'], 'hostname', identity=second_key)
        == ssh(pair[0]['fixed_ip'], 'hostname')
        == 'pair-1'
    )
    assert not run('server', name='pair', count=2, key_names=['second', 'test'])['changed']
    assert 'key_names is [test, second], requested [test]: keys are installed' in refused(
        'server', name='pair-1', key_name='test'
    )
    assert 'is used by pair-1, pair-2' in refused('keypair', name='second', state='absent')
    assert 'mutually exclusive' in refused(
        'server', name='pair-1', key_name='test', key_names=['test', 'second']
    )


def test_server_changes(pair: list[dict[str, Any]], image: str, ssh: Guest) -> None:
    """What can change is changed in place; other changes are refused with the way to do them."""
    name, address = pair[0]['name'], pair[0]['fixed_ip']
    keep('server', name=name, labels={'tier': 'web'}, description='one', delete_protection=True)
    assert 'protected' in refused('server', name=name, state='absent')
    assert 'allow_restart' in refused('server', name=name, flavor='g1.micro')
    assert 're-create the server' in refused('server', name=name, user_data='#!/bin/sh\ntrue\n')
    keep('server', name=name, volume_size=2)
    assert 'not shrink' in refused('server', name=name, volume_size=1)
    result = keep(
        'server', name=name, flavor='g1.micro', allow_restart=True, wait_for='ssh', wait_timeout=120
    )
    assert (
        result['server']['memory'],
        result['server']['volume_size'],
        result['server']['status'],
    ) == (
        512,
        4,
        'ACTIVE',
    )
    assert int(ssh(address, "awk '/MemTotal/{print $2}' /proc/meminfo")) > 400 * 1024
    keep(
        'server',
        name=name,
        flavor='g1.nano',
        allow_restart=True,
        delete_protection=False,
        wait_for='init',
        wait_timeout=120,
    )
    keep('server', name=name, state='stopped')
    keep('server', name=name, state='started', wait_for='init', wait_timeout=120)
    booted = ssh(address, 'cat /proc/sys/kernel/random/boot_id')
    predicted, result = (
        run('server', check=check, name=name, state='restarted', wait_for='ssh', wait_timeout=120)
        for check in (True, False)
    )
    assert predicted['changed'] is result['changed'] is True
    assert predicted['diff'] == result['diff']
    assert ssh(address, 'cat /proc/sys/kernel/random/boot_id') != booted
    keep('server', name=name, state='stopped', force=True)
    keep('server', name=name, state='started', wait_for='init', wait_timeout=120)


def test_volume(pair: list[dict[str, Any]], ssh: Guest) -> None:
    """Attached, not detached while mounted, moved with its data, resized while in use."""
    one, two = pair
    volume = keep('volume', name='data', size=1, server=one['name'], state='attached')['volume']
    device = volume['device']
    ssh(one['fixed_ip'], f'mkfs.ext4 -q {device} && mount {device} /mnt && echo kept > /mnt/file')
    assert 'is mounted in pair-1' in refused(
        'volume', name='data', server=two['name'], state='attached'
    )
    assert 'attached to pair-1' in refused('volume', name='data', state='absent')
    ssh(one['fixed_ip'], 'umount /mnt')
    keep('volume', name='data', server=two['name'], state='attached')
    assert ssh(two['fixed_ip'], f'mount {device} /mnt && cat /mnt/file') == 'kept'
    keep('volume', name='data', size=2)
    assert (
        int(ssh(two['fixed_ip'], f'cat /sys/block/$(basename $(readlink {device}))/size'))
        == 2 * 2**30 // 512
    )
    assert 'cannot shrink' in refused('volume', name='data', size=1)
    keep('volume', name='data', state='detached', force=True)
    keep('volume', name='data', state='absent')
    assert '5121' in refused('volume', name='big', size=5121)


def test_floating_ip(pair: list[dict[str, Any]], ssh: Guest) -> None:
    """Allocated, named, moved in one task, and released."""
    one, two = pair
    assert 'would allocate another' in refused('floating_ip')
    assert 'already' in refused('floating_ip', name='mine', server=one['name'], state='attached')
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
    assert 'in no pool' in refused('floating_ip', address='8.8.8.8')
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
    assert keep('lb', name='web', members=['pair'])['lb']['members'] == ['pair-1', 'pair-2']
    topology = run('topology_info')['topology']
    assert [lb['name'] for network in topology['networks'] for lb in network['lbs']] == ['web']
    assert 'does not exist' in run('lb', name='web', members=['nobody'])['msg']
    keep('lb', name='web', state='absent')


def test_count(image: str, host: None) -> None:
    """A group grows by its count, and shrinks only with allow_shrink."""
    before = inventory()
    options = {'image': image, 'flavor': 'g1.nano', 'state': 'stopped'}
    assert [
        server['name'] for server in keep('server', name='many', count=3, **options)['servers']
    ] == ['many-1', 'many-2', 'many-3']
    assert 'allow_shrink' in refused('server', name='many', count=1, **options)
    keep('server', name='many', count=1, allow_shrink=True, **options)
    assert 'is a group' in refused('server', name='many', **options)
    assert [server['name'] for server in run('server_info', name='many')['servers']] == ['many-1']
    keep('server', name='many', count=0, allow_shrink=True)
    assert inventory() == before


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


def test_bad_input(host: None) -> None:
    """Bad input is refused with all its errors, before anything is touched."""
    before = inventory()
    text = refused(
        'server',
        name='a b',
        flavor='x y',
        volume_size=9999,
        security_groups=['a', 'b', 'c', 'd'],
        networks=[{'name': 'default', 'fixed_ip': 'x'}],
        user_data='hello',
    )
    for word in ('a b', 'x y', '9999', 'at most 3', "'x'", '#!'):
        assert word in text
    missing = run('server', name='new', flavor='huge', image='none')
    assert missing['failed']
    assert 'g1.nano' in missing['msg']
    assert run('server', check=True, name='new', flavor='huge', image='none')['changed']
    assert inventory() == before
