# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""OCI images, and containers that run their applications, on a real libvirt."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure

from ansible_collections.hanok.cloud.tests import oci_archives as oci
from ansible_collections.hanok.cloud.tests.reliability.invariants import output_of

from .conftest import eventually, keep, newest_image, refused, run
from .test_agent_connection import connected

Item = dict[str, Any]
KIM = (
    '--config.entrypoint=./app',
    '--config.cmd=one <two>',
    '--config.cmd=&"three"',
    '--config.env=SAID=it\'s <good> & "so"',
    '--config.env=SECRET=never shown',
    '--config.user=kim',
    '--config.workingdir=/home/kim',
    '--config.stopsignal=SIGINT',
)
APP = {'name': 'app'}
SMALL = {'flavor': 'g1.nano', 'security_groups': ['apps']}


@pytest.fixture(scope='module')
def layout(host: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layout of an image with an application."""
    return oci.build(tmp_path_factory.mktemp('oci'), newest_image('tiny', 'tar'), KIM)


@pytest.fixture(scope='module')
def app(layout: Path) -> Iterator[Item]:
    """A container that runs an application."""
    path = layout.parent / 'app.tar'
    oci.ran('skopeo', 'copy', '--insecure-policy', f'oci:{layout}:it', f'oci-archive:{path}:it')
    keep('security_group', name='apps', rules=[{'protocol': 'icmp'}])
    keep('image', name='app', path=str(path), disk_format='oci')
    yield keep('server', **APP, image='app', **SMALL, wait_for='ip')['server']
    keep('server', **APP, state='absent')
    keep('image', name='app', state='absent')
    keep('security_group', name='apps', state='absent')


def shown() -> Item:
    """The container, as server_info shows it."""
    (found,) = run('server_info', **APP)['servers']
    return dict(found)


def log() -> str:
    """What it printed."""
    return str(run('server_log', **APP)['log'])


def root_of(server: Item) -> Path:
    """The root file system of a container on this host."""
    return Path('/var/lib/hanok/servers', server['id'], 'root')


# -- applications ----------------------------------------------------------------------------------


def test_runs(app: Item) -> None:
    """It runs its entrypoint as its user, with its arguments, environment and folder."""
    said = 'it\'s <good> & "so"'
    started = (
        f'started as 1000:1001 in /home/kim with one <two> &"three" home /home/kim said {said}'
    )
    eventually(lambda: started in log())
    assert 'ls: /removed: No such file' in log()
    assert (app['type'], app['status']) == ('container', 'ACTIVE')
    image = run('image_info', name='app')['images'][0]
    assert image['disk_format'] == 'oci'
    assert image['application'] == {
        'command': ['/bin/env', f'SAID={said}', '/home/kim/./app', 'one <two>', '&"three"'],
        'working_dir': '/home/kim',
        'user': 1000,
        'group': 1001,
        'stop_signal': 2,
    }
    assert 'never shown' not in json.dumps(image)
    owner = root_of(app).stat().st_uid
    home = (root_of(app) / 'home' / 'kim').stat()
    assert (home.st_uid - owner, home.st_gid - owner) == (1000, 1001)
    assert (root_of(app) / 'etc' / 'resolv.conf').read_text() == 'nameserver 192.168.0.1\n'
    assert f'{app["fixed_ip"]} app' in (root_of(app) / 'etc' / 'hosts').read_text()
    assert not (root_of(app) / 'var' / 'lib' / 'cloud' / 'seed').exists()


def test_life(app: Item) -> None:
    """It ends by its own signal, starts again, is paused, and rebuilt."""
    ended = root_of(app) / 'home' / 'kim' / 'ended'
    eventually(lambda: 'started as' in log())
    keep('server', **APP, state='stopped')
    assert shown()['status'] == 'SHUTOFF'
    assert ended.read_text() == 'ended by INT\n'
    for state in ('started', 'paused', 'started'):
        assert keep('server', **APP, state=state, wait_for='ip')['changed']
    before = log().count('started as')
    run('server_action', **APP, action='reboot_soft')
    eventually(lambda: log().count('started as') == before + 1)
    run('server_action', **APP, action='rebuild')
    assert not ended.exists()
    keep('server', **APP, vcpus=2, memory=200)
    keep('server', **APP, flavor='g1.nano')


def test_exit(app: Item) -> None:
    """A container whose application ends is off, and keeps what that has printed."""
    keep('server', **APP, state='started')
    connection = connected(app['id'])
    assert connection.exec_command('id -u')[:2] == (0, b'0\n')
    connection.exec_command('kill -INT 1')  # its shell may be killed with the application
    eventually(lambda: shown()['status'] == 'SHUTOFF')
    connection.close()
    with pytest.raises(AnsibleConnectionFailure, match='it does not run'):
        connected(app['id'], timeout=2)._connect()
    keep('server', **APP, state='started')


def test_image_of_it(app: Item) -> None:
    """An image of it runs the same application."""
    keep('server', **APP, state='stopped')
    made = keep('image', name='copy', server='app')['image']
    assert (made['disk_format'], made['application']['user']) == ('oci', 1000)
    keep('server', **APP, state='started')
    keep('server', name='copy', image='copy', **SMALL, wait_for='ip')
    keep('server', name='copy', state='absent')
    keep('image', name='copy', state='absent')


def test_repaired(app: Item) -> None:
    """Its domain is defined again, when it was lost; a console that nobody reads is refused."""
    keep('server', **APP, state='stopped')
    (name,) = output_of('virsh', '--connect', 'lxc:///', 'list', '--name', '--all').split()
    output_of('virsh', '--connect', 'lxc:///', 'undefine', name)
    keep('server', **APP, repair=True)
    keep('server', **APP, state='started', wait_for='ip')


# -- other images ----------------------------------------------------------------------------------


def imported(name: str, path: Path) -> Item:
    """An image."""
    return dict(keep('image', name=name, path=str(path), disk_format='oci')['image'])


def test_docker_archive(layout: Path, app: Item) -> None:
    """What docker save writes is the same image, also compressed."""
    path = layout.parent / 'docker.tar'
    source, target = f'oci:{layout}:it', f'docker-archive:{path}:it:latest'
    oci.ran('skopeo', 'copy', '--insecure-policy', source, target)
    first = imported('docker', path)['application']
    assert first == run('image_info', name='app')['images'][0]['application']
    keep('image', name='docker', state='absent')
    path.write_bytes(gzip.compress(path.read_bytes(), 1))
    assert imported('docker', path)['application'] == first
    keep('image', name='docker', state='absent')


def test_init(layout: Path, tmp_path: Path) -> None:
    """An image without a command is a system: its init, its first-boot content."""
    options = ('--clear=config.entrypoint', '--clear=config.cmd')
    system = tmp_path / 'system'
    oci.ran('cp', '--recursive', layout, system)
    oci.ran('umoci', 'config', '--image', f'{system}:it', *options)
    path = tmp_path / 'system.tar'
    oci.ran('skopeo', 'copy', '--insecure-policy', f'oci:{system}:it', f'oci-archive:{path}:it')
    assert imported('system', path)['application'] is None
    keep('server', name='system', image='system', flavor='g1.nano', wait_for='init')
    keep('server', name='system', state='absent')
    keep('image', name='system', state='absent')


def files_of(image: Item) -> list[str]:
    """What tar tells about the files of an image."""
    archive = f'/var/lib/hanok/images/{image["id"]}.tar'
    return output_of('tar', '-tvf', archive, '--numeric-owner').splitlines()


PROGRAM = ('./app', 'file', '#!/app\n')


def test_whiteouts(host: None, tmp_path: Path) -> None:
    """A layer removes files, and hides folders, of those before it."""
    path = tmp_path / 'app.tar'
    first = oci.layer(
        PROGRAM, ('./a', 'file', '1'), ('./d', 'folder', ''), ('./d/x', 'file', '1'),
        ('./e/y', 'file', '1'), ('./home', 'folder', ''),
    )  # fmt: skip
    second = oci.layer(
        ('./.wh.a', 'file', ''), ('./d/.wh..wh..opq', 'file', ''), ('./d/z', 'file', '2'),
        ('./e/.wh.y', 'file', ''),
    )  # fmt: skip
    oci.write(path, [first, second], {'Cmd': ['/app']})
    listed = files_of(imported('layers', path))
    names = {line.split()[-1] for line in listed}
    assert names == {'./', './app', './d/', './d/z', './e/', './home/'}
    assert '1000/1000' in next(line for line in listed if 'home' in line)
    keep('image', name='layers', state='absent')


def bad(path: Path) -> str:
    """Import what is no valid image; return the message."""
    done = run('image', name='bad', path=str(path), disk_format='oci')
    run('image', name='bad', state='absent')
    assert not list(Path('/var/lib/hanok/images').glob('*.import'))
    assert not Path('/run/evil').exists()
    return str(done['msg'])


HOSTILE: list[oci.Members] = [
    [('./x', 'link', '/run'), ('./x/evil', 'file', 'evil')],
    [('./x', 'link', '../../../../../../../run'), ('./x/evil', 'file', 'evil')],
    [('../../../../../../run/evil', 'file', 'evil')],
    [('/run/evil', 'file', 'evil')],
    [('./.wh...', 'file', ''), ('./x', 'link', '/run/lock'), ('./x/.wh.hanok', 'file', '')],
]


def test_hostile_layers(host: None, tmp_path: Path) -> None:
    """Whatever is in a layer: it writes and removes nothing outside the image."""
    path, kept = tmp_path / 'app.tar', Path('/run/lock/hanok')
    kept.parent.mkdir(exist_ok=True)
    kept.touch()
    for members in HOSTILE:
        oci.write(path, [oci.layer(PROGRAM), oci.layer(*members)], {'Cmd': ['/app']})
        bad(path)
    assert kept.exists()
    kept.unlink()
    links = Path('/etc/shadow').stat().st_nlink
    for member in (('./s', 'hard', '/etc/shadow'), ('./s', 'hard', '../../../../etc/shadow')):
        oci.write(path, [oci.layer(PROGRAM, member)], {'Cmd': ['/app']})
        bad(path)
    assert Path('/etc/shadow').stat().st_nlink == links
    oci.write(path, [oci.layer(PROGRAM, ('./null', 'device', ''))], {'Cmd': ['/app']})
    listed = files_of(imported('bad', path))
    assert not [line for line in listed if line[0] in 'bc']
    keep('image', name='bad', state='absent')


CONFIGS: list[tuple[dict[str, Any], str]] = [
    ({}, 'it has no command, and no /sbin/init'),
    ({'Cmd': ['/nowhere']}, "its command '/nowhere' is not a program in it"),
    ({'Cmd': ['nowhere']}, "its command 'nowhere' is not a program in it"),
    ({'Cmd': 'x'}, 'Cmd is not a list of texts'),
    ({'Cmd': ['/app', 'a\x00b']}, 'it has control characters'),
    ({'Cmd': ['/app'], 'Env': ['A B=c']}, "Env: 'A B' is not the name of a variable"),
    ({'Cmd': ['/app'], 'Env': ['A=' + 'x' * 70000]}, 'more than 512 items or 65536 characters'),
    ({'Cmd': ['/app'], 'Env': ['A=</initenv>']}, 'variables (Env) with <, > or & need'),
    ({'Cmd': ['/app'], 'User': 'nobody'}, "it has no user or group 'nobody'"),
    ({'Cmd': ['/app'], 'User': '70000'}, '70000 is no user or group of a container'),
    ({'Cmd': ['/app'], 'User': '1:-1'}, "User: '1:-1' is not a user"),
    ({'Cmd': ['/app'], 'WorkingDir': '/nowhere'}, 'WorkingDir: it has no folder /nowhere'),
    ({'Cmd': ['/app'], 'WorkingDir': '/../../etc/libvirt'}, 'it has no folder'),
    ({'Cmd': ['/app'], 'StopSignal': 'SIGX'}, "StopSignal: 'SIGX' is not a signal"),
]


def test_bad_configurations(host: None, tmp_path: Path) -> None:
    """What an image says is checked."""
    path = tmp_path / 'app.tar'
    for config, message in CONFIGS:
        oci.write(path, [oci.layer(PROGRAM)], config)
        assert message in bad(path), config
    oci.write(path, [oci.layer(PROGRAM)], {'Cmd': ['/app']}, architecture='s390x')
    assert 'is for linux/s390x, and this host is linux/' in bad(path)
    oci.write(path, [oci.layer(PROGRAM)], {'Cmd': ['/app'], 'Labels': {'a': 'x' * 2**21}})
    assert 'has no document of at most 1048576 bytes' in bad(path)


def test_bad_archives(host: None, tmp_path: Path) -> None:
    """What is no archive of an image, or no complete one, is told."""
    path = tmp_path / 'app.tar'
    valid = [oci.layer(PROGRAM, ('./data', 'file', 'x' * 10000))]

    def altered(change: dict[str, bytes | None], blobs: str = '') -> str:
        oci.write(path, valid, {'Cmd': ['/app']})
        oci.rewrite(path, change, blobs)
        return bad(path)

    path.write_bytes(b'QFI\xfb' + bytes(1000))
    assert 'is not a tar archive' in bad(path)
    assert 'is no archive of an OCI image' in altered({'index.json': None})
    for problem in (
        altered({'index.json': b'{'}),
        altered({'index.json': b'[' * 100000}),
        altered({'index.json': b'{"schemaVersion": 2, "manifests": []}'}),
        altered({}, 'lose'),
        altered({}, 'alter'),
        altered({'index.json': None, 'manifest.json': b'[]'}),
    ):
        assert 'is no valid OCI image (skopeo: ' in problem
        assert 'write one with skopeo copy' in problem


def test_bomb(host: None, tmp_path: Path) -> None:
    """What would fill the disk is refused before it is unpacked."""
    path, huge = tmp_path / 'app.tar', tmp_path / 'huge'
    huge.touch()
    with huge.open('r+b') as file:
        file.truncate(2**42)
    sparse = tmp_path / 'layer.tar'
    oci.ran('tar', '--create', '--sparse', f'--file={sparse}', f'--directory={tmp_path}', 'huge')
    oci.write(path, [oci.layer(PROGRAM), sparse.read_bytes()], {'Cmd': ['/app']})
    assert f'unpacked, has {2**42 + len(PROGRAM[2])} bytes' in bad(path)
    with huge.open('r+b') as file:
        file.truncate(2**38)
    sparse.unlink()
    many = [f'--file={sparse}', f'--directory={tmp_path}', *['huge'] * 20]
    oci.ran('tar', '--create', '--sparse', '--hard-dereference', *many)
    oci.write(path, [oci.layer(PROGRAM), sparse.read_bytes()], {'Cmd': ['/app']})
    assert f'unpacked, has {20 * 2**38 + len(PROGRAM[2])} bytes' in bad(path)


# -- what it cannot do -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'user_data': '#!/bin/sh\n'}, 'user_data: server new runs the application of its image'),
        ({'key_name': 'test'}, 'key_names: server new runs the application'),
        ({'wait_for': 'init'}, 'wait_for: init: server new runs the application of its image app'),
        ({'wait_for': 'ssh'}, 'wait_for: ssh: server new runs the application of its image app'),
        ({'type': 'vm'}, 'is the root file system of a container'),
    ],
)
def test_refused(options: Item, message: str, app: Item, key: str) -> None:
    """What only an init does is refused, by name."""
    found = refused('server', name='new', image='app', **{**SMALL, **options})
    assert message in found


def test_refused_later(app: Item, root_image: str) -> None:
    """So it is for one that exists, and when another image is given to it."""
    for module, more in (('server', {}), ('server_action', {'action': 'reboot_hard'})):
        message = refused(module, **APP, **more, wait_for='init')
        assert 'wait_for: init: server app runs the application of its image' in message
    assert run('server_info', **APP, init=True)['servers'][0]['init'] is None
    system = {'image': root_image, 'flavor': 'g1.nano', 'user_data': '#!/bin/sh\n'}
    keep('server', name='system', **system, state='stopped')
    message = refused('server_action', name='system', action='rebuild', image='app')
    assert 'user_data: server system runs the application of its image app' in message
    keep('server', name='system', state='absent')
