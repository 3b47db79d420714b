# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of volumes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Mapping

from .._model.change import COMPLETES_INTERRUPTED_RUN, Draft, Plan
from .._model.kinds import Verb
from .._model.server import Server
from .._model.volume import MAX_VOLUMES, TABLE, Volume, VolumeRequest

# The verbs that complete an interrupted run, by task state.
_COMPLETING_VERBS = {
    'creating': Verb.CREATE,
    'attaching': Verb.ATTACH,
    'detaching': Verb.DETACH,
}


@dataclass(frozen=True)
class ObservedVolumes:
    """Volumes and servers by name.

    ``mounted``: whether the volume is mounted in its guest; None: the guest does not answer.
    """

    volumes: Mapping[str, Volume]
    servers: Mapping[str, Server] = field(default_factory=dict)
    mounted: bool | None = False


def plan(request: VolumeRequest, observed: ObservedVolumes) -> Plan:
    """Create, attach, detach, grow or delete one volume."""
    draft, current = Draft(), observed.volumes.get(request.name)
    if request.state == 'absent':
        if current:
            _delete(current, draft)
        return draft.finish()
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
    draft.result.append(current)
    # All changes are of one volume and stay in this order: an interrupted attachment is completed
    # before a detachment.
    return draft.finish()


def _delete(current: Volume, draft: Draft) -> None:
    if current.server:
        draft.refuse(
            'state',
            f'volume {current.name} is attached to {current.server}; detach it first '
            '(state: detached)',
        )
    why = COMPLETES_INTERRUPTED_RUN if current.task_state == 'deleting' else ''
    draft.add('volume', Verb.DELETE, current, None, why=why)


def _present(
    request: VolumeRequest, current: Volume | None, observed: ObservedVolumes, draft: Draft
) -> Volume:
    """Create, complete or update the volume, apart from its attachment."""
    if current and current.task_state == 'deleting':
        current = draft.add('volume', Verb.DELETE, current, None, why=COMPLETES_INTERRUPTED_RUN)
    if current is None:
        if 'size' not in request.options:
            draft.refuse(
                'size',
                f'volume {request.name} does not exist; to create it, also set size (GB)',
            )
        new = Volume(request.name, **request.options)
        created: Volume = draft.add('volume', Verb.CREATE, None, new)
        return created
    current = _complete_earlier_run(current, observed, draft)
    updated: Volume = draft.update('volume', current, request.options, TABLE)
    return updated


def _complete_earlier_run(current: Volume, observed: ObservedVolumes, draft: Draft) -> Volume:
    verb = _COMPLETING_VERBS.get(current.task_state or '')
    if verb is None:
        return current
    if verb != Verb.CREATE:
        _check_server(observed.servers.get(current.server or ''), draft)
    before = None if verb == Verb.CREATE else current
    after = replace(current, task_state=None)
    if verb == Verb.DETACH:
        after = replace(after, server=None)
    draft.add('volume', verb, before, after, why=COMPLETES_INTERRUPTED_RUN)
    return after


def _attach(
    request: VolumeRequest, current: Volume, observed: ObservedVolumes, draft: Draft
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
        _check_server(server, draft)
    if current.server:
        current = _detach(request, current, observed, draft)
    attached: Volume = draft.add(
        'volume', Verb.ATTACH, current, replace(current, server=request.server)
    )
    return attached


def _check_server(server: Server | None, draft: Draft) -> None:
    """Refuse a server whose machine differs from the record.

    Attaching or detaching a volume redefines the machine, which undoes that difference.
    """
    if server is None:
        return
    if server.task_state:
        draft.refuse(
            'server',
            f'server: {server.name} is {server.task_state}; run the task that creates or deletes '
            'it again',
        )
    elif server.faults:
        faults = '; '.join(server.faults)
        draft.refuse(
            'server',
            f'server: {server.name} is UNMANAGED ({faults}); repair it first (server: repair: '
            'true), or delete it, which keeps its volumes',
        )


def _detach(
    request: VolumeRequest, current: Volume, observed: ObservedVolumes, draft: Draft
) -> Volume:
    _check_server(observed.servers.get(current.server or ''), draft)
    if observed.mounted and not request.force:
        draft.refuse(
            'force',
            f'volume {current.name} is mounted in {current.server}, and data would be lost; '
            'unmount it there first, or set force: true',
        )
    if observed.mounted is None:
        draft.notes.append(
            f'whether volume {current.name} is mounted is unknown: the guest agent of '
            f'{current.server} does not answer'
        )
    free: Volume = draft.add('volume', Verb.DETACH, current, replace(current, server=None))
    return free
