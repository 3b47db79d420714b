# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module volume: parameters to requests, and observations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, Sequence, Tuple

from .._cloud import Cloud, Names
from .._model.status import is_incomplete
from .._model.volume import Volume
from .._model.volume_request import SOURCES, STATES, VolumeRequest
from .._plan.volume import ObservedVolumes, plan
from .options import NAME, by_name, specified_options
from .protection import PROTECTED, protected_options
from .resource import Resource
from .run import run

ARGUMENTS: Dict[str, Any] = {
    'name': NAME,
    'state': {'type': 'str', 'choices': list(STATES), 'default': 'present'},
    'size': {'type': 'int'},
    'volume_type': {'type': 'str'},
    **{kind: {'type': 'str'} for kind in SOURCES},
    'server': {'type': 'str'},
    'servers': {'type': 'list', 'elements': 'str'},
    'read_only': {'type': 'bool'},
    'force': {'type': 'bool', 'default': False},
    'grow': {'type': 'bool', 'default': False},
    'file_system': {'type': 'str', 'choices': ['ext4']},
    'mount_point': {'type': 'str'},
    'allow_restart': {'type': 'bool', 'default': False},
    **PROTECTED,
}


def request(params: Dict[str, Any]) -> VolumeRequest:
    """Return the request of the task."""
    options = {
        **specified_options(params, 'size', 'volume_type', 'file_system'),
        **protected_options(params),
    }
    for kind in SOURCES:
        if params[kind] is not None:
            options['source'] = f'{kind}:{params[kind]}'
    return VolumeRequest(
        params['name'],
        params['state'],
        options,
        params['server'],
        params['force'],
        params['grow'],
        params['mount_point'],
        params['allow_restart'],
        params['servers'] and tuple(dict.fromkeys(params['servers'])),
        params['read_only'],
    )


def observe(cloud: Cloud, requested: VolumeRequest) -> Tuple[ObservedVolumes, Names]:
    """Return the volume, the servers that have it or get it, and whether it is mounted."""
    name = requested.name
    volumes = by_name('volume', cloud.volumes.list([name]))
    current = volumes.get(name)
    names = {('volume', name)}
    observed = ObservedVolumes(volumes, sees_guests=cloud.profile.sees_guests)
    holders = current.servers if current else ()
    if holders or requested.state in ('attached', 'detached'):
        from .volume_guest import with_servers

        names |= {('server', server) for server in (*requested.named, *holders)}
        observed = with_servers(cloud, requested, current, observed)
    observed = _with_more(cloud, requested, current, observed)
    if requested.grow:
        from .volume_guest import with_guest

        observed = with_guest(cloud, requested, current, observed)
    if current is None or is_incomplete(current):
        from .volume_source import with_source

        return with_source(cloud, requested, current, observed, names)
    return observed, names


def _with_more(
    cloud: Cloud, requested: VolumeRequest, current: Volume | None, observed: ObservedVolumes
) -> ObservedVolumes:
    """With the types if the volume gets one, and the default one if it is new."""
    wanted = requested.options.get('volume_type')
    if wanted and (current is None or current.volume_type != wanted):
        types = {one.name: one for one in cloud.volumes.types()}
        observed = replace(observed, types=types)
    if current and current.file_system and observed.servers:
        observed = replace(observed, grows_mounted=cloud.volumes.grows_mounted())
    if current is None:
        return replace(observed, default_type=cloud.profile.default_volume_type)
    return observed


def reload(cloud: Cloud, planned: Sequence[Volume]) -> Sequence[Volume]:
    """Return the volume after the changes."""
    return cloud.volumes.list([volume.name for volume in planned])


RESOURCE = Resource(
    'volume',
    ARGUMENTS,
    request,
    observe,
    plan,
    reload,
    rules={'mutually_exclusive': [SOURCES, ('server', 'servers')]},
)


def main() -> None:
    """Run the module."""
    run(RESOURCE)
