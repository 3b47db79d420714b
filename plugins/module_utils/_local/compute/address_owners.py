# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who has the fixed IPs and MACs that servers request."""

from __future__ import annotations

from typing import Dict, Iterable, Tuple

from ..record.record import Record

# ?1: the name of a network, or a bridge and its VLAN (Nic.place). ?2: a fixed IP or a MAC.
_OWNER = """SELECT coalesce(s.name, 'lb ' || b.name, 'port ' || p.name)
  FROM port p JOIN network n ON n.id = p.network_id LEFT JOIN server s ON s.id = p.server_id
  LEFT JOIN balancer b ON b.id = p.balancer_id
  WHERE n.name = ?1 AND ?2 IN (p.address, p.mac)
  UNION ALL SELECT s.name FROM bridge_port p JOIN server s ON s.id = p.server_id
  WHERE 'bridge ' || p.bridge || CASE WHEN p.vlan THEN ' vlan ' || p.vlan ELSE '' END = ?1
  AND p.mac = ?2"""


def address_owners(record: Record, wanted: Iterable[Tuple[str, str]]) -> Dict[Tuple[str, str], str]:
    """The owners of fixed IPs and MACs, by network or bridge (Nic.place) and address."""
    found: Dict[Tuple[str, str], str] = {}
    for place in wanted:
        owner = record.value(_OWNER, *place)
        if owner is not None:
            found[place] = owner
    return found
