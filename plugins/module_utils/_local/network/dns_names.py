# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""DNS names of servers and balancers in their networks, case-insensitive (RFC 4343)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Dict, Tuple

from ..._cloud import Refused
from ..record.database import Query
from ..record.record import Record

if TYPE_CHECKING:
    from .row_types import DnsName

_NAMED: Query[DnsName] = Query("""SELECT DISTINCT n.name AS network,
  lower(coalesce(s.name, b.name)) AS name,
  CASE WHEN s.id IS NULL THEN 'lb ' || b.name ELSE 'server ' || s.name END AS owner
  FROM port p JOIN network n ON n.id = p.network_id
  LEFT JOIN server s ON s.id = p.server_id LEFT JOIN balancer b ON b.id = p.balancer_id
  WHERE lower(coalesce(s.name, b.name)) IN (SELECT value FROM json_each(?1)) ORDER BY owner""")


def dns_owners(record: Record, names: Iterable[str]) -> Dict[Tuple[str, str], Tuple[str, ...]]:
    """The owners of these DNS names, by network and name in lower case."""
    found: Dict[Tuple[str, str], Tuple[str, ...]] = {}
    for row in record.named(_NAMED, [name.lower() for name in names]):
        dns_name = (row['network'], row['name'])
        found[dns_name] = (*found.get(dns_name, ()), row['owner'])
    return found


def check_dns_names(record: Record, kind: str, names: Sequence[str]) -> None:
    """Refuse new names that another run has taken since this one was planned.

    Called in the transaction that writes the names: of two runs, the second one sees the names of
    the first one.
    """
    if not names:
        return
    owners = dns_owners(record, names)
    new = {f'{kind} {name}' for name in names}
    for (network, _name), sharing in owners.items():
        if len(sharing) > 1 and new & set(sharing):
            raise Refused(
                f'{" and ".join(sharing)} would have the same DNS name in network {network}; '
                'choose another name, or another network',
                'name',
            )
