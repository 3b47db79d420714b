# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run modules as Ansible does, log each step visible from outside, and kill the module at one.

It does not use the product: it wraps what the product calls (libvirt's C module, sqlite3, os,
subprocess), in a process that is forked for each module, by the host's Python. Requests and answers
are lines of JSON on stdin and stdout:

    {"module": NAME, "arguments": {...}, "environment": {...},
     "kill": null or {"step": NAME, "time": N, "moment": MOMENT}}
    {"status": exit status or -signal, "out": TEXT, "err": TEXT, "steps": [NAME, ...],
     "group": process group}

The process is killed at the N-th step of that name, at one of these moments:

    before   before the step
    after    right after it; a program that was started continues
    family   right after it, together with the program that was started; if the program creates a
             file, it is killed when the file exists
"""

from __future__ import annotations

import atexit
import builtins
import collections
import concurrent.futures
import io
import json
import os
import re
import runpy
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import libvirtmod
import libvirtmod_qemu

from ansible_collections.hanok.cloud.tests.reliability.forks import preload

PACKAGE = 'ansible_collections.hanok.cloud.plugins.modules.'
CHANGES = re.compile(
    r'vir(?!.*(?:Get|Lookup|List))\w*'
    r'(Create|Define|Undefine|Destroy|Shutdown|Suspend|Resume|Set|Attach|Detach|Resize)'
)
VARIABLE_PARTS = re.compile(
    r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|'
    r'(?<=hk[pt])\d+|(?<=hk)\d+|(?<=hanok-)\d+|(?<=hanok-lb-)\d+'
)
OUTPUT = ('-o', 'create', 'convert')
FILE_TIMEOUT = 10  # seconds until a program must have created its file


class Watch:
    """Counts steps by their names, logs them, and kills this process at one of them."""

    def __init__(self, log: int, kill: dict[str, Any] | None) -> None:
        """``log``: a descriptor that gets a line for each step."""
        self.log, self.kill = log, kill or {}
        self.counts: collections.Counter[str] = collections.Counter()
        self.write, self.end, self.end_group, self.group = os.write, os.kill, os.killpg, os.getpid()

    def step(self, name: str, act: Callable[[], Any]) -> Any:
        """Do a step, unless the process is killed before it."""
        name = VARIABLE_PARTS.sub('*', name)
        self.counts[name] += 1
        self.write(self.log, name.encode() + b'\n')
        due = self.kill.get('step') == name and self.kill['time'] == self.counts[name]
        if due and self.kill['moment'] == 'before':
            self.die()
        result = act()
        if due and self.kill['moment'] == 'after':
            self.die()
        return result

    def die(self) -> None:
        """Kill this process at once, without a chance to clean up."""
        self.end(self.group, signal.SIGKILL)

    def kills_program(self, name: str) -> bool:
        """Whether the program of this step is killed too."""
        return (
            self.kill.get('step') == name
            and self.kill['time'] == self.counts[name]
            and self.kill['moment'] == 'family'
        )

    def die_with_program(self, words: list[str], pid: int) -> None:
        """Kill this process with the program; one that creates a file is given time to begin it."""
        path = _output_path(words)
        deadline = time.monotonic() + FILE_TIMEOUT
        while (
            path
            and not os.path.exists(path)
            and os.waitpid(pid, os.WNOHANG)[0] == 0
            and time.monotonic() < deadline
        ):
            pass
        self.end_group(self.group, signal.SIGKILL)


def _output_path(words: list[str]) -> str:
    """Return the file that a program creates, if any."""
    for number, word in enumerate(words):
        if word == '-o' and words[number + 1].startswith('/'):
            return words[number + 1]
    return next((word for word in words if word.endswith('.part')), '')


class SerialPool:
    """Replaces a pool of threads: it runs sequentially, so that steps are numbered reproducibly."""

    def __init__(self, *words: Any, **options: Any) -> None:
        """Ignore the size."""

    def __enter__(self) -> SerialPool:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def map(self, work: Callable[..., Any], *things: Any) -> Iterator[Any]:
        """Run all, as a pool does; everything is done when this returns."""
        return iter([work(*some) for some in zip(*things, strict=False)])


def watch_files(watch: Watch) -> None:
    """Watch changes of the file system, and signals to other processes."""
    for name in ('rename', 'replace', 'link', 'symlink', 'unlink', 'remove', 'rmdir', 'chmod'):
        _watch_path(watch, name)
    mkdir, opened, fsync = os.mkdir, os.open, os.fsync
    kill, write, builtin = os.kill, os.write, builtins.open

    def watched_mkdir(path: Any, *words: Any, **options: Any) -> None:
        act: Callable[[], Any] = lambda: mkdir(path, *words, **options)  # noqa: E731
        return act() if os.path.exists(path) else watch.step(f'mkdir {_base(path)}', act)

    def watched_os_open(path: Any, flags: int, *words: Any, **options: Any) -> int:
        act: Callable[[], Any] = lambda: opened(path, flags, *words, **options)  # noqa: E731
        written = (
            flags & (os.O_WRONLY | os.O_RDWR)
            and '/locks/' not in str(path)
            and not str(path).startswith('/dev/')
        )
        return watch.step(f'open {_base(path)}', act) if written else act()

    def watched_open(file: Any, mode: str = 'r', *words: Any, **options: Any) -> Any:
        act: Callable[[], Any] = lambda: builtin(file, mode, *words, **options)  # noqa: E731
        if isinstance(file, str) and set(mode) & set('wax+'):
            return watch.step(f'open {_base(file)}', act)
        return act()

    def watched_write(descriptor: int, data: Any) -> int:
        act: Callable[[], Any] = lambda: write(descriptor, data)  # noqa: E731
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            return watch.step('write to a program', act)
        return act()

    os.mkdir, os.open = watched_mkdir, watched_os_open  # type: ignore[assignment]
    os.write, builtins.open = watched_write, watched_open  # type: ignore[assignment]
    os.fsync = lambda descriptor: watch.step('fsync', lambda: fsync(descriptor))  # type: ignore[assignment]
    os.kill = lambda pid, number: watch.step(f'signal {number}', lambda: kill(pid, number))


def _watch_path(watch: Watch, name: str) -> None:
    real = getattr(os, name)

    def watched(path: Any, *words: Any, **options: Any) -> Any:
        return watch.step(f'{name} {_base(path)}', lambda: real(path, *words, **options))

    setattr(os, name, watched)


def _base(path: Any) -> str:
    return os.path.basename(str(path).rstrip('/'))


def watch_programs(watch: Watch) -> None:
    """Watch the start of programs."""
    start = subprocess._fork_exec  # type: ignore[attr-defined]

    def watched(words: Any, *others: Any) -> int:
        line = [os.fsdecode(word) for word in words]
        name = 'start ' + ' '.join(
            [os.path.basename(line[0]), *(word for word in line[1:2] if not word.startswith('-'))]
        )
        pid: int = watch.step(name, lambda: start(words, *others))
        if watch.kills_program(name):
            watch.die_with_program(line, pid)
        return pid

    subprocess._fork_exec = watched  # type: ignore[attr-defined]


def watch_libvirt(watch: Watch) -> None:
    """Watch changes in libvirt; repeated shutdown requests during a wait are one step."""
    last = ['']

    def watched(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any) -> Any:
            if name == last[0] == 'virDomainShutdown':
                return real(*words)
            last[0] = name
            return watch.step(name, lambda: real(*words))

        return call

    for name in dir(libvirtmod):
        if CHANGES.match(name) and callable(getattr(libvirtmod, name)):
            setattr(libvirtmod, name, watched(name, getattr(libvirtmod, name)))
    for name in ('virDomainQemuMonitorCommand', 'virDomainQemuAgentCommand'):
        setattr(libvirtmod_qemu, name, _watched_command(watch, getattr(libvirtmod_qemu, name)))


def _watched_command(watch: Watch, real: Callable[..., Any]) -> Callable[..., Any]:
    """Watch the commands that change something in a machine or its guest."""

    def call(domain: Any, text: str, *words: Any) -> Any:
        command = json.loads(text)['execute']
        act: Callable[[], Any] = lambda: real(domain, text, *words)  # noqa: E731
        is_change = re.match('transaction|blockdev|snapshot|job|guest-fsfreeze', command)
        return watch.step(f'vir {command}', act) if is_change else act()

    return call


def watch_record(watch: Watch) -> None:
    """Watch writes to SQLite: each statement, and each commit of a transaction with writes."""
    connect = sqlite3.connect

    class Watched(sqlite3.Connection):
        """A connection that may write."""

        wrote = False

        def execute(self, statement: str, *values: Any) -> Any:  # type: ignore[override]
            return self._watched(
                statement, lambda: sqlite3.Connection.execute(self, statement, *values)
            )

        def executemany(self, statement: str, *values: Any) -> Any:  # type: ignore[override]
            return self._watched(
                statement, lambda: sqlite3.Connection.executemany(self, statement, *values)
            )

        def executescript(self, script: str) -> Any:  # type: ignore[override]
            settings = script.startswith('PRAGMA')
            act: Callable[[], Any] = lambda: sqlite3.Connection.executescript(self, script)  # noqa: E731
            return act() if settings else watch.step('tables', act)

        def _watched(self, statement: str, act: Callable[[], Any]) -> Any:
            words = statement.split()
            if words[0] == 'BEGIN':
                self.wrote = False
            elif words[0] == 'COMMIT' and self.wrote:
                return watch.step('COMMIT', act)
            elif words[0] in ('INSERT', 'UPDATE', 'DELETE') or statement.startswith(
                'PRAGMA journal_mode'
            ):
                self.wrote = True
                named = words[:2] if words[0] == 'UPDATE' else words[:3]
                return watch.step(' '.join(named), act)
            return act()

    def watched(path: str, *words: Any, **options: Any) -> Any:
        reads = 'mode=ro' in path or path == ':memory:'
        if reads:
            return connect(path, *words, **options)
        return connect(path, *words, factory=Watched, **options)

    sqlite3.connect = watched  # type: ignore[assignment]


def run_module(request: dict[str, Any], log: int) -> int:
    """Run a module in this process; return its exit status."""
    os.environ.update(request.get('environment') or {})
    watch = Watch(log, request.get('kill'))
    concurrent.futures.ThreadPoolExecutor = SerialPool  # type: ignore[assignment,misc]
    for watched in (watch_files, watch_programs, watch_libvirt, watch_record):
        watched(watch)
    try:
        runpy.run_module(PACKAGE + request['module'], run_name='__main__')
    except SystemExit as error:
        return int(error.code or 0)
    return 0


def child(request: dict[str, Any], files: dict[str, Any]) -> None:
    """Set up the forked process: stdio as Ansible has it, in its own process group."""
    os.setsid()
    for number, name in enumerate(('in', 'out', 'err')):
        os.dup2(files[name].fileno(), number)
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)))
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, 'w', closefd=False)))
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(io.FileIO(2, 'w', closefd=False)), write_through=True
    )
    status = 1
    try:
        status = run_module(request, files['steps'].fileno())
        atexit._run_exitfuncs()
    except BaseException:
        sys.excepthook(*sys.exc_info())
    sys.stdout.flush()
    os._exit(status)


def handle(request: dict[str, Any]) -> dict[str, Any]:
    """Fork, run the request, and wait for its end."""
    with (
        tempfile.TemporaryFile() as stdin_file,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        tempfile.TemporaryFile() as steps,
    ):
        stdin_file.write(json.dumps({'ANSIBLE_MODULE_ARGS': request['arguments']}).encode())
        stdin_file.seek(0)
        pid = os.fork()
        if pid == 0:
            child(request, {'in': stdin_file, 'out': out, 'err': err, 'steps': steps})
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        texts = {}
        for name, file in (('out', out), ('err', err), ('steps', steps)):
            file.seek(0)
            texts[name] = file.read().decode(errors='replace')
    return {'status': status, 'group': pid, **texts, 'steps': texts['steps'].splitlines()}


def main() -> None:
    """Answer requests until there are no more."""
    preload()  # before os is wrapped: some modules inspect it when they are imported
    for line in sys.stdin:
        print(json.dumps(handle(json.loads(line))), flush=True)


if __name__ == '__main__':
    main()
