# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers and their network interfaces."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Dict, NamedTuple, Tuple

from .change import AFTER_APPLY, plain_fields
from .checks import DEFAULT_GROUP
from .server_type import CONTAINER
from .status import BUILDING, POWER, STATUS_OF_POWER, Status, TaskState, is_billable
from .user_data import HIDDEN

if TYPE_CHECKING:
    from .hardware import Hardware

_INTERNAL = (
    'faults',
    'reason',
    'seeded',
    'launched',
    'failure',
    'power',
    'disk_of_flavor',
    'starts_at_boot',
    'is_application',
)
DISK_MISSING = 'its root disk is missing'
SEED_MISSING = 'its first-boot disk is missing'


@dataclass(frozen=True)
class Nic:
    """A server's connection to a network. ``name``: of the network. ``port``: a named port.

    ``security_groups``: its own; None: those of the server. ``bridge``: of the host, instead of a
    network, an address and groups; such connections are the last ones of a server. ``vlan``: the
    one of the bridge that it is in, if that separates them.
    """

    name: str
    fixed_ip: str = AFTER_APPLY
    mac: str = AFTER_APPLY
    port: str | None = None
    security_groups: Tuple[str, ...] | None = None
    bridge: str | None = None
    vlan: int | None = None

    @property
    def place(self) -> str:
        """The network or, in words that no network has as its name, the bridge and its VLAN."""
        if not self.bridge:
            return self.name
        return f'bridge {self.bridge}' + (f' vlan {self.vlan}' if self.vlan else '')

    def public(self) -> Dict[str, Any]:
        """The connection for the result of a module."""
        no_text = {'name': self.name or None, 'fixed_ip': self.fixed_ip or None}
        return {**plain_fields(self), **no_text}

    def task_form(self) -> Dict[str, Any]:
        """The connection as a task specifies it: a port alone, or only the values that are set."""
        if self.port:
            return {'port': self.port}
        return {
            option: value
            for option, value in vars(self).items()
            if value not in (None, AFTER_APPLY, '', ())
        }


def is_on_bridges_only(networks: Sequence[Nic]) -> bool:
    """Whether connections are all to bridges of the host, so that nothing here gives an address."""
    return bool(networks) and all(nic.bridge for nic in networks)


class Size(NamedTuple):
    """The size that a server had before a resize. ``memory`` in MiB, ``volume_size`` in GB."""

    flavor: str | None
    vcpus: int
    memory: int
    volume_size: int
    max_vcpus: int | None = None
    max_memory: int | None = None

    def recorded(self) -> str:
        """The size as JSON."""
        return json.dumps(self._asdict())


def size_of(recorded: str) -> Size:
    """The size in JSON. Raises ValueError, TypeError if it is not the form of one."""
    return Size(**json.loads(recorded))


_COMPLETED_BY = {
    TaskState.CREATING: 'its server task completes it (state: absent deletes it)',
    TaskState.REPAIRING: 'its server task completes it (state: absent deletes it)',
    TaskState.DELETING: 'server with state: absent completes it',
    TaskState.RESTORING: 'server_snapshot or backup with state: restored completes it',
}


@dataclass(frozen=True)
class Server:
    """A server in its observed or desired state.

    ``status`` is given by the cloud. ``power``: started, stopped or paused, of its machine or,
    while something is done with it, later. ``memory``, ``swap`` are in MiB, ``volume_size`` in GB.
    ``type``: see server_type.py. ``max_vcpus``, ``max_memory``: what its machine can get while it
    runs; None: no more than it has. ``user_data``, ``root_password``: keyed hashes (UserDataHash).
    ``member_of`` is the group it was created in with count. ``rescue_image``: that of a rescued
    one. ``os_admin_user``: who logs in, by its image. ``is_application``: a container that runs the
    application of its image, not an init. ``node``: the hypervisor, if that is told.
    ``resized_from``: until a resize is confirmed or reverted. ``faults``: how its machine differs
    from the record. ``reason``: why it is paused. ``seeded``: its first-boot disk exists.
    ``outdated``: options whose meaning changed since its creation. ``launched``: false while it is
    being created and never ran, so that nothing is lost with it. ``failure``: why what is
    unfinished was not completed. ``disk_of_flavor``: its root disk has the size of its flavor, and
    changes only with that. ``hardware``: None if the cloud decides about it. ``starts_at_boot``: it
    is off, and its host starts it when that boots.
    """

    name: str
    status: Status = Status.ACTIVE
    power: str = 'started'
    type: str = 'vm'
    flavor: str | None = None
    vcpus: int = 0
    memory: int = 0
    max_vcpus: int | None = None
    max_memory: int | None = None
    image: str = ''
    key_names: Tuple[str, ...] = ()
    user_data: str | None = None
    init_script: str | None = None
    volume_size: int = 0
    security_groups: Tuple[str, ...] = (DEFAULT_GROUP,)
    networks: Tuple[Nic, ...] = (Nic('default'),)
    floating_ip: str | None = None
    volumes: Tuple[str, ...] = ()
    read_only_volumes: Tuple[str, ...] = ()
    snapshots: Tuple[str, ...] = ()
    delete_protection: bool = False
    guest_agent: bool = True
    on_crash: str = 'restart'
    start_order: int = 0
    start_delay: int = 0
    dns_servers: Tuple[str, ...] = ()
    dns_domain: str = ''
    root_password: str | None = None
    swap: int = 0
    hardware: Hardware | None = None
    description: str = ''
    labels: Mapping[str, str] = field(default_factory=dict)
    member_of: str | None = None
    rescue_image: str | None = None
    os_admin_user: str | None = field(default=None, compare=False)
    is_application: bool = field(default=False, compare=False)
    node: str | None = field(default=None, compare=False)
    resized_from: Size | None = None
    id: str = AFTER_APPLY
    task_state: TaskState | None = None
    unfinished: TaskState | None = None
    faults: Tuple[str, ...] = ()
    reason: str = ''
    seeded: bool = True
    outdated: Tuple[str, ...] = ()
    launched: bool = True
    failure: str = field(default='', compare=False)
    disk_of_flavor: bool = False
    starts_at_boot: bool = field(default=False, compare=False)
    created_by: str = AFTER_APPLY
    created_at: str = AFTER_APPLY

    @property
    def settled_status(self) -> Status:
        """The status; if something is unfinished, the one when that is completed."""
        return self.completed().status if self.unfinished else self.status

    @property
    def most_vcpus(self) -> int:
        """How many vCPUs its machine can have while it runs, which its topology is of."""
        return self.max_vcpus or self.vcpus

    @property
    def fixed_ip(self) -> str | None:
        """The fixed IP in its first network, if it is in one."""
        return (self.networks[0].fixed_ip or None) if self.networks else None

    @property
    def ssh_name(self) -> str:
        """What SSH clients know its host keys by."""
        return self.floating_ip or self.fixed_ip or self.name

    def powered(self, power: str) -> Server:
        """The server with another power, and the status of that."""
        reason = self.reason if power == self.power else ''
        return replace(self, power=power, status=STATUS_OF_POWER[power], reason=reason)

    def completed(self) -> Server:
        """The server when what was begun with it is done, unless that is its deletion."""
        from .lifecycle import status_after

        begun = self.task_state or self.unfinished
        status = status_after(begun)
        power = (status and POWER.get(status)) or self.power
        after = replace(self.powered(power), task_state=None, unfinished=None)
        if status:
            after = replace(after, status=status)
        if begun in BUILDING:
            return replace(after, seeded=True, launched=True, faults=())
        if begun == TaskState.REPAIRING:
            return replace(after, seeded=True, faults=())
        return after

    def public(self) -> Dict[str, Any]:
        """The server for the result of a module."""
        fields = plain_fields(self, *_INTERNAL)
        fields['user_data'] = HIDDEN if self.user_data else None
        fields['root_password'] = HIDDEN if self.root_password else None
        fields['hardware'] = self.hardware and self.hardware.shown(self.most_vcpus)
        fields['dns_domain'] = self.dns_domain or None
        fields['resized_from'] = self.resized_from and self.resized_from.flavor
        if self.type == CONTAINER:
            fields['volume_size'] = self.volume_size or None
        fields['key_name'] = self.key_names[0] if self.key_names else None
        return {
            **fields,
            'status_reason': self._status_reason(),
            'billable': is_billable(self.status, self.task_state),
            'fixed_ip': self.fixed_ip,
        }

    def _status_reason(self) -> str | None:
        reasons = list(self.faults)
        if self.unfinished:
            why = f': {self.failure}' if self.failure else ''
            task = _COMPLETED_BY.get(self.unfinished, 'the next task for the server completes it')
            reasons.append(f'{self.unfinished} was not completed{why}; {task}')
        return '; '.join(reasons) or self.reason or None
