# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The processes of tests/openstack: what was started ends, what has its pid by now does not."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

OPENSTACK = Path(__file__).resolve().parents[1] / 'openstack'
SLEEP = ['sleep', '1000']


@pytest.fixture
def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module, for a directory of its own."""
    monkeypatch.setenv('OPENSTACK_HOME', str(tmp_path))
    monkeypatch.syspath_prepend(OPENSTACK)
    layout, module = map(importlib.import_module, ('layout', 'processes'))
    for folder in (layout.DATABASES, layout.LOGS, layout.RUN):
        folder.mkdir(parents=True)
    yield module
    module.stop(['one', 'two'])
    del sys.modules['layout'], sys.modules['processes']


def start(name: str, *command: str) -> None:
    """Start a process as up.sh does: from a process that ends."""
    code = 'import os, sys, processes\n'
    code += 'processes.start(sys.argv[1], lambda: os.execvp(sys.argv[2], sys.argv[2:]))'
    environment = {**os.environ, 'PYTHONPATH': str(OPENSTACK)}
    subprocess.run([sys.executable, '-c', code, name, *command], check=True, env=environment)


def printed(processes: Any, name: str) -> str:
    """Return the first line that a process prints."""
    output = processes.LOGS / f'{name}.out'
    while not output.read_text().endswith('\n'):
        assert processes.pid_of(name)
    text: str = output.read_text()
    return text


def test_what_was_started_ends(processes: Any) -> None:
    """Several at once; they have no file open of the process that started them."""
    for name in ('one', 'two'):
        start(name, *SLEEP)
    pids = [processes.pid_of(name) for name in ('one', 'two')]
    for pid in pids:
        while Path(f'/proc/{pid}/cmdline').read_text().split('\0')[:-1] != SLEEP:
            assert processes.identity(pid)
        until = time.monotonic() + 10
        while len(files := os.listdir(f'/proc/{pid}/fd')) > 5 and time.monotonic() < until:
            time.sleep(0.01)  # it loads its libraries
        assert sorted(files) == ['0', '1', '2', '3', '4']
    processes.stop(['one', 'two'])
    assert [processes.identity(pid) for pid in pids] == [None, None]


def test_children_end_with_it(processes: Any) -> None:
    """They have its process group."""
    start('one', 'sh', '-c', 'sleep 1000 & echo $!; wait')
    child = int(printed(processes, 'one'))
    assert processes.identity(child)
    processes.stop(['one'])
    until = time.monotonic() + 10
    while processes.identity(child) and time.monotonic() < until:
        time.sleep(0.01)  # init has it now
    assert processes.identity(child) is None


def test_what_ignores_the_signal_is_killed(processes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while, which is over here."""
    monkeypatch.setattr(processes, 'GRACE_SECONDS', 0)
    start('one', 'sh', '-c', "trap '' TERM; echo ready; while :; do sleep 0.1; done")
    assert printed(processes, 'one') == 'ready\n'
    pid = processes.pid_of('one')
    processes.stop(['one'])
    assert processes.identity(pid) is None


def test_another_process_with_the_pid_lives(processes: Any) -> None:
    """It was started at another time."""
    with subprocess.Popen(SLEEP) as other:
        pid, began, boot = processes.identity(other.pid).split()
        for known in (f'{pid} {int(began) - 1} {boot}', f'{pid} {began} earlier', pid, ''):
            (processes.RUN / 'one.pid').write_text(known)
            assert processes.pid_of('one') is None
            processes.stop(['one'])
            assert other.poll() is None
        other.kill()


def test_what_runs_elsewhere_is_refused(processes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in another namespace of pids, where nothing is known of it."""
    monkeypatch.setattr(processes, 'GRACE_SECONDS', 0)
    start('one', *SLEEP)
    file = processes.RUN / 'one.pid'
    known = file.read_text()
    file.unlink()
    with pytest.raises(SystemExit, match='were started elsewhere; set OPENSTACK_HOME'):
        processes.refuse_others()
    file.write_text(known)
    monkeypatch.undo()
    processes.stop(['one'])
    processes.refuse_others()
