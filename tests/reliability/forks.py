# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run many modules quickly: one process of the host's Python imports them and forks for each run.

A fork is the process of a module as Ansible starts it (arguments on standard input, result on
standard output), without the 0.3 s of starting Python and importing. The processes of a crowd wait
at a gate until all of them are started.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import runpy
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import traceback
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

COLLECTION = 'ansible_collections.hanok.cloud.plugins'
TREE = Path(__file__).resolve().parents[2] / 'build'
TIMEOUT = 600  # seconds for a crowd; a process that is not done by then is in a deadlock
FAULTS = ('Traceback', 'defect of hanok.cloud', 'database is locked', 'database table is locked')


class ModuleRun(NamedTuple):
    """A run of a module: exit status, output, and result (empty if it printed none)."""

    task: tuple[str, dict[str, Any]]
    code: int
    out: str
    err: str
    result: dict[str, Any]

    @property
    def failed(self) -> bool:
        """Whether the module failed."""
        return bool(self.result.get('failed'))

    @property
    def changed(self) -> bool:
        """Whether the module changed something."""
        return bool(self.result.get('changed'))

    @property
    def msg(self) -> str:
        """The message of the result."""
        return str(self.result.get('msg', ''))

    def faults(self) -> list[str]:
        """What no user may ever see: an end without a result, or a message for developers only."""
        found = []
        if not self.result:
            ended = f'ended with {self.code} and no result'
            found.append(f'{ended}: {self.out[-500:]} {self.err[-2000:]}')
        faults = [fault for fault in FAULTS if fault in self.out + self.err]
        return found + [f'{fault}: {self.out[-3000:]} {self.err[-2000:]}' for fault in faults]


class ForkServer:
    """The forking process, as seen by the tests."""

    def __init__(self, folder: str = '/') -> None:
        """Start it in ``folder``."""
        self.socket, child_socket = socket.socketpair()
        path = {'PYTHONPATH': f'{TREE}:{sysconfig.get_paths()["purelib"]}'}
        words = ['/usr/bin/python3', str(Path(__file__).resolve()), str(child_socket.fileno())]
        self.process = subprocess.Popen(
            words,
            pass_fds=[child_socket.fileno()],
            env={**os.environ, **path},
            cwd=folder,
            stdin=subprocess.DEVNULL,
        )
        child_socket.close()
        self.stream = self.socket.makefile('rw', encoding='utf-8')

    def crowd(
        self,
        tasks: Sequence[tuple[str, dict[str, Any]]],
        check: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> list[ModuleRun]:
        """Run modules at the same time; each is a name and options."""
        shared = {'_ansible_check_mode': check, '_ansible_diff': True}
        texts = [
            [module, json.dumps({'ANSIBLE_MODULE_ARGS': {**options, **shared}})]
            for module, options in tasks
        ]
        self.stream.write(json.dumps([dict(environment or {}), texts]) + '\n')
        self.stream.flush()
        answer = self.stream.readline()
        assert answer, 'the forking process has ended'
        return [
            ModuleRun(task, code, out, err, _result(out))
            for task, (code, out, err) in zip(tasks, json.loads(answer), strict=True)
        ]

    def run(
        self,
        module: str,
        options: dict[str, Any],
        check: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> ModuleRun:
        """Run one module."""
        return self.crowd([(module, options)], check, environment)[0]

    def close(self) -> None:
        """End it."""
        self.stream.close()
        self.socket.close()
        self.process.wait(10)


def _result(out: str) -> dict[str, Any]:
    try:
        found = json.loads(out)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


# ---- the forking process -----------------------------------------------------


def _serve(stream: socket.socket) -> None:
    preload()
    with stream.makefile('rw', encoding='utf-8') as lines:
        for line in lines:
            environment, tasks = json.loads(line)
            gate = os.pipe()
            started = [
                _start(f'{COLLECTION}.modules.{module}', text, environment, gate, stream)
                for module, text in tasks
            ]
            os.close(gate[0])
            os.close(gate[1])  # a read at the gate returns when its writing end is closed
            lines.write(json.dumps(list(_wait_for_all(started))) + '\n')
            lines.flush()


def preload() -> None:
    """Import everything that modules import when they run, libvirt too; nothing is opened."""
    import libvirt  # noqa: F401
    import yaml  # noqa: F401

    package = importlib.import_module(f'{COLLECTION}.module_utils')
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):
        importlib.import_module(found.name)


def _start(
    module: str,
    text: str,
    environment: Mapping[str, str],
    gate: tuple[int, int],
    stream: socket.socket,
) -> tuple[int, int, int]:
    """Fork the process of a module; return its pid and the files of its output."""
    files = [os.memfd_create(name) for name in ('in', 'out', 'err')]
    os.write(files[0], text.encode())
    os.lseek(files[0], 0, os.SEEK_SET)
    pid = os.fork()
    if pid:
        os.close(files[0])
        return pid, files[1], files[2]
    _run_module(module, environment, files, gate, stream)


def _run_module(
    module: str,
    environment: Mapping[str, str],
    files: list[int],
    gate: tuple[int, int],
    stream: socket.socket,
) -> NoReturn:
    code = 1
    try:
        stream.close()
        for number, file in enumerate(files):
            os.dup2(file, number)
        sys.argv[1:] = []  # Ansible would take them for the arguments of the module
        os.environ.update(environment)
        sys.stdin = open(0, encoding='utf-8', closefd=False)  # noqa: SIM115 (the module reads it)
        sys.stdout, sys.stderr = (
            os.fdopen(number, 'w', encoding='utf-8', closefd=False) for number in (1, 2)
        )
        os.close(gate[1])
        os.read(gate[0], 1)
        runpy.run_module(module, run_name='__main__')
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _wait_for_all(started: Iterable[tuple[int, int, int]]) -> Iterable[tuple[int, str, str]]:
    deadline = time.monotonic() + TIMEOUT
    for pid, out, err in started:
        descriptor = os.pidfd_open(pid)
        if not _ready(descriptor, deadline - time.monotonic()):
            os.kill(pid, signal.SIGKILL)
        os.close(descriptor)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        yield code, _text(out), _text(err)


def _ready(descriptor: int, seconds: float) -> bool:
    import select

    return bool(select.select([descriptor], [], [], max(0.0, seconds))[0])


def _text(file: int) -> str:
    with os.fdopen(file, 'rb') as stream:
        stream.seek(0)
        return stream.read().decode(errors='replace')


if __name__ == '__main__':
    _serve(socket.socket(fileno=int(sys.argv[1])))
