# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The way to a guest agent: a program on the hypervisor, which holds one connection to libvirt."""

from __future__ import annotations

import json
import os
import select
import shlex
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict

from ..module_utils._model import guest
from .answers import Problem, shown
from .hypervisors import PYTHON

# libvirt refuses texts of agents above 4 MiB; what is not ASCII is longer in the answer.
MOST = 4 * 2**20
_MOST_LINE = 8 * MOST
_PROGRAM = Path(__file__).with_name('agent_program.py')
_PART = 2**16  # bytes that are written or read at once
_START = 20  # seconds for a login on the hypervisor
_SPARE = 10  # seconds for the way to the agent and back
# Numbers of errors of libvirt (virErrorNumber).
NO_DOMAIN, NOT_RUNNING, NO_CHANNEL, UNRESPONSIVE = 42, 55, 74, 86


class Broken(Problem):
    """The way to the agent cannot be used any more."""


class Refused(Problem):
    """An error of libvirt with its number; of the agent itself if that is none of the above."""

    def __init__(self, text: str, code: int) -> None:
        """``text``: foreign; it may be of the guest."""
        super().__init__(shown(text))
        self.code = code


class Pipe:
    """A program on a hypervisor."""

    def __init__(self, words: Sequence[str], server: str, timeout: int) -> None:
        """``words``: of a command that runs another one on the hypervisor; empty: this host.

        ``server``: its id. ``timeout``: seconds that the agent has for an answer.
        """
        self.timeout = timeout
        self._buffer = bytearray()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (until close)
        # A shell reads the program from its input: no words of ssh that another shell splits.
        try:
            self._process = subprocess.Popen(
                [*words, '/bin/sh'],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
            )
        except OSError as error:
            raise Broken(f'{shlex.join(words)}: {error.strerror}') from error
        for file in (self._process.stdin, self._process.stdout):
            os.set_blocking(file.fileno(), False)  # type: ignore[union-attr]
        program = shlex.join([PYTHON, '-c', _PROGRAM.read_text('utf-8'), server])
        try:
            self._answer(f'exec {program}\n'.encode(), _START)
        except BaseException as error:
            self.close()
            if isinstance(error, Refused) and error.code != NO_DOMAIN:
                raise Broken(str(error)) from error
            raise

    def execute(self, command: str, seconds: int | None = None, **arguments: Any) -> object:
        """Execute a command of the agent, and return what it returned.

        Refused: the agent, or libvirt, answers with an error.
        """
        wanted = json.dumps({'execute': command, 'arguments': arguments})
        seconds = seconds or self.timeout
        line = json.dumps([seconds, wanted]) + '\n'
        answer = self._answer(line.encode(), 2 * seconds + _SPARE)
        return guest.parse_answer(answer.get('answer'), MOST)

    def close(self) -> None:
        """End the program, which ends with its input."""
        for file in (self._process.stdin, self._process.stdout, self._errors):
            with suppress(OSError):
                file.close()  # type: ignore[union-attr]
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _answer(self, request: bytes, seconds: float) -> Dict[str, Any]:
        deadline = time.monotonic() + seconds
        left = memoryview(request)
        while True:
            line = self._line(left, deadline)
            left = memoryview(b'')
            # A login may print lines before the program does.
            if line.startswith(b'{'):
                break
        text = line.decode(errors='replace')
        answer = guest.parse_json(text, _MOST_LINE)
        if not isinstance(answer, dict):
            raise Broken(f'the hypervisor has answered {shown(text)}')
        if 'error' in answer:
            raise Refused(str(answer['error']), guest.parse_number(answer.get('code')) or 0)
        return answer

    def _line(self, left: memoryview, deadline: float) -> bytes:
        """Send what is left, and return the next line."""
        end = self._buffer.find(b'\n')
        while left or end < 0:
            left = left[self._write(left, deadline) :]
            before = len(self._buffer)
            self._read()
            if end < 0:
                end = self._buffer.find(b'\n', before)
            if len(self._buffer) > _MOST_LINE:
                raise Broken(f'the hypervisor has sent more than {_MOST_LINE >> 20} MiB')
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line

    def _write(self, left: memoryview, deadline: float) -> int:
        """Wait until something can be written or read, and write; return how much."""
        source, target = self._process.stdout.fileno(), self._process.stdin.fileno()  # type: ignore[union-attr]
        poll = select.poll()
        poll.register(source, select.POLLIN)
        if left:
            poll.register(target, select.POLLOUT)
        ready = dict(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))
        if not ready:
            raise Broken('the hypervisor has not answered in time; check it')
        if not ready.get(target):
            return 0
        try:
            return os.write(target, left[:_PART])
        except BlockingIOError:
            return 0
        except BrokenPipeError:
            return len(left)  # what the program has said before it ended is still to be read

    def _read(self) -> None:
        try:
            data = os.read(self._process.stdout.fileno(), _PART)  # type: ignore[union-attr]
        except BlockingIOError:
            return
        if not data:
            raise self._ended()
        self._buffer += data

    def _ended(self) -> Broken:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        self._errors.seek(0)
        said = shown(self._errors.read(_PART).decode(errors='replace')) or 'it has said nothing'
        return Broken(f'the program on the hypervisor has ended: {said}')
