# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The processes of tests/openstack: what was started ends, what has its pid by now does not."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
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


def test_what_was_started_ends(processes: Any) -> None:
    """Several at once."""
    started = [processes.start(name, SLEEP, os.environ) for name in ('one', 'two')]
    assert [processes.pid_of(name) for name in ('one', 'two')] == [one.pid for one in started]
    processes.stop(['one', 'two'])
    assert [one.wait() for one in started] == [-15, -15]
    assert processes.pid_of('one') is None
    assert not list(processes.RUN.iterdir())


def test_children_end_with_it(processes: Any, tmp_path: Path) -> None:
    """They have its process group."""
    started = processes.start('one', ['sh', '-c', 'sleep 1000 & echo $!; wait'], os.environ)
    output = tmp_path / 'logs' / 'one.out'
    while not output.read_text().endswith('\n'):
        assert started.poll() is None
    child = int(output.read_text())
    assert processes.identity(child)
    processes.stop(['one'])
    assert processes.identity(child) is None


def test_what_ignores_the_signal_is_killed(
    processes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a while, which is over here."""
    monkeypatch.setattr(processes, 'GRACE_SECONDS', 0)
    script = "trap '' TERM; echo; while :; do sleep 0.1; done"
    started = processes.start('one', ['sh', '-c', script], os.environ)
    while not (tmp_path / 'logs' / 'one.out').read_text():
        assert started.poll() is None
    processes.stop(['one'])
    assert started.wait() == -9


def test_another_process_with_the_pid_lives(processes: Any) -> None:
    """It was started at another time."""
    with subprocess.Popen(SLEEP) as other:
        pid, began, boot = processes.identity(other.pid).split()
        for known in (f'{pid} {int(began) - 1} {boot}', f'{pid} {began} earlier', pid, ''):
            (processes.RUN / 'one.pid').write_text(known)
            assert processes.pid_of('one') is None
            processes.stop(['one'])
            assert other.poll() is None
            assert not (processes.RUN / 'one.pid').exists()
        other.kill()
