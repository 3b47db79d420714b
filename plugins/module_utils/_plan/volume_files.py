# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of volumes with a file system, which are for containers: imported when one is concerned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._model.change import Draft
from .._model.container import growth_refusal
from .._model.effect import LIVE, RESTART
from .._model.server_type import CONTAINER
from .._model.status import Status
from .._model.volume import Volume
from .._model.volume_files import default_mount_point
from .._model.volume_request import VolumeRequest

if TYPE_CHECKING:
    from .._model.server import Server
    from .volume import ObservedVolumes


def attached(
    request: VolumeRequest,
    volume: Volume,
    server: Server,
    observed: ObservedVolumes,
    draft: Draft,
) -> Volume:
    """The volume with its mount point; refuse what the server cannot have.

    What a virtual machine has written may be made to attack the kernel that mounts it: the host
    mounts nothing but what it has made itself, and no virtual machine gets that.
    """
    if server.type != CONTAINER:
        _refuse_of_machine(request, volume, server, draft)
        return volume
    if not volume.file_system:
        draft.refuse(
            'server',
            f'server: {server.name} is a container, which has volumes with a file system only, and '
            f'{volume.name} is a disk; create another volume with file_system: ext4, and copy the '
            'files',
        )
    if volume.limits:
        draft.refuse(
            'server',
            f'volume {volume.name}: its type {volume.volume_type} limits its volumes '
            f'({", ".join(sorted(volume.limits))}), which this host does not do for containers; '
            'use one of another type',
        )
    place = request.mount_point or default_mount_point(volume.name)
    _check_free(place, volume, server, observed, draft)
    if observed.mount_problem:
        draft.refuse('mount_point', f'mount_point: {observed.mount_problem}')
    return replace(volume, mount_point=place)


def _refuse_of_machine(
    request: VolumeRequest, volume: Volume, server: Server, draft: Draft
) -> None:
    if volume.file_system:
        draft.refuse(
            'server',
            f'server: {server.name} is a virtual machine, and {volume.name} is for containers '
            f'(file_system: {volume.file_system}); attach a volume without that',
        )
    if request.mount_point:
        draft.refuse(
            'mount_point',
            f'mount_point: server {server.name} is a virtual machine, which mounts its volumes by '
            'itself; omit it',
        )


def _check_free(
    place: str, volume: Volume, server: Server, observed: ObservedVolumes, draft: Draft
) -> None:
    for other in observed.volumes.values():
        is_there = (other.server, other.mount_point) == (server.name, place)
        if is_there and other.name != volume.name:
            draft.refuse(
                'mount_point',
                f'mount_point: {place} is that of volume {other.name} in {server.name}; use '
                'another one',
            )


def check_mount_point(request: VolumeRequest, volume: Volume, draft: Draft) -> None:
    """Refuse another mount point for a volume that stays attached."""
    if request.mount_point != volume.mount_point:
        where = volume.mount_point or 'where the guest has mounted it'
        draft.refuse(
            'mount_point',
            f'mount_point: volume {volume.name} is attached at {where}, not at '
            f'{request.mount_point}; detach it first (state: detached)',
        )


def check_growth(
    volume: Volume, options: Mapping[str, Any], observed: ObservedVolumes, draft: Draft
) -> None:
    """Refuse to extend what is in use, if the host may not do that."""
    server = observed.servers.get(volume.server or '')
    if server is None or server.settled_status == Status.SHUTOFF or observed.grows_mounted:
        return
    if options.get('size', 0) > volume.size:
        draft.refuse('size', f'size: volume {volume.name}: {growth_refusal(server.name)}')


def effect_on(server: Server, volume: Volume, request: VolumeRequest, draft: Draft) -> str:
    """What happens to a server that gets or loses a volume; refuse what is not allowed."""
    if server.type != CONTAINER or not volume.file_system or server.power == 'stopped':
        return LIVE
    if server.power == 'paused':
        draft.refuse(
            'server',
            f'server: {server.name} is paused, and volumes of a container come and go with a '
            'restart; start it first (server: state: started)',
        )
    elif not request.allow_restart:
        draft.refuse(
            'allow_restart',
            f'volume {volume.name}: the container {server.name} runs, and its volumes come and go '
            'with a restart; set allow_restart: true to allow it, or stop it first (server: state: '
            'stopped)',
        )
    return RESTART
