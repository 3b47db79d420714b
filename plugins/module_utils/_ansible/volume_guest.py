# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What guests do with volumes: imported if a task depends on it."""

from __future__ import annotations

from dataclasses import replace

from .._cloud import Cloud
from .._model.server import Server
from .._model.server_type import CONTAINER
from .._model.volume import Volume
from .._model.volume_files import default_mount_point
from .._model.volume_request import VolumeRequest
from .._plan.volume import ObservedVolumes


def is_mounted(cloud: Cloud, requested: VolumeRequest, holder: Server | None) -> bool | None:
    """Whether its guest has the volume mounted; None if it is not known.

    False also with force, and if the state of its server is unclear: then it is not asked.
    """
    if holder is None or requested.force:
        return False
    if holder.faults or holder.task_state or holder.unfinished:
        return False
    return cloud.volumes.is_mounted(requested.name)


def with_others(
    cloud: Cloud, requested: VolumeRequest, observed: ObservedVolumes
) -> ObservedVolumes:
    """With the other volumes of a container that gets one: each has a mount point."""
    server = observed.servers.get(requested.server or '')
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

    stays = requested.server in (None, current.server)
    if stays and has_guest(observed.servers.get(current.server)):
        return replace(observed, guest_disk=cloud.volumes.guest_disk(current.name))
    return observed
