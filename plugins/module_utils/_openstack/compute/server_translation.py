# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers of Nova as servers of the model: without requests, from what was listed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import List, NamedTuple, Tuple

from ..._model.server import Server, Size, size_of
from ..._model.status import Status, TaskState
from ..._model.user_data import UserDataHash
from ..api.api import Raw, Raws
from ..api.marks import Marks, from_metadata
from ..api.tasks import Tasks
from ..storage.root_volumes import root_volume, volume_ids
from .server_connections import groups_of, nics_of, ports_of
from .server_marks import (
    RESIZED_FROM,
    RESIZING,
    SEAL,
    Pending,
    pending_of,
)
from .server_status import State, fault_of, never_ran, state_of


class Around(NamedTuple):
    """What belongs to servers: ports by server, floating addresses by port; else by id.

    ``groups``: their names. ``seals``: of init scripts by name. ``groups``, ``volumes``, ``seals``:
    only where a server needs them.
    """

    ports: Mapping[str, Raws]
    floating: Mapping[str, str]
    groups: Mapping[str, str]
    images: Mapping[str, Raw]
    volumes: Mapping[str, Raw]
    seals: Mapping[str, str] = {}


def server_of(raw: Raw, around: Around) -> Server:
    """Return a server of the model."""
    marks = from_metadata(raw['metadata'])
    own = marks.own
    flavor = raw['flavor']
    state = state_of(raw)
    pending = pending_of(marks)
    tasks = _begun(raw, marks, state, pending)
    nics = nics_of(raw, marks, around)
    root = root_volume(raw, around.volumes)
    is_error = state.status == Status.ERROR
    has_booted = not (is_error and tasks.unfinished == TaskState.CREATING)
    return Server(
        name=raw['name'],
        status=state.status,
        power=_power(state, pending),
        flavor=flavor['original_name'],
        vcpus=flavor['vcpus'],
        memory=flavor['ram'],
        image=own.get('image') or _image(raw, root, around),
        key_names=_key_names(raw),
        user_data=_user_data(marks),
        init_script=own.get('init_script'),
        volume_size=_root_size(raw, root, marks),
        security_groups=groups_of(raw, marks, nics, around),
        networks=nics,
        floating_ip=_floating_ip(raw, pending, around),
        volumes=_volumes(raw, root, around),
        delete_protection='delete_protection' in own,
        description=raw['description'] or '',
        labels=marks.labels,
        member_of=own.get('member_of'),
        os_admin_user=_os_admin_user(raw, root, around),
        node=raw.get('OS-EXT-SRV-ATTR:hypervisor_hostname'),
        resized_from=_resized_from(marks, state),
        id=raw['id'],
        task_state=tasks.task_state,
        unfinished=tasks.unfinished,
        faults=_faults(raw, state),
        seeded=has_booted,
        launched=has_booted,
        outdated=_outdated(own, around),
        disk_of_flavor=bool(raw['image']),
        created_by=marks.created_by,
        created_at=raw['created'],
    )


def _power(state: State, pending: Pending | None) -> str:
    """The power state that the server has, or is to have when its creation is completed."""
    if pending and pending.stop:
        return 'stopped'
    return state.power


def _key_names(raw: Raw) -> Tuple[str, ...]:
    name = raw['key_name']
    return (name,) if name else ()


def _faults(raw: Raw, state: State) -> Tuple[str, ...]:
    if state.status != Status.ERROR:
        return ()
    return (fault_of(raw),)


def _outdated(own: Mapping[str, str], around: Around) -> Tuple[str, ...]:
    """The options whose content was changed since the server was created with it."""
    first = own.get(SEAL)
    current = around.seals.get(own.get('init_script', ''))
    if first is None or current in (None, first):
        return ()
    return ('init_script',)


def _user_data(marks: Marks) -> UserDataHash | None:
    recorded = marks.own.get('user_data')
    if recorded is None:
        return None
    return UserDataHash(recorded)


def _begun(
    raw: Raw,
    marks: Marks,
    state: State,
    pending: Pending | None,
) -> Tasks:
    """What the cloud is doing with a server; else what is left of an earlier run.

    A resize of our own ends as an update: with the flavor, not with its confirmation.
    """
    own = marks.own
    if state.task_state:
        is_resize = state.task_state.value.startswith('resize_')
        if is_resize and RESIZING in own:
            return Tasks(TaskState.UPDATING)
        return Tasks(state.task_state)
    is_resized_here = own.get(RESIZING) == raw['flavor']['original_name']
    if is_resized_here and state.status == Status.VERIFY_RESIZE:
        return Tasks(unfinished=TaskState.UPDATING)
    is_built = pending and state.status != Status.ERROR
    if is_built or ('token' in own and never_ran(raw)):
        return Tasks(unfinished=TaskState.CREATING)
    return Tasks()


def _resized_from(marks: Marks, state: State) -> Size | None:
    """The size before a resize that is neither confirmed nor reverted; None if it is unknown."""
    recorded = marks.own.get(RESIZED_FROM)
    if recorded is None or state.status != Status.VERIFY_RESIZE:
        return None
    return size_of(recorded)


def _floating_ip(raw: Raw, pending: Pending | None, around: Around) -> str | None:
    """The floating address, or the one that is still to be given to a new server."""
    for port in ports_of(raw, around):
        address = around.floating.get(port['id'])
        if address:
            return address
    return pending.floating_ip if pending else None


def _volumes(raw: Raw, root: Raw | None, around: Around) -> Tuple[str, ...]:
    """The names of the volumes of a server, without its root volume."""
    names: List[str] = []
    for identity in volume_ids(raw):
        volume = around.volumes.get(identity)
        if volume and volume is not root:
            names.append(volume['name'] or identity)
    return tuple(names)


def _root_size(raw: Raw, root: Raw | None, marks: Marks) -> int:
    if root:
        return int(root['size'])
    planned = marks.own.get('volume_size', '')
    if planned.isdecimal() and not raw['image']:
        return int(planned)
    return int(raw['flavor']['disk'])


def _image(raw: Raw, root: Raw | None, around: Around) -> str:
    """The name of the image of a server that others created."""
    if raw['image']:
        identity: str = raw['image']['id']
        return str(around.images[identity]['name']) if identity in around.images else identity
    if root is None:
        return ''
    metadata = root.get('volume_image_metadata', {})
    return str(metadata.get('image_name', ''))


def _os_admin_user(raw: Raw, root: Raw | None, around: Around) -> str | None:
    """Who logs in, by the image; Cinder keeps the properties of that of a root volume."""
    if raw['image']:
        user = around.images.get(raw['image']['id'], {}).get('os_admin_user')
    else:
        user = (root or {}).get('volume_image_metadata', {}).get('os_admin_user')
    return user or None
