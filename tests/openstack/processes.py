# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The processes of the OpenStack: each is known by its pid and the time of its start.

A pid alone may by now be that of another process. Each process is the leader of a session and of
a process group, which end with it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from layout import DATABASES, LOGS, RUN

GRACE_SECONDS = 10


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


def start(
    name: str,
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    descriptors: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a process in the background."""

    def record() -> None:
        # In the new process: it is on record before it does anything, whatever happens here.
        (RUN / f'{name}.pid').write_text(identity(os.getpid()) or '')

    with (LOGS / f'{name}.out').open('ab') as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            pass_fds=descriptors,
            cwd=DATABASES,
            start_new_session=True,
            preexec_fn=record,
        )


def stop(names: Iterable[str]) -> None:
    """End processes, all at once."""
    pids = [pid for pid in map(pid_of, names) if pid]
    known = {pid: identity(pid) for pid in pids}
    for pid in pids:
        os.killpg(pid, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while any(identity(pid) == known[pid] for pid in pids):
        if time.monotonic() > deadline:
            for pid in pids:
                if identity(pid) == known[pid]:
                    os.killpg(pid, signal.SIGKILL)
        time.sleep(0.05)
    for name in names:
        (RUN / f'{name}.pid').unlink(missing_ok=True)
