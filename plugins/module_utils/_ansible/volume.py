# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module volume: params in, result out."""

from __future__ import annotations

from typing import Any, Dict, Sequence, Tuple

from .._cloud import Cloud, Names
from .._model.volume import STATES, Volume, VolumeRequest
from .._plan.volume import ObservedVolumes, plan
from .options import DESCRIBED, NAME, by_name, described, given_options
from .run import Resource, run

ARGUMENTS: Dict[str, Any] = {
    'name': NAME,
    'state': {'type': 'str', 'choices': list(STATES), 'default': 'present'},
    'size': {'type': 'int'},
    'server': {'type': 'str'},
    'force': {'type': 'bool', 'default': False},
    **DESCRIBED,
}


def request(params: Dict[str, Any]) -> VolumeRequest:
    """What the task asks for."""
    return VolumeRequest(
        params['name'],
        params['state'],
        {**given_options(params, 'size'), **described(params)},
        params['server'],
        params['force'],
    )


def observe(cloud: Cloud, requested: VolumeRequest) -> Tuple[ObservedVolumes, Names]:
    """The volume, the servers that have it and are to have it, and whether it is mounted where it is to be taken away."""
    volumes, names = by_name(cloud.volumes.list([requested.name])), {('volume', requested.name)}
    current = volumes.get(requested.name)
    holder = current.server if current else None
    names |= {('server', name) for name in (requested.server, holder) if name}
    leaves = holder is not None and (
        requested.state == 'detached'
        or (requested.state == 'attached' and holder != requested.server)
    )
    holds = leaves or (current is not None and current.task_state in ('attaching', 'detaching'))
    servers = by_name(
        cloud.servers.list()
        if requested.state == 'attached'
        else cloud.servers.list([holder])
        if holds and holder
        else ()
    )
    there = servers.get(holder or '')
    asks = leaves and there and not there.faults and not there.task_state and not requested.force
    return ObservedVolumes(
        volumes, servers, cloud.volumes.is_mounted(requested.name) if asks else False
    ), names


def reload(cloud: Cloud, planned: Sequence[Volume]) -> Sequence[Volume]:
    """The volume as it is after the run."""
    return cloud.volumes.list([volume.name for volume in planned])


def main() -> None:
    """Run the module."""
    run(Resource('volume', ARGUMENTS, request, observe, plan, reload))
