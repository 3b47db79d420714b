# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Named ports: an address in a network and security groups, reserved for a server."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Dict, List, Tuple

from ..._cloud import Outcome, Outcomes
from ..._model.change import Change, Changes
from ..._model.port import Port
from ..record.database import Query
from ..record.host import Host
from ..record.projection import Projections
from ..record.record import description_columns

if TYPE_CHECKING:
    from .row_types import GroupOfPort, ListedPort

_LIST: Query[ListedPort] = Query("""SELECT p.*, p.name AS port, n.name AS network,
  s.name AS server, f.address AS floating
  FROM port p JOIN network n ON n.id = p.network_id
  LEFT JOIN server s ON s.id = p.server_id LEFT JOIN floating_ip f ON f.port_id = p.id
  WHERE p.name IS NOT NULL AND (?1 IS NULL OR p.name IN (SELECT value FROM json_each(?1)))
  ORDER BY p.name""")
_GROUPS: Query[GroupOfPort] = Query("""SELECT pg.port_id, g.name FROM port_security_group pg
  JOIN security_group g ON g.id = pg.group_id JOIN port p ON p.id = pg.port_id
  WHERE p.name IS NOT NULL ORDER BY g.name""")


class LocalPorts:
    """Ports of the local cloud."""

    def __init__(self, host: Host, projections: Projections) -> None:
        """Use the record of ``host``; rules bind addresses to ports."""
        self.record = host.record
        self.projections = projections

    def list(self, names: Iterable[str] | None = None) -> Tuple[Port, ...]:
        """List all, or those with these names."""
        rows = self.record.named(_LIST, names)
        if not rows:
            return ()
        groups: Dict[int, List[str]] = {}
        for group in self.record.rows(_GROUPS):
            groups.setdefault(group['port_id'], []).append(group['name'])
        return tuple(_port(row, groups.get(row['id'], ())) for row in rows)

    def create(self, changes: Changes) -> Outcomes:
        """Create ports."""
        with self.record.writer.transaction():
            for change in changes:
                self._create(change.new(Port))
        return self._project([Outcome(change) for change in changes])

    def _create(self, port: Port) -> None:
        from ..._model.server import Nic
        from . import addresses

        nic = Nic(port.network, port.fixed_ip, port.mac)
        values = {
            'name': port.name,
            'own_groups': 1,
            **description_columns(port),
        }
        row = addresses.create_port(self.record, nic, 0, values)
        addresses.write_groups(self.record, row, port.security_groups)

    def update(self, changes: Changes) -> Outcomes:
        """Update groups, effective at once for their servers, descriptions and labels."""
        outcomes = self.record.writer.change(changes, self._update)
        return self._project(outcomes)

    def _update(self, change: Change, row: int) -> None:
        before = change.old(Port)
        after = change.new(Port)
        self.record.writer.update_row('port', row, description_columns(after))
        if before.security_groups != after.security_groups:
            from . import addresses

            addresses.write_groups(self.record, row, after.security_groups)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete ports that no server has."""
        outcomes = self.record.writer.change(changes, self._delete)
        return self._project(outcomes)

    def _delete(self, change: Change, row: int) -> None:
        self.record.sql.execute('DELETE FROM main.port WHERE id = ? AND server_id IS NULL', (row,))

    def _project(self, outcomes: Outcomes) -> Outcomes:
        self.projections.apply()
        return outcomes


def _port(row: ListedPort, groups: Sequence[str]) -> Port:
    return Port(
        row['port'],
        row['network'],
        row['address'],
        row['mac'],
        tuple(groups),
        row['description'],
        json.loads(row['labels']),
        row['server'],
        row['floating'],
        row['uuid'],
        row['created_by'],
        row['created_at'],
    )
