# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of volumes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Mapping, Sequence, Tuple

from .._model.change import Draft, Plan
from .._model.root_volume import root_server
from .._model.volume import DEFAULT_TYPE, Volume
from .._model.volume_request import VolumeRequest

if TYPE_CHECKING:
    from .._model.backup import Backup
    from .._model.guest_disk import GuestDisk
    from .._model.image import Image
    from .._model.server import Server
    from .._model.volume_snapshot import VolumeSnapshot
    from .._model.volume_type import VolumeType


@dataclass(frozen=True)
class ObservedVolumes:
    """Volumes, servers, images and snapshots by name, also what a new volume is a copy of.

    ``mounted``: whether the volume is mounted in a guest that loses it; None: it is not known.
    ``mounted_in``: the servers of those that read it for which that holds.
    ``sees_guests``: whether the cloud could tell. ``of_running``: whether it copies what a running
    server uses. ``types``: if the request has one to check; ``default_type``: that of new volumes.
    ``guest_disk``: if it is to grow there, what a running guest uses of the volume. ``backups``: by
    what a new volume can be a copy of: their names, a slash, and that of a volume in them.
    ``mount_problem``: why the container that gets it cannot have it at its mount point.
    ``grows_mounted``: whether its file system can become larger while its container runs.
    """

    volumes: Mapping[str, Volume]
    servers: Mapping[str, Server] = field(default_factory=dict)
    mounted: bool | None = False
    sees_guests: bool = True
    images: Mapping[str, Image] = field(default_factory=dict)
    snapshots: Mapping[str, VolumeSnapshot] = field(default_factory=dict)
    of_running: bool = False
    types: Mapping[str, VolumeType] = field(default_factory=dict)
    default_type: str = DEFAULT_TYPE
    guest_disk: GuestDisk | None = None
    backups: Mapping[str, Backup] = field(default_factory=dict)
    mount_problem: str = ''
    grows_mounted: bool = True
    mounted_in: Tuple[str, ...] = ()


def plan(request: VolumeRequest, observed: ObservedVolumes) -> Plan[Volume]:
    """Create, attach, detach, grow or delete one volume."""
    draft = Draft()
    current = draft.settled('volume', observed.volumes.get(request.name))
    observed = _with_settled_servers(request, current, observed, draft)
    if request.grow:
        from .volume_growth import with_growth

        request, current = with_growth(request, current, observed, draft)
    if root_server(request.name) or (current and current.bootable):
        from .root_volume import plan_root

        result = plan_root(request, current, observed, draft)
    else:
        result = _plan_data(request, current, observed, draft)
    if draft.changes and not draft.refused:
        from .volume_changes import check_status

        check_status(draft)
    # All changes are of one volume and stay in this order: an interrupted attachment is completed
    # before a detachment.
    return draft.finish(replace(volume, filled=None) for volume in result)


def _plan_data(
    request: VolumeRequest,
    current: Volume | None,
    observed: ObservedVolumes,
    draft: Draft,
) -> Sequence[Volume]:
    """Create, attach, detach, grow or delete a volume that belongs to no server."""
    if current and current.unavailable and request.state != 'detached':
        draft.refuse('state', f'volume {current.name}: {current.unavailable}')
        return [current]
    if request.state == 'absent':
        _delete(request, current, draft)
        return ()
    if current and current.disk_missing and request.state != 'detached':
        from .volume_changes import refuse_lost

        refuse_lost(current, draft)
    if current is None or current.unfinished or current.differs(request.options):
        from .volume_changes import present

        current = present(request, current, observed, draft)
    return [_attached(request, current, observed, draft)]


def _delete(request: VolumeRequest, current: Volume | None, draft: Draft) -> None:
    if current:
        from .volume_changes import delete

        delete(request, current, draft)


def _attached(
    request: VolumeRequest, current: Volume, observed: ObservedVolumes, draft: Draft
) -> Volume:
    """Attach or detach the volume, if that is requested and not so."""
    if request.state in ('attached', 'detached'):
        from .._model.volume_servers import joining, leaving

        if joining(request, current) or leaving(request, current):
            from .volume_attachment import attach_and_detach

            return attach_and_detach(request, current, observed, draft)
    if request.mount_point:
        from .volume_files import check_mount_point

        check_mount_point(request, current, draft)
    return current


def _with_settled_servers(
    request: VolumeRequest,
    current: Volume | None,
    observed: ObservedVolumes,
    draft: Draft,
) -> ObservedVolumes:
    """The servers that have or get the volume as other runs will leave them."""
    servers = dict(observed.servers)
    for name in (*request.named, *(current.servers if current else ())):
        server = draft.settled('server', servers.pop(name, None))
        if server:
            servers[server.name] = server
    return replace(observed, servers=servers)
