# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module backup: requests, and observations."""

from __future__ import annotations

from typing import Any, Dict, Sequence, Tuple

from .._cloud import Cloud, Names
from .._model.backup import ABORTED, KEEP, MODES, STATES, Backup, BackupRequest
from .._plan.backup import ObservedBackups, plan
from .operations import Operations, backups_of
from .options import NAME, by_name, specified_options
from .protection import PROTECTED, protected_options
from .resource import Resource
from .run import run

ARGUMENTS: Dict[str, Any] = {
    'name': NAME,
    'server': {'type': 'str'},
    'store': {'type': 'str'},
    'mode': {'type': 'str', 'choices': list(MODES)},
    'include_volumes': {'type': 'bool'},
    'force': {'type': 'bool', 'default': False},
    'incremental': {'type': 'bool', 'default': False},
    **{rule: {'type': 'int'} for rule in KEEP},
    'state': {'type': 'str', 'choices': list(STATES), 'default': 'present'},
    **PROTECTED,
}


_FIXED = ('store', 'mode', 'include_volumes')


def request(params: Dict[str, Any]) -> BackupRequest:
    """Return the request of the task."""
    options = {**specified_options(params, *_FIXED), **protected_options(params)}
    return BackupRequest(
        params['name'],
        params['state'],
        options,
        params['server'],
        params['force'],
        specified_options(params, *KEEP),
        params['incremental'],
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
    if _stays(requested, current):
        return ObservedBackups(found), names
    from .backup_server import with_server

    return with_server(cloud, requested, server, found, names)


def executors(cloud: Cloud, requested: BackupRequest) -> Operations:
    """Return what deletes others in the place of a new one, and what there is of an aborted one."""
    if not requested.keep and requested.state != ABORTED:
        return {}
    from .backup_retention import executors_of

    return executors_of(backups_of(cloud), requested)


def _stays(requested: BackupRequest, current: Backup | None) -> bool:
    """Whether the task does not concern the server."""
    if current is None:
        return requested.state in ('absent', ABORTED)
    is_begun = current.task_state or current.unfinished
    return not is_begun and requested.state in ('present', ABORTED)


def reload(cloud: Cloud, planned: Sequence[Backup]) -> Sequence[Backup]:
    """Return the backup after the changes."""
    return backups_of(cloud).list([backup.name for backup in planned])


RESOURCE = Resource('backup', ARGUMENTS, request, observe, plan, reload, executors)


def main() -> None:
    """Run the module backup."""
    run(RESOURCE)
