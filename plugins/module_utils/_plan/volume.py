# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of volumes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Mapping, Sequence

from .._model.change import Draft, Plan
from .._model.effect import COMPLETES_INTERRUPTED_RUN
from .._model.kinds import Verb
from .._model.status import TaskState
from .._model.volume import TABLE, Volume, VolumeRequest, root_server

if TYPE_CHECKING:
    from .._model.image import Image
    from .._model.server import Server
    from .._model.volume_snapshot import VolumeSnapshot

# The verbs that complete what a run left unfinished.
_COMPLETING_VERBS = {
    TaskState.CREATING: Verb.CREATE,
    TaskState.ATTACHING: Verb.ATTACH,
    TaskState.DETACHING: Verb.DETACH,
}


@dataclass(frozen=True)
class ObservedVolumes:
    """Volumes, servers, images and snapshots by name, also what a new volume is a copy of.

    ``mounted``: whether the volume is mounted in its guest; None: it is not known.
    ``sees_guests``: whether the cloud could tell. ``of_running``: whether it copies what a running
    server uses.
    """

    volumes: Mapping[str, Volume]
    servers: Mapping[str, Server] = field(default_factory=dict)
    mounted: bool | None = False
    sees_guests: bool = True
    images: Mapping[str, Image] = field(default_factory=dict)
    snapshots: Mapping[str, VolumeSnapshot] = field(default_factory=dict)
    of_running: bool = False


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
        from .volume_attachment import check_server

        check_server(observed.servers.get(current.server or ''), Verb.UPDATE, draft)
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
            from .protection import check_protection

            check_protection('volume', current, request.options, draft)
            _delete(current, draft)
        return ()
    if current and current.disk_missing and request.state != 'detached':
        draft.refuse(
            'state',
            f'volume {current.name}: its disk is missing, with all data on it; delete the volume '
            '(state: absent) and re-create it',
        )
    current = _present(request, current, observed, draft)
    if request.state == 'attached' and current.server != request.server:
        from .volume_attachment import attach

        current = attach(request, current, observed, draft)
    elif (
        request.state == 'detached' and current.server and request.server in (None, current.server)
    ):
        from .volume_attachment import detach

        current = detach(request, current, observed, draft)
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
    if current.snapshots:
        draft.refuse(
            'state',
            f'volume {current.name} has snapshots ({", ".join(current.snapshots)}); delete those '
            'first (volume_snapshot: state: absent)',
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
        new = _sized(Volume(request.name, **request.options), observed, draft)
        return draft.add('volume', Verb.CREATE, None, new)
    current = _complete_earlier_run(current, observed, draft)
    return draft.update('volume', current, request.options, TABLE)


def _sized(new: Volume, observed: ObservedVolumes, draft: Draft) -> Volume:
    """A new volume with its size; refuse what it cannot be a copy of."""
    if new.source:
        from .volume_source import with_source

        return with_source(new, observed, draft)
    if not new.size:
        draft.refuse(
            'size',
            f'volume {new.name} does not exist; to create it, also set size (GB)',
        )
    return new


def _complete_earlier_run(current: Volume, observed: ObservedVolumes, draft: Draft) -> Volume:
    verb = _COMPLETING_VERBS.get(current.unfinished) if current.unfinished else None
    if verb is None:
        return current
    if verb != Verb.CREATE:
        from .volume_attachment import check_server

        check_server(observed.servers.get(current.server or ''), verb, draft)
    before = None if verb == Verb.CREATE else current
    after = current.completed()
    if verb == Verb.CREATE:
        after = _sized(after, observed, draft)
    draft.add('volume', verb, before, after, why=COMPLETES_INTERRUPTED_RUN)
    return after
