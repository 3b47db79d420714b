# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers of Nova as servers of the model: without requests, from what was listed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Dict, List, NamedTuple, Set, Tuple

from ..._model.change import AFTER_APPLY
from ..._model.server import Nic, Server, Size, size_of
from ..._model.status import Status, TaskState
from ..._model.user_data import UserDataHash
from ..api.api import Raw
from ..api.marks import PREFIX, Marks, from_metadata
from ..storage.root_volumes import root_volume, volume_ids
from .server_marks import (
    OWN_GROUPS,
    RESIZED_FROM,
    RESIZING,
    SEAL,
    Pending,
    numbered,
    own_groups_of,
    pending_of,
)
from .server_status import State, fault_of, never_ran, state_of


class Interface(NamedTuple):
    """An interface that Nova has made: its network, and its fixed IPv4 address."""

    network: str
    address: str
    mac: str


class Around(NamedTuple):
    """What belongs to servers: ports by server, floating addresses by port, names by id.

    ``seals``: of init scripts by name. ``groups``, ``images``, ``volumes``, ``seals``: only where a
    server needs them.
    """

    ports: Mapping[str, Sequence[Raw]]
    floating: Mapping[str, str]
    groups: Mapping[str, str]
    images: Mapping[str, str]
    volumes: Mapping[str, Raw]
    seals: Mapping[str, str] = {}


def server_of(raw: Raw, around: Around) -> Server:
    """Return a server of the model."""
    marks = from_metadata(raw['metadata'])
    own = marks.own
    flavor = raw['flavor']
    state = state_of(raw)
    pending = pending_of(marks)
    task_state, unfinished = _begun(raw, marks, state, pending)
    nics = _nics(raw, marks, around)
    root = root_volume(raw, around.volumes)
    is_error = state.status == Status.ERROR
    has_booted = not (is_error and unfinished == TaskState.CREATING)
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
        security_groups=_groups(raw, marks, nics, around),
        networks=nics,
        floating_ip=_floating_ip(raw, pending, around),
        volumes=_volumes(raw, root, around),
        delete_protection='delete_protection' in own,
        description=raw['description'] or '',
        labels=marks.labels,
        member_of=own.get('member_of'),
        resized_from=_resized_from(marks, state),
        id=raw['id'],
        task_state=task_state,
        unfinished=unfinished,
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
) -> Tuple[TaskState | None, TaskState | None]:
    """What the cloud is doing with a server; else what is left of an earlier run.

    A resize of our own ends as an update: with the flavor, not with its confirmation.
    """
    own = marks.own
    if state.task_state:
        is_resize = state.task_state.value.startswith('resize_')
        if is_resize and RESIZING in own:
            return TaskState.UPDATING, None
        return state.task_state, None
    is_resized_here = own.get(RESIZING) == raw['flavor']['original_name']
    if is_resized_here and state.status == Status.VERIFY_RESIZE:
        return None, TaskState.UPDATING
    is_built = pending and state.status != Status.ERROR
    if is_built or ('token' in own and never_ran(raw)):
        return None, TaskState.CREATING
    return None, None


def _resized_from(marks: Marks, state: State) -> Size | None:
    """The size before a resize that is neither confirmed nor reverted; None if it is unknown."""
    recorded = marks.own.get(RESIZED_FROM)
    if recorded is None or state.status != Status.VERIFY_RESIZE:
        return None
    return size_of(recorded)


def _nics(raw: Raw, marks: Marks, around: Around) -> Tuple[Nic, ...]:
    """The connections in the order of their creation; those that Nova has not made yet by marks."""
    found: List[Nic] = []
    interfaces = interfaces_of(raw, marks)
    if not interfaces:
        for index, network in enumerate(numbered(marks, 'network')):
            found.append(_planned_nic(index, network, marks))
        return tuple(found)
    ports = {port['mac_address']: port for port in _ports(raw, around)}
    own_groups = own_groups_of(marks)
    for index, interface in enumerate(interfaces):
        port = ports.get(interface.mac, {})
        name = port.get('name') or None
        groups = None
        if port and (name or index in own_groups):
            groups = group_names([port], around)
        found.append(Nic(*interface, name, groups))
    return tuple(found)


def _ports(raw: Raw, around: Around) -> Sequence[Raw]:
    return around.ports.get(raw['id'], ())


def interfaces_of(raw: Raw, marks: Marks) -> Sequence[Interface]:
    """Return the interfaces that Nova has made, in the order of the connections."""
    names = numbered(marks, 'network')
    return _in_order(list(_interfaces(raw)), names)


def _interfaces(raw: Raw) -> Iterator[Interface]:
    """Yield each interface, with the first of its fixed IPv4 addresses."""
    macs = set()
    for network, addresses in raw['addresses'].items():
        for one in addresses:
            mac = one['OS-EXT-IPS-MAC:mac_addr']
            is_fixed = one['OS-EXT-IPS:type'] == 'fixed'
            if is_fixed and one['version'] == 4 and mac not in macs:
                macs.add(mac)
                yield Interface(network, one['addr'], mac)


def _in_order(interfaces: Sequence[Interface], names: Sequence[str]) -> Sequence[Interface]:
    """Interfaces in the order of the names of their networks; Nova has them by network."""
    connected = [interface.network for interface in interfaces]
    if sorted(names) != sorted(connected):
        return interfaces
    left: Dict[str, List[Interface]] = {}
    for interface in interfaces:
        left.setdefault(interface.network, []).append(interface)
    return [left[name].pop(0) for name in names]


def _planned_nic(index: int, name: str, marks: Marks) -> Nic:
    own = marks.own
    fixed_ip = own.get(f'fixed_ip{index}')
    mac = own.get(f'mac{index}')
    port = own.get(f'port{index}')
    return Nic(name, fixed_ip or AFTER_APPLY, mac or AFTER_APPLY, port)


def _groups(
    raw: Raw,
    marks: Marks,
    nics: Sequence[Nic],
    around: Around,
) -> Tuple[str, ...]:
    """The groups of a server, which are those of its connections without groups of their own."""
    shared = {nic.mac for nic in nics if nic.security_groups is None}
    if nics and not shared:
        return ()
    if len(shared) < len(nics):
        ports = _ports(raw, around)
        without_own = [port for port in ports if port['mac_address'] in shared]
        return group_names(without_own, around)
    names = {group['name'] for group in raw.get('security_groups', ())}
    planned = numbered(marks, 'group')
    return tuple(sorted(names or planned))


def group_names(ports: Sequence[Raw], around: Around) -> Tuple[str, ...]:
    """Return the names of the groups of ports."""
    ids: Set[str] = set()
    for port in ports:
        ids.update(port['security_groups'])
    names = [around.groups.get(identity, identity) for identity in ids]
    return tuple(sorted(names))


def needs_group_names(raw: Raw, ports: Sequence[Raw]) -> bool:
    """Return whether some connections of a server have groups of their own.

    Nova tells only the names of the groups of all of them.
    """
    if raw['metadata'].get(PREFIX + OWN_GROUPS):
        return True
    return any(port['name'] for port in ports)


def _floating_ip(raw: Raw, pending: Pending | None, around: Around) -> str | None:
    """The floating address, or the one that is still to be given to a new server."""
    for port in _ports(raw, around):
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
        return around.images.get(identity, identity)
    if root is None:
        return ''
    metadata = root.get('volume_image_metadata', {})
    return str(metadata.get('image_name', ''))
