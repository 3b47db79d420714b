# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asks all hypervisors at once: each in a process of its own, which can be ended in time."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Iterable, Sequence
from contextlib import nullcontext, suppress
from multiprocessing.connection import Connection, wait
from typing import Dict, List, Protocol, Tuple

from ansible.utils.display import Display

from .answers import MOST, Answer, answer_of, shown

_TO_END = 5.0  # seconds for a process that has answered
_FORK = multiprocessing.get_context('fork')


class Host(Protocol):
    """What can be asked."""

    name: str

    def run(self, program: str, data: bytes) -> Tuple[int, bytes, bytes]:
        """Run a program of Python; return its exit code, output and errors."""


class _Question:
    """A question that is being asked."""

    def __init__(self, host: Host, program: str, data: bytes) -> None:
        """Start its process, with what it inherits."""
        self.host = host
        self.pipe, theirs = _FORK.Pipe(duplex=False)
        self._process = _FORK.Process(target=_ask, args=(host, program, data, theirs))
        # As Ansible does for its own: no other thread holds the lock, which a child inherits.
        with getattr(Display(), '_lock', nullcontext()):
            self._process.start()
        theirs.close()

    def answer(self) -> Answer:
        """Return the answer, which has begun to come."""
        try:
            code, output, errors = (self.pipe.recv_bytes(MOST) for _part in range(3))
        except (EOFError, OSError):
            return Answer([], f'the answer has more than {MOST >> 20} MiB, or ended too soon')
        if code == b'problem':
            return Answer([], shown(output.decode(errors='replace')))
        return answer_of(int(code), output, errors)

    def end(self, is_answered: bool) -> None:
        """End its process; without an answer, with all that it has started."""
        if is_answered:
            self._process.join(_TO_END)
        pid = self._process.pid
        if pid and self._process.is_alive():
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            self._process.kill()
        self._process.join()
        self.pipe.close()


def ask(hosts: Iterable[Host], program: str, data: bytes, timeout: float) -> List[Answer]:
    """Return the answers of hosts, in their order. ``timeout``: for all of them, in seconds."""
    deadline = time.monotonic() + timeout
    questions = [_Question(host, program, data) for host in hosts]
    answers: Dict[str, Answer] = {}
    try:
        open_ones = {question.pipe: question for question in questions}
        while open_ones:
            ready = wait(list(open_ones), max(0.0, deadline - time.monotonic()))
            if not ready:
                break
            for pipe in ready:
                question = open_ones.pop(pipe)  # type: ignore[call-overload]
                answers[question.host.name] = question.answer()
    finally:
        for question in questions:
            question.end(question.host.name in answers)
    late = Answer([], f'no answer within {timeout:g} s; check the host, or raise timeout')
    return [answers.get(question.host.name, late) for question in questions]


def _ask(host: Host, program: str, data: bytes, pipe: Connection) -> None:
    """Ask a host, in a process of its own, without a terminal that could be asked for input."""
    os.setsid()
    _limit_memory()
    try:
        code, output, errors = host.run(program, data)
        parts: Sequence[bytes] = (b'%d' % code, output, errors[-MOST:])
    except MemoryError:
        parts = (b'problem', b'the answer is too large', b'')
    except Exception as error:
        parts = (b'problem', str(error).encode(errors='replace'), b'')
    for part in parts:
        pipe.send_bytes(part)
    pipe.close()


def _limit_memory() -> None:
    """Limit what an endless answer can take of this host."""
    with suppress(OSError, ValueError):
        with open('/proc/self/statm', encoding='ascii') as file:
            used = int(file.read().split()[5]) * resource.getpagesize()
        most = used + 16 * MOST
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
