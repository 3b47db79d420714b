# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans of schedules, and what their runs do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.schedule import (
    ARGUMENTS,
    observe,
    schedules_of,
)
from ansible_collections.hanok.cloud.plugins.module_utils._ansible.schedule_run import (
    _MODULES,
)
from ansible_collections.hanok.cloud.plugins.module_utils._cloud import Unsupported
from ansible_collections.hanok.cloud.plugins.module_utils._model.access import MEMBER, access_of
from ansible_collections.hanok.cloud.plugins.module_utils._model.change import Plan
from ansible_collections.hanok.cloud.plugins.module_utils._model.schedule import (
    ACTIONS,
    MODULES,
    OPTIONS,
    Schedule,
    ScheduleRequest,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import Server
from ansible_collections.hanok.cloud.plugins.module_utils._model.server_snapshot import (
    ServerSnapshot,
)
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.cloud import OpenStackCloud
from ansible_collections.hanok.cloud.plugins.module_utils._plan.schedule import (
    ObservedSchedules,
    plan,
)
from ansible_collections.hanok.cloud.plugins.module_utils._plan.schedule_run import (
    actor_of,
    cleaning,
    making,
    missing,
    selected,
)

MADE = Schedule(
    'nightly', 'backup', 'daily', ('web',), keep_last=2, next_run_at='2026-02-01T00:00:00Z', id='1'
)
WEB = Server('web', labels={'stage': 'test'}, id='0123456789')
DATABASE = Server('database', labels={'stage': 'live', 'a': 'b'}, id='abcdefghij')
NOW = '2026-01-31T09:00:00Z'


def planned(current: Schedule | None = MADE, **observed: Any) -> Plan[Schedule]:
    """The plan of the options that are no observations."""
    known = {one: observed.pop(one) for one in ('next_run_at', 'obstacle') if one in observed}
    state = observed.pop('state', 'present')
    there = {current.name: current} if current else {}
    time = known.pop('next_run_at', MADE.next_run_at)
    return plan(
        ScheduleRequest('nightly', state, observed), ObservedSchedules(there, time, **known)
    )


def test_timers_are_repaired() -> None:
    """A timer that is not as recorded is part of the plan, and of nothing that deletes it."""
    assert not planned().changes
    (change,) = planned(replace(MADE, has_timer=False)).changes
    assert change.new(Schedule) == MADE
    (deleted,) = planned(replace(MADE, has_timer=False), state='absent').changes
    assert deleted.after is None
    assert not planned(None, state='absent').changes


def test_times_that_are_over() -> None:
    """They are refused, unless the schedule has run then."""
    assert planned(next_run_at=None, on_calendar='2020-01-01').refused
    assert not planned(next_run_at=None, on_calendar='daily').refused
    assert not planned(next_run_at=None, description='d').refused


@pytest.mark.parametrize('action', sorted(ACTIONS))
def test_hosts_without_timers(action: str) -> None:
    """The message has a line for cron and the module; a schedule can be deleted."""
    (text,) = planned(None, obstacle='no systemd', action=action, on_calendar='daily').refused
    assert str(text).startswith('no systemd; ')
    assert f'tasks of {MODULES[action]} in' in str(text)
    assert str(text).endswith('@daily root ansible-playbook /etc/hanok/nightly.yml')
    assert MODULES[action].rpartition('.')[2] in _MODULES
    assert not planned(obstacle='no systemd', state='absent').refused


def test_what_others_lack() -> None:
    """Another action has none of what it does not have; that is refused if it is requested."""
    (change,) = planned(replace(MADE, force=True, store='disk'), action='start').changes
    after = change.new(Schedule)
    assert [getattr(after, option) for option in OPTIONS] == [
        None,
        None,
        False,
        False,
        False,
        None,
        None,
        None,
        False,
    ]
    (text,) = planned(action='start', keep_last=1).refused
    assert str(text) == 'keep_last: action: start does not have it'
    (change,) = planned(keep_last=0, keep_daily=7).changes
    assert change.new(Schedule).keep == {'keep_daily': 7}


@pytest.mark.parametrize(
    ('schedule', 'chosen', 'lost'),
    [
        (Schedule('s', servers=('web', 'gone')), [WEB], ['gone']),
        (Schedule('s', server_labels={'a': 'b'}), [DATABASE], []),
        (Schedule('s', server_labels={'a': 'b', 'stage': 'test'}), [], []),
        (Schedule('s', servers=('web',), server_labels={'a': 'b'}), [WEB, DATABASE], []),
        (Schedule('s'), [], []),
    ],
)
def test_selection(schedule: Schedule, chosen: list[Server], lost: list[str]) -> None:
    """By name, or by all of the labels; no labels select nothing."""
    assert selected(schedule, [WEB, DATABASE]) == chosen
    assert missing(schedule, [WEB, DATABASE]) == lost


def test_tasks() -> None:
    """A task for each server, and one for all whose power changes."""
    both = [WEB, DATABASE]
    assert making(replace(MADE, action='stop', force=True), both, NOW) == [
        ('server_action', {'action': 'stop', 'names': ['web', 'database'], 'force': True})
    ]
    assert making(replace(MADE, action='start'), [WEB], NOW) == [
        ('server_action', {'action': 'start', 'names': ['web']})
    ]
    assert making(replace(MADE, action='delete'), both, NOW) == [
        ('server', {'name': name, 'state': 'absent'}) for name in ('web', 'database')
    ]
    assert making(replace(MADE, action='delete', delete_snapshots=True), [WEB], NOW) == [
        ('server', {'name': 'web', 'state': 'absent', 'delete_snapshots': True})
    ]
    assert making(replace(MADE, action='snapshot'), [WEB], NOW) == [
        ('server_snapshot', {'name': 'nightly-20260131T090000Z', 'server': 'web'})
    ]
    assert making(replace(MADE, store='disk'), [WEB], NOW) == [
        (
            'backup',
            {
                'name': 'web-01234567-20260131T090000Z',
                'server': 'web',
                'force': False,
                'include_volumes': False,
                'incremental': False,
                'keep_last': 2,
                'store': 'disk',
            },
        )
    ]
    assert making(replace(MADE, action='start'), [], NOW) == []


def test_names_of_backups() -> None:
    """They are valid for the longest names of servers, and differ for similar ones."""
    longest = [replace(WEB, name='w' * 63, id=number * 8) for number in '12']
    names = [one.options['name'] for one in making(MADE, longest, NOW)]
    assert len(set(names)) == 2
    assert max(map(len, names)) <= 63


def test_snapshots_of_others_stay() -> None:
    """Those that are kept, that others made, and that are unfinished."""

    def snapshot(day: int, by: str = 'schedule nightly', **more: Any) -> ServerSnapshot:
        created = {'created_by': by, 'created_at': f'2026-01-{day:02}T00:00:00Z'}
        return ServerSnapshot(f'web/{day}', **created, **more)

    snapshots = [snapshot(1), snapshot(2, 'root'), snapshot(3), snapshot(4), snapshot(5)]
    assert cleaning(MADE, 'web', snapshots) == [
        ('server_snapshot', {'name': name, 'server': 'web', 'state': 'absent'})
        for name in ('1', '3')
    ]
    assert cleaning(replace(MADE, keep_last=None), 'web', snapshots) == []


@pytest.mark.parametrize('members', [None, {'bob': 'admin'}, {}])
def test_runs_are_members(members: dict[str, str] | None) -> None:
    """A run may do what members of a project may, and not more, whoever the members are."""
    found = access_of(actor_of('nightly'), 'default', members, ['root'])
    assert found is not None
    assert (found.role, found.is_host_admin, found.may_declare) == (MEMBER, False, False)
    assert found.looking() == []
    other = access_of('nightly', 'default', members, ['root'])
    assert other is not None
    assert other.looking() != []


def test_an_openstack_has_none() -> None:
    """It is refused by name, before anything is requested."""

    class Cloud(OpenStackCloud):
        name = 'mycloud'

        def __init__(self) -> None:
            """Nothing is opened."""

    assert {'name', 'action', 'on_calendar'} <= set(ARGUMENTS)
    for use in (schedules_of, lambda cloud: observe(cloud, ScheduleRequest('s', 'absent'))):
        with pytest.raises(Unsupported, match='cloud: the cloud mycloud does not support it'):
            use(Cloud())
