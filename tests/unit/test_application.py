# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the image of an application says, and how libvirt is told."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._local.compute import container_domain
from ansible_collections.hanok.cloud.plugins.module_utils._local.storage.oci_roots import (
    application_of,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.application import (
    Application,
    application_from,
    config_of,
)

APP = Application(('/app', '<a>', '"&'), {'A': 'b c\n'}, '/', 0, 5, 15)


@pytest.mark.parametrize(
    ('name', 'number'),
    [
        (None, 15),
        ('SIGQUIT', 3),
        ('WINCH', 28),
        ('9', 9),
        ('SIGRTMIN+3', 37),
        ('SIGRTMIN', 34),
    ],
)
def test_signals(name: str | None, number: int) -> None:
    """A stop signal is a name or a number."""
    assert config_of({'config': {'StopSignal': name}}).stop_signal == number


@pytest.mark.parametrize('document', [None, [], {}, {'config': None}])
def test_empty(document: Any) -> None:
    """An image may say nothing."""
    found = config_of(document)
    assert (found.command, found.working_dir, found.user) == ((), '/', '')
    assert found.environment['PATH'].endswith(':/sbin:/bin')


def test_recorded() -> None:
    """It is recorded as JSON; what no image can have is found there, too."""
    assert application_from(APP.recorded()) == APP
    assert 'environment' not in APP.public()
    for change in (
        {'command': ('app',)},
        {'command': ('/app', '\x00')},
        {'environment': {'A': '</initenv>'}},
        {'environment': {'A B': ''}},
        {'working_dir': 'x'},
        {'user': -1},
        {'group': 65536},
        {'stop_signal': 0},
        {'stop_signal': 99},
    ):
        with pytest.raises(ValueError):  # noqa: PT011 (each has another text)
            replace(APP, **change)


def test_domain() -> None:
    """It reaches libvirt as it is."""
    container = container_domain.Container('n', 'u', 128, 1, '/r', 1, (), True, APP)
    system = ET.fromstring(container_domain.xml(container)).find('os')
    assert system is not None
    assert system.findtext('init') == '/app'
    assert [argument.text for argument in system.iterfind('initarg')] == ['<a>', '"&']
    (variable,) = system.iterfind('initenv')
    assert (variable.get('name'), variable.text) == ('A', 'b c\n')
    assert (system.findtext('inituser'), system.findtext('initgroup')) == ('+0', '+5')


@pytest.fixture
def root(tmp_path: Path) -> str:
    """A root file system."""
    for name in ('bin/run', 'srv/run', 'usr/bin/env'):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.touch(0o755)
    (tmp_path / 'bin' / 'data').touch(0o644)
    (tmp_path / 'bin' / 'link').symlink_to('/../../bin/run')
    (tmp_path / 'bin' / 'out').symlink_to('/etc/hostname')
    (tmp_path / 'etc').mkdir()
    (tmp_path / 'etc' / 'passwd').write_text('a:x:7:8::/home/a:\nbad\nb:x:9:70000::/:\n')
    (tmp_path / 'etc' / 'group').write_text('a:x:12:\n')
    return str(tmp_path)


def applied(root: str, **config: Any) -> Application:
    """The application of a configuration."""
    found = application_of(root, config_of({'config': {'Cmd': ['run'], **config}}))
    assert found
    return found


def test_program(root: str) -> None:
    """Programs are found as a shell would, inside the root file system."""
    assert applied(root).command == ('/bin/run',)
    assert applied(root, Cmd=['./run'], WorkingDir='/srv').command == ('/srv/./run',)
    assert applied(root, Env=['PATH=/srv:/bin']).command == ('/srv/run',)
    assert applied(root, Cmd=['link', 'x']).command == ('/bin/link', 'x')
    assert applied(root, Env=['A=<b>']).command == ('/usr/bin/env', 'A=<b>', '/bin/run')
    for name in ('data', 'out', 'nowhere', '/bin', '../../bin/data'):
        with pytest.raises(ValueError, match='is not a program in it'):
            applied(root, Cmd=[name])


@pytest.mark.parametrize(
    ('user', 'found'),
    [
        ('', (0, 0, '/root')),
        ('a', (7, 8, '/home/a')),
        ('7', (7, 8, '/home/a')),
        ('a:a', (7, 12, '/home/a')),
        ('a:99', (7, 99, '/home/a')),
        ('33', (33, 0, '/')),
        (':5', (0, 5, '/root')),
    ],
)
def test_user(root: str, user: str, found: tuple[int, int, str]) -> None:
    """Users and groups are those of the image."""
    application = applied(root, User=user)
    home = application.environment['HOME']
    assert (application.user, application.group, home) == found


def test_bad_user(root: str) -> None:
    """Those that it does not have, or no container, are refused."""
    for user, message in (('c', "no user or group 'c'"), ('b', '70000 is no user or group')):
        with pytest.raises(ValueError, match=message):
            applied(root, User=user)


def test_init(root: str) -> None:
    """Without a command, the image is a system, if it has an init."""
    for command in ([], ['/sbin/init']):
        with pytest.raises(ValueError, match='it has no command, and no /sbin/init'):
            application_of(root, config_of({'config': {'Cmd': command}}))
    for name in ('sbin/init', 'bin/sh'):
        path = Path(root, name)
        path.parent.mkdir(exist_ok=True)
        path.touch(0o755)
    assert application_of(root, config_of({'config': {}})) is None
    assert application_of(root, config_of({'config': {'Entrypoint': ['/sbin/init']}})) is None
