# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Floating IPs: rows, and the firewall that translates them."""

from __future__ import annotations

import json
from typing import Any, Iterable, List, Mapping, Sequence, Tuple

from .._cloud import Outcome
from .._model.change import AFTER_APPLY, Change
from .._model.floating_ip import FloatingIp, Place
from . import addresses
from .firewalls import LocalFirewalls
from .host import Host
from .record import description_columns

_LIST = """SELECT f.*, p.address AS fixed, s.name AS server, b.name AS lb, p.name AS port FROM floating_ip f LEFT JOIN port p ON p.id = f.port_id
  LEFT JOIN server s ON s.id = p.server_id LEFT JOIN balancer b ON b.id = p.balancer_id ORDER BY f.id"""
_PLACES = """SELECT p.address, s.name AS server, b.name AS lb, p.name AS port, f.address AS floating
  FROM port p LEFT JOIN server s ON s.id = p.server_id
  LEFT JOIN balancer b ON b.id = p.balancer_id LEFT JOIN floating_ip f ON f.port_id = p.id ORDER BY s.name, b.name, p.position"""


class LocalFloatingIps:
    """Floating IPs of the local cloud."""

    def __init__(self, host: Host, firewalls: LocalFirewalls) -> None:
        """Addresses on record, and the firewall."""
        self.host, self.record, self.firewalls = host, host.record, firewalls

    def list(self, names: Iterable[str] | None = None) -> Tuple[FloatingIp, ...]:
        """Look: all, or those of these names or addresses."""
        wanted = None if names is None else set(names)
        found = (_floating_ip(row) for row in self.record.rows(_LIST))
        return tuple(
            item
            for item in found
            if wanted is None or item.name in wanted or item.address in wanted
        )

    def places(self) -> Tuple[Place, ...]:
        """Where one may lead: the fixed addresses of servers, balancers and ports, a server's first one first."""
        return tuple(Place(*row) for row in self.record.rows(_PLACES))

    def free(self) -> Mapping[str, int]:
        """How many addresses are left in each pool."""
        return {pool.name: addresses.free_count(self.record, [pool]) for pool in self.host.pools}

    def in_pool(self, address: str) -> bool:
        """Whether a pool has this address."""
        return any(address == there for _pool, there in addresses.pool_addresses(self.host.pools))

    def create(self, changes: Sequence[Change]) -> List[Outcome]:
        """Take addresses, and attach them."""
        with self.record.transaction():
            for change in changes:
                self._take(change.after)
        return self._loaded(changes)

    def update(self, changes: Sequence[Change]) -> List[Outcome]:
        """Attach, detach, move."""
        with self.record.transaction():
            for change in changes:
                after = change.after
                row = self.record.value(
                    'SELECT id FROM floating_ip WHERE address = ?', change.before.address
                )
                self.record.update(
                    'floating_ip',
                    row,
                    {
                        **description_columns(after),
                        'port_id': self._port(after),
                        'automatic': int(after.automatic),
                    },
                )
        return self._loaded(changes)

    def delete(self, changes: Sequence[Change]) -> List[Outcome]:
        """Give addresses back."""
        with self.record.transaction() as sql:
            sql.executemany(
                'DELETE FROM floating_ip WHERE address = ?',
                [(change.before.address,) for change in changes],
            )
        return self._loaded(changes)

    def _take(self, item: FloatingIp) -> None:
        address = None if item.address == AFTER_APPLY else item.address
        name = item.name if item.name not in (AFTER_APPLY, item.address) else None
        pool = None if item.pool == AFTER_APPLY else item.pool
        addresses.allocate(
            self.record,
            self.host.pools,
            address,
            pool,
            {'name': name, 'port_id': self._port(item), **description_columns(item)},
        )

    def _port(self, item: FloatingIp) -> int | None:
        query = """SELECT p.id FROM port p LEFT JOIN server s ON s.id = p.server_id LEFT JOIN balancer b ON b.id = p.balancer_id
          WHERE (s.name = ?1 OR b.name = ?2 OR p.name = ?3) AND p.address = ?4"""
        number: int | None = self.record.value(
            query, item.server, item.lb, item.port, item.fixed_ip
        )
        return number

    def _loaded(self, changes: Sequence[Change]) -> List[Outcome]:
        self.firewalls.apply()
        return [Outcome(change) for change in changes]


def _floating_ip(row: Any) -> FloatingIp:
    return FloatingIp(
        row['name'] or row['address'],
        row['address'],
        row['pool'],
        row['server'],
        row['lb'],
        row['port'],
        row['fixed'],
        bool(row['automatic']),
        row['description'],
        json.loads(row['labels']),
        row['created_by'],
        row['created_at'],
    )
