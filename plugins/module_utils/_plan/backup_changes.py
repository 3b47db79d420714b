# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How backups are made, completed, restored and deleted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Tuple

from .._model.backup import SNAPSHOT, STOP, SUSPEND, TABLE, Backup, BackupRequest
from .._model.backup_config import config_of
from .._model.change import Draft, Plan
from .._model.effect import COMPLETES_INTERRUPTED_RUN, LIVE, POWER_OFF, RESTART
from .._model.kinds import Verb
from .._model.server_type import CONTAINER
from .._model.status import Status, TaskState

if TYPE_CHECKING:
    from .._model.server import Server
    from .backup import ObservedBackups

_KIND = 'backup'


def changed(
    request: BackupRequest, current: Backup | None, observed: ObservedBackups, draft: Draft
) -> Plan[Backup]:
    """Finish the plan of a backup that is not as requested."""
    if request.state == 'absent' and current:
        from .backup_deletion import delete

        check_same(request, current, draft)
        delete(request, current, observed, draft)
        return draft.finish(())
    if request.state == 'restored':
        return draft.finish(_restored(request, current, observed, draft))
    result = _present(request, current, observed, draft)
    if request.keep:
        from .backup_retention import delete_expired

        delete_expired(request.keep, result, observed, draft)
    return draft.finish((result,))


def _present(
    request: BackupRequest, current: Backup | None, observed: ObservedBackups, draft: Draft
) -> Backup:
    """Create, complete or update a backup."""
    if current and current.unfinished == TaskState.DELETING:
        current = draft.add(_KIND, Verb.DELETE, current, None, why=COMPLETES_INTERRUPTED_RUN)
    if current is None or current.unfinished == TaskState.CREATING:
        return _create(request, current, observed, draft)
    if current.unfinished == TaskState.RESTORING:
        current = _restore(request, current, current.completed(), observed, draft)
    return draft.update(_KIND, current, request.compared(), TABLE)


def _create(
    request: BackupRequest, begun: Backup | None, observed: ObservedBackups, draft: Draft
) -> Backup:
    """Create a backup, or complete its creation. ``begun``: by an interrupted run."""
    if begun:
        _check_begun(request, begun, draft)
    new = replace(begun.completed() if begun else Backup(request.name), **request.options)
    new = replace(new, store=_store(new.store, observed, draft))
    effect, why = LIVE, ''
    server = _server(request, begun, observed, draft)
    new = replace(new, base=None)
    if server:
        new = _of_server(new, server)
        if 'mode' not in request.options and begun is None:
            new = replace(new, mode=SUSPEND if server.type == CONTAINER else SNAPSHOT)
        _refuse_mode(new, server, draft)
        new = _with_volumes(new, begun, server, observed, draft)
        effect = _effect(request, begun, new, server, draft)
        if request.incremental:
            from .backup_base import with_base

            new, why = with_base(new, server, observed)
    why = '; '.join(filter(None, (COMPLETES_INTERRUPTED_RUN if begun else '', why)))
    return draft.add(_KIND, Verb.CREATE, None, new, effect, why)


def _with_volumes(
    new: Backup,
    begun: Backup | None,
    server: Server,
    observed: ObservedBackups,
    draft: Draft,
) -> Backup:
    """The backup with the volumes of its server, if it includes them."""
    if not new.include_volumes and not (begun and begun.include_volumes):
        return new
    from .backup_volumes import with_volumes

    return with_volumes(new, begun, server, observed.volumes, draft)


def _effect(
    request: BackupRequest, begun: Backup | None, new: Backup, server: Server, draft: Draft
) -> str:
    """What happens to the guest."""
    if new.mode != STOP or (begun is None and server.power == 'stopped'):
        return LIVE
    _refuse_paused(server, draft)
    return POWER_OFF if request.force else RESTART


def _of_server(new: Backup, server: Server) -> Backup:
    """The backup as that of a server."""
    return replace(
        new,
        server=server.name,
        volume_size=server.volume_size,
        config=config_of(server),
        server_exists=True,
        is_application=server.is_application,
    )


def _refuse_mode(new: Backup, server: Server, draft: Draft) -> None:
    """Refuse a mode that servers of this type do not have."""
    if new.mode == SNAPSHOT and server.type == CONTAINER:
        draft.refuse(
            'mode',
            f'mode: {new.mode}: server {server.name} is a container, whose files have no instant '
            'while it runs; use suspend, which freezes it while they are copied, or stop',
        )
    elif new.mode == SUSPEND and server.type != CONTAINER:
        draft.refuse(
            'mode',
            f'mode: {new.mode}: server {server.name} is a virtual machine, which need not be '
            'suspended; use snapshot, or stop',
        )


def _check_begun(request: BackupRequest, begun: Backup, draft: Draft) -> None:
    """Refuse to complete a backup as one of another server, or in another store."""
    check_same(request, begun, draft)
    store = request.options.get('store', begun.store)
    if store != begun.store:
        draft.refuse(
            'store',
            f'{_KIND} {begun.name} was begun in the store {begun.store}, not in {store}; delete it '
            'first (state: absent)',
        )


def _server(
    request: BackupRequest, begun: Backup | None, observed: ObservedBackups, draft: Draft
) -> Server | None:
    """The server that a new backup is of."""
    name = request.server or (begun.server if begun else '')
    if not name:
        draft.refuse(
            'server', f'{_KIND} {request.name} does not exist; to create it, also set server'
        )
        return None
    if not draft.require('server', name, observed.servers):
        return None
    server: Server | None = draft.settled('server', observed.servers[name])
    if server is None:
        draft.miss('server', f'server {name} is being deleted by another run')
        return None
    from .server_state import check_server

    check_server(server, _verb(server, Verb.SNAPSHOT), draft)
    return server


def _verb(server: Server, of_disks: Verb) -> Verb:
    """What the status of a server has to allow: containers lack verbs of disks."""
    return Verb.UPDATE if server.type == CONTAINER else of_disks


def _store(name: str, observed: ObservedBackups, draft: Draft) -> str:
    """The store of a new backup: the one that is set, or the only one."""
    if not observed.stores:
        draft.refuse(
            'store',
            'this host has no backup store; name a directory in host_backup_stores of the role '
            'hanok.cloud.host, and run it again',
        )
        return name
    if not name and len(observed.stores) == 1:
        (name,) = observed.stores
    if name not in observed.stores:
        existing = ', '.join(sorted(observed.stores))
        wrong = f'store: {name} is no backup store of this host' if name else 'store is not set'
        draft.refuse('store', f'{wrong}; use one of {existing}')
    elif observed.stores[name]:
        draft.refuse('store', f'store: {observed.stores[name]}')
    return name


def _refuse_paused(server: Server, draft: Draft) -> None:
    if server.status == Status.PAUSED:
        draft.refuse(
            'server',
            f'server: {server.name} is PAUSED, and a paused guest cannot shut down; start it first '
            '(server: state: started)',
        )


def check_same(request: BackupRequest, current: Backup, draft: Draft) -> None:
    """Refuse a task that means the backup of another server."""
    if request.server not in (None, current.server):
        draft.refuse(
            'server',
            f'{_KIND} {current.name} is of the server {current.server}, not of {request.server}; '
            'correct the name of either',
        )


def _restored(
    request: BackupRequest, current: Backup | None, observed: ObservedBackups, draft: Draft
) -> Tuple[Backup, ...]:
    """Give a server the disk back that a backup has."""
    if not draft.require(_KIND, request.name, observed.backups, 'name') or current is None:
        new = Backup(request.name, **request.options)
        return (draft.add(_KIND, Verb.RESTORE, None, new),)
    check_same(request, current, draft)
    if current.unfinished in (TaskState.CREATING, TaskState.DELETING):
        draft.refuse(
            'state',
            f'{_KIND} {current.name} is unfinished ({current.unfinished}); complete it (state: '
            'present or absent), and restore another one',
        )
    after = replace(current.completed(), **request.options)
    return (_restore(request, current, after, observed, draft),)


def _restore(
    request: BackupRequest,
    current: Backup,
    after: Backup,
    observed: ObservedBackups,
    draft: Draft,
) -> Backup:
    """Add the change; refuse a server that is not what the backup is of."""
    if current.fault:
        draft.refuse('state', f'{_KIND} {current.name}: {current.fault}')
    server: Server | None = draft.settled('server', observed.servers.get(current.server))
    if server is None or not current.server_exists:
        draft.refuse(
            'server',
            f'{_KIND} {current.name}: the server {current.server} that it is of no longer exists',
        )
    else:
        _check_target(current, server, draft)
        if current.include_volumes:
            from .backup_volumes import check_targets

            check_targets(current, server, observed.volumes, draft)
    if observed.shortage:
        draft.refuse('state', f'{_KIND} {current.name}: {observed.shortage}')
    why = COMPLETES_INTERRUPTED_RUN if current.unfinished else ''
    return draft.add(
        _KIND, Verb.RESTORE, current, after, _restore_effect(request, current, server), why
    )


def _restore_effect(request: BackupRequest, current: Backup, server: Server | None) -> str:
    """What a restore does to the guest."""
    if server and server.power == 'stopped' and not current.unfinished:
        return LIVE
    return POWER_OFF if request.force else RESTART


def _check_target(current: Backup, server: Server, draft: Draft) -> None:
    """Refuse a server whose disk cannot be replaced by that of a backup."""
    from .server_state import check_server

    if not (current.unfinished and server.unfinished == TaskState.RESTORING):  # by this backup
        check_server(server, _verb(server, Verb.RESTORE), draft)
    _refuse_paused(server, draft)
    if server.snapshots and server.type != CONTAINER:  # whose snapshots are copies
        draft.refuse(
            'state',
            f'server {server.name} has snapshots ({", ".join(server.snapshots)}), which are in the '
            'disk that is replaced; delete those first (server_snapshot: state: absent)',
        )
    is_limited = server.type != CONTAINER or server.volume_size
    if is_limited and server.volume_size < current.volume_size:
        draft.refuse(
            'state',
            f'{_KIND} {current.name} has {current.volume_size} GB, and the disk of {server.name} '
            f'only {server.volume_size}; extend that first (server: volume_size: '
            f'{current.volume_size})',
        )
