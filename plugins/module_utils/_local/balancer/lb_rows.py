# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rows of load balancers in the record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Dict, Iterable, List, Tuple

from ..._model.change import Change
from ..._model.lb import HealthCheck, Lb, Listener
from ..record.database import Query
from ..record.record import Record

if TYPE_CHECKING:
    from .row_types import ListedLb, MemberRow

Members = Tuple[Tuple[str, str], ...]  # names and addresses
# ?1: names as a JSON array, or NULL for all. {0}: empty, or main. for all projects.
_LIST_IN = """SELECT b.*, n.name AS network, n.cidr, n.gateway,
  p.id AS port, p.network_id, p.address, p.mac, f.address AS floating
  FROM {0}balancer b JOIN {0}port p ON p.balancer_id = b.id
  JOIN {0}network n ON n.id = p.network_id LEFT JOIN {0}floating_ip f ON f.port_id = p.id
  WHERE ?1 IS NULL OR b.name IN (SELECT value FROM json_each(?1)) ORDER BY b.name"""
_MEMBERS_IN = """SELECT m.balancer_id, s.name, p.address
  FROM {0}balancer_member m JOIN {0}server s ON s.id = m.server_id
  JOIN {0}port p ON p.server_id = s.id JOIN {0}port b ON b.balancer_id = m.balancer_id
  ORDER BY length(s.name), s.name, p.network_id <> b.network_id, p.position"""
_LIST: Query[ListedLb] = Query(_LIST_IN.format(''))
_MEMBERS: Query[MemberRow] = Query(_MEMBERS_IN.format(''))
# of all projects
ALL: Query[ListedLb] = Query(_LIST_IN.format('main.'))
ALL_MEMBERS: Query[MemberRow] = Query(_MEMBERS_IN.format('main.'))


def list_rows(record: Record, names: Iterable[str] | None = None) -> List[ListedLb]:
    """All balancers, or those with these names, each with its network, port and floating IP."""
    return record.named(_LIST, names)


def row_of(record: Record, change: Change) -> ListedLb:
    """The balancer of a change, which must exist."""
    row = record.row_of(change)
    named = list_rows(record, [change.name])
    return next(found for found in named if found['id'] == row)


def members_by_lb(record: Record, query: Query[MemberRow] = _MEMBERS) -> Dict[int, Members]:
    """The members of each balancer: names, and addresses in its network or else the first ones."""
    found: Dict[int, Dict[str, str]] = {}
    for row in record.rows(query):
        members = found.setdefault(row['balancer_id'], {})
        members.setdefault(row['name'], row['address'])
    return {balancer: tuple(members.items()) for balancer, members in found.items()}


def lb_of(row: ListedLb, members: Members, running: bool) -> Lb:
    """A balancer as an object of the model."""
    listeners = [Listener(**listener) for listener in json.loads(row['listeners'])]
    check = None
    if row['health_check']:
        check = HealthCheck(**json.loads(row['health_check']))
    return Lb(
        name=row['name'],
        network=row['network'],
        algorithm=row['algorithm'],
        listeners=tuple(listeners),
        members=tuple(name for name, _address in members),
        health_check=check,
        floating_ip=row['floating'],
        description=row['description'],
        labels=json.loads(row['labels']),
        address=row['address'],
        id=row['uuid'],
        running=running,
        created_by=row['created_by'],
        created_at=row['created_at'],
    )
