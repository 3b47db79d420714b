# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of schedules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Dict, NamedTuple

from .._model.backup import KEEP
from .._model.change import Draft, Plan
from .._model.schedule import ACTIONS, MODULES, OPTIONS, TABLE, Schedule, ScheduleRequest
from .common import plan_one

_NONE = Schedule('')


class ObservedSchedules(NamedTuple):
    """The schedule of a request.

    ``next_run_at``: of the calendar expression that will hold; None: never. ``obstacle``: why the
    cloud cannot run schedules now; empty: it can.
    """

    schedules: Mapping[str, Schedule]
    next_run_at: str | None = None
    obstacle: str = ''


def plan(request: ScheduleRequest, observed: ObservedSchedules) -> Plan[Schedule]:
    """Create, update or delete one schedule; what it has made stays."""
    draft = Draft()
    current = observed.schedules.get(request.name)
    if request.state == 'present':
        _check(request, current, observed, draft)
        if draft.refused:
            return draft.finish(())
    options = {
        **request.options,
        **_cleared(request.options),
        'has_timer': True,
        'next_run_at': observed.next_run_at,
    }
    result = plan_one(
        'schedule',
        ScheduleRequest(request.name, request.state, options),
        current,
        TABLE,
        lambda: Schedule(request.name, **options),
        draft,
    )
    for schedule in result:
        draft.refused.extend(schedule.problems())
    return draft.finish(result)


def _cleared(options: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the options that become unset: rules of 0, and what another action does not have."""
    cleared: Dict[str, Any] = {rule: None for rule in KEEP if options.get(rule) == 0}
    if 'action' in options:
        others = set(OPTIONS) - set(ACTIONS[options['action']])
        cleared.update({one: getattr(_NONE, one) for one in others if not options.get(one)})
    return cleared


def _check(
    request: ScheduleRequest,
    current: Schedule | None,
    observed: ObservedSchedules,
    draft: Draft,
) -> None:
    missing = [option for option in ('action', 'on_calendar') if option not in request.options]
    if current is None and missing:
        draft.refuse(
            missing[0],
            f'schedule {request.name} does not exist; to create it, also set '
            f'{" and ".join(missing)}',
        )
    if observed.obstacle:
        action = request.options.get('action') or (current.action if current else 'backup')
        draft.refuse('cloud', f'{observed.obstacle}; {cron_line(request.name, action)}')
    else:
        _check_time(request, current, observed, draft)


def _check_time(
    request: ScheduleRequest,
    current: Schedule | None,
    observed: ObservedSchedules,
    draft: Draft,
) -> None:
    """Refuse another time that never comes."""
    text = request.options.get('on_calendar')
    is_other = text is not None and (current is None or current.on_calendar != text)
    if is_other and observed.next_run_at is None:
        draft.refuse(
            'on_calendar',
            f'on_calendar: {text} is over, or there is no such day; it would never run',
        )


def cron_line(name: str, action: str) -> str:
    """Return how cron would do it, for a host without timers."""
    return (
        f'for example with this line in /etc/cron.d/hanok, and tasks of {MODULES[action]} in that '
        f'playbook: @daily root ansible-playbook /etc/hanok/{name}.yml'
    )
