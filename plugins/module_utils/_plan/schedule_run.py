# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run of a schedule does: tasks of modules, which decide and check as for anybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Dict, List, NamedTuple

from .._model.access import SCHEDULE
from .._model.retention import Dated, expired
from .._model.schedule import Schedule
from .._model.server import Server
from .._model.server_snapshot import ServerSnapshot
from .._model.snapshot import own_name

_MOST_OF_SERVER = 36  # characters of its name in that of a backup, which has at most 63


class Task(NamedTuple):
    """A task of a module."""

    module: str
    options: Mapping[str, Any]


def selected(schedule: Schedule, servers: Sequence[Server]) -> List[Server]:
    """Return the servers that a schedule is about, of all."""
    labels = schedule.server_labels.items()
    return [
        server
        for server in servers
        if server.name in schedule.servers or (labels and labels <= server.labels.items())
    ]


def missing(schedule: Schedule, servers: Sequence[Server]) -> List[str]:
    """Return the names of a schedule that no server has."""
    return [name for name in schedule.servers if name not in {one.name for one in servers}]


def making(schedule: Schedule, servers: Sequence[Server], now: str) -> List[Task]:
    """Return the tasks of a run. ``now``: as in 2026-01-31T09:00:00Z."""
    if not servers:
        return []
    if schedule.action in ('start', 'stop'):
        options: Dict[str, Any] = {
            'action': schedule.action,
            'names': [one.name for one in servers],
        }
        if schedule.force:
            options['force'] = True
        return [Task('server_action', options)]
    return [_task(schedule, server, now) for server in servers]


def _task(schedule: Schedule, server: Server, now: str) -> Task:
    stamp = now.replace('-', '').replace(':', '')
    if schedule.action == 'delete':
        gone: Dict[str, Any] = {'name': server.name, 'state': 'absent'}
        if schedule.delete_snapshots:
            gone['delete_snapshots'] = True
        return Task('server', gone)
    if schedule.action == 'snapshot':
        name = f'{schedule.name}-{stamp}'
        return Task('server_snapshot', {'name': name, 'server': server.name})
    short = server.name[:_MOST_OF_SERVER]
    backup: Dict[str, Any] = {
        'name': f'{short}-{server.id[:8]}-{stamp}',
        'server': server.name,
        'force': schedule.force,
        'include_volumes': schedule.include_volumes,
        'incremental': schedule.incremental,
        **schedule.keep,
    }
    for option in ('store', 'mode'):
        if getattr(schedule, option) is not None:
            backup[option] = getattr(schedule, option)
    return Task('backup', backup)


def cleaning(schedule: Schedule, server: str, snapshots: Sequence[ServerSnapshot]) -> List[Task]:
    """Return the tasks that delete snapshots which this schedule made and does not keep."""
    own = [
        Dated(own_name(one.name), one.created_at)
        for one in snapshots
        if one.created_by == actor_of(schedule.name) and one.status == 'available'
    ]
    return [
        Task('server_snapshot', {'name': name, 'server': server, 'state': 'absent'})
        for name in expired(own, schedule.keep)
    ]


def actor_of(name: str) -> str:
    """Return who runs the tasks of a schedule."""
    return f'{SCHEDULE}{name}'
