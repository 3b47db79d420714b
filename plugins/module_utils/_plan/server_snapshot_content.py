# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What snapshots of servers are of, if there is a server: imported when that is to be checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Tuple

from .._model.change import Draft, Plan
from .._model.kinds import Verb
from .._model.server_snapshot import ServerSnapshot, ServerSnapshotRequest, hardware_of
from .._model.server_type import CONTAINER
from .._model.status import Status

if TYPE_CHECKING:
    from .._model.server import Server
    from .._model.volume import Volume
    from .server_snapshot import ObservedServerSnapshots


def check_memory(server: Server, draft: Draft) -> None:
    """Refuse memory that nothing keeps."""
    if server.type == CONTAINER:
        draft.refuse(
            'memory',
            f'memory: server {server.name} is a container, whose memory nothing keeps; leave '
            'memory out, and its files are kept',
        )
    elif server.read_only_volumes:
        draft.refuse(
            'memory',
            f'memory: server {server.name} has volumes that it shares read-only '
            f'({", ".join(server.read_only_volumes)}), which are in no snapshot; detach them first '
            '(volume: state: detached), or leave memory out',
        )
    elif server.settled_status != Status.ACTIVE:
        draft.refuse(
            'memory',
            f'memory: server {server.name} is {server.settled_status}, and only a running guest '
            'has memory to keep; start the server, or leave memory out',
        )


def own_volumes(
    server: Server, volumes: Mapping[str, Volume], draft: Draft
) -> Mapping[str, Volume]:
    """The volumes that the server may write to; the others are as they were."""
    if server.read_only_volumes:
        draft.notes.append(
            f'volume {", ".join(server.read_only_volumes)}: attached read-only; it is not in the '
            'snapshot'
        )
    return {name: one for name, one in volumes.items() if name not in server.read_only_volumes}


def check_volumes(server: Server, volumes: Mapping[str, Volume], draft: Draft) -> None:
    """Refuse what would not be in the snapshot as a whole."""
    if server.type == CONTAINER and volumes:
        draft.refuse(
            'server',
            f'server {server.name} is a container with volumes ({", ".join(sorted(volumes))}), '
            'which have no snapshots; detach them first (volume: state: detached), or back up its '
            'other files (backup)',
        )
    for volume in volumes.values():
        if volume.unfinished:
            draft.refuse(
                'server',
                f'volume {volume.name} is unfinished ({volume.unfinished}); run its task again '
                'first',
            )


def check_hardware(
    current: ServerSnapshot, server: Server, later: Sequence[str], draft: Draft
) -> None:
    """Refuse to restore memory into a machine that is not the one that it is of."""
    now = hardware_of(server)
    then: Mapping[str, Any] = current.hardware or {}
    differing = [
        f'{option} is {now[option]}, and was {then[option]}'
        for option in now
        if option in then and now[option] != then[option]
    ]
    differing += [f'volume {name} was not attached' for name in later]
    if differing:
        draft.refuse(
            'memory',
            f'memory: server {server.name} is not as it was when {current.name} was made '
            f'({"; ".join(differing)}); change that back, or set memory: false to restore the '
            'disks only',
        )


def without_server(
    request: ServerSnapshotRequest, observed: ObservedServerSnapshots, draft: Draft
) -> Plan[ServerSnapshot]:
    """What follows for a snapshot of a server that does not exist."""
    if request.state == 'absent':
        return draft.finish(())
    draft.require('server', request.server, observed.servers)
    return draft.finish(predicted(request, draft))


def predicted(request: ServerSnapshotRequest, draft: Draft) -> Tuple[ServerSnapshot, ...]:
    """What follows if an earlier task of the play creates what is missing."""
    new = ServerSnapshot(request.name, bool(request.memory), current=True, **request.options)
    verb = Verb.RESTORE if request.state == 'restored' else Verb.CREATE
    return (draft.add('server_snapshot', verb, None, new),)
