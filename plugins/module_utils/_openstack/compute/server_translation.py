# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers of Nova as servers of the model: without requests, from what was listed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Dict, List, NamedTuple, Set, Tuple

from ..._model.change import AFTER_APPLY
from ..._model.server import Nic, Server
from ..._model.status import Status, TaskState
from ..._model.user_data import UserDataHash
from ..api.api import Raw
from ..api.marks import Marks, from_metadata
from ..storage.root_volumes import root_volume, volume_ids
from .server_marks import OWN_GROUPS, RESIZING, Pending, numbered, own_groups_of, pending_of
from .server_status import State, fault_of, never_ran, state_of


class Around(NamedTuple):
    """What belongs to servers: ports by server, floating addresses by port, names by id.

    ``groups``, ``images``, ``volumes``: only where a server needs them.
    """

    ports: Mapping[str, Sequence[Raw]]
    floating: Mapping[str, str]
    groups: Mapping[str, str]
    images: Mapping[str, str]
    volumes: Mapping[str, Raw]


def server_of(raw: Raw, around: Around) -> Server:
    """Return a server of the model."""
    marks = from_metadata(raw['metadata'])
    own = marks.own
    state = state_of(raw)
    pending = pending_of(marks)
    task_state, unfinished = _begun(raw, marks, state, pending)
    nics = _nics(raw, marks, around)
    root = root_volume(raw, around.volumes)
    failed = unfinished == TaskState.CREATING and state.status == Status.ERROR
    return Server(
        name=raw['name'],
        status=state.status,
        power=_power(state, pending),
        flavor=raw['flavor']['original_name'],
        vcpus=raw['flavor']['vcpus'],
        memory=raw['flavor']['ram'],
        image=own.get('image') or _image(raw, root, around),
        key_names=(raw['key_name'],) if raw['key_name'] else (),
        user_data=_user_data(marks),
        init_script=own.get('init_script'),
        volume_size=_root_size(raw, root, marks),
        security_groups=_groups(raw, marks, nics, around),
        networks=nics,
        floating_ip=_floating_ip(raw, around) or (pending and pending.floating_ip),
        volumes=_volumes(raw, root, around),
        delete_protection='delete_protection' in own,
        description=raw['description'] or '',
        labels=marks.labels,
        member_of=own.get('member_of'),
        id=raw['id'],
        task_state=task_state,
        unfinished=unfinished,
        faults=(fault_of(raw),) if state.status == Status.ERROR else (),
        seeded=not failed,
        launched=not failed,
        disk_of_flavor=bool(raw['image']),
        created_by=marks.created_by,
        created_at=raw['created'],
    )


def _power(state: State, pending: Pending | None) -> str:
    """The power state that the server has, or is to have when its creation is completed."""
    return 'stopped' if pending and pending.stop else state.power


def _user_data(marks: Marks) -> UserDataHash | None:
    recorded = marks.own.get('user_data')
    return None if recorded is None else UserDataHash(recorded)


def _begun(
    raw: Raw, marks: Marks, state: State, pending: Pending | None
) -> Tuple[TaskState | None, TaskState | None]:
    """What the cloud is doing with a server; else what is left of an earlier run.

    A resize of our own ends as an update: with the flavor, not with its confirmation.
    """
    is_ours = RESIZING in marks.own
    if state.task_state:
        resizes = is_ours and state.task_state.value.startswith('resize_')
        return (TaskState.UPDATING if resizes else state.task_state), None
    is_confirmed_here = marks.own.get(RESIZING) == raw['flavor']['original_name']
    if is_confirmed_here and state.status == Status.VERIFY_RESIZE:
        return None, TaskState.UPDATING
    if pending and state.status != Status.ERROR:
        return None, TaskState.CREATING
    if 'token' in marks.own and never_ran(raw):
        return None, TaskState.CREATING
    return None, None


def _nics(raw: Raw, marks: Marks, around: Around) -> Tuple[Nic, ...]:
    """The connections in the order of their creation; those that Nova has not made yet by marks."""
    ports = {port['mac_address']: port for port in around.ports.get(raw['id'], ())}
    own_groups = own_groups_of(marks)
    interfaces = interfaces_of(raw, marks)
    if not interfaces:
        names = numbered(marks, 'network')
        return tuple(_planned_nic(index, name, marks) for index, name in enumerate(names))
    found = []
    for index, (network, address, mac) in enumerate(interfaces):
        port = ports.get(mac, {})
        name = port.get('name') or None
        has_own = name or index in own_groups
        groups = group_names([port], around) if port and has_own else None
        found.append(Nic(network, address, mac, name, groups))
    return tuple(found)


def interfaces_of(raw: Raw, marks: Marks) -> Sequence[Tuple[str, str, str]]:
    """Return network, IPv4 address and MAC of each interface that Nova has made, in order."""
    return _in_order(list(_fixed(raw)), numbered(marks, 'network'))


def _fixed(raw: Raw) -> Iterator[Tuple[str, str, str]]:
    """Yield network, IPv4 address and MAC of each interface."""
    macs = set()
    for network, addresses in raw['addresses'].items():
        for one in addresses:
            mac = one['OS-EXT-IPS-MAC:mac_addr']
            if one['version'] == 4 and one['OS-EXT-IPS:type'] == 'fixed' and mac not in macs:
                macs.add(mac)
                yield network, one['addr'], mac


def _in_order(
    fixed: Sequence[Tuple[str, str, str]], names: Sequence[str]
) -> Sequence[Tuple[str, str, str]]:
    """Interfaces in the order of the names of their networks; Nova has them by network."""
    if sorted(names) != sorted(network for network, _address, _mac in fixed):
        return fixed
    left: Dict[str, List[Tuple[str, str, str]]] = {}
    for one in fixed:
        left.setdefault(one[0], []).append(one)
    return [left[name].pop(0) for name in names]


def _planned_nic(index: int, name: str, marks: Marks) -> Nic:
    values = (marks.own.get(f'{key}{index}') for key in ('fixed_ip', 'mac', 'port'))
    fixed_ip, mac, port = values
    return Nic(name, fixed_ip or AFTER_APPLY, mac or AFTER_APPLY, port)


def _groups(raw: Raw, marks: Marks, nics: Sequence[Nic], around: Around) -> Tuple[str, ...]:
    """The groups of a server, which are those of its connections without groups of their own."""
    shared = {nic.mac for nic in nics if nic.security_groups is None}
    if nics and not shared:
        return ()
    if len(shared) < len(nics):
        ports = around.ports.get(raw['id'], ())
        return group_names([port for port in ports if port['mac_address'] in shared], around)
    names = {group['name'] for group in raw.get('security_groups', ())}
    return tuple(sorted(names or numbered(marks, 'group')))


def group_names(ports: Sequence[Raw], around: Around) -> Tuple[str, ...]:
    """Return the names of the groups of ports."""
    ids: Set[str] = set()
    for port in ports:
        ids.update(port['security_groups'])
    return tuple(sorted(around.groups.get(identity, identity) for identity in ids))


def needs_group_names(raw: Raw, ports: Sequence[Raw]) -> bool:
    """Return whether some connections of a server have groups of their own.

    Nova tells only the names of the groups of all of them.
    """
    return bool(raw['metadata'].get(f'hanok:{OWN_GROUPS}')) or any(port['name'] for port in ports)


def _floating_ip(raw: Raw, around: Around) -> str | None:
    ports = around.ports.get(raw['id'], ())
    return next(
        (around.floating[port['id']] for port in ports if port['id'] in around.floating), None
    )


def _volumes(raw: Raw, root: Raw | None, around: Around) -> Tuple[str, ...]:
    found = [around.volumes[identity] for identity in volume_ids(raw) if identity in around.volumes]
    return tuple(volume['name'] or volume['id'] for volume in found if volume is not root)


def _root_size(raw: Raw, root: Raw | None, marks: Marks) -> int:
    if root:
        return int(root['size'])
    planned = '' if raw['image'] else marks.own.get('volume_size', '')
    return int(planned) if planned.isdecimal() else int(raw['flavor']['disk'])


def _image(raw: Raw, root: Raw | None, around: Around) -> str:
    """The name of the image of a server that others created."""
    if raw['image']:
        return around.images.get(raw['image']['id'], raw['image']['id'])
    return str((root or {}).get('volume_image_metadata', {}).get('image_name', ''))
