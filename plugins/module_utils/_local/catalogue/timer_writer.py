# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes the timers of schedules: units of systemd, and the program that they run.

The link in timers.target.wants is made last and removed first: a timer with it is whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from glob import glob
from typing import Tuple

from ..host.files import write_atomically
from ..record.host import Host
from . import program_writer
from .timers import SERVICE, SERVICE_TEXT, UNITS, WANTS, Timers, timer_text, unit_of

_STAMPS = '/var/lib/systemd/timers'


class TimerWriter:
    """The timers of this host. Projects, names and calendar texts were validated."""

    def __init__(self, host: Host) -> None:
        """Write those of ``host``."""
        self.host = host

    def write(self, project: str, name: str, on_calendar: str) -> None:
        """Make the timer, and start it; without ``enable`` it is not whole."""
        unit = unit_of(project, name)
        with self.host.locks.projection('schedules'):
            program_writer.write()
            os.makedirs(WANTS, exist_ok=True)
            _unlink(f'{WANTS}/{unit}')
            write_atomically(f'{UNITS}/{SERVICE}', SERVICE_TEXT, 0o644)
            write_atomically(f'{UNITS}/{unit}', timer_text(project, name, on_calendar), 0o644)
            self.host.work.run('systemctl', 'daemon-reload')
            _remember_now(unit)
            self.host.work.run('systemctl', 'restart', unit)

    def enable(self, project: str, name: str) -> None:
        """Have the timer started at each boot, when all else of a run is done."""
        unit = unit_of(project, name)
        with self.host.locks.projection('schedules'):
            _unlink(f'{WANTS}/{unit}')
            os.symlink(f'{UNITS}/{unit}', f'{WANTS}/{unit}')

    def remove(self, project: str, name: str) -> None:
        """Stop the timer, and remove it with what it remembers. A run goes on."""
        unit = unit_of(project, name)
        can_run = not Timers().obstacle()
        with self.host.locks.projection('schedules'):
            _unlink(f'{WANTS}/{unit}')
            if can_run and os.path.exists(f'{UNITS}/{unit}'):
                self.host.work.run('systemctl', 'stop', unit)
            _unlink(f'{UNITS}/{unit}')
            _unlink(f'{UNITS}/{unit}.part')
            _unlink(f'{_STAMPS}/stamp-{unit}')
            if can_run:
                self.host.work.run('systemctl', 'daemon-reload')

    def existing(self) -> Iterable[Tuple[str, str]]:
        """Yield project and name of each timer, whole or not."""
        for path in (*glob(f'{UNITS}/{unit_of("*", "*")}'), *glob(f'{WANTS}/{unit_of("*", "*")}')):
            instance = os.path.basename(path)[len('hanok-schedule@') : -len('.timer')]
            project, _separator, name = instance.partition(':')
            yield project, name


def _remember_now(unit: str) -> None:
    """Note a run now: times of a new expression that are over would be made up otherwise."""
    os.makedirs(_STAMPS, 0o755, exist_ok=True)
    path = f'{_STAMPS}/stamp-{unit}'
    with open(path, 'a', encoding='utf-8'):
        os.utime(path)


def _unlink(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)
