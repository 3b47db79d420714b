# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of volumes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Mapping, Sequence

from .._model.change import Draft, Plan
from .._model.checks import join_names
from .._model.effect import COMPLETES_INTERRUPTED_RUN
from .._model.kinds import Verb
from .._model.status import TaskState
from .._model.volume import MAX_VOLUMES, TABLE, Volume, VolumeRequest, root_server

if TYPE_CHECKING:
    from .._model.server import Server

# The verbs that complete what a run left unfinished.
_COMPLETING_VERBS = {
    TaskState.CREATING: Verb.CREATE,
    TaskState.ATTACHING: Verb.ATTACH,
    TaskState.DETACHING: Verb.DETACH,
}


@dataclass(frozen=True)
class ObservedVolumes:
    """Volumes and servers by name.

    ``mounted``: whether the volume is mounted in its guest; None: it is not known.
    ``sees_guests``: whether the cloud could tell.
    """

    volumes: Mapping[str, Volume]
    servers: Mapping[str, Server] = field(default_factory=dict)
    mounted: bool | None = False
    sees_guests: bool = True


def plan(request: VolumeRequest, observed: ObservedVolumes) -> Plan[Volume]:
    """Create, attach, detach, grow or delete one volume."""
    draft = Draft()
    current = draft.settled('volume', observed.volumes.get(request.name))
    observed = _with_settled_servers(request, current, observed, draft)
    if root_server(request.name) or (current and current.bootable):
        result = _plan_root(request, current, observed, draft)
    else:
        result = _plan_data(request, current, observed, draft)
    if draft.changes and not draft.refused:
        _check_status(draft)
    # All changes are of one volume and stay in this order: an interrupted attachment is completed
    # before a detachment.
    return draft.finish(result)


def _check_status(draft: Draft) -> None:
    """Refuse what the status of the volume does not allow; what completes a run is none."""
    from .._model.lifecycle import is_allowed, refusal

    for change in draft.changes:
        before = change.before
        if not isinstance(before, Volume) or change.why == COMPLETES_INTERRUPTED_RUN:
            continue
        if not is_allowed('volume', before.status, change.verb):
            draft.refuse('state', refusal('volume', before.name, before.status, change.verb))


def _plan_root(
    request: VolumeRequest,
    current: Volume | None,
    observed: ObservedVolumes,
    draft: Draft,
) -> Sequence[Volume]:
    """Grow or describe the root volume of a server."""
    from .root_volume import plan_root

    updated = plan_root(request, current, draft)
    if current is None or updated is None:
        return ()
    if updated is not current and not current.unfinished:
        _check_server(observed.servers.get(current.server or ''), Verb.UPDATE, draft)
    return [updated]


def _plan_data(
    request: VolumeRequest,
    current: Volume | None,
    observed: ObservedVolumes,
    draft: Draft,
) -> Sequence[Volume]:
    """Create, attach, detach, grow or delete a volume that belongs to no server."""
    if request.state == 'absent':
        if current:
            _delete(current, draft)
        return ()
    if current and current.disk_missing and request.state != 'detached':
        draft.refuse(
            'state',
            f'volume {current.name}: its disk is missing, with all data on it; delete the volume '
            '(state: absent) and re-create it',
        )
    current = _present(request, current, observed, draft)
    if request.state == 'attached':
        current = _attach(request, current, observed, draft)
    elif (
        request.state == 'detached' and current.server and request.server in (None, current.server)
    ):
        current = _detach(request, current, observed, draft)
    return [current]


def _with_settled_servers(
    request: VolumeRequest,
    current: Volume | None,
    observed: ObservedVolumes,
    draft: Draft,
) -> ObservedVolumes:
    """The servers that have or get the volume as other runs will leave them."""
    servers = dict(observed.servers)
    for name in (request.server, current.server if current else None):
        server = draft.settled('server', servers.pop(name or '', None))
        if server:
            servers[server.name] = server
    return replace(observed, servers=servers)


def _delete(current: Volume, draft: Draft) -> None:
    if current.server:
        draft.refuse(
            'state',
            f'volume {current.name} is attached to {current.server}; detach it first '
            '(state: detached)',
        )
    why = COMPLETES_INTERRUPTED_RUN if current.unfinished == TaskState.DELETING else ''
    draft.add('volume', Verb.DELETE, current, None, why=why)


def _present(
    request: VolumeRequest,
    current: Volume | None,
    observed: ObservedVolumes,
    draft: Draft,
) -> Volume:
    """Create, complete or update the volume, apart from its attachment."""
    if current and current.unfinished == TaskState.DELETING:
        current = draft.add('volume', Verb.DELETE, current, None, why=COMPLETES_INTERRUPTED_RUN)
    if current is None:
        if 'size' not in request.options:
            draft.refuse(
                'size',
                f'volume {request.name} does not exist; to create it, also set size (GB)',
            )
        new = Volume(request.name, **request.options)
        return draft.add('volume', Verb.CREATE, None, new)
    current = _complete_earlier_run(current, observed, draft)
    return draft.update('volume', current, request.options, TABLE)


def _complete_earlier_run(current: Volume, observed: ObservedVolumes, draft: Draft) -> Volume:
    verb = _COMPLETING_VERBS.get(current.unfinished) if current.unfinished else None
    if verb is None:
        return current
    if verb != Verb.CREATE:
        _check_server(observed.servers.get(current.server or ''), verb, draft)
    before = None if verb == Verb.CREATE else current
    after = current.completed()
    draft.add('volume', verb, before, after, why=COMPLETES_INTERRUPTED_RUN)
    return after


def _attach(
    request: VolumeRequest,
    current: Volume,
    observed: ObservedVolumes,
    draft: Draft,
) -> Volume:
    if current.server == request.server:
        return current
    if draft.require('server', request.server or '', observed.servers):
        server = observed.servers[request.server or '']
        if len(server.volumes) >= MAX_VOLUMES:
            draft.refuse(
                'server',
                f'server: {server.name} has {len(server.volumes)} volumes; a server has at most '
                f'{MAX_VOLUMES} besides its root volume',
            )
        _check_server(server, Verb.ATTACH, draft)
    if current.server:
        current = _detach(request, current, observed, draft)
    return draft.add('volume', Verb.ATTACH, current, replace(current, server=request.server))


def _check_server(server: Server | None, verb: Verb, draft: Draft) -> None:
    from .server_state import check_bus, check_server

    check_server(server, verb, draft)
    if server and verb in (Verb.ATTACH, Verb.DETACH):
        check_bus(server, draft)


def _detach(
    request: VolumeRequest,
    current: Volume,
    observed: ObservedVolumes,
    draft: Draft,
) -> Volume:
    _check_server(observed.servers.get(current.server or ''), Verb.DETACH, draft)
    if current.server_snapshots:
        draft.refuse(
            'state',
            f'volume {current.name} is part of snapshots of its server '
            f'({join_names(current.server_snapshots)}); delete those first (server_snapshot: '
            'state: absent)',
        )
    if observed.mounted and not request.force:
        draft.refuse(
            'force',
            f'volume {current.name} is mounted in {current.server}, and data would be lost; '
            'unmount it there first, or set force: true',
        )
    if observed.mounted is None:
        draft.notes.append(_unknown_mount(current, observed.sees_guests))
    return draft.add(
        'volume', Verb.DETACH, current, replace(current, server=None, cloud_status=None)
    )


def _unknown_mount(current: Volume, sees_guests: bool) -> str:
    if sees_guests:
        return (
            f'whether volume {current.name} is mounted is unknown: the guest agent of '
            f'{current.server} does not answer'
        )
    return (
        f'whether volume {current.name} is mounted is unknown: this cloud does not see into '
        f'{current.server}; unmount it there first'
    )
