# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Schedules that do not run; test_schedules.py of tests/integration: what they do."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .promises import Result, Run

Keep = Callable[..., Result]
Refused = Callable[..., str]
pytestmark = pytest.mark.needs('schedules')


def test_life_of_schedules(run: Run, keep: Keep) -> None:
    """Created with the next run, changed, deleted."""
    made = keep(
        'schedule',
        name='nightly',
        action='backup',
        servers=['web'],
        on_calendar='daily',
        keep_last=7,
    )['schedule']
    assert (made['action'], made['servers'], made['keep_last']) == ('backup', ['web'], 7)
    assert made['next_run_at'] is not None
    changed = keep('schedule', name='nightly', on_calendar='hourly', labels={'a': 'b'})['schedule']
    assert (changed['on_calendar'], changed['id']) == ('hourly', made['id'])
    (listed,) = run('schedule_info', labels={'a': 'b'})['schedules']
    assert listed == changed
    changed = keep('schedule', name='nightly', keep_last=0, keep_daily=3)['schedule']
    assert (changed['keep_last'], changed['keep_daily']) == (None, 3)
    changed = keep('schedule', name='nightly', action='stop', force=True)['schedule']
    assert (changed['action'], changed['force'], changed['keep_daily']) == ('stop', True, None)
    keep('schedule', name='nightly', state='absent')
    assert run('schedule_info')['schedules'] == []


@pytest.mark.parametrize(
    ('options', 'problem'),
    [
        ({'action': 'stop', 'on_calendar': 'daily', 'servers': ['b x']}, "'b x' is not a valid"),
        ({'on_calendar': 'daily'}, 'to create it, also set action'),
        ({'action': 'stop'}, 'to create it, also set on_calendar'),
        ({'action': 'stop', 'on_calendar': 'daily', 'servers': []}, 'no server is selected'),
        ({'action': 'stop', 'on_calendar': 'daily\nx', 'servers': ['a']}, 'calendar expression'),
        ({'action': 'stop', 'on_calendar': '%i', 'servers': ['a']}, 'calendar expression'),
        (
            {'action': 'stop', 'on_calendar': '2020-01-01', 'servers': ['a']},
            'or there is no such day',
        ),
        (
            {'action': 'stop', 'on_calendar': 'daily', 'servers': ['a'], 'keep_last': 1},
            'keep_last: action: stop does not have it',
        ),
        (
            {'action': 'backup', 'on_calendar': 'daily', 'servers': ['a'], 'keep_last': -1},
            'keep_last: -1 is out of range',
        ),
    ],
)
def test_what_cannot_be(refused: Refused, options: Result, problem: str) -> None:
    """Refused before anything is recorded."""
    assert problem in refused('schedule', name='s', **options)


def test_long_names(refused: Refused) -> None:
    """Snapshots are named after the schedule."""
    assert 'at most 40' in refused('schedule', name='s' * 41, action='stop')
