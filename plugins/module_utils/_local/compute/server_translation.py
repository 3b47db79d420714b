# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers of the record and their machines, as this collection shows them."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Sequence, Tuple

from ..._model.server import Nic, Server, size_of
from ..._model.server_type import CONTAINER
from ..._model.status import STATUS_OF_POWER, TaskState
from ..._model.user_data import UserDataHash
from . import server_queries as queries
from .server_status import SHELVED

if TYPE_CHECKING:
    from ..host.hypervisor import Machine
    from .row_types import GroupOfServer, ObservedServer, PortOfServer


def translated(
    row: ObservedServer,
    machine: Machine | None,
    faults: Tuple[str, ...],
    reason: str,
    seeded: bool,
) -> Server:
    """A server as the record and its machine have it. ``reason``: why it is paused.

    Its status is that of its power; status_of (server_status.py) has all others.
    """
    from ..._model.hardware import hardware_from

    ports = row['ports']
    groups = row['groups']
    shared = [group['name'] for group in groups if not group['own_groups']]
    floating = [port['floating'] for port in ports if port['floating']]
    power = _power(row, machine)
    return Server(
        name=row['name'],
        status=STATUS_OF_POWER[power],
        power=power,
        type=row['type'],
        flavor=row['flavor'],
        vcpus=row['vcpus'],
        memory=row['memory'],
        max_vcpus=row['max_vcpus'],
        max_memory=row['max_memory'],
        image=row['image'],
        key_names=queries.key_names(row),
        user_data=_hash(row['user_data']),
        root_password=_hash(row['root_password']),
        volume_size=row['volume_size'] or row['root_size'],
        init_script=row['init_script'],
        security_groups=tuple(dict.fromkeys(shared)),
        networks=(
            *(_nic(port, groups) for port in ports),
            *map(queries.nic_of, row['bridge_ports']),
        ),
        floating_ip=floating[0] if floating else None,
        volumes=_volumes(row, only_read=False),
        read_only_volumes=_volumes(row, only_read=True),
        snapshots=queries.words_of(row['snapshots']),
        delete_protection=bool(row['delete_protection']),
        guest_agent=bool(row['guest_agent']),
        on_crash=row['on_crash'],
        start_order=row['start_order'],
        start_delay=row['start_delay'],
        swap=row['swap'],
        dns_servers=queries.words_of(row['dns_servers']),
        dns_domain=row['dns_domain'],
        hardware=None if row['type'] == CONTAINER else hardware_from(row['hardware']),
        description=row['description'],
        labels=json.loads(row['labels']),
        member_of=row['member_of'],
        rescue_image=row['rescue_image'],
        os_admin_user=row['os_admin_user'],
        is_application=bool(row['application']),
        node=os.uname().nodename,
        resized_from=size_of(row['resized_from']) if row['resized_from'] else None,
        id=row['uuid'],
        faults=faults,
        reason=reason,
        seeded=seeded,
        launched=_is_launched(row, machine),
        starts_at_boot=_starts_at_boot(row, machine),
        created_by=row['created_by'],
        created_at=row['created_at'],
    )


def _hash(recorded: str | None) -> UserDataHash | None:
    return None if recorded is None else UserDataHash(recorded)


def _volumes(row: ObservedServer, only_read: bool) -> Tuple[str, ...]:
    return tuple(one['name'] for one in row['volumes'] if one['read_only'] or not only_read)


def _power(row: ObservedServer, machine: Machine | None) -> str:
    """The power of the machine; the recorded one without a machine or while a task is in progress.

    A task that is in progress, or was interrupted, ends with the recorded power.
    """
    if machine is not None and not row['task_state']:
        return machine.power
    return 'stopped' if row['power'] == SHELVED else row['power']


def _starts_at_boot(row: ObservedServer, machine: Machine | None) -> bool:
    """Whether libvirt starts a machine at the boot of the host that is off: its guest shut down."""
    if machine is None or machine.power != 'stopped' or row['task_state']:
        return False
    driver = 'lxc' if row['type'] == CONTAINER else 'qemu'
    return os.path.lexists(f'/etc/libvirt/{driver}/autostart/{machine.domain.name()}.xml')


def _is_launched(row: ObservedServer, machine: Machine | None) -> bool:
    """Whether a server has been started, or at least has a volume attached."""
    if row['task_state'] != TaskState.CREATING or row['volumes']:
        return True
    return machine is not None and machine.power != 'stopped'


def _nic(port: PortOfServer, groups: Sequence[GroupOfServer]) -> Nic:
    own_groups = None
    if port['own_groups']:
        own = [group['name'] for group in groups if group['port_id'] == port['id']]
        own_groups = tuple(own)
    return Nic(
        port['network'],
        port['address'],
        port['mac'],
        port['name'],
        own_groups,
    )
