# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of partitions and file systems that fill their disks: imported if a task requests it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Tuple

from .._model.change import Draft
from .._model.guest_disk import MBR_GB, NO_ANSWER, GuestDisk
from .._model.server_type import CONTAINER
from .._model.status import Status, TaskState
from .._model.volume import Volume
from .._model.volume_request import VolumeRequest
from .._model.volume_servers import joining, leaving

if TYPE_CHECKING:
    from .._model.server import Server
    from .volume import ObservedVolumes


def with_growth(
    request: VolumeRequest, current: Volume | None, observed: ObservedVolumes, draft: Draft
) -> Tuple[VolumeRequest, Volume | None]:
    """The request and the volume with what of it the guest uses; refuse what cannot be grown."""
    misfit = _misfit(request, current)
    if current and misfit:
        draft.refuse('grow', f'volume {current.name}: {misfit}; omit grow')
        return request, current
    if current is None or _is_attached_first(request, current):
        _check_attached_first(request, current, draft)
        return request, current
    holder = observed.servers.get(current.server or '')
    size = request.options.get('size', current.size)
    reason = refusal(holder, observed.guest_disk, current.size, size)
    if current.server is None:
        reason = 'it is attached to no server; attach it (state: attached), and mount it there'
    if reason:
        draft.refuse('grow', f'volume {current.name}: {reason}')
        return request, current
    filled = observed.guest_disk is not None and observed.guest_disk.filled
    wanted = replace(request, options={**request.options, 'filled': True})
    return wanted, replace(current, filled=filled)


def _misfit(request: VolumeRequest, current: Volume | None) -> str:
    """Why no guest grows anything on a volume of its kind; empty: one may."""
    if current is None:
        return ''
    if current.file_system:
        return 'its file system always fills it'
    if current.readers and not leaving(request, current):
        return 'servers have it read-only, and nothing grows on it'
    return ''


def has_guest(server: Server | None) -> bool:
    """Whether a server has a guest that can be asked."""
    return server is not None and not _unseen(server)


def refusal(server: Server | None, disk: GuestDisk | None, before: int, size: int) -> str:
    """Why what a guest has on a disk cannot fill it; empty: it can. Sizes in GB."""
    if server and _unseen(server):
        return _unseen(server)
    disk = disk or NO_ANSWER
    where = f'server {server.name}: ' if server else ''
    if disk.refused and not (disk.filled and size <= before):
        return where + disk.refused
    if disk.has_mbr and size > MBR_GB:
        return (
            f'{where}its partitions are in an MBR, which ends at {MBR_GB} GB; convert it to GPT in '
            'the guest (sgdisk -g; what boots by BIOS needs a BIOS boot partition too), or omit '
            'grow'
        )
    return ''


def _unseen(server: Server) -> str:
    """Why the guest of a server cannot be asked; empty: it can."""
    if server.type == CONTAINER:
        return f'server {server.name} is a container, which has no disk; omit grow'
    if not server.guest_agent:
        return f'server {server.name} has no guest agent; set guest_agent: true, or omit grow'
    if server.status != Status.ACTIVE:
        return f'server {server.name} is {server.status}; start it first (server: state: started)'
    return ''


def _is_attached_first(request: VolumeRequest, current: Volume) -> bool:
    """Whether the volume has yet to come into the guest in which it would grow."""
    if current.unfinished in (TaskState.CREATING, TaskState.ATTACHING, TaskState.DELETING):
        return True
    return bool(joining(request, current))


def _check_attached_first(request: VolumeRequest, current: Volume | None, draft: Draft) -> None:
    if request.state != 'attached' and not (current and current.servers):
        draft.refuse(
            'grow',
            f'volume {request.name}: it is attached to no server; attach it (state: attached), and '
            'mount it there',
        )
    elif current or request.options.get('source'):
        draft.notes.append(
            f'volume {request.name}: what is on it can grow when the guest has mounted it; run the '
            'task again then'
        )
