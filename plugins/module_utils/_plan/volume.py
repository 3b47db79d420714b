# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes: what was asked and what is there -> what to do."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Mapping

from .._model.change import COMPLETES_INTERRUPTED_RUN, Draft, Plan
from .._model.server import Server
from .._model.volume import MAX_VOLUMES, TABLE, Volume, VolumeRequest


@dataclass(frozen=True)
class ObservedVolumes:
    """Volumes and servers by name. ``mounted``: whether the guest that has the volume has it mounted; None: it cannot be asked."""

    volumes: Mapping[str, Volume]
    servers: Mapping[str, Server] = field(default_factory=dict)
    mounted: bool | None = False


def plan(request: VolumeRequest, observed: ObservedVolumes) -> Plan:
    """Make, attach, detach, grow or delete one volume."""
    draft, current = Draft(), observed.volumes.get(request.name)
    if request.state == 'absent':
        if current:
            _delete(current, draft)
        return draft.finish()
    if current and current.disk_missing and request.state != 'detached':
        draft.refused.append(
            f'volume {current.name}: its disk is gone from the host, with what was on it; delete the volume (state: absent) and make it again'
        )
    current = _present(request, current, observed, draft)
    if request.state == 'attached':
        current = _attached(request, current, observed, draft)
    elif (
        request.state == 'detached' and current.server and request.server in (None, current.server)
    ):
        current = _detached(request, current, observed, draft)
    draft.result.append(current)
    # Of one volume: in the order in which they were added. One that was being attached is detached
    # after that.
    return draft.finish()


def _delete(current: Volume, draft: Draft) -> None:
    if current.server:
        draft.refused.append(
            f'volume {current.name} is attached to {current.server}; detach it first (state: detached)'
        )
    draft.add(
        'volume',
        'delete',
        current,
        None,
        why=COMPLETES_INTERRUPTED_RUN if current.task_state == 'deleting' else '',
    )


def _present(
    request: VolumeRequest, current: Volume | None, observed: ObservedVolumes, draft: Draft
) -> Volume:
    """The volume as it is there in any case: made, or finished, or grown."""
    if current and current.task_state == 'deleting':
        current = draft.add('volume', 'delete', current, None, why=COMPLETES_INTERRUPTED_RUN)
    if current is None:
        if 'size' not in request.options:
            draft.refused.append(
                f'volume {request.name} does not exist; to create it, also set size (GB)'
            )
        made: Volume = draft.add('volume', 'create', None, Volume(request.name, **request.options))
        return made
    if current.task_state in ('attaching', 'detaching'):
        _in_order(observed.servers.get(current.server or ''), draft)
    if current.task_state == 'creating':
        current = draft.add(
            'volume',
            'create',
            None,
            replace(current, task_state=None),
            why=COMPLETES_INTERRUPTED_RUN,
        )
    elif current.task_state == 'attaching':
        current = draft.add(
            'volume',
            'attach',
            current,
            replace(current, task_state=None),
            why=COMPLETES_INTERRUPTED_RUN,
        )
    elif current.task_state == 'detaching':
        current = draft.add(
            'volume',
            'detach',
            current,
            replace(current, task_state=None, server=None),
            why=COMPLETES_INTERRUPTED_RUN,
        )
    kept: Volume = draft.update('volume', current, request.options, TABLE)
    return kept


def _attached(
    request: VolumeRequest, current: Volume, observed: ObservedVolumes, draft: Draft
) -> Volume:
    if current.server == request.server:
        return current
    if draft.require('server', request.server or '', observed.servers):
        server = observed.servers[request.server or '']
        if len(server.volumes) >= MAX_VOLUMES:
            draft.refused.append(
                f'server: {server.name} has {len(server.volumes)} volumes; a server has at most {MAX_VOLUMES} beside its root volume'
            )
        _in_order(server, draft)
    if current.server:
        current = _detached(request, current, observed, draft)
    attached: Volume = draft.add(
        'volume', 'attach', current, replace(current, server=request.server)
    )
    return attached


def _in_order(server: Server | None, draft: Draft) -> None:
    """Refuse a server whose machine is not as recorded: to attach or detach a volume would define it anew, which is done only when asked for."""
    if server is None:
        return
    if server.task_state:
        draft.refused.append(
            f'server: {server.name} is {server.task_state}; run the task that makes it, or that deletes it, again'
        )
    elif server.faults:
        why = '; '.join(server.faults)
        draft.refused.append(
            f'server: {server.name} is UNMANAGED ({why}); first have it repaired (repair: true of server), or delete it, which keeps its volumes'
        )


def _detached(
    request: VolumeRequest, current: Volume, observed: ObservedVolumes, draft: Draft
) -> Volume:
    _in_order(observed.servers.get(current.server or ''), draft)
    if observed.mounted and not request.force:
        draft.refused.append(
            f'volume {current.name} is mounted in {current.server}, and data would be lost; umount it there first, or say force: true'
        )
    if observed.mounted is None:
        draft.notes.append(
            f'whether volume {current.name} is mounted cannot be seen: the guest agent of {current.server} does not answer'
        )
    free: Volume = draft.add('volume', 'detach', current, replace(current, server=None))
    return free
