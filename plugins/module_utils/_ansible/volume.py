# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module volume: parameters to requests, and observations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Dict, Sequence, Tuple

from .._cloud import Cloud, Names
from .._model.status import TaskState, is_incomplete
from .._model.volume import Volume
from .._model.volume_request import SOURCES, STATES, VolumeRequest
from .._plan.volume import ObservedVolumes, plan
from .options import NAME, by_name, specified_options
from .protection import PROTECTED, protected_options
from .references import References
from .resource import Resource
from .run import run

if TYPE_CHECKING:
    from .._model.server import Server

ARGUMENTS: Dict[str, Any] = {
    'name': NAME,
    'state': {'type': 'str', 'choices': list(STATES), 'default': 'present'},
    'size': {'type': 'int'},
    'volume_type': {'type': 'str'},
    **{kind: {'type': 'str'} for kind in SOURCES},
    'server': {'type': 'str'},
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
    )


def observe(cloud: Cloud, requested: VolumeRequest) -> Tuple[ObservedVolumes, Names]:
    """Return the volume, the servers that have it or get it, and whether it is mounted."""
    name = requested.name
    volumes = by_name('volume', cloud.volumes.list([name]))
    current = volumes.get(name)
    holder = current.server if current else None
    names = {('volume', name)}
    servers = References('server', _servers(cloud, requested, current))
    for server in (requested.server, holder):
        servers.check(server)  # before the plan copies them
        if server:
            names.add(('server', server))
    mounted: bool | None = False
    if _detaches(requested, current):
        from .volume_guest import is_mounted

        mounted = is_mounted(cloud, requested, servers.get(holder or ''))
    observed = ObservedVolumes(volumes, servers, mounted, cloud.profile.sees_guests)
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
    """With the types if the volume gets one, the default one if it is new, and other volumes."""
    if requested.state == 'attached' and not (current and current.server == requested.server):
        from .volume_guest import with_others

        observed = with_others(cloud, requested, observed)
    wanted = requested.options.get('volume_type')
    if wanted and (current is None or current.volume_type != wanted):
        types = {one.name: one for one in cloud.volumes.types()}
        observed = replace(observed, types=types)
    if current and current.file_system and observed.servers:
        observed = replace(observed, grows_mounted=cloud.volumes.grows_mounted())
    if current is None:
        return replace(observed, default_type=cloud.profile.default_volume_type)
    return observed


def _detaches(requested: VolumeRequest, current: Volume | None) -> bool:
    """Whether the request detaches the volume from the server that has it."""
    if current is None or current.server is None or current.bootable:
        return False
    if requested.state == 'detached':
        return True
    return requested.state == 'attached' and current.server != requested.server


def _servers(cloud: Cloud, requested: VolumeRequest, current: Volume | None) -> Sequence[Server]:
    """All servers if the volume is attached, else the one that has it if the plan concerns it."""
    if requested.state == 'attached' and not (current and current.bootable):
        return cloud.servers.list()
    if current is None or not current.server:
        return ()
    return cloud.servers.list([current.server]) if _concerns_server(requested, current) else ()


def _concerns_server(requested: VolumeRequest, current: Volume) -> bool:
    """Whether the plan concerns the server that has the volume."""
    if requested.grow or current.unfinished in (TaskState.ATTACHING, TaskState.DETACHING):
        return True
    if current.bootable or (current.file_system and current.differs(requested.options)):
        return current.differs(requested.options)
    return _detaches(requested, current)


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
    rules={'mutually_exclusive': [SOURCES]},
)


def main() -> None:
    """Run the module."""
    run(RESOURCE)
