# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The servers of volumes, and what guests do with these: imported if a task depends on it."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, Sequence

from .._cloud import Cloud
from .._model.server import Server
from .._model.server_type import CONTAINER
from .._model.status import TaskState
from .._model.volume import Volume
from .._model.volume_files import default_mount_point
from .._model.volume_request import VolumeRequest
from .._model.volume_servers import joining, leaving
from .._plan.volume import ObservedVolumes
from .references import References


def with_servers(
    cloud: Cloud, requested: VolumeRequest, current: Volume | None, observed: ObservedVolumes
) -> ObservedVolumes:
    """With the servers that have the volume or get it, and whether it is mounted."""
    servers = References('server', _servers(cloud, requested, current))
    for name in (*requested.named, *(current.servers if current else ())):
        servers.check(name)  # before the plan copies them
    observed = replace(observed, servers=servers)
    if current and _detaches(requested, current):
        observed = _with_mounts(cloud, requested, current, observed)
    if requested.state == 'attached' and (current is None or joining(requested, current)):
        return _with_others(cloud, requested, observed)
    return observed


def _detaches(requested: VolumeRequest, current: Volume) -> bool:
    """Whether the request detaches the volume from a server that has it."""
    return bool(leaving(requested, current)) and not current.bootable


def _servers(cloud: Cloud, requested: VolumeRequest, current: Volume | None) -> Sequence[Server]:
    """All servers if the volume is attached, else those that have it if the plan concerns them."""
    if requested.state == 'attached' and not (current and current.bootable):
        return cloud.servers.list()
    if current is None or not current.servers:
        return ()
    return cloud.servers.list(current.servers) if _concerns_servers(requested, current) else ()


def _concerns_servers(requested: VolumeRequest, current: Volume) -> bool:
    """Whether the plan concerns the servers that have the volume."""
    if requested.grow or current.unfinished in (TaskState.ATTACHING, TaskState.DETACHING):
        return True
    if current.bootable or (current.file_system and current.differs(requested.options)):
        return current.differs(requested.options)
    return _detaches(requested, current)


def _with_mounts(
    cloud: Cloud, requested: VolumeRequest, current: Volume, observed: ObservedVolumes
) -> ObservedVolumes:
    """With whether a guest that loses the volume has it mounted."""
    found: Dict[str, bool | None] = {
        name: _is_mounted(cloud, requested, observed.servers.get(name))
        for name in leaving(requested, current)
    }
    known = True if True in found.values() else None if None in found.values() else False
    where = tuple(name for name, mounted in found.items() if mounted is known)
    return replace(observed, mounted=known, mounted_in=where)


def _is_mounted(cloud: Cloud, requested: VolumeRequest, holder: Server | None) -> bool | None:
    """Whether a guest has the volume mounted; None if it is not known.

    False also with force, and if the state of its server is unclear: then it is not asked.
    """
    if holder is None or requested.force:
        return False
    if holder.faults or holder.task_state or holder.unfinished:
        return False
    return cloud.volumes.is_mounted(requested.name, holder.name)


def _with_others(
    cloud: Cloud, requested: VolumeRequest, observed: ObservedVolumes
) -> ObservedVolumes:
    """With the other volumes of a container that gets one: each has a mount point."""
    server = observed.servers.get(next(iter(requested.named), ''))
    if server is None or server.type != CONTAINER:
        return observed
    others = {one.name: one for one in cloud.volumes.list(server.volumes)}
    place = requested.mount_point or default_mount_point(requested.name)
    problem = cloud.volumes.mount_problem(server.name, place)
    volumes = {**others, **observed.volumes}
    return replace(observed, volumes=volumes, mount_problem=problem)


def with_guest(
    cloud: Cloud, requested: VolumeRequest, current: Volume | None, observed: ObservedVolumes
) -> ObservedVolumes:
    """With what a running guest uses of the volume, if that is to grow there."""
    if current is None or not current.server:
        return observed
    from .._plan.volume_growth import has_guest

    stays = not joining(requested, current)
    if stays and has_guest(observed.servers.get(current.server)):
        return replace(observed, guest_disk=cloud.volumes.guest_disk(current.name))
    return observed
