# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands and files in a guest, by its agent (QEMU guest agent protocol reference).

Root in the guest controls all answers: they are parsed and bounded.
"""

from __future__ import annotations

import base64
import io
import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, Dict, NamedTuple, Protocol

from ..module_utils._model import guest
from .answers import Problem, shown

# Bytes of a file in one message. libvirt 9.0 does not end messages to an agent above some 200 KB.
CHUNK = 2**16
_MOST_COMMAND = 2**17  # characters
MOST_OUTPUT = 2**26  # bytes
_MAKE_FILE = ('/bin/sh', '-c', 'umask 077; mktemp /run/hanok.XXXXXX 2>/dev/null || mktemp')
_INPUT_FROM = ('/bin/sh', '-c', 'exec <"$0"; rm -f "$0"; exec "$@"')
# libvirt closes the channel of an agent that sends 10 MB, until it is started anew. So the output
# of a command goes to files. The first line tells where they are, and the exit code; it is empty if
# the rest is the output itself. /run has room on a server whose disk is full.
_OUTPUT_TO_FILES = """
exec 3>&2 2>/dev/null
d=$(mktemp -d /run/hanok.XXXXXX || mktemp -d) || { echo; exec "$@" 2>&3 3>&-; }
"$@" >"$d/out" 2>"$d/err" 3>&-
c=$?
[ "$(cat "$d/out" "$d/err" | wc -c)" -le 1000000 ] || { echo "$d $c"; exit; }
echo
cat "$d/out"
cat "$d/err" >&3
rm -rf "$d"
exit $c
"""
_PATH = re.compile(r'/[\w./-]{1,200}\Z', re.ASCII)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 1.0  # seconds between questions for the end of a command
# An agent has the environment of a service: Ansible looks for a home.
_ENVIRONMENT = {
    'HOME': '/root',
    'LOGNAME': 'root',
    'PATH': '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'USER': 'root',
}


class Agent(Protocol):
    """What executes commands of an agent."""

    def execute(self, command: str, **arguments: Any) -> object:
        """Execute a command, and return what it returned."""


class Ended(NamedTuple):
    """How a command has ended."""

    code: int
    output: bytes
    errors: bytes


class Late(Problem):
    """Something has not ended in time."""


def run(agent: Agent, words: Sequence[str], data: bytes | None, seconds: float) -> Ended:
    """Run a command to its end. ``data``: its input. ``seconds``: that it may take."""
    if len(json.dumps(words)) > _MOST_COMMAND:
        raise Problem('the command is too long for the agent; copy a script and run that')
    words = ['/bin/sh', '-c', _OUTPUT_TO_FILES, 'sh', *words]
    if data and len(data) > CHUNK:
        words = [*_INPUT_FROM, _stored(agent, data, seconds), *words]
        data = None
    ended = _run(agent, words, data or b'', seconds)
    place, _line, output = ended.output.partition(b'\n')
    return _large(agent, place, seconds) if place else ended._replace(output=output)


def _large(agent: Agent, place: bytes, seconds: float) -> Ended:
    """Return the output of a command that is in files. ``place``: the line that tells of them."""
    path, _space, code = place.decode(errors='replace').partition(' ')
    if not _PATH.match(path) or not re.fullmatch('[0-9]{1,3}', code, re.ASCII):
        raise _nonsense('guest-exec-status')
    found = Memory(), Memory()
    try:
        for name, target in zip(('out', 'err'), found):
            fetch(agent, f'{path}/{name}', target, seconds)
    finally:
        with suppress(Problem):
            _run(agent, ['/bin/rm', '-rf', path], b'', seconds)
    output, errors = (target.getvalue() for target in found)
    return Ended(min(int(code), 255), output, errors)


class Memory(io.BytesIO):
    """A file in memory, of a limited size."""

    def write(self, data: Any) -> int:
        """Write to it."""
        if self.tell() + len(data) > MOST_OUTPUT:
            raise Problem(
                f'the command has printed more than {MOST_OUTPUT >> 20} MiB; let it write to a file'
            )
        return super().write(data)


def _stored(agent: Agent, data: bytes, seconds: float) -> str:
    """Store an input that is too large for a message; return the path of the file."""
    made = _run(agent, _MAKE_FILE, b'', seconds)
    path = made.output.decode(errors='replace').strip()
    if made.code or not _PATH.match(path):
        said = shown(made.errors.decode(errors='replace'))
        raise Problem(f'the server makes no temporary file for an input: {said}')
    try:
        put(agent, io.BytesIO(data), path, seconds)
    except BaseException:
        with suppress(Problem):
            _run(agent, ['/bin/rm', '-f', path], b'', seconds)
        raise
    return path


def _run(agent: Agent, words: Sequence[str], data: bytes, seconds: float) -> Ended:
    deadline = time.monotonic() + seconds
    options: Dict[str, Any] = {'input-data': _text(data)} if data else {}
    started = agent.execute(
        'guest-exec',
        path=words[0],
        arg=list(words[1:]),
        env=[f'{name}={value}' for name, value in _ENVIRONMENT.items()],
        **{**options, 'capture-output': True},
    )
    pid = guest.parse_number(started.get('pid') if isinstance(started, dict) else None)
    if pid is None:
        raise _nonsense('guest-exec')
    pause = _FIRST_PAUSE
    while True:
        ended = parse_status(agent.execute('guest-exec-status', pid=pid))
        if ended:
            return ended
        left = deadline - time.monotonic()
        if left <= 0:
            raise Late(f'the command has not ended within {seconds:g} s, and may still run')
        time.sleep(min(pause, left))
        pause = min(1.5 * pause, _LONGEST_PAUSE)


def parse_status(answer: object) -> Ended | None:
    """Return how a command has ended; None while it runs."""
    if not isinstance(answer, dict) or not isinstance(answer.get('exited'), bool):
        raise _nonsense('guest-exec-status')
    if not answer['exited']:
        return None
    if answer.get('out-truncated') or answer.get('err-truncated'):
        raise Problem('the output of the command is cut off; let it write to a file')
    code = guest.parse_number(answer.get('exitcode', 0))
    signal = guest.parse_number(answer.get('signal', 0))
    output, errors = (_data(answer.get(f'{kind}-data', '')) for kind in ('out', 'err'))
    if code is None or signal is None or output is None or errors is None:
        raise _nonsense('guest-exec-status')
    return Ended(min(code, 255) or (128 + min(signal, 127) if signal else 0), output, errors)


def put(agent: Agent, source: BinaryIO, path: str, seconds: float) -> None:
    """Write a file of the guest."""
    deadline = time.monotonic() + seconds
    with _opened(agent, path, 'w') as handle:
        while True:
            data = source.read(CHUNK)
            if not data:
                return
            _check(path, seconds, deadline)
            content = _text(data)
            written = agent.execute('guest-file-write', handle=handle, **{'buf-b64': content})
            count = written.get('count') if isinstance(written, dict) else None
            if count != len(data):
                raise Problem(f'the server has not taken all of {path}; is its disk full?')


def fetch(agent: Agent, path: str, target: BinaryIO, seconds: float) -> None:
    """Read a file of the guest."""
    deadline = time.monotonic() + seconds
    with _opened(agent, path, 'r') as handle:
        while True:
            _check(path, seconds, deadline)
            answer = agent.execute('guest-file-read', handle=handle, count=CHUNK)
            data = guest.parse_content(answer, CHUNK)
            if data is None:
                raise _nonsense('guest-file-read')
            target.write(data)
            if not data or (isinstance(answer, dict) and answer.get('eof') is True):
                return


@contextmanager
def _opened(agent: Agent, path: str, mode: str) -> Iterator[int]:
    """A file of the guest, which is closed in any case."""
    handle = guest.parse_number(agent.execute('guest-file-open', path=path, mode=mode))
    if handle is None:
        raise _nonsense('guest-file-open')
    try:
        yield handle
    except BaseException:
        with suppress(Problem):  # what has failed before says more
            agent.execute('guest-file-close', handle=handle)
        raise
    agent.execute('guest-file-close', handle=handle)


def _check(path: str, seconds: float, deadline: float) -> None:
    if time.monotonic() > deadline:
        raise Late(f'{path} has not been copied within {seconds:g} s')


def _nonsense(command: str) -> Problem:
    return Problem(f'the guest agent has answered {command} with something else')


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode('ascii')


def _data(text: object) -> bytes | None:
    if not isinstance(text, str):
        return None
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return None
