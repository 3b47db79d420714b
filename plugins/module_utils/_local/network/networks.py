# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Networks: libvirt networks without rules of libvirt, routed and filtered by our firewall."""

from __future__ import annotations

import json
from collections.abc import Iterable
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Dict, Tuple

from ..._cloud import Outcomes
from ..._model.change import Changes
from ..._model.network import Network, Surroundings
from ..host.devices import bridge_name
from ..record.database import Query
from ..record.host import Host
from ..record.projection import Projections
from ..record.record import split_names
from .floating_routes import FloatingRoutes

if TYPE_CHECKING:
    from .network_writer import NetworkWriter
    from .row_types import ListedNetwork, NetworkOfProject

_LIST: Query[ListedNetwork] = Query("""SELECT n.*,
  (SELECT group_concat(DISTINCT coalesce(s.name, 'lb ' || b.name, 'port ' || p.name)) FROM port p
    LEFT JOIN server s ON s.id = p.server_id LEFT JOIN balancer b ON b.id = p.balancer_id
    WHERE p.network_id = n.id) AS used
  FROM network n WHERE ?1 IS NULL OR n.name IN (SELECT value FROM json_each(?1)) ORDER BY n.name""")
_RANGES: Query[NetworkOfProject] = Query('SELECT project, name, cidr FROM main.network')


class LocalNetworks:
    """Networks of the local cloud."""

    def __init__(self, host: Host, projections: Projections) -> None:
        """Use the record and libvirt of ``host``."""
        self.host = host
        self.record = host.record
        self.projections = projections

    def list(self, names: Iterable[str] | None = None) -> Tuple[Network, ...]:
        """List all, or those with these names."""
        rows = self.host.rows_in_progress('network', lambda: self.record.named(_LIST, names))
        return tuple(self.host.with_progress('network', row, _network(row)) for row in rows)

    def default(self) -> str:
        """The network of what is created without one."""
        return 'default'

    def used_ranges(self, name: str) -> Dict[str, str]:
        """The address ranges in use, as {CIDR: label}, without those of the network of this name.

        These are floating pools, floating IPs outside of all pools, and networks.
        """
        ranges: Dict[str, str] = {}
        for pool in self.host.settings.pools:
            for cidr in pool.addresses:
                ranges[str(IPv4Network(cidr))] = f'the floating pool {pool.name}'
        for outside in FloatingRoutes(self.host).outside_pools():
            address = outside['address']
            ranges[f'{address}/32'] = f'the floating IP {address}'
        for row in self.record.rows(_RANGES):
            if row['project'] != self.record.project:
                ranges[row['cidr']] = 'a network of another project'
            elif row['name'] != name:
                ranges[row['cidr']] = f'the network {row["name"]}'
        return ranges

    def surroundings(self) -> Surroundings:
        """What the host reaches outside of this cloud, which a network could hide."""
        from .surroundings import surroundings

        return surroundings()

    def _writer(self) -> NetworkWriter:
        from .network_writer import NetworkWriter

        return NetworkWriter(self.host, self.projections)

    def create(self, changes: Changes) -> Outcomes:
        """Create networks and start them."""
        return self._writer().create(changes)

    def update(self, changes: Changes) -> Outcomes:
        """Update descriptions and labels."""
        return self._writer().update(changes)

    def delete(self, changes: Changes) -> Outcomes:
        """Stop networks and delete them."""
        return self._writer().delete(changes)


def _network(row: ListedNetwork) -> Network:
    return Network(
        row['name'],
        row['cidr'],
        row['gateway'],
        row['description'],
        json.loads(row['labels']),
        bridge_name(row['id']),
        split_names(row['used']),
        id=row['uuid'],
        created_by=row['created_by'],
        created_at=row['created_at'],
        delete_protection=bool(row['delete_protection']),
    )
