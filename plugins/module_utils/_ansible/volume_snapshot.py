# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The modules volume_snapshot and volume_snapshot_info: requests, and observations."""

from __future__ import annotations

from typing import Any, Dict, Sequence, Tuple

from .._cloud import Cloud, Names
from .._model.snapshot import STATES, full_name, own_name
from .._model.volume_snapshot import VolumeSnapshot, VolumeSnapshotRequest
from .._plan.volume_snapshot import ObservedVolumeSnapshots, plan
from .options import METADATA, NAME, by_name, metadata_options
from .resource import Resource
from .run import run

ARGUMENTS: Dict[str, Any] = {
    'name': NAME,
    'volume': {'type': 'str', 'required': True},
    'state': {'type': 'str', 'choices': list(STATES), 'default': 'present'},
    **METADATA,
}


def request(params: Dict[str, Any]) -> VolumeSnapshotRequest:
    """Return the request of the task."""
    return VolumeSnapshotRequest(
        full_name(params['volume'], params['name']),
        params['state'],
        metadata_options(params),
        params['volume'],
    )


def observe(
    cloud: Cloud, requested: VolumeSnapshotRequest
) -> Tuple[ObservedVolumeSnapshots, Names]:
    """Return the snapshots of the volume, the volume, and the server that has it."""
    listed = cloud.volume_snapshots.list(volume=requested.volume)
    found = by_name('volume_snapshot', listed)
    names = {('volume', requested.volume), ('volume_snapshot', requested.name)}
    volumes = by_name('volume', cloud.volumes.list([requested.volume]))
    if not volumes and requested.state == 'present':
        volumes = by_name('volume', cloud.volumes.list())  # for the message
    volume = volumes.get(requested.volume)
    servers = {}
    if volume and volume.server:
        names.add(('server', volume.server))
        servers = by_name('server', cloud.servers.list([volume.server]))
    latest_only = cloud.volume_snapshots.latest_only
    return ObservedVolumeSnapshots(found, volumes, servers, latest_only), names


def reload(cloud: Cloud, planned: Sequence[VolumeSnapshot]) -> Sequence[VolumeSnapshot]:
    """Return the snapshot after the changes."""
    return cloud.volume_snapshots.list([snapshot.name for snapshot in planned])


RESOURCE = Resource('volume_snapshot', ARGUMENTS, request, observe, plan, reload)


def main() -> None:
    """Run the module volume_snapshot."""
    run(RESOURCE)


def main_info() -> None:
    """Run the module volume_snapshot_info."""
    from .info import run_info

    run_info('volume_snapshot', _observe_info, {'volume': {'type': 'str'}})


def _observe_info(cloud: Cloud, params: Dict[str, Any]) -> Sequence[Dict[str, Any]]:
    found = cloud.volume_snapshots.list(volume=params['volume'])
    name = params['name']
    return [one.public() for one in found if name is None or own_name(one.name) == name]
