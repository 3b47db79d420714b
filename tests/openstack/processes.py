# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The processes of the OpenStack: each is known by its pid and the time of its start.

A pid alone may by now be that of another process. Each process is the leader of a session and of
a process group, which end with it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from layout import DATABASES, LOGS, RUN, RUNNING

GRACE_SECONDS = 10
DESCRIPTOR = 4


def identity(pid: int) -> str | None:
    """Return what tells a running process from all others that had its pid, or will have it."""
    try:
        stat = Path(f'/proc/{pid}/stat').read_text()
    except OSError:
        return None
    # The name of the program, in parentheses, may contain anything.
    fields = stat.rpartition(')')[2].split()
    state, started = fields[0], fields[19]
    if state in 'ZX':
        return None
    boot = Path('/proc/sys/kernel/random/boot_id').read_text().strip()
    return f'{pid} {started} {boot}'


def pid_of(name: str) -> int | None:
    """Return the pid of a process that runs."""
    try:
        known = (RUN / f'{name}.pid').read_text()
        pid = int(known.split()[0])
    except (OSError, ValueError, IndexError):
        return None
    return pid if identity(pid) == known else None


def start(name: str, run: Callable[[], None], descriptor: int | None = None) -> None:
    """Run something in a process in the background, a fork of this one.

    Of the files that are open here it has only one, if any, as number DESCRIPTOR.
    """
    reader, writer = os.pipe()
    if os.fork():
        os.close(writer)
        os.read(reader, 1)  # it is on record as soon as the other side is closed
        os.close(reader)
        return
    try:
        os.setsid()
        lock = os.open(RUNNING, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_SH)
        # The new process does it, whatever happens to the one that starts it.
        (RUN / f'{name}.pid').write_text(identity(os.getpid()) or '')
        os.chdir(DATABASES)
        nothing = os.open(os.devnull, os.O_RDONLY)
        output = os.open(LOGS / f'{name}.out', os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        given = nothing if descriptor is None else descriptor
        _keep_open([nothing, output, output, lock, given])
        run()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(1)


def _keep_open(descriptors: Sequence[int]) -> None:
    """Number the files from 0, and close all others."""
    moved = [fcntl.fcntl(each, fcntl.F_DUPFD, 100) for each in descriptors]
    for number, each in enumerate(moved):
        os.dup2(each, number)
    os.closerange(len(moved), 1024)


def refuse_others() -> None:
    """Refuse to go on while a process runs that is not known here, as in a world."""
    deadline = time.monotonic() + GRACE_SECONDS
    with RUNNING.open('w') as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    text = f'{RUNNING.parent} is used by processes that were started elsewhere'
                    raise SystemExit(f'{text}; set OPENSTACK_HOME to another directory') from None
                time.sleep(0.05)
            else:
                return


def stop(names: Iterable[str]) -> None:
    """End processes, all at once."""
    pids = [pid for pid in map(pid_of, names) if pid]
    known = {pid: identity(pid) for pid in pids}
    _signal(pids, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while any(identity(pid) == known[pid] for pid in pids):
        if time.monotonic() > deadline:
            _signal([pid for pid in pids if identity(pid) == known[pid]], signal.SIGKILL)
        time.sleep(0.05)


def _signal(pids: Iterable[int], number: int) -> None:
    """Send a signal to process groups, one of which may have ended just now."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, number)
