# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Load balancers are updated, one part after the other, while they serve.

Octavia changes a balancer once at a time. What is new comes first and what is not wanted any more
is deleted last, so that an update that fails in the middle has taken nothing away. Of what others
created only what the task changes is touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Set, Tuple

from ..._cloud import Outcomes, Refused
from ..._model.change import Change, Changes
from ..._model.lb import HealthCheck, Lb, Listener
from ..api.api import Api, Raw, Raws
from ..api.marks import from_tags, to_tags
from ..api.names import item_of
from ..api.parallel import each
from ..api.services import BALANCER
from ..network.floating_ip_writer import FloatingIpWriter
from .lb_bodies import (
    is_as,
    listener_body,
    members_body,
    monitor_body,
    monitor_settings,
    name_of,
    pool_body,
    pool_settings,
    same_members,
)
from .lb_items import Around, Part, member_name, monitor_of, parts_of, pools_of
from .lb_lists import around_of
from .lb_marks import listener_of
from .lb_steps import LBS, addresses_of, await_active

_DATAGRAMS = ('udp', 'sctp')  # these can share a port with others


def update(api: Api, changes: Changes) -> Outcomes:
    """Update load balancers."""
    return each(changes, lambda change: _update(api, change))


def _update(api: Api, change: Change) -> None:
    found = api.pages(BALANCER, LBS, 'loadbalancers', name=change.name)
    item = item_of(change, found, api.project_id)
    raw = await_active(api, item['id'])
    old = change.old(Lb)
    new = change.new(Lb)
    around = around_of(api, [raw])
    _Update(api, raw, old, new, around).run()
    _update_settings(api, raw, new)
    if old.floating_ip != new.floating_ip:
        writer = FloatingIpWriter(api)
        writer.give(raw['vip_port_id'], new.floating_ip)


def _update_settings(api: Api, raw: Raw, lb: Lb) -> None:
    current = raw['tags']
    own = from_tags(current).own
    tags = to_tags(lb.labels, own, current)
    body = {'description': lb.description, 'tags': tags}
    if not is_as(raw, body):
        api.put(BALANCER, f'{LBS}/{raw["id"]}', {'loadbalancer': body})
        await_active(api, raw['id'])


Port = Tuple[int, str]  # its number and its protocol, by which a balancer has one listener


def _port(listener: Listener) -> Port:
    return (listener.port, listener.protocol)


class _Update:
    """The update of the parts of one balancer."""

    def __init__(
        self,
        api: Api,
        raw: Raw,
        old: Lb,
        new: Lb,
        around: Around,
    ) -> None:
        self.api = api
        self.raw = raw
        self.old = old
        self.new = new
        self.around = around
        self.parts = {_port(part.listener): part for part in parts_of(raw, around)}
        self.used: Set[str] = set()
        self.pools = pools_of(raw, around)

    def run(self) -> None:
        """Update the parts."""
        self._refuse_what_nothing_keeps()
        for listener in self.new.listeners:
            part = self.parts.get(_port(listener))
            if part is None:
                self._create(listener)
            elif part.pool:
                self._update_pool(listener, part.pool, part.monitor, part.is_ours)
                self._repair(part)
        self._delete_unwanted()

    def _repair(self, part: Part) -> None:
        """Let Octavia try again to make a listener of ours that failed."""
        raw = part.raw
        if part.is_ours and not is_as(raw, {}):
            body = {'name': raw['name']}
            self._call('PUT', f'/listeners/{raw["id"]}', 'listener', body)

    def _refuse_what_nothing_keeps(self) -> None:
        """Refuse to change what belongs to pools if there are none."""
        if any(part.pool for part in self.parts.values()):
            return
        wanted = {_port(listener) for listener in self.new.listeners}
        if wanted - set(self.parts):
            return
        for option in ('algorithm', 'members', 'health_check'):
            if getattr(self.old, option) != getattr(self.new, option):
                raise Refused(
                    f'{option}: no listener of the load balancer has a pool; also set listeners',
                    option,
                )

    def _call(
        self,
        method: str,
        path: str,
        key: str,
        body: object,
    ) -> Raw:
        """Change a part, and wait until the next one can be changed."""
        answer = self.api.call(BALANCER, method, path, {key: body})
        await_active(self.api, self.raw['id'])
        found: Raw = answer.get(key, {})
        return found

    def _delete(self, path: str) -> None:
        """Delete a part, and wait until the next one can be changed."""
        self.api.delete(BALANCER, path)
        await_active(self.api, self.raw['id'])

    def _create(self, listener: Listener) -> None:
        """Create a listener; its pool is ready before, and one that has the port goes then."""
        pool = self._pool_for(listener)
        monitor = monitor_of(pool, self.around)
        self._update_pool(listener, pool, monitor, True)
        for part in self.parts.values():
            replaced = part.listener
            if replaced.port == listener.port and replaced.protocol not in _DATAGRAMS:
                self._delete_listener(part)
        body = {
            **listener_body(listener),
            'loadbalancer_id': self.raw['id'],
            'default_pool_id': pool['id'],
        }
        self._call('POST', '/listeners', 'listener', body)

    def _delete_listener(self, part: Part) -> None:
        identity = part.raw['id']
        self._delete(f'/listeners/{identity}')

    def _pool_for(self, listener: Listener) -> Raw:
        """The pool of a new listener, which an earlier run may have created."""
        for pool in self.pools:
            if _is_for(pool, listener):
                return pool
        body = {
            **pool_body(self.new, listener),
            'loadbalancer_id': self.raw['id'],
        }
        created = self._call('POST', '/pools', 'pool', body)
        self.pools.append(created)
        return created

    def _update_pool(
        self,
        listener: Listener,
        pool: Raw,
        monitor: Raw | None,
        is_ours: bool,
    ) -> None:
        """Update a pool, its members and its health check."""
        old = self.old
        new = self.new
        self.used.add(pool['id'])
        if is_ours or old.algorithm != new.algorithm:
            body = pool_settings(new, listener, pool['tags'])
            if not is_ours:
                del body['tags']
            if not is_as(pool, body):
                self._call('PUT', f'/pools/{pool["id"]}', 'pool', body)
        self._update_members(listener, pool, is_ours)
        if is_ours or old.health_check != new.health_check:
            self._update_monitor(pool, monitor)

    def _update_members(self, listener: Listener, pool: Raw, is_ours: bool) -> None:
        """Replace what differs of the members of a pool, by one request.

        Of a pool of others only what the task changes: who is in it, the ports, the check port.
        """
        old = self.old
        new = self.new
        keeps_members = not is_ours and old.members == new.members
        keeps_ports = not is_ours and listener in old.listeners
        keeps_checks = not is_ours and _check_port(old) == _check_port(new)
        if keeps_members and keeps_ports and keeps_checks:
            return
        raws = self.around.members.get(pool['id'], ())
        staying: Raws = raws
        added: Mapping[str, str] = {}
        if not keeps_members:
            staying = self._wanted_of(raws)
            added = self._addresses_to_add(raws)
        bodies = members_body(new, listener, staying, added, keeps_ports, keeps_checks)
        if not same_members(raws, bodies):
            self._call('PUT', f'/pools/{pool["id"]}/members', 'members', bodies)

    def _wanted_of(self, raws: Raws) -> Raws:
        """The members that stay."""
        members = self.new.members
        return [raw for raw in raws if self._member_name(raw) in members]

    def _addresses_to_add(self, raws: Raws) -> Mapping[str, str]:
        """The addresses of the servers that are to become members, by name."""
        there = {self._member_name(raw) for raw in raws}
        added = set(self.new.members) - there
        return addresses_of(self.api, added, self.raw['vip_network_id'])

    def _member_name(self, raw: Raw) -> str:
        return member_name(self.raw, raw, self.around)

    def _update_monitor(self, pool: Raw, monitor: Raw | None) -> None:
        check = self.new.health_check
        if monitor and not _can_do(monitor, check):
            self._delete(f'/healthmonitors/{monitor["id"]}')
            monitor = None
        if check is None:
            return
        if monitor is None:
            body = {**monitor_body(check), 'pool_id': pool['id']}
            self._call('POST', '/healthmonitors', 'healthmonitor', body)
            return
        body = monitor_settings(check, monitor['tags'])
        if not is_as(monitor, body):
            self._call('PUT', f'/healthmonitors/{monitor["id"]}', 'healthmonitor', body)

    def _delete_unwanted(self) -> None:
        """Delete the listeners that are not wanted any more, and pools of ours without one."""
        wanted = {_port(listener) for listener in self.new.listeners}
        for port, part in self.parts.items():
            if port not in wanted:
                self._delete_listener(part)
        for pool in self.pools:
            if listener_of(pool) and pool['id'] not in self.used:
                self._delete(f'/pools/{pool["id"]}')


def _is_for(pool: Raw, listener: Listener) -> bool:
    return listener_of(pool) == name_of(listener) and not pool['listeners']


def _can_do(monitor: Raw, check: HealthCheck | None) -> bool:
    """Whether a monitor can do a health check: Octavia does not change its type."""
    return check is not None and monitor['type'] == check.protocol.upper()


def _check_port(lb: Lb) -> int | None:
    if lb.health_check is None:
        return None
    return lb.health_check.port
