# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Floating IPs: rows of the record, and NAT rules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Iterable, Tuple

from ..._cloud import Outcome, Outcomes
from ..._model.change import AFTER_APPLY, Change, Changes
from ..._model.floating_ip import FixedIp, FloatingIp
from ..record.database import Query
from ..record.host import Host
from ..record.projection import Projections
from ..record.protection import protected_columns

if TYPE_CHECKING:
    from .row_types import FixedIpRow, ListedFloatingIp

_LIST: Query[ListedFloatingIp] = Query("""SELECT f.*, p.address AS fixed, s.name AS server,
  b.name AS lb, p.name AS port
  FROM floating_ip f LEFT JOIN port p ON p.id = f.port_id
  LEFT JOIN server s ON s.id = p.server_id LEFT JOIN balancer b ON b.id = p.balancer_id
  ORDER BY f.id""")
# A server that is only on bridges of the host has none.
_FIXED_IPS: Query[FixedIpRow] = Query("""SELECT * FROM (SELECT p.address, s.name AS server,
  b.name AS lb, p.name AS port, f.address AS floating
  FROM port p LEFT JOIN server s ON s.id = p.server_id
  LEFT JOIN balancer b ON b.id = p.balancer_id LEFT JOIN floating_ip f ON f.port_id = p.id
  ORDER BY s.name, b.name, p.position)
  UNION ALL SELECT '', name, NULL, NULL, NULL FROM server
  WHERE id NOT IN (SELECT server_id FROM port WHERE server_id IS NOT NULL)""")
_PORT = """SELECT p.id FROM port p
  LEFT JOIN server s ON s.id = p.server_id LEFT JOIN balancer b ON b.id = p.balancer_id
  WHERE (s.name = ?1 OR b.name = ?2 OR p.name = ?3) AND p.address = ?4"""


class LocalFloatingIps:
    """Floating IPs of the local cloud."""

    def __init__(self, host: Host, projections: Projections) -> None:
        """Use the record of ``host``."""
        self.host = host
        self.record = host.record
        self.projections = projections

    def list(self, names: Iterable[str] | None = None) -> Tuple[FloatingIp, ...]:
        """List all, or those with these names or addresses."""
        items = tuple(map(_floating_ip, self.record.rows(_LIST)))
        if names is None:
            return items
        wanted = set(names)
        return tuple(item for item in items if wanted & {item.name, item.address})

    def fixed_ips(self) -> Tuple[FixedIp, ...]:
        """The fixed addresses that one can be associated with; the first one of a server first."""
        return tuple(
            FixedIp(row['address'], row['server'], row['lb'], row['port'], row['floating'])
            for row in self.record.rows(_FIXED_IPS)
        )

    def pools(self) -> Tuple[str, ...]:
        """The names of the pools."""
        return tuple(pool.name for pool in self.host.pools)

    def free(self, pool: str | None = None) -> int:
        """The number of free addresses in a pool, or in all."""
        from .pool_addresses import free_count

        pools = [one for one in self.host.pools if pool in (None, one.name)]
        return free_count(self.record, pools)

    def in_pool(self, address: str) -> bool:
        """Whether an address is in a pool."""
        from .pool_addresses import pool_addresses

        candidates = pool_addresses(self.host.pools)
        return any(candidate == address for _pool, candidate in candidates)

    def create(self, changes: Changes) -> Outcomes:
        """Allocate addresses, and associate them."""
        with self.record.writer.transaction():
            for change in changes:
                self._allocate(change.new(FloatingIp))
        return self._project([Outcome(change) for change in changes])

    def update(self, changes: Changes) -> Outcomes:
        """Associate and disassociate addresses."""
        outcomes = self.record.writer.change(changes, self._update)
        return self._project(outcomes)

    def _update(self, change: Change, row: int) -> None:
        after = change.new(FloatingIp)
        values = {
            **protected_columns(after),
            'port_id': self._port(after),
            'automatic': int(after.automatic),
        }
        self.record.writer.update_row('floating_ip', row, values)

    def delete(self, changes: Changes) -> Outcomes:
        """Release addresses."""
        return self._project(self.record.writer.delete(changes))

    def _allocate(self, item: FloatingIp) -> None:
        from . import addresses

        address = None if item.address == AFTER_APPLY else item.address
        pool = None if item.pool == AFTER_APPLY else item.pool
        is_named = item.name not in (AFTER_APPLY, item.address)
        values = {
            'name': item.name if is_named else None,
            'port_id': self._port(item),
            **protected_columns(item),
        }
        addresses.allocate(self.record, self.host.pools, address, pool, values)

    def _port(self, item: FloatingIp) -> int | None:
        port: int | None = self.record.value(_PORT, item.server, item.lb, item.port, item.fixed_ip)
        return port

    def _project(self, outcomes: Outcomes) -> Outcomes:
        self.projections.apply()
        return outcomes


def _floating_ip(row: ListedFloatingIp) -> FloatingIp:
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
        row['uuid'],
        row['created_by'],
        row['created_at'],
        bool(row['delete_protection']),
    )
