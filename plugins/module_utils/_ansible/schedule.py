# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module schedule: parameters to requests, and observations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Sequence, Tuple

from .._cloud import Cloud, Names
from .._model.backup import KEEP, MODES
from .._model.checks import labels_of
from .._model.schedule import ACTIONS, OPTIONS, Schedule, ScheduleRequest
from .._plan.schedule import ObservedSchedules, plan
from .clouds import supported
from .options import METADATA, NAME, STATE, by_name, metadata_options, names_of, specified_options
from .resource import Resource
from .run import run

if TYPE_CHECKING:
    from .._cloud.snapshots import Schedules
    from . import schedule_run  # noqa: F401 (AnsiballZ packs it: it is what timers run)

ARGUMENTS: Dict[str, Any] = {
    'name': NAME,
    'state': STATE,
    'action': {'type': 'str', 'choices': list(ACTIONS)},
    'on_calendar': {'type': 'str'},
    'servers': {'type': 'list', 'elements': 'str'},
    'server_labels': {'type': 'dict'},
    'store': {'type': 'str'},
    'mode': {'type': 'str', 'choices': list(MODES)},
    'include_volumes': {'type': 'bool'},
    'incremental': {'type': 'bool'},
    'force': {'type': 'bool'},
    'delete_snapshots': {'type': 'bool'},
    **{rule: {'type': 'int'} for rule in KEEP},
    **METADATA,
}


def schedules_of(cloud: Cloud) -> Schedules:
    """Return the schedules. Raises Unsupported without them."""
    return supported(cloud, cloud.schedules, 'cloud')


def request(params: Dict[str, Any]) -> ScheduleRequest:
    """Return the request of the task."""
    options = {
        **specified_options(params, 'action', 'on_calendar', *OPTIONS),
        **metadata_options(params),
    }
    if params['servers'] is not None:
        options['servers'] = names_of(params['servers'])
    if params['server_labels'] is not None:
        options['server_labels'] = labels_of(params['server_labels'])
    return ScheduleRequest(params['name'], params['state'], options)


def observe(cloud: Cloud, requested: ScheduleRequest) -> Tuple[ObservedSchedules, Names]:
    """Return the schedule, and when it will run next."""
    schedules = schedules_of(cloud)
    name = requested.name
    found = by_name('schedule', schedules.list([name]))
    names = {('schedule', name)}
    if requested.state == 'absent':
        return ObservedSchedules(found), names
    obstacle = schedules.obstacle()
    if obstacle:
        return ObservedSchedules(found, obstacle=obstacle), names
    return ObservedSchedules(found, _next_run(schedules, requested, found.get(name))), names


def _next_run(
    schedules: Schedules, requested: ScheduleRequest, current: Schedule | None
) -> str | None:
    text = requested.options.get('on_calendar')
    if current and text in (None, current.on_calendar):
        return current.next_run_at
    return schedules.next_run(text) if text else None


def reload(cloud: Cloud, planned: Sequence[Schedule]) -> Sequence[Schedule]:
    """Return the schedule after the changes."""
    return schedules_of(cloud).list([schedule.name for schedule in planned])


RESOURCE = Resource('schedule', ARGUMENTS, request, observe, plan, reload)


def main() -> None:
    """Run the module."""
    run(RESOURCE)
