# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes floating IPs that were requested for themselves."""

from __future__ import annotations

from typing import Any, Dict, Tuple

from ..._cloud import Missing, Outcomes
from ..._model.change import AFTER_APPLY, Change, Changes
from ..._model.floating_ip import HOLDERS, FloatingIp
from ..api.api import Api, Raw
from ..api.lists import all_floating_ips
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
        name = None if wanted.name in (AFTER_APPLY, wanted.address) else wanted.name
        options: Dict[str, Any] = {}
        if wanted.address != AFTER_APPLY:
            options['floating_ip_address'] = wanted.address
        if wanted.holder:
            options.update(self._target(wanted))
        own = {'name': name, 'created_by': self.api.actor}
        raw = allocate(self.api, self._pool(wanted), own, options)
        if name is None or self._is_first(raw, name):
            self._write(raw, wanted, own, {})

    def _pool(self, wanted: FloatingIp) -> str:
        if wanted.pool == AFTER_APPLY and wanted.address != AFTER_APPLY:
            return pool_of(self.api, wanted.address) or pool_id(self.api)
        return pool_id(self.api, None if wanted.pool == AFTER_APPLY else wanted.pool)

    def _is_first(self, created: Raw, name: str) -> bool:
        """Whether no other run gave the name before; if one did, the new one is released."""
        named = [raw for raw in all_floating_ips(self.api) if name_of(raw) == name]
        if not named or min(named, key=age)['id'] == created['id']:
            return True
        self._release(created['id'])
        return False

    def update(self, changes: Changes) -> Outcomes:
        """Attach and detach addresses; update descriptions and labels."""
        return each(changes, self._update)

    def _update(self, change: Change) -> None:
        old = change.old(FloatingIp)
        wanted = change.new(FloatingIp)
        raw = item_of(change, all_floating_ips(self.api), self.api.project_id)
        target: Dict[str, Any] = {}
        if _place(old) != _place(wanted):
            target = self._target(wanted) if wanted.holder else {'port_id': None}
        own = {**marks_of(raw).own, 'automatic': '1' if wanted.automatic else None}
        self._write(raw, wanted, own, target)

    def _write(
        self, raw: Raw, wanted: FloatingIp, own: Dict[str, str | None], target: Dict[str, Any]
    ) -> None:
        """Write the tags, then what Neutron knows of, such as a description without marks."""
        write_tags(self.api, PATH, raw, wanted.labels, own)
        if raw['description'] != wanted.description:
            target = {**target, 'description': wanted.description}
        if target:
            attach(self.api, raw['id'], target)

    def _target(self, wanted: FloatingIp) -> Dict[str, Any]:
        """The port of a holder that has the fixed address."""
        for port_id, fixed in PortUsers(self.api).fixed_ips():
            is_holder = any(
                getattr(wanted, kind) and getattr(wanted, kind) == getattr(fixed, kind)
                for kind in HOLDERS
            )
            if is_holder and fixed.fixed_ip == wanted.fixed_ip:
                return {'port_id': port_id, 'fixed_ip_address': wanted.fixed_ip}
        raise Missing(f'{wanted.holder} no longer has {wanted.fixed_ip}; run the task again')

    def delete(self, changes: Changes) -> Outcomes:
        """Release addresses; those that are gone already are no error."""
        return each(changes, lambda change: self._release(str(change.id)))

    def _release(self, identity: str) -> None:
        self.api.delete(NETWORK, f'{PATH}/{identity}')


def _place(item: FloatingIp) -> Tuple[str | None, ...]:
    return (item.server, item.lb, item.port, item.fixed_ip)
