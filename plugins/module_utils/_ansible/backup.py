# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The modules backup and backup_info: requests, and observations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Sequence, Tuple

from .._cloud import Cloud, Names, Outcome, Outcomes, Refused
from .._model.backup import KEEP, MODES, Backup, BackupRequest
from .._model.change import Changes
from .._model.kinds import Verb
from .._model.snapshot import STATES
from .._plan.backup import ObservedBackups, plan
from .operations import Operations, backups_of
from .options import NAME, by_name, specified_options
from .protection import PROTECTED, protected_options
from .resource import Resource
from .run import run

if TYPE_CHECKING:
    from .._model.server import Server

ARGUMENTS: Dict[str, Any] = {
    'name': NAME,
    'server': {'type': 'str'},
    'store': {'type': 'str'},
    'mode': {'type': 'str', 'choices': list(MODES)},
    'force': {'type': 'bool', 'default': False},
    **{rule: {'type': 'int'} for rule in KEEP},
    'state': {'type': 'str', 'choices': list(STATES), 'default': 'present'},
    **PROTECTED,
}


def request(params: Dict[str, Any]) -> BackupRequest:
    """Return the request of the task."""
    options = {**specified_options(params, 'store', 'mode'), **protected_options(params)}
    return BackupRequest(
        params['name'],
        params['state'],
        options,
        params['server'],
        params['force'],
        specified_options(params, *KEEP),
    )


def observe(cloud: Cloud, requested: BackupRequest) -> Tuple[ObservedBackups, Names]:
    """Return the backup, and unless it stays as it is, its server and the stores."""
    backups = backups_of(cloud)
    found = by_name('backup', backups.list(None if requested.keep else [requested.name]))
    current = found.get(requested.name)
    server = (current.server if current else requested.server) or ''
    if requested.keep:
        found = {name: one for name, one in found.items() if server == one.server}
    names = {('backup', name) for name in (requested.name, *found)}
    if current is None and requested.state == 'restored':
        return ObservedBackups(by_name('backup', backups.list())), names
    if _stays(requested, current):
        return ObservedBackups(found), names
    names.add(('server', server))
    if requested.state == 'absent':
        return ObservedBackups(found), names
    servers = _servers(cloud, server)
    return ObservedBackups(found, servers, backups.stores(), _now()), names


def _now() -> str:
    from datetime import datetime, timezone

    from .._model.history import utc

    return utc(datetime.now(timezone.utc))


def executors(cloud: Cloud, requested: BackupRequest) -> Operations:
    """Return what deletes backups if others are to be kept: nothing, unless there is a new one."""
    if not requested.keep:
        return {}
    backups = backups_of(cloud)

    def delete(changes: Changes) -> Outcomes:
        made = [one for one in backups.list([requested.name]) if one.status == 'available']
        if made or [change.name for change in changes] == [requested.name]:
            return backups.delete(changes)
        name = requested.name
        kept = Refused(f'it is kept, because the backup {name} was not made; run the task again')
        return [Outcome(change, kept) for change in changes]

    return {('backup', Verb.DELETE): delete}


def _stays(requested: BackupRequest, current: Backup | None) -> bool:
    """Whether the task does not concern the server."""
    if current is None:
        return requested.state == 'absent'
    return not (current.task_state or current.unfinished or requested.state == 'restored')


def _servers(cloud: Cloud, name: str) -> Dict[str, Server]:
    """The server, or all of them for the message that it does not exist."""
    return by_name('server', cloud.servers.list([name]) or cloud.servers.list())


def reload(cloud: Cloud, planned: Sequence[Backup]) -> Sequence[Backup]:
    """Return the backup after the changes."""
    return backups_of(cloud).list([backup.name for backup in planned])


RESOURCE = Resource('backup', ARGUMENTS, request, observe, plan, reload, executors)


def main() -> None:
    """Run the module backup."""
    run(RESOURCE)


def main_info() -> None:
    """Run the module backup_info."""
    from .info import run_info

    run_info('backup', _observe_info, {'server': {'type': 'str'}})


def _observe_info(cloud: Cloud, params: Dict[str, Any]) -> Sequence[Dict[str, Any]]:
    name, server = params['name'], params['server']
    found = backups_of(cloud).list(None if name is None else [name])
    return [one.public() for one in found if server in (None, one.server)]
