# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The timers of schedules: when they run, and whether they are as recorded."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Dict

from ..._cloud import CloudError, Invalid
from ..host.files import read_file
from . import program

UNITS = '/etc/systemd/system'
WANTS = f'{UNITS}/timers.target.wants'
_BOOTED = '/run/systemd/system'  # sd_booted(3)
SERVICE = 'hanok-schedule@.service'
_SECONDS = 10
# `Next elapse: Mon 2026-11-30 19:00:00 CET`, and `(in UTC):` below it where that is not UTC.
_ELAPSE = re.compile(r'(?:Next elapse|\(in UTC\)): \w+ (\d+-\d+-\d+) (\d+:\d+:\d+) UTC$', re.M)
SERVICE_TEXT = f"""# Written by hanok.cloud.
[Unit]
Description=Run of the schedule %i (hanok.cloud)
After=libvirtd.service virtqemud.service hanok-net.service

[Service]
Type=oneshot
TimeoutStartSec=infinity
WorkingDirectory=/
Environment=PYTHONPATH={program.PATH} LC_ALL=C.UTF-8
ExecStart=/usr/bin/python3 -m {program.MODULE} %i
"""
_TIMER_TEXT = """# Written by hanok.cloud; change it with hanok.cloud.schedule.
[Unit]
Description=Schedule {name} of the project {project} (hanok.cloud)

[Timer]
OnCalendar={on_calendar}
AccuracySec=1s
Persistent=true

[Install]
WantedBy=timers.target
"""


class Timers:
    """The timers of this host, as they are. Projects, names and calendar texts were validated."""

    def obstacle(self) -> str:
        """Return why this host has no timers; empty if it has."""
        if os.path.isdir(_BOOTED):
            return ''
        return (
            'schedules need systemd as the first process of the host, which is another one; '
            'run the modules from an outer scheduler, such as AWX or cron'
        )

    def next_run(self, on_calendar: str) -> str | None:
        """Return when it is the time of an expression. Raises Invalid if it is none."""
        found = _analyze(on_calendar)
        if found is None:
            raise Invalid(
                f'on_calendar: {on_calendar!r} is not a calendar expression of systemd '
                '(see systemd.time(7)); use one such as daily or Mon..Fri 19:00',
                'on_calendar',
            )
        return _elapse(found)

    def next_runs(self, texts: Iterable[str]) -> Dict[str, str | None]:
        """Return it of each of these expressions, with one call of systemd-analyze.

        One that was valid once, such as with a time zone that the host has no more, has none.
        """
        each = sorted(set(texts))
        if not each:
            return {}
        found = _analyze(*each)
        blocks = found.strip().split('\n\n') if found else [_analyze(one) or '' for one in each]
        return dict(zip(each, map(_elapse, blocks)))

    def has_service(self) -> bool:
        """Whether what all timers run is as it should be."""
        return read_file(f'{UNITS}/{SERVICE}') == SERVICE_TEXT and program.is_up_to_date()

    def is_written(self, project: str, name: str, on_calendar: str) -> bool:
        """Whether the timer of a schedule is as it should be."""
        unit = unit_of(project, name)
        text = timer_text(project, name, on_calendar)
        return os.path.islink(f'{WANTS}/{unit}') and read_file(f'{UNITS}/{unit}') == text


def unit_of(project: str, name: str) -> str:
    """The name of a timer. No name has a colon, so that no two schedules have the same."""
    return f'hanok-schedule@{project}:{name}.timer'


def timer_text(project: str, name: str, on_calendar: str) -> str:
    """The text of a timer."""
    return _TIMER_TEXT.format(name=name, project=project, on_calendar=on_calendar)


def _analyze(*texts: str) -> str | None:
    """Return what systemd says about calendar expressions; None if one of them is none."""
    try:
        ran = subprocess.run(  # pylint: disable=ansible-bad-function
            ['systemd-analyze', 'calendar', *texts],
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
            env={**os.environ, 'LC_ALL': 'C'},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CloudError(f'systemd-analyze calendar cannot be run: {error}') from error
    return None if ran.returncode else ran.stdout


def _elapse(text: str) -> str | None:
    """The time in what systemd says about one expression; None if it is never."""
    found = _ELAPSE.findall(text)
    if not found:
        return None
    time = datetime.strptime(' '.join(found[-1]), '%Y-%m-%d %H:%M:%S')
    return time.replace(tzinfo=timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')
