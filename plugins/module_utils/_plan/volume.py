# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes: what was asked and what is there -> what to do."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Mapping

from .._model.change import AGAIN, Draft, Plan
from .._model.server import Server
from .._model.volume import MOST_VOLUMES, TABLE, Volume, VolumeRequest


@dataclass(frozen=True)
class VolumesSeen:
    """Volumes and servers by name. ``mounted``: whether the guest that has the volume has it mounted; None: it cannot be asked."""

    volumes: Mapping[str, Volume]
    servers: Mapping[str, Server] = field(default_factory=dict)
    mounted: bool | None = False


def plan(request: VolumeRequest, seen: VolumesSeen) -> Plan:
    """Make, attach, detach, grow or delete one volume."""
    draft, now = Draft(), seen.volumes.get(request.name)
    if request.state == 'absent':
        if now:
            _delete(now, draft)
        return draft.done()
    if now and now.gone and request.state != 'detached':
        draft.refused.append(
            f'volume {now.name}: its disk is gone from the host, with what was on it; delete the volume (state: absent) and make it again'
        )
    now = _present(request, now, seen, draft)
    if request.state == 'attached':
        now = _attached(request, now, seen, draft)
    elif request.state == 'detached' and now.server and request.server in (None, now.server):
        now = _detached(request, now, seen, draft)
    draft.result.append(now)
    # Of one volume: in the order in which they were added. One that was being attached is detached
    # after that.
    return draft.done()


def _delete(now: Volume, draft: Draft) -> None:
    if now.server:
        draft.refused.append(
            f'volume {now.name} is attached to {now.server}; detach it first (state: detached)'
        )
    draft.step('volume', 'delete', now, None, why=AGAIN if now.task_state == 'deleting' else '')


def _present(request: VolumeRequest, now: Volume | None, seen: VolumesSeen, draft: Draft) -> Volume:
    """The volume as it is there in any case: made, or finished, or grown."""
    if now and now.task_state == 'deleting':
        now = draft.step('volume', 'delete', now, None, why=AGAIN)
    if now is None:
        if 'size' not in request.options:
            draft.refused.append(f'volume {request.name} does not exist; to make it give size (GB)')
        made: Volume = draft.step('volume', 'create', None, Volume(request.name, **request.options))
        return made
    if now.task_state in ('attaching', 'detaching'):
        _in_order(seen.servers.get(now.server or ''), draft)
    if now.task_state == 'creating':
        now = draft.step('volume', 'create', None, replace(now, task_state=None), why=AGAIN)
    elif now.task_state == 'attaching':
        now = draft.step('volume', 'attach', now, replace(now, task_state=None), why=AGAIN)
    elif now.task_state == 'detaching':
        now = draft.step(
            'volume', 'detach', now, replace(now, task_state=None, server=None), why=AGAIN
        )
    kept: Volume = draft.update('volume', now, request.options, TABLE)
    return kept


def _attached(request: VolumeRequest, now: Volume, seen: VolumesSeen, draft: Draft) -> Volume:
    if now.server == request.server:
        return now
    if draft.need('server', request.server or '', seen.servers):
        server = seen.servers[request.server or '']
        if len(server.volumes) >= MOST_VOLUMES:
            draft.refused.append(
                f'server: {server.name} has {len(server.volumes)} volumes; a server has at most {MOST_VOLUMES} beside its root volume'
            )
        _in_order(server, draft)
    if now.server:
        now = _detached(request, now, seen, draft)
    attached: Volume = draft.step('volume', 'attach', now, replace(now, server=request.server))
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


def _detached(request: VolumeRequest, now: Volume, seen: VolumesSeen, draft: Draft) -> Volume:
    _in_order(seen.servers.get(now.server or ''), draft)
    if seen.mounted and not request.force:
        draft.refused.append(
            f'volume {now.name} is mounted in {now.server}, and data would be lost; umount it there first, or say force: true'
        )
    if seen.mounted is None:
        draft.notes.append(
            f'whether volume {now.name} is mounted cannot be seen: the guest agent of {now.server} does not answer'
        )
    free: Volume = draft.step('volume', 'detach', now, replace(now, server=None))
    return free
