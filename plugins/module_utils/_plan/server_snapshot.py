# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of snapshots of servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Tuple

from .._model.change import AFTER_APPLY, Draft, Plan
from .._model.effect import COMPLETES_INTERRUPTED_RUN, LIVE, RESTART
from .._model.kinds import Verb
from .._model.server_snapshot import (
    TABLE,
    ServerSnapshot,
    ServerSnapshotRequest,
    hardware_of,
)
from .._model.snapshot import own_name
from .._model.status import TaskState

if TYPE_CHECKING:
    from .._model.server import Server
    from .._model.volume import Volume

_KIND = 'server_snapshot'


@dataclass(frozen=True)
class ObservedServerSnapshots:
    """The snapshots of a server, the server itself with its volumes, by name.

    ``servers``: all of them, if the one does not exist. ``shortage``: see
    ServerSnapshots.shortage.
    """

    snapshots: Mapping[str, ServerSnapshot] = field(default_factory=dict)
    servers: Mapping[str, Server] = field(default_factory=dict)
    volumes: Mapping[str, Volume] = field(default_factory=dict)
    shortage: str = ''


def plan(request: ServerSnapshotRequest, observed: ObservedServerSnapshots) -> Plan[ServerSnapshot]:
    """Create, update, restore or delete one snapshot."""
    draft = Draft()
    current = observed.snapshots.get(request.name)
    if current and is_steady(request, current):
        return draft.finish((_updated(request, current, draft),))
    found = observed.servers.get(request.server)
    if found is None:
        from .server_snapshot_content import without_server

        return without_server(request, observed, draft)
    server = draft.settled('server', found)
    if server is None:  # with its snapshots
        if request.state != 'absent':
            draft.miss('server', f'server {request.server} is being deleted by another run')
        return draft.finish(())
    current = draft.settled(_KIND, current) if current else None
    if request.state == 'restored':
        return draft.finish(_restored(request, current, server, observed, draft))
    if request.state == 'present':
        return draft.finish(_present(request, current, server, observed, draft))
    if current:
        _delete(current, server, draft)
    return draft.finish(())


def _delete(current: ServerSnapshot, server: Server, draft: Draft) -> None:
    was_interrupted = current.unfinished == TaskState.DELETING
    _check_server(server, Verb.SNAPSHOT, draft)
    why = COMPLETES_INTERRUPTED_RUN if was_interrupted else ''
    draft.add(_KIND, Verb.DELETE, _without_sizes(current), None, why=why)


def _check_server(server: Server, verb: Verb, draft: Draft) -> None:
    from .server_state import check_server

    check_server(server, verb, draft)


def _without_sizes(current: ServerSnapshot) -> ServerSnapshot:
    """What a change begins at: a guest that runs changes the sizes all the time."""
    return replace(current, size=None, changed_since=None)


def _present(
    request: ServerSnapshotRequest,
    current: ServerSnapshot | None,
    server: Server,
    observed: ObservedServerSnapshots,
    draft: Draft,
) -> Tuple[ServerSnapshot, ...]:
    """Create the snapshot, after completing an interrupted run, or update it."""
    if current and current.unfinished == TaskState.RESTORING:
        _check_fixed(request, current, draft)
        current = _restore(request, current, server, draft, COMPLETES_INTERRUPTED_RUN)
    elif current and current.unfinished == TaskState.DELETING:
        _delete(current, server, draft)
        current = None
    if current is None or current.unfinished == TaskState.CREATING:
        return (_create(request, current, server, observed, draft),)
    return (_updated(request, current, draft),)


def is_steady(request: ServerSnapshotRequest, current: ServerSnapshot) -> bool:
    """Whether a request is about nothing but the values of a snapshot, whatever the server does."""
    return request.state == 'present' and not (current.unfinished or current.task_state)


def _updated(
    request: ServerSnapshotRequest, current: ServerSnapshot, draft: Draft
) -> ServerSnapshot:
    options = dict(request.options)
    if request.memory is not None:
        options['memory'] = request.memory
    return draft.update(_KIND, current, options, TABLE)


def _create(
    request: ServerSnapshotRequest,
    begun: ServerSnapshot | None,
    server: Server,
    observed: ObservedServerSnapshots,
    draft: Draft,
) -> ServerSnapshot:
    """Create a snapshot, or complete its creation. ``begun``: by an interrupted run."""
    from .server_snapshot_content import check_memory, check_volumes, own_volumes

    _check_server(server, Verb.SNAPSHOT, draft)
    base = begun.completed() if begun else ServerSnapshot(request.name)
    memory = base.memory if request.memory is None else request.memory
    if memory:
        check_memory(server, draft)
    volumes = own_volumes(server, observed.volumes, draft)
    check_volumes(server, volumes, draft)
    new = replace(
        base,
        memory=memory,
        volumes={name: volume.size for name, volume in sorted(volumes.items())},
        hardware=hardware_of(server) if memory else None,
        parent=_origin(request, observed),
        current=True,
        **request.options,
    )
    why = COMPLETES_INTERRUPTED_RUN if begun else ''
    return draft.add(_KIND, Verb.CREATE, None, new, why=why)


def _origin(request: ServerSnapshotRequest, observed: ObservedServerSnapshots) -> str | None:
    """The snapshot that the server has come from."""
    for one in observed.snapshots.values():
        if one.current and one.name != request.name:
            return own_name(one.name)
    return None


def _restored(
    request: ServerSnapshotRequest,
    current: ServerSnapshot | None,
    server: Server,
    observed: ObservedServerSnapshots,
    draft: Draft,
) -> Tuple[ServerSnapshot, ...]:
    """Restore a snapshot."""
    if not draft.require(_KIND, request.name, observed.snapshots, 'name') or current is None:
        from .server_snapshot_content import predicted

        return predicted(request, draft)
    if current.unfinished in (TaskState.CREATING, TaskState.DELETING):
        draft.refuse(
            'state',
            f'{_KIND} {current.name} is unfinished ({current.unfinished}); complete it (state: '
            'present or absent), and restore another one',
        )
    if server.unfinished != TaskState.RESTORING:
        _check_server(server, Verb.RESTORE, draft)
    later = sorted({*server.volumes} - {*current.volumes})
    if _has_memory(request, current):
        from .server_snapshot_content import check_hardware

        check_hardware(current, server, later, draft)
    elif {*later} - {*server.read_only_volumes}:
        later = sorted({*later} - {*server.read_only_volumes})
        draft.notes.append(
            f'volume {", ".join(later)}: attached after the snapshot {current.name} was made; '
            'it is not restored'
        )
    _check_fixed(request, current, draft)
    if observed.shortage:
        draft.refuse('state', f'{_KIND} {current.name}: {observed.shortage}')
    why = COMPLETES_INTERRUPTED_RUN if current.unfinished else ''
    return (_restore(request, current, server, draft, why),)


def _has_memory(request: ServerSnapshotRequest, current: ServerSnapshot) -> bool:
    """Whether memory is restored, too."""
    return current.memory and request.memory is not False


def _check_fixed(request: ServerSnapshotRequest, current: ServerSnapshot, draft: Draft) -> None:
    if request.memory and not current.memory:
        draft.refuse(
            'memory',
            f'memory: {_KIND} {current.name} has no memory; leave memory out, and the guest boots '
            'afresh',
        )


def _restore(
    request: ServerSnapshotRequest,
    current: ServerSnapshot,
    server: Server,
    draft: Draft,
    why: str,
) -> ServerSnapshot:
    """Add the change; its effect is a restart if the memory is not restored."""
    before = replace(current, size=AFTER_APPLY, changed_since=AFTER_APPLY)
    after = replace(before.completed(), current=True, **request.options)
    effect = LIVE if _has_memory(request, current) else RESTART
    return draft.add(_KIND, Verb.RESTORE, before, after, effect, why)
