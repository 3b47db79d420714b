# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers, their groups and their volumes: created, changed, refused, deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .clouds import CloudUnderTest
from .promises import Result, Run

PUBLIC_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPIiYP0nBFNbnWEqM8sxUqWbLxTCdmcEVTEmWDGGL7ln'
Keep = Callable[..., Result]
Refused = Callable[..., str]
Created = Callable[..., Result]


def test_server(cloud: CloudUnderTest, keep: Keep, refused: Refused, server: Created) -> None:
    """What can change is changed; what cannot is refused, with both values."""
    # With a size of its own, the root disk is a volume where others have that of their flavor.
    created = server('one', labels={'role': 'web'}, description='first', volume_size=2)['server']
    shown = (created['status'], created['vcpus'], created['security_groups'])
    assert shown == ('SHUTOFF', 1, ['default'])
    keep('security_group', name='more')
    keep('server', name='one', security_groups=['default', 'more'])
    assert 'image is small, requested other' in refused('server', name='one', image='other')
    text = refused('server', name='one', user_data='#!/bin/sh\ntrue\n')
    assert 're-create the server' in text
    keep('server', name='one', volume_size=3)
    assert 'not shrink' in refused('server', name='one', volume_size=2)
    larger = keep('server', name='one', flavor=cloud.larger_flavor)['server']
    assert (larger['memory'], larger['volume_size'], larger['status']) == (512, 4, 'SHUTOFF')
    keep('server', name='one', delete_protection=True)
    assert 'protected' in refused('server', name='one', state='absent')
    keep('server', name='one', security_groups=['default'], delete_protection=False)
    keep('security_group', name='more', state='absent')


@pytest.mark.needs('servers without flavors')
def test_size_without_a_flavor(
    cloud: CloudUnderTest, keep: Keep, refused: Refused, run: Run, server: Created
) -> None:
    """From a flavor to vCPUs and memory, and back; similar and further servers have the same."""
    created = server('one', flavor=None, vcpus=3, memory=640)['server']
    sizes = ('flavor', 'vcpus', 'memory', 'volume_size')
    assert [created[size] for size in sizes] == [None, 3, 640, 1]
    like = server('two', flavor=None, like='one')['server']
    assert [like[size] for size in sizes] == [None, 3, 640, 1]
    other = server('three', flavor=None, like='one', vcpus=1, memory=700)['server']
    assert [other[size] for size in sizes] == [None, 1, 700, 1]
    assert keep('server', name='one', vcpus=2, memory=768)['server']['vcpus'] == 2
    flavored = keep('server', name='one', flavor=cloud.flavor)['server']
    assert [flavored[size] for size in sizes] == [cloud.flavor, 1, 128, 1]
    custom = keep('server', name='one', vcpus=2, memory=768)['server']
    assert [custom[size] for size in sizes] == [None, 2, 768, 1]
    assert 'memory: vcpus without a flavor needs it' in refused('server', name='one', vcpus=1)
    assert 'use either flavor, or vcpus and memory' in refused(
        'server', name='one', flavor=cloud.flavor, vcpus=1, memory=512
    )
    server('many', count=1, flavor=None, vcpus=1, memory=600)
    many = keep('server', name='many', count=2, vcpus=1, memory=600)['servers']
    assert [one['memory'] for one in many] == [600, 600]
    assert run('server_info', name='one')['servers'] == [custom]


@pytest.mark.needs('hardware of servers')
def test_hardware(keep: Keep, refused: Refused, run: Run, server: Created) -> None:
    """What is specified is changed, the rest stays; what the host or the vCPUs lack is refused."""
    size = {'flavor': None, 'vcpus': 4, 'memory': 600}
    created = server('one', **size, hardware={'cores': 2, 'os_type': 'other'})['server']['hardware']
    assert created == {
        'os_type': 'other',
        'sockets': 2,
        'cores': 2,
        'threads': 1,
        'cpu_model': 'default',
        'disk_bus': 'sata',
        'nic_model': 'rtl8139',
        'video': 'vga',
        'boot_order': ['disk'],
        'firmware': 'bios',
        'secure_boot': False,
        'tpm': False,
        'cdroms': [],
    }
    assert server('two', flavor=None, like='one')['server']['hardware'] == created
    changed = keep('server', name='one', hardware={'cpu_model': 'qemu64', 'video': 'none'})
    assert changed['server']['hardware'] == {**created, 'cpu_model': 'qemu64', 'video': 'none'}
    order = ['cdrom', 'network', 'disk']
    linux = {'os_type': 'linux', 'cpu_model': 'maximum', 'boot_order': order, 'disk_bus': 'scsi'}
    shown = keep('server', name='one', hardware=linux)['server']['hardware']
    assert shown == {**created, **linux, 'nic_model': 'virtio', 'video': 'none'}
    text = refused('server', name='one', hardware={'cpu_model': 'pentium9'})
    assert 'cpu_model: pentium9 is not possible on this host; use one of default, ' in text
    text = refused('server', name='one', vcpus=3, memory=600)
    assert '3 vCPUs are not 2 sockets with 2 cores of 1 threads; set sockets' in text
    assert '3 vCPUs are not' in refused(
        'server_action', name='one', action='resize', vcpus=3, memory=600
    )
    keep('server', name='one', vcpus=3, memory=600, hardware={'sockets': 3, 'cores': 1})
    plain = keep('server', name='one', vcpus=2, memory=600)['server']['hardware']
    assert (plain['sockets'], plain['cores'], plain['threads']) == (2, 1, 1)
    assert 'name each device once' in refused(
        'server', name='one', hardware={'boot_order': ['disk', 'disk']}
    )


@pytest.fixture
def discs(keep: Keep, tmp_path: Path) -> Iterator[None]:
    """Two ISO images."""
    path = tmp_path / 'disc.iso'
    path.write_bytes(bytes(0x8001) + b'CD001' + bytes(2042))
    for name in ('disc', 'tools'):
        keep('image', name=name, path=str(path), disk_format='iso')
    yield
    for name in ('disc', 'tools'):
        keep('image', name=name, state='absent')


@pytest.mark.needs('hardware of servers')
def test_discs(
    keep: Keep, refused: Refused, run: Run, discs: None, server: Created, image: str
) -> None:
    """ISO images are CDs of servers, and no disks; used ones are not deleted."""
    created = server('one', hardware={'cdroms': ['disc']})['server']
    assert created['hardware']['cdroms'] == ['disc']
    assert server('two', flavor=None, like='one')['server']['hardware']['cdroms'] == ['disc']
    assert 'image disc is used by one, two' in refused('image', name='disc', state='absent')
    (shown,) = run('image_info', name='disc')['images']
    assert (shown['disk_format'], shown['used_by']) == ('iso', ['one', 'two'])
    keep('server', name='two', hardware={'cdroms': []})
    both = keep('server', name='one', hardware={'cdroms': ['tools', 'disc']})['server']
    assert both['hardware']['cdroms'] == ['tools', 'disc']
    keep('server', name='one', hardware={'cdroms': ['tools'], 'boot_order': ['cdrom']})
    assert f'hardware: cdroms: image {image} is no ISO image; use one' in refused(
        'server', name='one', hardware={'cdroms': [image]}
    )
    missing = run('server', name='one', hardware={'cdroms': ['lost']})['msg']
    assert 'image lost does not exist' in missing
    text = 'is an ISO image, which is no disk; use the image of a disk'
    assert text in refused('server', name='three', image='disc', flavor='g1.nano')
    assert text in refused('server', name='one', image='disc', on_drift='recreate')
    assert text in refused('server_action', name='one', action='rebuild', image='disc')
    assert 'disk_format is iso, requested qcow2' in refused(
        'image', name='disc', disk_format='qcow2'
    )
    assert 'iso requires path or url' in refused(
        'image', name='three', server='one', disk_format='iso'
    )


@pytest.mark.needs('hardware of servers')
def test_firmware(keep: Keep, refused: Refused, server: Created) -> None:
    """EFI and BIOS, with secure boot, and with a TPM that the machine gets and loses."""
    server('one', flavor=None, vcpus=1, memory=600, hardware={'firmware': 'efi', 'tpm': True})
    secure = keep('server', name='one', hardware={'secure_boot': True})['server']['hardware']
    assert (secure['firmware'], secure['secure_boot'], secure['tpm']) == ('efi', True, True)
    assert 'secure_boot: true needs firmware: efi; set both' in refused(
        'server', name='one', hardware={'firmware': 'bios'}
    )
    keep('server', name='one', hardware={'secure_boot': False, 'tpm': False, 'firmware': 'bios'})
    assert 'needs firmware: efi' in refused('server', name='one', hardware={'secure_boot': True})


def test_running_server(
    cloud: CloudUnderTest, keep: Keep, refused: Refused, run: Run, server: Created
) -> None:
    """Started, updated in use, restarted, powered off; a change that needs a restart is refused."""
    assert server('one', state='started', volume_size=2)['server']['status'] == 'ACTIVE'
    keep('server', name='one', labels={'tier': 'web'}, description='one')
    assert 'allow_restart' in refused('server', name='one', flavor=cloud.larger_flavor)
    keep('server', name='one', volume_size=3)
    force = 'power off' in cloud.can
    predicted, done = (
        run('server', check=check, name='one', state='restarted', force=force)
        for check in (True, False)
    )
    assert predicted['changed'] is done['changed'] is True
    assert predicted['diff'] == done['diff']
    stopped = keep('server', name='one', state='stopped', force=force)['server']
    assert stopped['status'] == 'SHUTOFF'


def test_waiting(run: Run, server: Created) -> None:
    """A timeout fails the task and keeps its changes; with wait: false it does not wait."""
    server('slow', state='started')
    options = {'name': 'slow', 'description': 'late', 'wait_for': 'init', 'wait_timeout': 0}
    late = run('server', **options)
    assert late['failed']
    assert 'server slow: timed out after 0 s (wait_timeout) waiting for init: ' in late['msg']
    assert (late['changed'], late['server']['status']) == (True, 'ACTIVE')
    done = run('server', **options, wait=False)
    assert not done.get('failed'), done['msg']
    assert (done['changed'], done['steps']) == (False, [])


@pytest.mark.needs('several keys of a server')
def test_several_keys(keep: Keep, refused: Refused, run: Run, server: Created) -> None:
    """In any order; they are installed once, and not deleted while the server exists."""
    for name in ('first', 'second'):
        keep('keypair', name=name, public_key=PUBLIC_KEY)
    created = server('one', key_names=['first', 'second'])['server']
    assert (created['key_name'], created['key_names']) == ('first', ['first', 'second'])
    assert not run('server', name='one', key_names=['second', 'first'])['changed']
    assert 'key_names is [first, second], requested [first]: keys are installed' in refused(
        'server', name='one', key_name='first'
    )
    assert 'is used by one' in refused('keypair', name='second', state='absent')
    assert 'mutually exclusive' in refused(
        'server', name='one', key_name='first', key_names=['first', 'second']
    )
    keep('server', name='one', state='absent')
    for name in ('first', 'second'):
        keep('keypair', name=name, state='absent')


@pytest.mark.parametrize(
    'option', ['image', 'flavor', 'key_name', 'security_groups', 'init_script']
)
def test_missing_references(cloud: CloudUnderTest, run: Run, image: str, option: str) -> None:
    """Check mode warns, because an earlier task may create it; a run is refused."""
    options: dict[str, Any] = {'name': 'none', 'image': image, 'flavor': cloud.flavor}
    options[option] = ['absent'] if option == 'security_groups' else 'absent'
    warned = run('server', check=True, **options)
    assert not warned.get('failed'), warned['msg']
    done = run('server', **options)
    assert 'absent does not exist; available: ' in done['msg']
    assert run('server_info', name='none')['servers'] == []


def test_bad_input(cloud: CloudUnderTest, refused: Refused, run: Run) -> None:
    """Bad input is refused with all its errors, before anything is touched."""
    before = cloud.state()
    text = refused(
        'server',
        name='a b',
        flavor='x\ty',
        volume_size=9999,
        security_groups=['a', 'b', 'c', 'd'],
        networks=[{'name': cloud.network, 'fixed_ip': 'x'}],
        user_data='hello',
    )
    for word in ('a b', r'x\ty', '9999', 'at most 3', "'x'", '#!'):
        assert word in text
    missing = run('server', name='new', flavor='huge', image='none')
    assert missing['failed']
    assert cloud.flavor in missing['msg']
    assert run('server', check=True, name='new', flavor='huge', image='none')['changed']
    assert cloud.state() == before


def test_group_of_servers(keep: Keep, refused: Refused, run: Run, server: Created) -> None:
    """It grows by its count, and shrinks only with allow_shrink."""
    server('many', count=2)
    created = server('many', count=3)['servers']
    assert [one['name'] for one in created] == ['many-1', 'many-2', 'many-3']
    assert len({one['networks'][0]['fixed_ip'] for one in created}) == 3
    assert 'allow_shrink' in refused('server', name='many', count=1)
    assert len(keep('server', name='many', count=1, allow_shrink=True)['servers']) == 1
    assert 'is a group' in refused('server', name='many', description='not of one')
    assert [one['name'] for one in run('server_info', name='many')['servers']] == ['many-1']
    keep('server', name='many', count=0, allow_shrink=True)


def test_volume(keep: Keep, refused: Refused, server: Created) -> None:
    """It moves from server to server, outlives them, and never shrinks."""
    keep('volume', name='data', size=1)
    server('one')
    server('two')
    attached = keep('volume', name='data', server='one', state='attached')['volume']
    assert attached['server'] == 'one'
    assert keep('server', name='one')['server']['volumes'] == ['data']
    text = refused('volume', name='data', state='absent')
    assert 'attached to one' in text
    assert 'detach it first' in text
    moved = keep('volume', name='data', server='two', state='attached')['volume']
    assert (moved['server'], moved['device']) == ('two', attached['device'])
    keep('volume', name='data', size=2)
    text = refused('volume', name='data', size=1)
    assert 'size is 2, requested 1' in text
    assert 'cannot shrink' in text
    keep('volume', name='data', state='detached', force=True)
    keep('volume', name='data', server='two', state='attached')
    keep('server', name='two', state='absent')
    assert keep('volume', name='data')['volume']['server'] is None
    keep('volume', name='data', state='absent')
    assert '5121' in refused('volume', name='big', size=5121)


@pytest.mark.needs('hardware of servers')
def test_bus_of_volumes(keep: Keep, refused: Refused, server: Created) -> None:
    """Volumes are on the bus of their server. SATA takes and releases none while it runs."""
    keep('volume', name='data', size=1)
    server('one', state='started', hardware={'disk_bus': 'sata'})
    only_while_off = 'disks on its bus (disk_bus: sata) come and go only while it is off'
    attached = {'server': 'one', 'state': 'attached'}
    assert only_while_off in refused('volume', name='data', **attached)
    keep('server', name='one', state='stopped', force=True)
    keep('volume', name='data', **attached)
    keep('server', name='one', state='started')
    assert only_while_off in refused('volume', name='data', state='detached')
    keep('volume', name='data', size=2)
    keep('server', name='one', state='stopped', force=True)
    keep('server', name='one', state='started', hardware={'disk_bus': 'scsi'})
    keep('volume', name='data', state='detached', force=True)
    keep('volume', name='data', **attached)
    keep('server', name='one', state='absent')
    keep('volume', name='data', state='absent')


@pytest.mark.parametrize('state', ['stopped', 'started'])
def test_root_volume(keep: Keep, refused: Refused, run: Run, server: Created, state: str) -> None:
    """It is created and deleted with its server; both grow it, and see what the other did."""
    assert 'create the server one first' in run('volume', name='one/root', size=2)['msg']
    assert keep('volume', name='one/root', state='absent')['volume'] is None
    created = server('one', state=state, volume_size=2)['server']
    (root,) = run('volume_info', query='[?bootable]')['volumes']
    shown = (root['name'], root['server'], root['size'], root['status'])
    assert shown == ('one/root', 'one', 2, 'in-use')
    assert created['volumes'] == []
    grown = keep('volume', name='one/root', size=3, description='of one', labels={'a': 'b'})
    assert (grown['volume']['size'], grown['volume']['device']) == (3, root['device'])
    assert keep('server', name='one', volume_size=3)['server']['volume_size'] == 3
    assert not keep('server', name='one', volume_size=3)['changed']
    keep('server', name='one', volume_size=4)
    assert keep('volume', name='one/root', size=4)['volume']['description'] == 'of one'
    assert 'requested 3' in refused('volume', name='one/root', size=3)
    assert 'requested 3' in refused('server', name='one', volume_size=3)
    assert 'deleted with its server' in refused('volume', name='one/root', state='absent')
    assert 'cannot be detached' in refused('volume', name='one/root', state='detached')
    server('two')
    text = refused('volume', name='one/root', state='attached', server='two')
    assert 'cannot be attached to another server' in text
    for name in ('one', 'two'):
        keep('server', name=name, state='absent')
    assert run('volume_info')['volumes'] == []


def test_similar_server(keep: Keep, refused: Refused, run: Run, server: Created) -> None:
    """It has the options of the other one, unless they are given, and nothing else of it."""
    keep('security_group', name='more')
    first = server(
        'one', volume_size=2, labels={'a': 'b'}, security_groups=['more'], description='first'
    )['server']
    keep('volume', name='data', size=1)
    keep('volume', name='data', state='attached', server='one')
    similar = server('two', like='one', description='second', image=None, flavor=None)['server']
    own = ('name', 'id', 'description', 'networks', 'fixed_ip', 'created_at', 'volumes')
    kept = set(first) - {*own}
    assert {key: similar[key] for key in kept} == {key: first[key] for key in kept}
    assert (similar['description'], similar['volumes']) == ('second', [])
    assert not keep('server', name='two', like='one', labels={'a': 'b'})['changed']
    missing = run('server', name='three', like='none')
    assert 'like: server none does not exist' in missing['msg']
    keep('volume', name='data', state='detached')
    keep('volume', name='data', state='absent')
    for name in ('two', 'one'):
        keep('server', name=name, state='absent')
    keep('security_group', name='more', state='absent')


def test_room_to_grow(cloud: CloudUnderTest, keep: Keep, refused: Refused, server: Created) -> None:
    """A flavor says how far its running servers grow; what is more needs a restart."""
    room = {'disk': 2, 'max_vcpus': 2, 'max_memory': 256}
    if 'flavors of a project' not in cloud.can:
        text = refused('flavor', name='room.1', vcpus=1, memory=128, **room)
        assert 'Nova changes no running server' in text
        return
    assert 'max_memory: 256 is less' in refused('flavor', name='x', vcpus=1, memory=512, **room)
    for vcpus in (1, 2, 3):
        keep('flavor', name=f'room.{vcpus}', vcpus=vcpus, memory=128, disk=2)
    for vcpus in (1, 2):
        keep('flavor', name=f'room.{vcpus}', max_vcpus=2, max_memory=256)
    one = server('one', flavor='room.1', state='started')['server']
    assert (one['max_vcpus'], one['max_memory']) == (2, 256)
    two = keep('server', name='one', flavor='room.2')['server']
    assert (two['vcpus'], two['max_vcpus']) == (2, 2)
    for flavor in ('room.1', 'room.3'):
        assert 'which requires a restart' in refused('server', name='one', flavor=flavor)
    keep('server', name='one', state='stopped', force=True)
    three = keep('server', name='one', flavor='room.3')['server']
    assert (three['vcpus'], three['max_vcpus'], three['max_memory']) == (3, None, None)
    keep('server', name='one', state='absent')
    for vcpus in (1, 2, 3):
        keep('flavor', name=f'room.{vcpus}', state='absent')


def test_drift(
    cloud: CloudUnderTest, keep: Keep, refused: Refused, run: Run, server: Created
) -> None:
    """What is fixed is refused, ignored, or made by another root disk; the rest of it stays."""
    keep('image', name='other', path=cloud.image_path)
    one = server('one', volume_size=3, user_data='#!/bin/sh\n', floating_ip='auto')['server']
    keep('volume', name='data', size=1, server='one', state='attached')
    other = {'name': 'one', 'image': 'other', 'user_data': '#!/bin/sh\ndate\n', 'volume_size': 2}
    assert 'image is small, requested other' in refused('server', **other)
    ignored = run('server', **other, on_drift='ignore', description='mine')
    assert ignored['diff']['after'] == 'server one:  # update\n  description: mine\n'
    assert 'image is small, requested other; ' in str(ignored['warnings'])
    again = {**other, 'on_drift': 'recreate'}
    keep('server', name='one', delete_protection=True)
    assert 'server one is protected, and on_drift' in refused('server', **again)
    allowed = {'delete_protection': False, 'delete_snapshots': True}
    if 'snapshots of servers' in cloud.can:
        keep('server_snapshot', name='before', server='one')
        text = refused('server', **again, delete_protection=False)
        assert 'has snapshots (before), which are lost' in text
    else:
        assert 'keeps the size' in refused('server', **again, **allowed)
        again['volume_size'] = 3
    two = keep('server', **again, **allowed)['server']
    if 'snapshots of servers' in cloud.can:
        assert run('server_snapshot_info', server='one')['server_snapshots'] == []
    same = ('id', 'networks', 'floating_ip', 'volumes', 'created_at', 'status', 'description')
    kept = {**one, 'volumes': ['data'], 'description': 'mine'}
    assert {key: two[key] for key in same} == {key: kept[key] for key in same}
    shown = (two['image'], two['volume_size'], two['init_script'])
    assert shown == ('other', again['volume_size'], None)
    keep('keypair', name='drift', public_key=PUBLIC_KEY)
    keep('init_script', name='drift', content='#!/bin/sh\ndate\n')
    content = {'key_name': 'drift', 'init_script': 'drift', 'on_drift': 'recreate'}
    three = keep('server', name='one', **content)['server']
    assert (three['key_names'], three['init_script']) == (['drift'], 'drift')
    keep('server', name='one', state='absent', delete_protection=False)
    keep('volume', name='data', state='absent')
    keep('image', name='other', state='absent')
    keep('keypair', name='drift', state='absent')
    keep('init_script', name='drift', state='absent')


def test_crash(cloud: CloudUnderTest, keep: Keep, refused: Refused, server: Created) -> None:
    """A server says what becomes of it after a crash."""
    assert server('one')['server']['on_crash'] == 'restart'
    if 'flavors of a project' not in cloud.can:
        assert 'Nova starts none' in refused('server', name='one', on_crash='stop')
        return
    for choice in ('stop', 'restart'):
        assert keep('server', name='one', on_crash=choice)['server']['on_crash'] == choice


def test_start_order(cloud: CloudUnderTest, keep: Keep, refused: Refused, server: Created) -> None:
    """A server says when it is started with its host."""
    one = server('one')['server']
    assert (one['start_order'], one['start_delay']) == (0, 0)
    if 'flavors of a project' not in cloud.can:
        assert 'Nova starts servers' in refused('server', name='one', start_order=1)
        return
    for order, delay in ((3, 60), (2, 0), (0, 0)):
        one = keep('server', name='one', start_order=order, start_delay=delay)['server']
        assert (one['start_order'], one['start_delay']) == (order, delay)
    assert 'start_order: 10000 is out of range' in refused('server', name='one', start_order=10000)
    assert 'start_delay: -1 is out of range' in refused('server', name='one', start_delay=-1)


def test_user_of_the_image(cloud: CloudUnderTest, keep: Keep, run: Run, server: Created) -> None:
    """Servers have that of their image, which can be changed at any time."""
    keep('image', name='named', path=cloud.image_path)
    server('one', image='named')
    assert run('server_info', name='one')['servers'][0]['os_admin_user'] is None
    for user in ('debian', 'Administrator'):
        assert keep('image', name='named', os_admin_user=user)['image']['os_admin_user'] == user
        found = run('server_info', name='one')['servers']
        assert [one['os_admin_user'] for one in found] == [user]
    keep('server', name='one', state='absent')
    keep('image', name='named', state='absent')
