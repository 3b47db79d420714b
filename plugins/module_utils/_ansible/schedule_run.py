# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the timer of a schedule runs: tasks of modules, each in a process of its own.

``python3 -m ...schedule_run PROJECT:NAME``. It reads the schedule from the record, so that units
have nothing but names in them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Dict, Tuple

from .._cloud import CloudError
from .._cloud.programs import run
from .._model.schedule import Schedule
from .._plan.schedule_run import Task, actor_of, cleaning, making, missing, selected

if TYPE_CHECKING:
    from .._model.server import Server

_MODULES = ('backup', 'server', 'server_action', 'server_snapshot')
_TIMEOUT = 6 * 3600  # seconds that a task may wait for locks and guests


def main(arguments: Sequence[str]) -> int:
    """Run a schedule, or the module of one of its tasks; return the exit code."""
    if arguments[0] == '--module':
        return _run_module(arguments[1])
    project, _separator, name = arguments[0].partition(':')
    try:
        return _run_schedule(project, name)
    except CloudError as error:
        _say(f'schedule {name}: {error}')
        return 1


def _run_module(name: str) -> int:
    from . import backup, server, server_action, server_snapshot

    mains = (backup.main, server.main, server_action.main, server_snapshot.main)
    del sys.argv[1:]  # AnsibleModule reads its parameters from there, else from standard input
    dict(zip(_MODULES, mains))[name]()
    return 0


def _run_schedule(project: str, name: str) -> int:
    schedule, servers = _read(project, name)
    chosen = selected(schedule, servers)
    lost = missing(schedule, servers)
    for one in lost:
        _say(f'schedule {name}: server {one} does not exist')
    done = [_run_task(project, schedule, task) for task in making(schedule, chosen, _now())]
    if schedule.action == 'snapshot' and schedule.keep and all(done):
        done += [_clean(project, schedule, server.name) for server in chosen]
    return 0 if all(done) and not lost else 1


def _read(project: str, name: str) -> Tuple[Schedule, Sequence[Server]]:
    """Read a schedule, and all servers of its project."""
    from .clouds import open_cloud
    from .schedule import schedules_of

    with open_cloud('local', project, actor_of(name), _TIMEOUT) as cloud:
        found = schedules_of(cloud).list([name])
        if not found:
            raise CloudError('it does not exist any more; nothing was done')
        return found[0], cloud.servers.list()


def _clean(project: str, schedule: Schedule, server: str) -> bool:
    """Delete the snapshots of a server that the schedule does not keep."""
    from .clouds import open_cloud
    from .operations import snapshots_of

    with open_cloud('local', project, actor_of(schedule.name), _TIMEOUT) as cloud:
        made = snapshots_of(cloud).list(server=server)
    return all(_run_task(project, schedule, one) for one in cleaning(schedule, server, made))


def _run_task(project: str, schedule: Schedule, task: Task) -> bool:
    """Run a task, and say what it said."""
    options: Dict[str, Any] = {
        **task.options,
        'project': project,
        'actor': actor_of(schedule.name),
        'wait_timeout': _TIMEOUT,
    }
    command = [sys.executable, '-m', __spec__.name, '--module', task.module]
    ran = run(command, json.dumps({'ANSIBLE_MODULE_ARGS': options}))
    _say(f'{task.module}: {_message(ran.stdout) or ran.stderr.strip()[-500:]}')
    return ran.returncode == 0


def _message(output: str) -> str:
    try:
        return str(json.loads(output)['msg'])
    except (ValueError, KeyError, TypeError):
        return ''


def _say(text: str) -> None:
    """Write a line, for the journal."""
    sys.stderr.write(f'{text}\n')


def _now() -> str:
    from datetime import datetime, timezone

    from .._model.history import utc

    return utc(datetime.now(timezone.utc))


if __name__ == '__main__':
    raise SystemExit(main(sys.argv[1:]))
