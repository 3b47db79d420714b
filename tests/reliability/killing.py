# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The points at which a run is killed, and the process that runs the modules."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import subprocess
import sysconfig
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .figures import ROOT

# Repeated until the guest has stopped: how often depends on the speed of the guest.
POLLED = 'virDomainShutdownFlags'
# Of a container whose init has ended, unless libvirt has noticed that before the run looks.
RACED = 'virDomainDestroy'


class Point(NamedTuple):
    """A step by its name and occurrence, and the moment of the kill: see runner.py."""

    step: str
    time: int
    moment: str

    @property
    def kind(self) -> str:
        """The kind of step; a sample has some of each."""
        first = self.step.split()[0]
        if first == 'start':
            return f'a program, {self.moment}'
        if first.startswith('vir'):
            return f'libvirt, {self.moment}'
        kinds = {
            'COMMIT': 'a commit',
            'INSERT': 'a statement',
            'UPDATE': 'a statement',
            'DELETE': 'a statement',
            'tables': 'a statement',
            'write': 'a pipe',
        }
        return kinds.get(first, 'a file')

    def __str__(self) -> str:
        return f'{self.moment} {self.step!r} ({self.time})'


class ModuleRun(NamedTuple):
    """How a module ended."""

    status: int
    result: dict[str, Any]
    steps: list[str]
    group: int
    text: str


class Runner:
    """The process runner.py, which forks for each module."""

    def __init__(self) -> None:
        """Start it with the host's Python, as Ansible does."""
        environment = {
            **os.environ,
            'PYTHONPATH': f'{ROOT / "build"}:{sysconfig.get_paths()["purelib"]}',
            'PYTHONHASHSEED': '0',
        }
        words = ['/usr/bin/python3', str(Path(__file__).with_name('runner.py'))]
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def run(
        self,
        module: str,
        options: dict[str, Any],
        kill: Point | None = None,
        check: bool = False,
        **environment: str,
    ) -> ModuleRun:
        """Run a module, to its end or until it is killed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        arguments = {
            'wait_timeout': 60,
            **options,
            '_ansible_check_mode': check,
            '_ansible_diff': True,
        }
        request = {
            'module': module,
            'arguments': arguments,
            'kill': kill and kill._asdict(),
            'environment': environment,
        }
        print(json.dumps(request), file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        result = json.loads(answer['out']) if answer['out'].strip().startswith('{') else {}
        return ModuleRun(
            answer['status'],
            result,
            answer['steps'],
            answer['group'],
            answer['out'] + answer['err'],
        )

    def close(self) -> None:
        """End it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def points(steps: Sequence[str]) -> list[Point]:
    """All points of a run.

    After a step is the same as before the next one, except for steps that continue in another
    process, and for the last step. Only the first of several polls is a point: another run may poll
    less often.
    """
    found, times = [], Counter[str]()
    for step in steps:
        times[step] += 1
        if step == POLLED and times[step] > 1:
            continue
        moments = ['before']
        if step.startswith('start '):
            moments += ['after', 'family']
        elif step.startswith('vir'):
            moments.append('after')
        found += [Point(step, times[step], moment) for moment in moments]
    if found and found[-1].moment == 'before':
        found.append(found[-1]._replace(moment='after'))
    return found


def sample(some: Sequence[Point], turn: int) -> Point:
    """Return the point of a turn: kinds in rotation, points of a kind by the golden section."""
    kinds = sorted({point.kind for point in some})
    chosen = [point for point in some if point.kind == kinds[turn % len(kinds)]]
    return chosen[int(turn * 0.6180339887 % 1 * len(chosen))]


def running_processes(group: int) -> list[str]:
    """The running processes of a process group."""
    found = []
    for path in glob.glob('/proc/[0-9]*/stat'):
        with contextlib.suppress(OSError):
            name, _end, rest = (
                Path(path).read_text(encoding='utf-8', errors='replace').rpartition(') ')
            )
            state, _parent, its_group = rest.split()[:3]
            if int(its_group) == group and state != 'Z':
                found.append(name)
    return found
