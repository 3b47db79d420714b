# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The connection by the guest agent, without a guest: its pipe, commands, files, evil answers."""

from __future__ import annotations

import base64
import io
import json
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hanok.cloud.plugins.plugin_utils import agent_guest, agent_pipe
from ansible_collections.hanok.cloud.plugins.plugin_utils.agent_guest import Ended, Late
from ansible_collections.hanok.cloud.plugins.plugin_utils.agent_pipe import Broken, Pipe, Refused
from ansible_collections.hanok.cloud.plugins.plugin_utils.answers import Problem

ID = '0123abcd-0000-4000-8000-0123456789ab'
SH = ('/bin/sh', '-c')


class Agent:
    """An agent that does on this host what it is told, as that of QEMU does it."""

    def __init__(self) -> None:
        """Nothing is open, nothing runs."""
        self.files: dict[int, Any] = {}
        self.status: dict[int, dict[str, Any]] = {}
        self.handles = 0

    def execute(self, command: str, **arguments: Any) -> object:
        """Execute a command, whose arguments pass through JSON."""
        options = {
            key.replace('-', '_'): value for key, value in json.loads(json.dumps(arguments)).items()
        }
        method: Callable[..., object] = getattr(self, command.replace('-', '_'))
        return json.loads(json.dumps(method(**options)))

    def guest_exec(
        self, path: str, arg: list[str], env: list[str], capture_output: bool, input_data: str = ''
    ) -> object:
        """Run it to its end."""
        ran = subprocess.run(
            [path, *arg],
            input=base64.b64decode(input_data),
            env=dict(one.split('=', 1) for one in env),
            capture_output=capture_output,
            check=False,
        )
        ended = {'exitcode': ran.returncode} if ran.returncode >= 0 else {'signal': -ran.returncode}
        data = {'out-data': ran.stdout, 'err-data': ran.stderr}
        texts = {key: base64.b64encode(value).decode() for key, value in data.items() if value}
        self.status[7] = {'exited': True, **ended, **texts}
        return {'pid': 7}

    def guest_exec_status(self, pid: int) -> object:
        """It has ended."""
        return self.status.pop(pid)

    def guest_file_open(self, path: str, mode: str) -> object:
        """Open a file."""
        self.handles += 1
        self.files[self.handles] = Path(path).open('rb' if mode == 'r' else 'wb', buffering=0)  # noqa: SIM115
        return self.handles

    def guest_file_write(self, handle: int, buf_b64: str) -> object:
        """Write to a file."""
        return {'count': self.files[handle].write(base64.b64decode(buf_b64)), 'eof': False}

    def guest_file_read(self, handle: int, count: int) -> object:
        """Read from a file."""
        data = self.files[handle].read(count)
        return {'count': len(data), 'buf-b64': base64.b64encode(data).decode(), 'eof': not data}

    def guest_file_close(self, handle: int) -> object:
        """Close a file."""
        self.files.pop(handle).close()
        return {}


def temporary() -> set[Path]:
    """The temporary files of this host."""
    return {*Path('/run').glob('hanok.*'), *Path(tempfile.gettempdir()).glob('tmp.*')}


class Evil:
    """An agent that answers each command with the next of some answers, then with the last."""

    def __init__(self, *answers: object) -> None:
        """Remember them."""
        self.answers = list(answers)
        self.commands: list[str] = []

    def execute(self, command: str, **_arguments: Any) -> object:
        """Answer."""
        self.commands.append(command)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


# -- commands --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('command', 'data', 'ended'),
    [
        ('echo a; echo b >&2; exit 3', None, Ended(3, b'a\n', b'b\n')),
        ('cat', bytes(range(256)), Ended(0, bytes(range(256)), b'')),
        ('echo "$HOME $USER"', None, Ended(0, b'/root root\n', b'')),
        ('head -c 3000000 /dev/zero; echo b >&2; exit 5', None, Ended(5, bytes(3000000), b'b\n')),
        ('echo /run/x 7; sleep 5 &', None, Ended(0, b'/run/x 7\n', b'')),
    ],
)
def test_run(command: str, data: bytes | None, ended: Ended) -> None:
    """Input, output, errors, exit code, environment; nothing is left."""
    before, agent = temporary(), Agent()
    assert agent_guest.run(agent, [*SH, command], data, 60) == ended
    assert temporary() <= before
    assert agent.files == {}


def test_signal() -> None:
    """The exit code is that of a shell."""
    assert agent_guest.run(Agent(), [*SH, 'kill -9 $$'], None, 60).code == 137
    assert agent_guest.parse_status({'exited': True, 'signal': 9}) == Ended(137, b'', b'')


def test_endless_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes no more memory of this host than allowed."""
    monkeypatch.setattr(agent_guest, 'MOST_OUTPUT', 2**20)
    with pytest.raises(Problem, match='has printed more than 1 MiB; let it write to a file'):
        agent_guest.run(Agent(), [*SH, 'head -c 3000000 /dev/zero'], None, 60)


@pytest.mark.parametrize('line', ['/x', '/x y', '/x -1', '/x 1 ', 'x 1', '/$(id) 1', '/x 1000'])
def test_evil_place(line: str) -> None:
    """What is no place of an output is none, and nothing of it is run."""
    output = base64.b64encode(f'{line}\n'.encode()).decode()
    agent = Evil({'pid': 1}, {'exited': True, 'exitcode': 0, 'out-data': output})
    with pytest.raises(Problem, match='has answered guest-exec-status with something else'):
        agent_guest.run(agent, SH, None, 60)
    assert agent.commands == ['guest-exec', 'guest-exec-status']


def test_run_too_long() -> None:
    """A command that does not end."""
    agent = Evil({'pid': 1}, {'exited': False})
    with pytest.raises(Late, match=r'has not ended within 0\.1 s, and may still run'):
        agent_guest.run(agent, SH, None, 0.1)
    assert agent.commands.count('guest-exec') == 1


def test_run_large_input() -> None:
    """It becomes a file, which is gone afterwards."""
    agent, data = Agent(), bytes(range(256)) * 2000
    command = 'cat; readlink /proc/self/fd/0 >&2'
    code, output, errors = agent_guest.run(agent, [*SH, command], data, 60)
    assert (code, output) == (0, data)
    path = re.fullmatch(r'(/(?:run|tmp)/[^ ]+) \(deleted\)\n', errors.decode())
    assert path
    assert not Path(path.group(1)).exists()
    assert agent.files == {}


@pytest.mark.parametrize('path', ['', 'x', '/a b', '/$(id)', '/x\n/y', '/\x1b[31m'])
def test_evil_path(path: str) -> None:
    """What is no name of a temporary file is none, and nothing is written."""
    output = base64.b64encode(path.encode()).decode()
    agent = Evil({'pid': 1}, {'exited': True, 'exitcode': 0, 'out-data': output})
    with pytest.raises(Problem, match='the server makes no temporary file for an input'):
        agent_guest.run(agent, SH, bytes(agent_guest.CHUNK + 1), 60)
    assert agent.commands == ['guest-exec', 'guest-exec-status']


def test_long_command() -> None:
    """What libvirt would not send is refused before."""
    agent = Evil(None)
    with pytest.raises(Problem, match='is too long for the agent; copy a script'):
        agent_guest.run(agent, [*SH, 'x' * 2**17], None, 60)
    assert agent.commands == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    'pid',
                    'exited',
                    'exitcode',
                    'signal',
                    'out-data',
                    'err-data',
                    'out-truncated',
                    'count',
                    'buf-b64',
                    'eof',
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=8,
)


@given(JSON)
def test_evil_status(answer: object) -> None:
    """Whatever comes is an end, no end, or a problem."""
    try:
        ended = agent_guest.parse_status(answer)
    except Problem:
        return
    assert ended is None or 0 <= ended.code <= 255


@given(st.lists(JSON, min_size=1, max_size=4))
def test_evil_answers(answers: list[object]) -> None:
    """A command and the copy of a file end, at the latest in time."""
    for work in (
        lambda agent: agent_guest.run(agent, SH, b'x', 0),
        lambda agent: agent_guest.put(agent, io.BytesIO(b'x'), '/x', 0),
        lambda agent: agent_guest.fetch(agent, '/x', io.BytesIO(), 0),
    ):
        with suppress(Problem):
            work(Evil(*answers))


# -- files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize('size', [0, 1, 1000, 2000, 2001])
def test_files(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They arrive whole, at all lengths, and nothing stays open."""
    monkeypatch.setattr(agent_guest, 'CHUNK', 1000)
    data = (bytes(range(256)) * 8)[:size]
    agent, target, path = Agent(), io.BytesIO(), str(tmp_path / 'x')
    agent_guest.put(agent, io.BytesIO(data), path, 60)
    assert Path(path).read_bytes() == data
    agent_guest.fetch(agent, path, target, 60)
    assert target.getvalue() == data
    assert agent.files == {}


@pytest.mark.parametrize('written', [{'count': 1}, {'count': 4}, {}, None])
def test_part_of_a_file(written: object) -> None:
    """It is closed, and no success."""
    agent = Evil(5, written)
    with pytest.raises(Problem, match='has not taken all of /x; is its disk full'):
        agent_guest.put(agent, io.BytesIO(b'abc'), '/x', 60)
    assert agent.commands[-1] == 'guest-file-close'


def test_endless_file() -> None:
    """A file without an end is closed in time, and each answer is bounded."""
    data = base64.b64encode(bytes(agent_guest.CHUNK + 5)).decode()
    agent, target = Evil(5, {'buf-b64': data, 'eof': False}), io.BytesIO()
    with pytest.raises(Late, match='/x has not been copied within'):
        agent_guest.fetch(agent, '/x', target, 0.05)
    assert agent.commands[-1] == 'guest-file-close'
    assert len(target.getvalue()) == agent.commands.count('guest-file-read') * agent_guest.CHUNK


# -- the pipe --------------------------------------------------------------------------------------

LIBVIRT = """
VIR_ERR_NO_DOMAIN = 42
class libvirtError(Exception):
    def get_error_code(self):
        return self.args[1]
    def __str__(self):
        return self.args[0]
VIR_ERR_AGENT_UNRESPONSIVE = 86
VIR_ERR_AGENT_COMMAND_TIMEOUT = 111
def registerErrorHandler(*arguments): pass
class open:
    def __init__(self, uri): pass
    def lookupByUUIDString(self, text):
        if text != '%s': raise libvirtError('no such\\n\\x1b[31mdomain', 42)
        return self
    def agentSetResponseTimeout(self, seconds, flags): self.seconds = seconds
"""
QEMU = """
import json, libvirt, sys, time
def qemuAgentCommand(domain, text, seconds, flags):
    assert seconds == domain.seconds
    options = json.loads(text)['arguments']
    if 'code' in options: raise libvirt.libvirtError('no', options['code'])
    if 'sleep' in options: time.sleep(options['sleep'])
    if 'exit' in options: sys.exit('bye \\x1b[31m')
    if 'text' in options: return options['text']
    return json.dumps({'return': options})
"""


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    """A hypervisor: this host, with a libvirt that is easily told what to answer."""
    (tmp_path / 'libvirt.py').write_text(LIBVIRT % ID)
    (tmp_path / 'libvirt_qemu.py').write_text(QEMU)
    return ['env', f'PYTHONPATH={tmp_path}']


@pytest.fixture
def pipe(words: list[str]) -> Iterator[Pipe]:
    """A pipe to it."""
    made = Pipe(words, ID, 5)
    yield made
    made.close()


def test_pipe(pipe: Pipe) -> None:
    """Many answers come through one program, also long ones, and any characters."""
    for options in ({}, {'a': 'ü"\n\\'}, {'buf-b64': 'x' * (3 * 2**20)}):
        assert pipe.execute('try', **options) == options


@pytest.mark.parametrize(('code', 'expected'), [(86, 86), (111, 86), (55, 55), (1, 1)])
def test_pipe_errors(code: int, expected: int, pipe: Pipe) -> None:
    """The numbers of libvirt tell errors apart; the next command is executed nevertheless."""
    with pytest.raises(Refused) as caught:
        pipe.execute('try', code=code)
    assert caught.value.code == expected
    assert pipe.execute('try', a=1) == {'a': 1}


@pytest.mark.parametrize(
    'text', ['', '[', '{"return":', '[' * 10**5, '{"return": "%s"}' % ('x' * agent_pipe.MOST)]
)
def test_evil_texts(text: str, pipe: Pipe) -> None:
    """What is no answer, or too long, is none."""
    assert pipe.execute('try', text=text) is None


def test_broken_pipe(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that ends says why; one that hangs is not waited for."""
    pipe = Pipe(words, ID, 5)
    with pytest.raises(Broken, match=r'has ended: bye \[31m'):
        pipe.execute('try', exit=1)
    pipe.close()
    monkeypatch.setattr(agent_pipe, '_SPARE', -2)
    pipe = Pipe(words, ID, 5)
    with pytest.raises(Broken, match='has not answered in time; check it'):
        pipe.execute('try', 1, sleep=600)
    pipe.close()


@pytest.mark.parametrize(
    ('before', 'message'),
    [
        (['/nonexistent/ssh'], '/nonexistent/ssh: No such file'),
        (['sh', '-c', 'echo no password >&2; exit 1'], 'has ended: no password'),
        (['sh', '-c', 'echo "{\\"a\\": 1"; cat'], 'the hypervisor has answered {"a": 1'),
        (['sh', '-c', 'echo "{\\"error\\": \\"no libvirt\\"}"'], 'no libvirt'),
        (['cat', '/dev/zero'], 'has sent more than 1 MiB'),
    ],
)
def test_no_pipe(before: list[str], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no hypervisor is told in one line."""
    monkeypatch.setattr(agent_pipe, '_MOST_LINE', 2**20)
    with pytest.raises(Broken) as caught:
        Pipe(before, ID, 5)
    assert message in str(caught.value)
    assert str(caught.value).isprintable()


def test_login_message(words: list[str]) -> None:
    """What a login prints before is skipped."""
    login = ['sh', '-c', 'echo; echo Welcome; shift; exec "$@"', 'sh', 'x', *words]
    pipe = Pipe(login, ID, 5)
    assert pipe.execute('try', a=1) == {'a': 1}
    pipe.close()


# -- the plugin ------------------------------------------------------------------------------------


def connected(words: list[str], server: str | None = ID, **options: Any) -> Any:
    """The plugin, as Ansible loads it."""
    found = connection_loader.get('hanok.cloud.agent', PlayContext())
    found.set_options(direct={'server': server, 'hypervisor': words, **options})
    return found


def test_plugin_waits_for_the_agent(words: list[str], tmp_path: Path) -> None:
    """An agent that does not answer yet is asked again until the time is over."""
    path = tmp_path / 'libvirt_qemu.py'
    asked = tmp_path / 'asked'
    path.write_text(
        f'import libvirt, pathlib\nasked = pathlib.Path({str(asked)!r})\n'
        'def qemuAgentCommand(*arguments):\n'
        '    if asked.exists(): return \'{"return": {}}\'\n'
        '    asked.touch()\n    raise libvirt.libvirtError("not connected", 86)\n'
    )
    connected(words, timeout=60)._connect().close()
    asked.unlink()
    path.write_text(path.read_text().replace('touch()', 'parent'))
    with pytest.raises(AnsibleConnectionFailure, match=f'server {ID}: no guest agent has answered'):
        connected(words, timeout=1)._connect()


@pytest.mark.parametrize(
    ('server', 'message', 'is_unreachable'),
    [
        ('web', 'is no id of a server; use the one of server_info', False),
        (None, 'is no id of a server; use the one of server_info', False),
        (ID.replace('0', 'f'), 'has no such server', True),
    ],
)
def test_plugin_errors(
    words: list[str], server: str | None, message: str, is_unreachable: bool
) -> None:
    """They name the server, and whether it can be reached."""
    with pytest.raises(AnsibleError, match=message) as caught:
        connected(words, server).exec_command('true')
    assert isinstance(caught.value, AnsibleConnectionFailure) is is_unreachable


def test_plugin_blocked(words: list[str], tmp_path: Path) -> None:
    """An agent that runs no commands."""
    said = (
        "internal error: unable to execute QEMU agent command 'guest-exec': "
        'Command guest-exec has been disabled'
    )
    path = tmp_path / 'libvirt_qemu.py'
    text = path.read_text().replace(
        '    if ', f'    if "exec" in text: raise libvirt.libvirtError({said!r}, 1)\n    if ', 1
    )
    path.write_text(text)
    with pytest.raises(AnsibleConnectionFailure, match='allow guest-exec and guest-exec-status'):
        connected(words).exec_command('true')
