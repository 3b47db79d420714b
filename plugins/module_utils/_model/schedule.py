# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Schedules: what happens to servers at certain times, without anybody who runs a task."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Dict, List, Tuple

from .backup import KEEP, MOST_KEPT
from .change import AFTER_APPLY, plain_fields
from .checks import host_name_problems, label_problems
from .effect import Table, live
from .problem import Problem, invalid
from .request import Request

# What each action has of the options below.
ACTIONS: Mapping[str, Tuple[str, ...]] = {
    'backup': ('store', 'mode', 'include_volumes', 'incremental', 'force', *KEEP),
    'snapshot': KEEP,
    'start': (),
    'stop': ('force',),
    'delete': ('delete_snapshots',),
}
# What does it once.
MODULES = {
    'backup': 'hanok.cloud.backup',
    'snapshot': 'hanok.cloud.server_snapshot',
    'start': 'hanok.cloud.server_action',
    'stop': 'hanok.cloud.server_action',
    'delete': 'hanok.cloud.server',
}
OPTIONS = (*ACTIONS['backup'], *ACTIONS['delete'])
MOST_IN_NAME = 40  # characters: snapshots are named after their schedule and the time
# systemd.time(7): weekdays, dates, times, lists, ranges, steps, and a time zone.
_CALENDAR = re.compile(r'[A-Za-z0-9*][A-Za-z0-9*.,:/~ _+-]{0,99}\Z')


@dataclass(frozen=True)
class Schedule:
    """A schedule.

    ``servers`` and ``server_labels``: the servers that it is about. ``keep_...``: see retention.py.
    ``has_timer``: whether the timer of the host is as recorded. ``next_run_at``: None if never.
    """

    name: str
    action: str = ''
    on_calendar: str = ''
    servers: Tuple[str, ...] = ()
    server_labels: Mapping[str, str] = field(default_factory=dict)
    store: str | None = None
    mode: str | None = None
    include_volumes: bool = False
    incremental: bool = False
    force: bool = False
    keep_last: int | None = None
    keep_daily: int | None = None
    keep_weekly: int | None = None
    delete_snapshots: bool = False
    description: str = ''
    labels: Mapping[str, str] = field(default_factory=dict)
    has_timer: bool = True
    next_run_at: str | None = None
    id: str = AFTER_APPLY
    created_by: str = AFTER_APPLY
    created_at: str = AFTER_APPLY

    @property
    def keep(self) -> Dict[str, int]:
        """How many of what it makes are kept, by rule."""
        rules = {rule: getattr(self, rule) for rule in KEEP}
        return {rule: number for rule, number in rules.items() if number is not None}

    def public(self) -> Dict[str, Any]:
        """The schedule for the result of a module."""
        return plain_fields(self)

    def problems(self) -> List[Problem]:
        """What does not fit together in it."""
        problems = [
            invalid(option, f'action: {self.action} does not have it')
            for option in OPTIONS
            if getattr(self, option) not in (None, False) and option not in ACTIONS[self.action]
        ]
        if not self.servers and not self.server_labels:
            problems.append(invalid('servers', 'set it or server_labels: no server is selected'))
        return problems


class ScheduleRequest(Request):
    """The requested state."""

    def problems(self) -> List[Problem]:
        """What is invalid in the request, regardless of what exists."""
        options = self.options
        problems = super().problems() + label_problems(options.get('server_labels'))
        for name in options.get('servers', ()):
            problems += host_name_problems(name, 'servers')
        for rule in KEEP:
            number = options.get(rule, 1)
            if not 0 <= number <= MOST_KEPT:
                problems.append(invalid(rule, f'{number} is out of range; use 0 to {MOST_KEPT}'))
        return problems + calendar_problems(options.get('on_calendar'))

    def _name_problems(self) -> List[Problem]:
        problems = super()._name_problems()
        if not problems and len(self.name) > MOST_IN_NAME:
            text = f'{self.name!r} is too long; use at most {MOST_IN_NAME} characters'
            problems = [invalid('name', text)]
        return problems


def calendar_problems(text: str | None) -> List[Problem]:
    """Check the characters of a calendar expression; what it means is for systemd to say."""
    if text is None or _CALENDAR.match(text):
        return []
    return [
        invalid(
            'on_calendar',
            f'{text!r} is not a calendar expression of systemd; use one such as daily, '
            'Mon..Fri 19:00 or 2026-12-04 18:00',
        )
    ]


_LIVE = ('action', 'on_calendar', 'servers', 'server_labels', *OPTIONS, 'description', 'labels')
TABLE: Table = dict.fromkeys((*_LIVE, 'has_timer', 'next_run_at'), live)
