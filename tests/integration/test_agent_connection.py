# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The connection by the guest agent, into servers in a network that lets nothing in."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from .conftest import keep, run
from .test_inventory import ansible

QUIET = {'flavor': 'g1.nano', 'security_groups': ['shut']}
PLAY = [
    {
        'hosts': 'hanok',
        'gather_facts': False,
        'tasks': [
            {'ansible.builtin.ping': None},
            {'ansible.builtin.copy': {'content': 'sealed\n', 'dest': '/etc/motd'}},
            {'ansible.builtin.slurp': {'src': '/etc/motd'}, 'register': 'read'},
            {
                'ansible.builtin.command': 'id -un',
                'become': True,
                'become_user': 'debian',
                'register': 'who',
            },
            {'ansible.builtin.command': 'sleep 2', 'async': 60, 'poll': 1},
            {'ansible.builtin.setup': None},
            {
                'ansible.builtin.assert': {
                    'that': [
                        "read.content | b64decode == 'sealed\n'",
                        "who.stdout == 'debian'",
                        "ansible_facts.distribution == 'Debian'",
                        "ansible_facts.user_id == 'root'",
                    ]
                }
            },
        ],
    }
]


@pytest.fixture(scope='module', autouse=True)
def shut(host: None) -> Iterator[None]:
    """A security group without rules."""
    keep('security_group', name='shut', rules=[])
    yield
    keep('security_group', name='shut', state='absent')


@pytest.fixture(scope='module')
def quiet(shut: None, image: str) -> Iterator[str]:
    """A tiny server; its id."""
    made = run('server', name='quiet', image=image, **QUIET)
    yield made['server']['id']
    run('server', name='quiet', state='absent')


@pytest.fixture(scope='module')
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An inventory whose servers are reached by their agents."""
    path = tmp_path_factory.mktemp('agent') / 'hanok.yml'
    compose = {'ansible_connection': "'hanok.cloud.agent'", 'ansible_hanok_timeout': '300'}
    path.write_text(yaml.safe_dump({'plugin': 'hanok.cloud.servers', 'compose': compose}), 'utf-8')
    return str(path)


@pytest.fixture(scope='module')
def connection(quiet: str) -> Iterator[Any]:
    """The plugin as Ansible loads it, connected once."""
    made = connected(quiet)
    yield made
    made.close()


def connected(server: str, **options: Any) -> Any:
    """The plugin with options."""
    made = connection_loader.get('hanok.cloud.agent', PlayContext())
    made.set_options(direct={'server': server, 'timeout': 300, **options})
    return made


def ask_until_it_fails(server: str) -> None:
    """Connect again and again, at most for a minute."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        connected(server, timeout=2)._connect().close()


def test_raw(quiet: str, source: str, connection: Any) -> None:
    """By the inventory: without an address, without Python in the server, also as another user."""
    words = ['-i', source, 'quiet', '-m', 'ansible.builtin.raw']
    failed = ansible('ansible', *words, '-a', 'hostname; echo bad >&2; exit 3')
    assert '| FAILED | rc=3 >>\nquiet\nbad\n' in failed.output, failed.output + failed.warnings
    connection.exec_command('echo kim:x:1000:1000::/:/bin/sh >>/etc/passwd')
    become = ['--become', '--become-method', 'su', '--become-user', 'kim']
    ran = ansible('ansible', *words, *become, '-a', 'id -un')
    assert 'rc=0 >>\nkim\n' in ran.output, ran.output + ran.warnings


def test_script(quiet: str, source: str, tmp_path: Path) -> None:
    """A file that is copied and run; nothing of it stays."""
    script = tmp_path / 'x.sh'
    script.write_text('#!/bin/sh\necho "script in $(hostname): $1"\n')
    words = ['-i', source, 'quiet', '-m', 'ansible.builtin.script', '-a', f'{script} word']
    ran = ansible('ansible', *words)
    assert 'script in quiet: word' in ran.output, ran.output + ran.warnings


def test_commands(connection: Any) -> None:
    """Exit codes, signals, output, errors and input of any bytes."""
    data = bytes(range(256)) * 400
    assert connection.exec_command('cat; echo bad >&2; exit 7', data) == (7, data, b'bad\n')
    assert connection.exec_command('kill -9 $$')[0] == 137
    assert connection.exec_command('head -c 2000000 /dev/zero') == (0, bytes(2000000), b'')
    connection.set_option('command_timeout', 1)
    with pytest.raises(AnsibleConnectionFailure, match='has not ended within 1 s, and may still'):
        connection.exec_command('sleep 5')
    connection.set_option('command_timeout', 3600)
    assert connection.exec_command('true') == (0, b'', b'')


def test_files(connection: Any, tmp_path: Path, soak: bool) -> None:
    """They arrive whole in both directions; what fails leaves nothing open."""
    there, back = tmp_path / 'there', tmp_path / 'back'
    there.write_bytes(os.urandom((100 if soak else 5) * 2**20))
    connection.put_file(str(there), '/root/file')
    connection.fetch_file('/root/file', str(back))
    same = subprocess.run(['cmp', str(there), str(back)], check=False).returncode == 0
    assert same
    connection.exec_command('rm /root/file')
    for path, message in (('/nowhere/file', 'No such file'), ('/dev/full', 'No space left')):
        with pytest.raises(AnsibleError, match=message) as caught:
            connection.put_file(str(there), path)
        assert not isinstance(caught.value, AnsibleConnectionFailure)
    with pytest.raises(AnsibleError, match='No such file'):
        connection.fetch_file('/nowhere/file', str(back))
    opened = connection.exec_command('ls -l /proc/$(pidof qemu-ga)/fd')[1]
    assert b'qemu-ga.log' in opened
    assert b'/root/file' not in opened
    assert b'/dev/full' not in opened


def test_unreachable(quiet: str, connection: Any) -> None:
    """A server that does not run, one that answers nothing, and one without an agent."""
    run('server_action', name='quiet', action='pause')
    with pytest.raises(AnsibleConnectionFailure, match='it does not run; start it'):
        connected(quiet)._connect()
    run('server_action', name='quiet', action='unpause')
    stop = 'pid=$(pidof qemu-ga); (sleep 1; kill -STOP $pid) >/dev/null 2>&1 </dev/null &'
    assert connection.exec_command(stop)[0] == 0
    with pytest.raises(AnsibleConnectionFailure, match='install the package qemu-guest-agent'):
        ask_until_it_fails(quiet)
    run('server', name='quiet', guest_agent=False, allow_restart=True)
    with pytest.raises(AnsibleConnectionFailure, match='set its option guest_agent to true'):
        connected(quiet)._connect()


def test_modules(debian: str, soak: bool, source: str, tmp_path: Path) -> None:
    """Real modules on Debian: Python by its input, files, become, async, facts."""
    if not soak:
        pytest.skip('it takes a boot of Debian: make soak runs it')
    play = tmp_path / 'play.yml'
    play.write_text(yaml.safe_dump(PLAY), 'utf-8')
    keep('image', name='debian', path=debian, os_admin_user='debian')
    run('server', name='vault', image='debian', **{**QUIET, 'flavor': 'g1.micro'})
    try:
        words = ['-i', source, str(play), '--limit', 'vault']
        ran = ansible('ansible-playbook', *words)
        plain = ansible('ansible-playbook', *words, '-e', 'ansible_pipelining=false')
    finally:
        run('server', name='vault', state='absent')
        run('image', name='debian', state='absent')
    assert ran.code == 0, ran.output + ran.warnings
    assert plain.code == 0, plain.output + plain.warnings
