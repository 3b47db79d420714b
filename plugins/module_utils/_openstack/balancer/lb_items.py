# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Load balancers of Octavia as the model has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Dict, List, NamedTuple, Tuple

from ..._model.change import AFTER_APPLY
from ..._model.lb import (
    ERROR,
    NO_MONITOR,
    ONLINE,
    UNKNOWN,
    HealthCheck,
    Lb,
    Listener,
    MemberHealth,
)
from ..._model.status import TaskState
from ..api.api import Raw
from ..api.marks import from_tags
from .lb_marks import AUTO, CHECK_PATH, CHECK_PORT, MEMBER_PORT, PENDING, listener_of, own

_TASK_STATES = {
    'PENDING_CREATE': TaskState.CREATING,
    'PENDING_UPDATE': TaskState.UPDATING,
    'PENDING_DELETE': TaskState.DELETING,
}


class Around(NamedTuple):
    """What load balancers refer to, and their parts by id.

    ``networks``: names by id. ``floating_ips``: addresses by the ids of ports. ``servers``: names
    by the id of a network and the address in it. ``members``: by the id of the pool.
    """

    networks: Mapping[str, str]
    floating_ips: Mapping[str, str]
    servers: Mapping[Tuple[str, str], str]
    listeners: Mapping[str, Raw]
    pools: Mapping[str, Raw]
    monitors: Mapping[str, Raw]
    members: Mapping[str, Sequence[Raw]]


class Part(NamedTuple):
    """A listener with its pool, if it has one, and what belongs to that."""

    raw: Raw
    pool: Raw | None
    monitor: Raw | None
    members: Sequence[Raw]

    @property
    def is_ours(self) -> bool:
        """Whether its pool was created by this collection."""
        return bool(self.pool and listener_of(self.pool))

    @property
    def listener(self) -> Listener:
        """The listener as the model has it."""
        port = self.raw['protocol_port']
        ports = [member['protocol_port'] for member in self.members]
        marked = (own(self.pool, MEMBER_PORT) if self.pool else None) or port
        return Listener(port, self.raw['protocol'].lower(), min(ports, default=int(marked)))


def parts_of(raw: Raw, around: Around) -> List[Part]:
    """Return the listeners of a balancer, by port."""
    found = []
    for one in raw['listeners']:
        listener = around.listeners.get(one['id'])
        if listener:
            pool = around.pools.get(listener['default_pool_id'] or '')
            monitor = around.monitors.get(pool.get('healthmonitor_id') or '') if pool else None
            members = around.members.get(pool['id'], ()) if pool else ()
            found.append(Part(listener, pool, monitor, members))
    return sorted(found, key=lambda part: part.listener)


def lb_of(raw: Raw, around: Around) -> Lb:
    """Return a balancer of the model."""
    parts, marks = parts_of(raw, around), from_tags(raw['tags'])
    status = raw['provisioning_status']
    pending = marks.own.get(PENDING)
    is_unfinished = pending and status in ('ACTIVE', 'PENDING_UPDATE')
    wanted = AFTER_APPLY if pending == AUTO else pending
    names = {name for part in parts for name in member_names(raw, part.members, around)}
    members = tuple(sorted(names, key=lambda name: (len(name), name)))
    first = next((part for part in parts if part.pool), None)
    return Lb(
        raw['name'],
        around.networks.get(raw['vip_network_id'], ''),
        first.pool['lb_algorithm'].lower() if first and first.pool else 'round_robin',
        tuple(part.listener for part in parts),
        members,
        check_of(first.monitor) if first and first.monitor else None,
        around.floating_ips.get(raw['vip_port_id'], wanted),
        raw['description'] or '',
        marks.labels,
        raw['vip_address'],
        raw['id'],
        status != 'ERROR' and (status in _TASK_STATES or _is_complete(raw, parts, around)),
        _TASK_STATES.get(status),
        TaskState.CREATING if is_unfinished else None,
        marks.created_by,
        f'{raw["created_at"]}Z',
        tuple(_health(name, raw, parts, around) for name in members),
    )


def check_of(monitor: Raw) -> HealthCheck:
    """Return the health check that a monitor does."""
    port = own(monitor, CHECK_PORT)
    path = own(monitor, CHECK_PATH) or monitor['url_path'] or '/'
    return HealthCheck(monitor['type'].lower(), int(port) if port else None, path, monitor['delay'])


def member_name(raw: Raw, member: Raw, around: Around) -> str:
    """Return the name of the server that has the address of a member; the address if none has.

    The name that a member itself has may be that of a server that is deleted.
    """
    address: str = member['address']
    return around.servers.get((raw['vip_network_id'], address), address)


def member_names(raw: Raw, members: Sequence[Raw], around: Around) -> List[str]:
    """Return the names of members of a balancer."""
    return [member_name(raw, member, around) for member in members]


def _is_complete(raw: Raw, parts: Sequence[Part], around: Around) -> bool:
    """Whether no run was interrupted while it changed the balancer, and Octavia did what it asked.

    All pools of ours are the same then, and each has a listener.
    """
    pools = [around.pools[one['id']] for one in raw['pools'] if one['id'] in around.pools]
    if any(listener_of(pool) and not pool['listeners'] for pool in pools):
        return False
    ours = [part for part in parts if part.is_ours]
    if len({_common(raw, part, around) for part in ours}) > 1:
        return False
    items = [item for part in ours for item in (part.raw, part.pool, part.monitor, *part.members)]
    return not any(item and item['provisioning_status'] == 'ERROR' for item in items)


def _common(raw: Raw, part: Part, around: Around) -> object:
    """What all pools of ours have in common."""
    return (
        part.pool and part.pool['lb_algorithm'],
        part.monitor and check_of(part.monitor),
        frozenset(member_names(raw, part.members, around)),
    )


def _health(name: str, raw: Raw, parts: Sequence[Part], around: Around) -> MemberHealth:
    """The health of a member: not ONLINE if it is not in one of the pools."""
    found: Dict[str, MemberHealth] = {}
    for part in parts:
        for member in part.members:
            if member_name(raw, member, around) == name:
                health = _reported(name, member['operating_status'], part.monitor is not None)
                found[health.status] = health
    return next(found[status] for status in (ERROR, UNKNOWN, ONLINE, NO_MONITOR) if status in found)


def _reported(name: str, status: str, is_checked: bool) -> MemberHealth:
    if not is_checked:
        return MemberHealth(name, NO_MONITOR)
    if status == 'ONLINE':
        return MemberHealth(name, ONLINE)
    if status == 'ERROR':
        return MemberHealth(name, ERROR, 'the health check fails')
    return MemberHealth(name, UNKNOWN, 'not reported by the load balancer')
