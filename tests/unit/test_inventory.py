# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The parts of the inventory that need no host: names, variables, answers, questions, the code."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.hanok.cloud.plugins.plugin_utils import questions
from ansible_collections.hanok.cloud.plugins.plugin_utils.answers import Answer, answer_of, shown
from ansible_collections.hanok.cloud.plugins.plugin_utils.host_names import Candidate, host_names
from ansible_collections.hanok.cloud.plugins.plugin_utils.host_vars import (
    Place,
    is_prefix,
    through,
    variables_of,
)
from ansible_collections.hanok.cloud.plugins.plugin_utils.payload import program, program_input

SERVER = {
    'name': 'web',
    'project': 'default',
    'id': 'u-1',
    'status': 'ACTIVE',
    'floating_ip': '198.18.0.7',
    'fixed_ip': '192.168.0.7',
    'os_admin_user': 'debian',
    'labels': {'tier': '{{ 1 + 1 }}'},
}
HERE = Place('local', 'localhost')
JUMP = ['ssh', '-i', '/root/a %h "b".pem', '-p', '2222', '-l', 'kim', 'kvm1.example.com']
THERE = Place('local', 'kvm1', JUMP)


# -- names -----------------------------------------------------------------------------------------


def names(*found: tuple[str, str, str, str], **taken: str) -> list[str]:
    """The names of servers by name, id, project and node."""
    return host_names([Candidate(*one) for one in found], taken)[0]


def test_unique_names_stay() -> None:
    """Also that of a server that another source has brought."""
    found = [('a', '1', 'default', 'kvm1'), ('b', '2', 'default', 'kvm1')]
    assert names(*found) == ['a', 'b']
    assert names(*found, c='', b='2') == ['a', 'b']
    assert host_names([Candidate(*one) for one in found], {})[1] == []


def test_equal_names() -> None:
    """All of them get a part that they differ in, in any order; the warning has the names."""
    found = [('web', '1', 'default', 'k1'), ('web', '2', 'shop', 'k1'), ('db', '3', 'shop', 'k1')]
    assert names(*found) == ['web.default', 'web.shop', 'db']
    assert names(*reversed(found)) == ['db', 'web.shop', 'web.default']
    found[1] = ('web', '2', 'default', 'k2')
    assert names(*found) == ['web.default.k1', 'web.default.k2', 'db']
    found[1] = ('web', '2', 'default', 'k1')
    assert names(*found) == ['web.default.k1.1', 'web.default.k1.2', 'db']
    (warning,) = host_names([Candidate(*one) for one in found], {})[1]
    assert 'web.default.k1.1, web.default.k1.2; set hostname' in warning


def test_taken_names() -> None:
    """A server never becomes a host or a group that something else has made."""
    assert names(('kvm1', '1', 'shop', 'kvm1'), kvm1='None') == ['kvm1.shop']
    assert names(('localhost', '1', 'shop', ''), localhost='') == ['localhost.shop']
    assert names(('a', '1', 'shop', 'k'), **{'a': '', 'a.shop': ''}) == ['a.shop.k']


@given(st.text(min_size=1), st.text(min_size=1))
@example('0' * 121, '0' * 132)
def test_names_are_plain(name: str, project: str) -> None:
    """Whatever an OpenStack calls its servers and projects."""
    found = names((name, '1', project, ''), (name, '2', project, ''))
    assert len({*found}) == 2
    for one in found:
        assert set(one) <= set('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-')
        assert one[0] not in '-.'


# -- variables -------------------------------------------------------------------------------------


def test_variables() -> None:
    """All that is told, with the prefix; what Ansible connects with."""
    found = variables_of(SERVER, HERE, 'h_', 'floating_ip')
    assert {f'h_{key}' for key in (*SERVER, 'node', 'cloud')} | {
        'ansible_host',
        'ansible_user',
    } == set(found)
    assert (found['h_node'], found['h_cloud'], found['h_labels']) == (
        'localhost',
        'local',
        SERVER['labels'],
    )
    assert (found['ansible_host'], found['ansible_user']) == ('198.18.0.7', 'debian')


@pytest.mark.parametrize(
    ('values', 'connect_with', 'address', 'is_through'),
    [
        ({}, 'floating_ip', '198.18.0.7', False),
        ({}, 'fixed_ip', '192.168.0.7', True),
        ({'floating_ip': None}, 'floating_ip', '192.168.0.7', True),
        ({'floating_ip': None, 'fixed_ip': None}, 'floating_ip', None, False),
        ({'floating_ip': '-oProxyCommand=x'}, 'floating_ip', '192.168.0.7', True),
        ({'floating_ip': ['x'], 'fixed_ip': 'x y'}, 'floating_ip', None, False),
    ],
)
def test_address(
    values: dict[str, Any], connect_with: str, address: str | None, is_through: bool
) -> None:
    """What is no address is none; fixed ones of other hosts are reached through these."""
    for place in (HERE, THERE):
        found = variables_of({**SERVER, **values}, place, 'h_', connect_with)
        assert found.get('ansible_host') == address
        assert ('ansible_ssh_common_args' in found) == (is_through and place is THERE)


@pytest.mark.parametrize(
    ('command', 'is_there'), [(None, False), ([], False), (['ssh', 'kvm1', 'sudo', '-n'], True)]
)
def test_agent(command: list[str] | None, is_there: bool) -> None:
    """The way to a guest agent leads to the hypervisor that has told of the server, or nowhere."""
    item = {**SERVER, 'id': '0123abcd-0000-4000-8000-0123456789ab', 'hypervisor': ['touch', '/x']}
    found = variables_of(item, THERE._replace(command=command), 'h_', 'fixed_ip')
    assert found.get('ansible_hanok_server') == (None if command is None else item['id'])
    assert found.get('ansible_hanok_hypervisor') == (command if is_there else None)
    assert 'ansible_connection' not in found
    found = variables_of(
        {**item, 'fixed_ip': None}, THERE._replace(command=command), 'h_', 'fixed_ip'
    )
    assert found.get('ansible_connection') == (None if command is None else 'hanok.cloud.agent')
    for evil in ('-x', '../x', 'web', item['id'] + '\n'):
        found = variables_of({**item, 'id': evil}, HERE._replace(command=[]), 'h_', 'fixed_ip')
        assert 'ansible_hanok_server' not in found


@pytest.mark.parametrize('user', [None, '', '-x', 'a b', 7, 'a' * 33, 'kim\n'])
def test_user(user: object) -> None:
    """What is no login name is none."""
    assert 'ansible_user' not in variables_of(
        {**SERVER, 'os_admin_user': user}, HERE, 'h_', 'fixed_ip'
    )


def test_foreign_keys() -> None:
    """A hypervisor can set no variables but those with the prefix."""
    told = {**SERVER, 'ansible_connection': 'local', 'x y': 1, '': 2}
    found = variables_of(told, HERE, 'h_', 'floating_ip')
    assert 'ansible_connection' not in found
    assert found['h_ansible_connection'] == 'local'
    assert not {'h_x y', 'h_'} & set(found)


@pytest.mark.parametrize(
    ('prefix', 'expected'),
    [('hanok_', True), ('_', True), ('', False), ('ansible_', False), ('a-', False), ('1', False)],
)
def test_prefix(prefix: str, expected: bool) -> None:
    """Without one, a server could have the variables of Ansible."""
    assert is_prefix(prefix) is expected


def test_jump(tmp_path: Path) -> None:
    """The real ssh, and the shell that it calls, see exactly the words of the jump."""
    program = tmp_path / 'words'
    program.write_text('#!/bin/sh\nfor word; do echo "$word"; done\n')
    program.chmod(0o755)
    words = [str(program), '$(id)', "a'b", '%h', '; x', '-i', 'a %p "b"', 'kvm1']
    arguments = shlex.split(through(words))  # as Ansible does
    options = ['-F', '/dev/null', '-p', '2200', *arguments, '192.168.0.7']
    shown = subprocess.run(
        ['ssh', '-G', *options], capture_output=True, text=True, check=True
    ).stdout
    (command,) = (
        line.partition(' ')[2] for line in shown.splitlines() if line.startswith('proxycommand ')
    )
    filled = command.replace('%%', '\0').replace('%h', '192.168.0.7').replace('%p', '2200')
    ran = subprocess.run(
        ['sh', '-c', filled.replace('\0', '%')], capture_output=True, text=True, check=True
    )
    assert ran.stdout.splitlines() == [*words[1:-1], '-W', '192.168.0.7:2200', 'kvm1']


# -- answers ---------------------------------------------------------------------------------------


def printed(**result: Any) -> bytes:
    """What the program prints, after a banner."""
    if 'servers' in result:
        result['servers'] = json.dumps(result['servers'])
    return b'Welcome {\n\n' + json.dumps(result).encode() + b'\n'


def test_answer() -> None:
    """The servers and the warnings of the module."""
    warnings = ['the host differs\nfrom \x1b[31mthe record']
    assert answer_of(0, printed(servers=[SERVER], warnings=warnings), b'') == Answer(
        [SERVER], '', ('the host differs from [31mthe record',)
    )
    assert answer_of(1, printed(failed=True, msg='no'), b'') == Answer([], 'no')


@pytest.mark.parametrize(
    ('code', 'output', 'errors', 'problem'),
    [
        (127, b'', b'sh: 1: python3: not found\n', 'not found; set ansible_python_interpreter'),
        (1, b'', b'sudo: a password is required', '(exit code 1): sudo: a password is required'),
        (0, b'{', b'', 'is no result of server_info (exit code 0): {'),
        (0, b'[1]', b'', 'is no result of server_info'),
        (0, b'{"a":' * 100_000, b'', 'is no result of server_info'),
        (0, b'\xff\xfe{}', b'', 'is no result of server_info'),
        (0, printed(servers='x'), b'', 'a query must select whole servers'),
        (0, b'{"servers": "["}', b'', 'a query must select whole servers'),
        (0, b'{"servers": []}', b'', 'a query must select whole servers'),
        (0, printed(servers=['web']), b'', 'a query must select whole servers'),
        (0, printed(servers=[{'name': 'web'}]), b'', 'a query must select whole servers'),
        (0, printed(servers=[{**SERVER, 'id': 7}]), b'', 'a query must select whole servers'),
    ],
)
def test_no_answer(code: int, output: bytes, errors: bytes, problem: str) -> None:
    """What is no answer is a problem in one line."""
    found = answer_of(code, output, errors)
    assert problem in found.problem
    assert found.problem.isprintable()
    assert not found.servers


def test_shown() -> None:
    """A foreign text cannot fill the terminal."""
    assert len(shown('x' * 10**6)) < 310
    assert shown('a\r\nb\x00c') == 'a b c'


# -- questions -------------------------------------------------------------------------------------


class Guest(NamedTuple):
    """A host that does what a test says, with the standard input of the program."""

    name: str
    work: Callable[[bytes], tuple[int, bytes, bytes]]

    def run(self, program: str, data: bytes) -> tuple[int, bytes, bytes]:
        """Do it."""
        return self.work(data)


def hang(path: Path) -> Callable[[bytes], tuple[int, bytes, bytes]]:
    """What never answers, but starts a process, and writes its number to a file."""

    def work(_data: bytes) -> tuple[int, bytes, bytes]:
        process = subprocess.Popen(['sleep', '600'])
        path.write_text(str(process.pid))
        process.wait()
        return 0, b'', b''

    return work


def fail(_data: bytes) -> tuple[int, bytes, bytes]:
    """What cannot be reached."""
    raise OSError('no route to\nhost')


def is_running(pid: int) -> bool:
    """Whether a process runs, and is no zombie."""
    try:
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False


def test_questions(tmp_path: Path) -> None:
    """All are asked at once; nothing is left of the one that does not answer."""
    pid = tmp_path / 'pid'
    answer = (0, printed(servers=[SERVER]), b'')
    hosts = [
        Guest('late', hang(pid)),
        Guest('good', lambda data: answer if data == b'data' else (1, b'', b'')),
        Guest('lost', fail),
        Guest('dead', lambda _data: os._exit(3)),
    ]
    late, good, lost, dead = questions.ask(hosts, '', b'data', 3)
    assert 'no answer within 3 s; check the host, or raise timeout' in late.problem
    assert good == Answer([SERVER])
    assert lost.problem == 'no route to host'
    assert 'ended too soon' in dead.problem
    end = time.monotonic() + 60
    while is_running(int(pid.read_text())) and time.monotonic() < end:
        time.sleep(0.01)
    assert not is_running(int(pid.read_text()))


def test_endless_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes no more memory than allowed, of this process or of the one that asks."""
    monkeypatch.setattr(questions, 'MOST', 2**20)
    (large,) = questions.ask([Guest('a', lambda _: (0, bytes(2**21), b''))], '', b'', 60)
    (huge,) = questions.ask([Guest('a', lambda _: (0, bytes(2**34), b''))], '', b'', 60)
    assert 'more than 1 MiB' in large.problem
    assert 'the answer is too large' in huge.problem


# -- the code --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('backend', 'cloud', 'is_sent', 'problem'),
    [
        ('_local', 'local', True, 'only root may change'),
        ('_local', 'local', False, 'only root may change'),
        ('_openstack', 'nowhere', False, "cloud: 'nowhere' is unknown"),
    ],
)
def test_code(backend: str, cloud: str, is_sent: bool, problem: str, tmp_path: Path) -> None:
    """It has everything that the module imports, and leaves no file behind."""
    python = '/usr/bin/python3' if cloud == 'local' else sys.executable
    environment = {**os.environ, 'TMPDIR': str(tmp_path), 'HANOK_CONFIG': str(tmp_path)}
    environment['OS_CLIENT_CONFIG_FILE'] = str(tmp_path / 'clouds.yaml')
    ran = subprocess.run(
        [python, '-I', '-c', program()],
        input=program_input({'cloud': cloud, 'all_projects': True}, backend, is_sent),
        env=environment,
        capture_output=True,
        check=False,
        timeout=120,
    )
    expected = 'this host is not prepared' if os.geteuid() == 0 else problem
    found = answer_of(ran.returncode, ran.stdout, ran.stderr)
    assert (expected if cloud == 'local' else problem) in found.problem
    assert list(tmp_path.iterdir()) == []
