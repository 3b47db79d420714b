# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers that are containers."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._model.user_data import HIDDEN
from ansible_collections.hanok.cloud.tests import oci_archives
from ansible_collections.hanok.cloud.tests.contract.clouds import CloudUnderTest
from ansible_collections.hanok.cloud.tests.contract.promises import Result, Run

Keep = Callable[..., Result]
Refused = Callable[..., str]
pytestmark = pytest.mark.needs('containers')


@pytest.fixture
def root(keep: Keep, tmp_path: Path) -> Iterator[str]:
    """An image of a root file system, which is never started."""
    path = tmp_path / 'root.tar'
    with tarfile.open(path, 'w') as archive:
        for name in ('./sbin/init', './bin/sh', './etc/shadow'):
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    keep('image', name='root', path=str(path), disk_format='root-tar')
    yield 'root'
    for name in ('box', 'box-1', 'box-2', 'other'):
        keep('server', name=name, state='absent')
    keep('image', name='root', state='absent')


def test_types(keep: Keep, refused: Refused, run: Run, root: str, image: str) -> None:
    """A server is what its image is for."""
    off = {'flavor': 'g1.nano', 'state': 'stopped'}
    made = keep('server', name='box', image=root, **off)['server']
    assert (made['type'], made['volume_size'], made['hardware']) == ('container', None, None)
    assert (made['guest_agent'], made['on_crash']) == (False, 'stop')
    assert keep('server', name='other', type='vm', image=image, **off)['server']['type'] == 'vm'
    assert 'is no root file system of a container' in refused(
        'server', name='new', type='container', image=image, **off
    )
    assert 'is the root file system of a container' in refused(
        'server', name='new', type='vm', image=root, **off
    )
    for name, kind in (('box', 'vm'), ('other', 'container')):
        assert 'a server keeps its type' in refused('server', name=name, type=kind)
    assert 'is no root file system' in refused(
        'server_action', name='box', action='rebuild', image=image
    )
    assert 'is the root file system' in refused(
        'server_action', name='other', action='rebuild', image=root
    )


def test_changes(keep: Keep, refused: Refused, root: str) -> None:
    """Names, groups, labels and sizes; new ones like those that exist."""
    off = {'flavor': 'g1.nano', 'state': 'stopped'}
    keep('server', name='box', count=1, image=root, floating_ip='auto', **off)
    keep('server', name='box', count=2, labels={'a': 'b'}, description='d', state='stopped')
    keep('server', name='box', count=2, flavor='g1.micro')
    keep('server', name='box', count=2, vcpus=3, memory=700, swap=64)
    keep('server', name='box', count=2, start_order=3, start_delay=2)
    assert 'start_order: 10000 is out of range' in refused('server', name='x', start_order=10000)
    made = keep('server', name='other', like='box-1', state='stopped')['server']
    assert (made['type'], made['vcpus'], made['memory']) == ('container', 3, 700)
    assert (made['start_order'], made['start_delay']) == (3, 2)
    assert made['swap'] == 64
    assert 'swap: -1 is out of range' in refused('server', name='other', swap=-1)
    assert keep('server', name='box', count=0, allow_shrink=True)['changed']


def test_image(keep: Keep, refused: Refused, root: str, image: str) -> None:
    """An image of a container is an archive of its files, which others are made of."""
    off = {'flavor': 'g1.nano', 'state': 'stopped'}
    keep('server', name='box', image=root, **off)
    keep('server', name='other', image=image, **off)
    for server, wrong in (('box', 'qcow2'), ('other', 'root-tar')):
        message = refused('image', name='copy', server=server, disk_format=wrong)
        assert f'disk_format: server {server} is a ' in message
    assert 'iso requires path or url' in refused(
        'image', name='copy', server='box', disk_format='iso'
    )
    made = keep('image', name='copy', server='box')['image']
    assert (made['disk_format'], made['source']) == ('root-tar', 'server:box')
    assert not keep('image', name='copy', server='box', disk_format='root-tar')['changed']
    assert keep('server', name='box-1', image='copy', **off)['server']['type'] == 'container'
    keep('server', name='box-1', state='absent')
    keep('image', name='copy', state='absent')


@pytest.mark.needs('backups')
def test_backup(keep: Keep, refused: Refused, run: Run, root: str, image: str) -> None:
    """A container is suspended or stopped for a backup, which becomes its files, or an image."""
    off = {'flavor': 'g1.nano', 'state': 'stopped'}
    keep('server', name='box', image=root, **off)
    keep('server', name='other', image=image, **off)
    for server, mode, way_out in (
        ('box', 'snapshot', 'whose files have no instant while it runs; use suspend'),
        ('other', 'suspend', 'which need not be suspended; use snapshot'),
    ):
        message = refused('backup', name='b', server=server, mode=mode)
        assert f'mode: {mode}: server {server} is a ' in message
        assert way_out in message
    made = keep('backup', name='b', server='box')['backup']
    assert (made['mode'], made['volume_size'], made['status']) == ('suspend', None, 'available')
    assert made['config']['type'] == 'container'
    assert keep('backup', name='c', server='box', mode='stop')['backup']['mode'] == 'stop'
    keep('server_snapshot', server='box', name='kept')
    for name in ('b', 'c'):
        options = {'name': name, 'state': 'restored'}
        predicted = run('backup', check=True, **options)
        restored = run('backup', **options)
        assert not restored.get('failed'), restored['msg']
        assert predicted['diff'] == restored['diff']
        assert keep('server', name='box', **off)['server']['snapshots'] == ['kept']
    keep('server_snapshot', server='box', name='kept', state='absent')
    assert 'disk_format: backup b is of a container, whose images are root-tar' in refused(
        'image', name='copy', backup='b', disk_format='qcow2'
    )
    made = keep('image', name='copy', backup='b')['image']
    assert (made['disk_format'], made['source']) == ('root-tar', 'backup:b')
    assert keep('server', name='box-1', image='copy', **off)['server']['type'] == 'container'
    keep('server', name='box-1', state='absent')
    keep('image', name='copy', state='absent')
    for name in ('b', 'c'):
        keep('backup', name=name, state='absent')


@pytest.mark.needs('snapshots of servers')
def test_snapshots(keep: Keep, refused: Refused, run: Run, root: str) -> None:
    """They have its files, and no volumes and memory; they are deleted in any order, or with it."""
    off = {'flavor': 'g1.nano', 'state': 'stopped'}
    keep('server', name='box', image=root, **off)
    no_memory = 'memory: server box is a container, whose memory nothing keeps; leave memory out'
    assert no_memory in refused('server_snapshot', server='box', name='a', memory=True)
    made = keep('server_snapshot', server='box', name='a', memory=False)['server_snapshot']
    assert (made['volumes'], made['memory'], made['status']) == ({}, False, 'available')
    for name in ('b', 'c'):
        made = keep('server_snapshot', server='box', name=name, labels={'a': 'b'})
    assert made['server_snapshot']['parent'] == 'b'
    keep('server_snapshot', server='box', name='b', state='absent')
    restored = {'server': 'box', 'name': 'a', 'state': 'restored'}
    assert 'has no memory; leave memory out' in refused('server_snapshot', **restored, memory=True)
    predicted, done = (run('server_snapshot', check=check, **restored) for check in (True, False))
    assert not done.get('failed'), done['msg']
    assert predicted['diff'] == done['diff']
    shown = run('server_snapshot_info', server='box')['server_snapshots']
    tree = [(one['name'], one['parent'], one['current']) for one in shown]
    assert tree == [('a', None, True), ('c', 'a', False)]
    rebuilt = refused('server_action', name='box', action='rebuild')
    assert 'server box has snapshots (a, c), which a rebuild would lose' in rebuilt
    run('server_action', name='box', action='rename', new_name='other')
    keep('server_snapshot', server='other', name='a', state='absent')
    assert 'set delete_snapshots: true' in refused('server', name='other', state='absent')
    keep(
        'server',
        name='other',
        image=root,
        user_data='#!/bin/sh\n',
        on_drift='recreate',
        delete_snapshots=True,
        **off,
    )
    assert run('server_snapshot_info')['server_snapshots'] == []
    keep('server_snapshot', server='other', name='d')
    keep('server', name='other', state='absent', delete_snapshots=True)


def test_vlan(cloud: CloudUnderTest, keep: Keep, refused: Refused, root: str) -> None:
    """An interface on a bridge has no VLAN, of a new one and of one that exists."""
    front, tagged = {'name': cloud.network}, {'bridge': 'br0', 'vlan': 20}
    off = {'flavor': 'g1.nano', 'state': 'stopped'}
    message = 'networks: vlan: 20: an interface of a container has none'
    assert message in refused('server', name='box', image=root, networks=[front, tagged], **off)
    keep('server', name='box', image=root, networks=[front], **off)
    assert message in refused('server', name='box', networks=[front, tagged])
    if 'bridges of the host' in cloud.can:
        keep('server', name='box', networks=[front, {'bridge': 'br0'}])


def test_application(keep: Keep, refused: Refused, run: Run, root: str, tmp_path: Path) -> None:
    """A container of an OCI image runs its application; what only an init does is refused."""
    path = tmp_path / 'app.tar'
    config = {'Entrypoint': ['/app'], 'Env': ['PATH=/bin']}
    oci_archives.write(path, [oci_archives.layer(('./app', 'file', '#!/app'))], config)
    off = {'flavor': 'g1.nano', 'state': 'stopped'}
    made = keep('image', name='app', path=str(path), disk_format='oci')['image']
    assert made['application'] == {
        'command': ['/app'],
        'working_dir': '/',
        'user': 0,
        'group': 0,
        'stop_signal': 15,
    }
    script, password = {'user_data': '#!/bin/sh\n'}, {'root_password': 'one good word'}
    for options in (
        script,
        password,
        {'wait_for': 'init'},
        {'wait_for': 'ssh', 'state': 'started'},
    ):
        (option,) = {*options} - {'state'}
        message = refused('server', name='box', image='app', **{**off, **options})
        assert f'{option}: ' in message
        assert 'server box runs the application of its image app' in message
    assert keep('server', name='box', image='app', **off)['server']['type'] == 'container'
    assert 'runs the application' in refused('server', name='box', **off, wait_for='init')
    wrong = refused('image', name='copy', server='box', disk_format='root-tar')
    assert 'whose images are oci' in wrong
    copy = keep('image', name='copy', server='box')['image']
    assert (copy['disk_format'], copy['application']) == ('oci', made['application'])
    keep('server', name='other', image=root, **off, **script)
    rebuilt = refused('server_action', name='other', action='rebuild', image='copy')
    assert 'user_data: server other runs the application of its image copy' in rebuilt
    keep('server', name='other', state='absent')
    keep('server', name='box', image=root, on_drift='recreate', **off)
    keep('server', name='box', wait_for='init', **off)
    keep('server', name='box', image='app', on_drift='recreate', **off)
    assert 'runs the application' in refused('server', name='box', **off, wait_for='init')
    keep('server', name='box', state='absent')
    keep('image', name='copy', state='absent')
    keep('image', name='app', state='absent')


def test_dns(keep: Keep, refused: Refused, root: str, image: str) -> None:
    """DNS servers and a domain come and go; virtual machines have none."""
    off = {'flavor': 'g1.nano', 'state': 'stopped'}
    made = keep('server', name='box', image=root, **off)['server']
    assert (made['dns_servers'], made['dns_domain']) == ([], None)
    servers = ['192.0.2.2', '192.0.2.1']
    made = keep('server', name='box', dns_servers=servers, dns_domain='example.com')['server']
    assert (made['dns_servers'], made['dns_domain']) == (servers, 'example.com')
    assert keep('server', name='box', dns_servers=servers[::-1])['changed']
    made = keep('server', name='other', like='box', state='stopped')['server']
    assert (made['dns_servers'], made['dns_domain']) == (servers[::-1], 'example.com')
    made = keep('server', name='box', dns_servers=[], dns_domain='none')['server']
    assert (made['dns_servers'], made['dns_domain']) == ([], None)
    for wrong, text in (
        ({'dns_servers': ['dns']}, "dns_servers: 'dns' is not an IPv4 address"),
        ({'dns_servers': ['192.0.2.1'] * 2}, 'dns_servers: one is specified twice'),
        ({'dns_servers': [f'192.0.2.{n}' for n in range(4)]}, '4 are specified; use up to 3'),
        ({'dns_domain': 'a b'}, "dns_domain: 'a b' is not a valid domain"),
        ({'dns_domain': 'example.com\nnameserver 1'}, 'is not a valid domain'),
    ):
        assert text in refused('server', name='box', **wrong)
    keep('server', name='box-1', image=image, **off)
    for name in ('box-1', 'box-2'):
        for option in ({'dns_servers': servers}, {'dns_domain': 'example.com'}, {'swap': 1}):
            message = refused('server', name=name, image=image, **off, **option)
            assert f'{next(iter(option))}: only a container has it' in message


def test_root_password(keep: Keep, refused: Refused, root: str, image: str) -> None:
    """A password is set with a container, and not shown; virtual machines have none."""
    off = {'flavor': 'g1.nano', 'state': 'stopped'}
    one, other = {'root_password': 'one good word'}, {'root_password': 'another good one'}
    for wrong, text in (('short', '5 characters'), ('x' * 129, '129 '), ('two\nlines', 'one line')):
        message = refused('server', name='box', image=root, **off, root_password=wrong)
        assert text in message
        assert wrong not in message
    made = keep('server', name='box', image=root, **off, **one)['server']
    assert made['root_password'] == HIDDEN
    assert not keep('server', name='box', **one)['changed']
    assert 'change it inside' in refused('server', name='box', **other)
    assert not keep('server', name='box', **other, on_drift='ignore')['changed']
    recreated = keep('server', name='box', **other, on_drift='recreate')
    assert recreated['changed']
    assert not keep('server', name='box', **other)['changed']
    like = {'name': 'other', 'like': 'box', 'state': 'stopped'}
    assert 'only a hash of that of box is recorded' in refused('server', **like)
    keep('server', **like, **one)
    keep('server', name='box-1', image=image, **off)
    for name in ('box-1', 'box-2'):
        message = refused('server', name=name, image=image, **off, **one)
        assert 'root_password: only a container has it' in message
    keep('server', name='box', state='absent')
    made = keep('server', name='box', image=root, **off)['server']
    assert made['root_password'] is None
    assert 'change it inside' in refused('server', name='box', **one)


def test_limit(keep: Keep, refused: Refused, run: Run, root: str) -> None:
    """What limits its files grows, and comes and shrinks only with other files."""
    off = {'flavor': 'g1.nano', 'state': 'stopped'}
    keep('server', name='other', image=root, **off)
    why = 'nothing limits its files, and a limit comes with a new file system'
    assert why in refused('server', name='other', volume_size=2)
    made = keep('server', name='other', volume_size=2, on_drift='recreate', **off)['server']
    assert made['volume_size'] == 2
    for wrong in (0, -1):
        assert 'volume_size: ' in refused('server', name='box', image=root, volume_size=wrong)
    made = keep('server', name='box', image=root, volume_size=1, **off)['server']
    assert (made['type'], made['volume_size'], made['volumes']) == ('container', 1, [])
    assert made['id'] not in {one['server'] for one in run('volume_info')['volumes']}
    assert keep('server', name='box', volume_size=2)['server']['volume_size'] == 2
    assert 'cannot shrink' in refused('server', name='box', volume_size=1)
    made = keep('server', name='box', flavor='g1.micro', state='stopped')['server']
    assert made['volume_size'] == 2  # of a flavor it is that of disks
    assert 'which has no disk; omit grow' in refused('server', name='box', grow=True)
    made = keep('server', name='box-1', like='box', state='stopped')['server']
    assert made['volume_size'] == 2
    assert run('server_action', name='box', action='rebuild')['changed']
    assert keep('server', name='box')['server']['volume_size'] == 2
    keep('server', name='box', volume_size=1, on_drift='recreate', **off)


@pytest.mark.needs('backups')
def test_limit_and_backup(keep: Keep, refused: Refused, run: Run, root: str) -> None:
    """A backup tells it, and comes back to where it has room."""
    off = {'flavor': 'g1.nano', 'state': 'stopped'}
    keep('server', name='box', image=root, volume_size=2, **off)
    assert keep('backup', name='b', server='box')['backup']['volume_size'] == 2
    restore = {'name': 'b', 'state': 'restored'}
    assert run('backup', **restore)['changed']
    keep('server', name='box', volume_size=1, on_drift='recreate', **off)
    message = refused('backup', **restore)
    assert 'backup b has 2 GB, and the disk of box only 1; extend that first' in message
    keep('image', name='copy', backup='b')
    keep('server', name='box-1', image='copy', **off)
    keep('server', name='box-1', state='absent')
    keep('image', name='copy', state='absent')
    keep('backup', name='b', state='absent')


FILES = {'size': 1, 'file_system': 'ext4'}


@pytest.fixture
def volumes(keep: Keep, root: str) -> Iterator[None]:
    """Volumes for containers, in two of them that are off."""
    off = {'image': root, 'flavor': 'g1.nano', 'state': 'stopped'}
    keep('server', name='box', count=2, **off)
    yield
    keep('server', name='box', count=0, allow_shrink=True)
    for name in ('disk', 'files', 'more'):
        keep('volume', name=name, state='absent')


def test_volumes(keep: Keep, refused: Refused, run: Run, volumes: None) -> None:
    """They have a file system, and a place in one container after the other."""
    there = {'name': 'files', 'server': 'box-1', 'state': 'attached'}
    predicted = run('volume', check=True, **there, **FILES)
    made = run('volume', **there, **FILES)
    assert predicted['diff'] == made['diff']
    volume = made['volume']
    assert (volume['file_system'], volume['mount_point']) == ('ext4', '/mnt/files')
    assert (volume['device'], volume['server'], volume['status']) == (None, 'box-1', 'in-use')
    assert not keep('volume', **there, **FILES, mount_point='/mnt/files')['changed']
    message = refused('volume', **there, mount_point='/srv')
    assert 'volume files is attached at /mnt/files, not at /srv; detach it first' in message
    message = refused('volume', **{**there, 'name': 'more'}, **FILES, mount_point='/mnt/files')
    assert 'mount_point: /mnt/files is that of volume files in box-1' in message
    keep('volume', **{**there, 'name': 'more'}, **FILES, mount_point='/mnt/files/more')
    assert keep('server', name='box-1', state='stopped')['server']['volumes'] == ['files', 'more']
    moved = keep('volume', name='files', server='box-2', mount_point='/srv', state='attached')
    assert (moved['volume']['server'], moved['volume']['mount_point']) == ('box-2', '/srv')
    assert keep('volume', name='files', size=2)['volume']['size'] == 2
    assert 'cannot shrink' in refused('volume', name='files', size=1)
    keep('server', name='box-2', state='absent')
    (found,) = run('volume_info', name='files')['volumes']
    assert (found['server'], found['mount_point'], found['status']) == (None, None, 'available')
    detached = keep('volume', name='more', state='detached')['volume']
    assert (detached['server'], detached['mount_point']) == (None, None)


def test_volumes_refused(keep: Keep, refused: Refused, run: Run, volumes: None, image: str) -> None:
    """What is no disk is not used as one, and the other way round."""
    keep('server', name='other', image=image, flavor='g1.nano', state='stopped')
    keep('volume', name='files', **FILES)
    keep('volume', name='disk', size=1)
    files, disk = {'name': 'files', 'state': 'attached'}, {'name': 'disk', 'state': 'attached'}
    for options, message in (
        ({**files, 'server': 'other'}, 'is a virtual machine, and files is for containers'),
        ({**disk, 'server': 'box-1'}, 'which has volumes with a file system only'),
        ({**disk, 'server': 'other', 'mount_point': '/data'}, 'mounts its volumes by itself'),
        ({'name': 'disk', 'file_system': 'ext4'}, 'keeps what it was created with'),
        ({'name': 'files', 'volume_type': 'fast'}, 'one with a file_system does not move'),
        ({'name': 'files', 'grow': True}, 'its file system always fills it; omit grow'),
        ({'name': 'more', 'source_volume': 'files'}, 'is not copied as a disk'),
        ({'name': 'more', 'file_system': 'ext4', 'source_volume': 'disk'}, 'is created empty'),
        ({'name': 'files', 'mount_point': '/data'}, 'requires state: attached, not present'),
        *(
            ({**files, 'server': 'box-1', 'mount_point': path}, message)
            for path, message in (
                ('data', 'use an absolute path'),
                ('/', 'use an absolute path'),
                ('/data/', 'use an absolute path'),
                ('/a/../b', 'use an absolute path'),
                ('/a b', 'use an absolute path'),
                ('/proc/sys', 'which a container mounts by itself'),
                ('/dev', 'which a container mounts by itself'),
                ('/.oldroot', 'which a container mounts by itself'),
                ('/usr', 'has what a container needs to start'),
                ('/usr/sbin', 'has what a container needs to start'),
            )
        ),
    ):
        assert message in refused('volume', **options), options
    assert 'and has no snapshots' in refused('volume_snapshot', volume='files', name='s')
    assert 'is not copied as a disk' in refused('image', name='copy', volume='files')
    keep('volume', **files, server='box-1')
    assert 'is a container with volumes (files), which have no snapshots' in refused(
        'server_snapshot', server='box-1', name='s'
    )


@pytest.mark.needs('backups')
def test_volumes_and_backup(keep: Keep, refused: Refused, volumes: None) -> None:
    """A backup is without them, and says so."""
    keep('volume', name='files', **FILES, server='box-1', state='attached')
    message = refused('backup', name='b', server='box-1', include_volumes=True)
    assert 'volume files is for containers (file_system: ext4), and is in no backup' in message
    keep('backup', name='b', server='box-1')
    keep('backup', name='b', state='absent')


LACKED: list[tuple[dict[str, Any], str]] = [
    ({'hardware': {'cores': 1}}, 'it runs on the kernel of the host'),
    ({'guest_agent': True}, 'the host sees into it without one'),
    ({'on_crash': 'restart'}, 'whether it crashed or was shut down'),
]


def test_lacks(keep: Keep, refused: Refused, root: str, image: str) -> None:
    """What no container has is refused by name, for new ones and for those that exist."""
    off = {'flavor': 'g1.nano', 'state': 'stopped'}
    for options, why in LACKED:
        assert why in refused('server', name='box', image=root, **off, **options), options
    keep('server', name='box', image=root, **off)
    for options, why in LACKED:
        assert why in refused('server', name='box', **options), options
    assert 'has no disk to boot another system from' in refused(
        'server_action', name='box', action='rescue', image=image
    )
    keep('flavor', name='box-slow', vcpus=1, memory=128, disk=1, limits={'disk_iops': 100})
    for action in ('server', 'server_action'):
        more = {'action': 'resize'} if action == 'server_action' else {}
        assert 'limits disks or networks (disk_iops)' in refused(
            action, name='box', flavor='box-slow', **more
        )
    keep('flavor', name='box-slow', state='absent')
