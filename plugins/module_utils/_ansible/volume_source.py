# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is observed of the source of a new volume."""

from __future__ import annotations

from dataclasses import replace
from typing import Tuple

from .._cloud import Cloud, Names
from .._model.snapshot import owner_of
from .._model.volume import Volume
from .._model.volume_request import VolumeRequest
from .._plan.volume import ObservedVolumes
from .operations import backups_of
from .references import References


def with_source(
    cloud: Cloud,
    requested: VolumeRequest,
    current: Volume | None,
    observed: ObservedVolumes,
    names: Names,
) -> Tuple[ObservedVolumes, Names]:
    """Add the source of a volume that is created, and the names to lock while it is copied."""
    source = requested.options.get('source') or (current and current.source) or ''
    kind, _colon, name = source.partition(':')
    if requested.state == 'absent' or not kind:
        return observed, names
    observed, more = copied(cloud, kind, name, observed)
    return observed, {*names, *more}


def copied(
    cloud: Cloud, kind: str, name: str, observed: ObservedVolumes
) -> Tuple[ObservedVolumes, Names]:
    """Add an image, a snapshot or a volume that is copied, and what is to be locked meanwhile."""
    observed = replace(observed, of_running=cloud.profile.volumes_of_running)
    if kind == 'image':
        return _with_images(cloud, name, observed)
    if kind == 'snapshot':
        return _with_snapshots(cloud, name, observed)
    if kind == 'backup':
        return _with_backups(cloud, name, observed)
    return _with_volumes(cloud, name, observed)


def _with_images(
    cloud: Cloud, name: str, observed: ObservedVolumes
) -> Tuple[ObservedVolumes, Names]:
    images = References('image', cloud.images.list())
    # An image that another run is creating is awaited by its lock.
    names = {('image', name)} if name in images and images[name].task_state else set()
    return replace(observed, images=images), names


def _with_snapshots(
    cloud: Cloud, name: str, observed: ObservedVolumes
) -> Tuple[ObservedVolumes, Names]:
    volumes = References('volume', cloud.volumes.list())
    snapshots = References('volume_snapshot', cloud.volume_snapshots.list())
    return replace(observed, volumes=volumes, snapshots=snapshots), {('volume', owner_of(name))}


def _with_backups(
    cloud: Cloud, name: str, observed: ObservedVolumes
) -> Tuple[ObservedVolumes, Names]:
    found = {
        f'{backup.name}/{volume.name}': backup
        for backup in backups_of(cloud).list()
        for volume in backup.volumes
    }
    return replace(observed, backups=found), {('backup', owner_of(name))}


def _with_volumes(
    cloud: Cloud, name: str, observed: ObservedVolumes
) -> Tuple[ObservedVolumes, Names]:
    volumes = References('volume', cloud.volumes.list())
    found = volumes.get(name)
    names = {('volume', name)}
    servers = dict(observed.servers)
    if found and found.server:
        names.add(('server', found.server))
        for server in cloud.servers.list([found.server]):
            servers[server.name] = server
    return replace(observed, volumes=volumes, servers=servers), names
