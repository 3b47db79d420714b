# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes floating IPs that were requested for themselves."""

from __future__ import annotations

from functools import partial
from typing import Dict, List, Tuple

from ..._cloud import Missing, Outcomes
from ..._model.change import AFTER_APPLY, Change, Changes
from ..._model.floating_ip import HOLDERS, FixedIp, FloatingIp
from ..api.api import Api, Body, Raw
from ..api.doubles import stays, until_one_stays
from ..api.lists import all_floating_ips
from ..api.marks import protection_mark
from ..api.names import age, item_of
from ..api.parallel import each
from ..api.services import NETWORK
from .floating_ip_items import name_of
from .floating_ip_writer import PATH, allocate, attach
from .pools import pool_id, pool_of
from .port_users import PortUsers
from .tags import marks_of, write_tags


class FloatingIpChanges:
    """Creates, updates and deletes floating IPs."""

    def __init__(self, api: Api) -> None:
        """``api``: the services, as the project sees them."""
        self.api = api

    def create(self, changes: Changes) -> Outcomes:
        """Allocate addresses, and attach them."""
        return each(changes, self._create)

    def _create(self, change: Change) -> None:
        wanted = change.new(FloatingIp)
        is_named = wanted.name not in (AFTER_APPLY, wanted.address)
        name = wanted.name if is_named else None
        options: Body = {}
        if wanted.address != AFTER_APPLY:
            options['floating_ip_address'] = wanted.address
        if wanted.holder:
            options.update(self._target(wanted))
        protection = protection_mark(wanted)
        own = {'name': name, 'created_by': self.api.actor, 'delete_protection': protection}
        pool = self._pool(wanted)

        def attempt() -> Raw | None:
            raw = allocate(self.api, pool, own, options)
            if name is None or stays(raw, partial(self._named, name)):
                self._write(raw, wanted, own, {})
                return raw
            self._release(raw['id'])
            return min(self._named(name), key=age, default=None)

        until_one_stays(attempt)

    def _pool(self, wanted: FloatingIp) -> str:
        if wanted.pool != AFTER_APPLY:
            return pool_id(self.api, wanted.pool)
        found = None
        if wanted.address != AFTER_APPLY:
            found = pool_of(self.api, wanted.address)
        return found or pool_id(self.api)

    def _named(self, name: str) -> List[Raw]:
        """The floating IPs to which runs gave a name."""
        self.api.forget()
        return [raw for raw in all_floating_ips(self.api) if name_of(raw) == name]

    def update(self, changes: Changes) -> Outcomes:
        """Attach and detach addresses; update descriptions and labels."""
        return each(changes, self._update)

    def _update(self, change: Change) -> None:
        old = change.old(FloatingIp)
        wanted = change.new(FloatingIp)
        raw = self._found(change)
        target: Body = {}
        if _place(old) != _place(wanted):
            target = self._target(wanted) if wanted.holder else {'port_id': None}
        automatic = '1' if wanted.automatic else None
        protection = protection_mark(wanted)
        own = {**marks_of(raw).own, 'automatic': automatic, 'delete_protection': protection}
        self._write(raw, wanted, own, target)

    def _found(self, change: Change) -> Raw:
        floating_ips = all_floating_ips(self.api)
        return item_of(change, floating_ips, self.api.project_id)

    def _write(
        self,
        raw: Raw,
        wanted: FloatingIp,
        own: Dict[str, str | None],
        target: Body,
    ) -> None:
        """Write the tags, then what Neutron knows of, such as a description without marks."""
        write_tags(self.api, PATH, raw, wanted.labels, own)
        if raw['description'] != wanted.description:
            target = {**target, 'description': wanted.description}
        if target:
            attach(self.api, raw['id'], target)

    def _target(self, wanted: FloatingIp) -> Body:
        """The port of a holder that has the fixed address."""
        fixed_ip = wanted.fixed_ip
        for port_id, fixed in PortUsers(self.api).fixed_ips():
            if fixed.fixed_ip == fixed_ip and _has_holder(fixed, wanted):
                return {'port_id': port_id, 'fixed_ip_address': fixed_ip}
        raise Missing(f'{wanted.holder} no longer has {fixed_ip}; run the task again')

    def delete(self, changes: Changes) -> Outcomes:
        """Release addresses; those that are gone already are no error."""
        return each(changes, self._delete)

    def _delete(self, change: Change) -> None:
        self._release(str(change.id))

    def _release(self, identity: str) -> None:
        self.api.delete(NETWORK, f'{PATH}/{identity}')


def _place(item: FloatingIp) -> Tuple[str | None, ...]:
    return (item.server, item.lb, item.port, item.fixed_ip)


def _has_holder(fixed: FixedIp, wanted: FloatingIp) -> bool:
    """Whether a fixed address is one of the holder of a floating one."""
    for kind in HOLDERS:
        holder = getattr(wanted, kind)
        if holder and holder == getattr(fixed, kind):
            return True
    return False
