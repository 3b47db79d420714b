# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Load balancers of Octavia as the model has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Dict, List, NamedTuple, Set, Tuple

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
from ..api.api import Raw, Raws
from ..api.marks import from_tags
from .lb_marks import AUTO, CHECK_PATH, CHECK_PORT, MEMBER_PORT, PENDING, listener_of, own

_TASK_STATES = {
    'PENDING_CREATE': TaskState.CREATING,
    'PENDING_UPDATE': TaskState.UPDATING,
    'PENDING_DELETE': TaskState.DELETING,
}
_WORST_FIRST = (ERROR, UNKNOWN, ONLINE, NO_MONITOR)


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
    members: Mapping[str, Raws]


class Part(NamedTuple):
    """A listener with its pool, if it has one, and what belongs to that."""

    raw: Raw
    pool: Raw | None
    monitor: Raw | None
    members: Raws

    @property
    def is_ours(self) -> bool:
        """Whether its pool was created by this collection."""
        return bool(self.pool and listener_of(self.pool))

    @property
    def listener(self) -> Listener:
        """The listener as the model has it."""
        port = self.raw['protocol_port']
        protocol = self.raw['protocol'].lower()
        return Listener(port, protocol, self._member_port(port))

    def _member_port(self, port: int) -> int:
        """The port of the members; without any, that in the mark, else that of the listener."""
        ports = [member['protocol_port'] for member in self.members]
        if ports:
            return int(min(ports))
        marked = own(self.pool, MEMBER_PORT) if self.pool else None
        return int(marked or port)


def parts_of(raw: Raw, around: Around) -> List[Part]:
    """Return the listeners of a balancer, by port."""
    found: List[Part] = []
    for one in raw['listeners']:
        listener = around.listeners.get(one['id'])
        if listener:
            found.append(_part(listener, around))
    return sorted(found, key=lambda part: part.listener)


def _part(listener: Raw, around: Around) -> Part:
    pool = around.pools.get(listener['default_pool_id'] or '')
    if pool is None:
        return Part(listener, None, None, ())
    monitor = monitor_of(pool, around)
    members = around.members.get(pool['id'], ())
    return Part(listener, pool, monitor, members)


def monitor_of(pool: Raw, around: Around) -> Raw | None:
    """Return the monitor of a pool; None if it has none."""
    identity = pool.get('healthmonitor_id')
    return around.monitors.get(identity or '')


def pools_of(raw: Raw, around: Around) -> List[Raw]:
    """Return the pools of a balancer, with and without a listener."""
    ids = [one['id'] for one in raw['pools']]
    return [around.pools[identity] for identity in ids if identity in around.pools]


def lb_of(raw: Raw, around: Around) -> Lb:
    """Return a balancer of the model."""
    parts = parts_of(raw, around)
    marks = from_tags(raw['tags'])
    pending = marks.own.get(PENDING)
    members = _members(raw, parts, around)
    settings = _first_with_pool(parts)
    return Lb(
        name=raw['name'],
        network=around.networks.get(raw['vip_network_id'], ''),
        algorithm=_algorithm(settings),
        listeners=tuple(part.listener for part in parts),
        members=members,
        health_check=_health_check(settings),
        floating_ip=_floating_ip(raw, pending, around),
        description=raw['description'] or '',
        labels=marks.labels,
        address=raw['vip_address'],
        id=raw['id'],
        running=_is_complete(raw, parts, around),
        task_state=_TASK_STATES.get(raw['provisioning_status']),
        unfinished=_unfinished(raw, pending),
        created_by=marks.created_by,
        created_at=f'{raw["created_at"]}Z',
        health=tuple(_health(name, raw, parts, around) for name in members),
    )


def _members(raw: Raw, parts: Sequence[Part], around: Around) -> Tuple[str, ...]:
    """The names of all members, in the order in which the model has them."""
    names: Set[str] = set()
    for part in parts:
        names.update(member_names(raw, part.members, around))
    return tuple(sorted(names, key=lambda name: (len(name), name)))


def _first_with_pool(parts: Sequence[Part]) -> Part | None:
    """The listener whose pool stands for all pools of the balancer."""
    return next((part for part in parts if part.pool), None)


def _algorithm(part: Part | None) -> str:
    if part is None or part.pool is None:
        return 'round_robin'
    algorithm: str = part.pool['lb_algorithm']
    return algorithm.lower()


def _health_check(part: Part | None) -> HealthCheck | None:
    """The health check that a monitor does, at the ports of the members."""
    if part is None or part.monitor is None:
        return None
    monitor = part.monitor
    path = own(monitor, CHECK_PATH) or monitor['url_path'] or '/'
    return HealthCheck(monitor['type'].lower(), _check_port(part), path, monitor['delay'])


def _check_port(part: Part) -> int | None:
    """The port that was requested for the members, unless one of them has another one."""
    marked = own(part.monitor, CHECK_PORT) if part.monitor else None
    wanted = int(marked) if marked else None
    ports = (member['monitor_port'] for member in part.members)
    return next((port for port in ports if port != wanted), wanted)


def _floating_ip(raw: Raw, pending: str | None, around: Around) -> str | None:
    """The floating IP of the VIP port, or else the one that a run has still to attach."""
    wanted = AFTER_APPLY if pending == AUTO else pending
    return around.floating_ips.get(raw['vip_port_id'], wanted)


def _unfinished(raw: Raw, pending: str | None) -> TaskState | None:
    """CREATING if Octavia built the balancer, and its creation was interrupted after that."""
    if pending and raw['provisioning_status'] in ('ACTIVE', 'PENDING_UPDATE'):
        return TaskState.CREATING
    return None


def member_name(raw: Raw, member: Raw, around: Around) -> str:
    """Return the name of the server that has the address of a member; the address if none has.

    The name that a member itself has may be that of a server that is deleted.
    """
    address: str = member['address']
    place = (raw['vip_network_id'], address)
    return around.servers.get(place, address)


def member_names(raw: Raw, members: Raws, around: Around) -> List[str]:
    """Return the names of members of a balancer."""
    return [member_name(raw, member, around) for member in members]


def _is_complete(raw: Raw, parts: Sequence[Part], around: Around) -> bool:
    """Whether no run was interrupted while it changed the balancer, and Octavia did what it asked.

    All pools of ours are the same then, and each has a listener. While Octavia changes the
    balancer, its parts say nothing.
    """
    status = raw['provisioning_status']
    if status == 'ERROR':
        return False
    if status in _TASK_STATES:
        return True
    ours = [part for part in parts if part.is_ours]
    distinct = {_common(raw, part, around) for part in ours}
    if len(distinct) > 1 or any(map(_has_failed, ours)):
        return False
    return not any(map(_is_left, pools_of(raw, around)))


def _is_left(pool: Raw) -> bool:
    """Whether a pool of ours has no listener: a run was interrupted before or after it had one."""
    return bool(listener_of(pool)) and not pool['listeners']


def _has_failed(part: Part) -> bool:
    """Whether Octavia could not create or change the listener, or what belongs to it."""
    items = (part.raw, part.pool, part.monitor, *part.members)
    statuses = [item['provisioning_status'] for item in items if item]
    return 'ERROR' in statuses


def _common(raw: Raw, part: Part, around: Around) -> object:
    """What all pools of ours have in common."""
    return (
        part.pool and part.pool['lb_algorithm'],
        _health_check(part),
        frozenset(member_names(raw, part.members, around)),
    )


def _health(
    name: str,
    raw: Raw,
    parts: Sequence[Part],
    around: Around,
) -> MemberHealth:
    """The health of a member: not ONLINE if it is not in one of the pools."""
    found: Dict[str, MemberHealth] = {}
    for part in parts:
        is_checked = part.monitor is not None
        for member in part.members:
            if member_name(raw, member, around) == name:
                health = _reported(name, member['operating_status'], is_checked)
                found[health.status] = health
    worst = min(found, key=_WORST_FIRST.index)
    return found[worst]


def _reported(name: str, status: str, is_checked: bool) -> MemberHealth:
    if not is_checked:
        return MemberHealth(name, NO_MONITOR)
    if status == 'ONLINE':
        return MemberHealth(name, ONLINE)
    if status == 'ERROR':
        return MemberHealth(name, ERROR, 'the health check fails')
    return MemberHealth(name, UNKNOWN, 'not reported by the load balancer')
