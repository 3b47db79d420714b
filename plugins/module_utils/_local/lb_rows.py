# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Load balancers in the record; changed within the transactions of the callers."""

from __future__ import annotations

import json
import uuid
from typing import Any, Dict, Iterable, List, Sequence, Tuple

from .._cloud import Busy
from .._model.change import AFTER_APPLY, Change
from .._model.lb import HealthCheck, Lb, Listener
from .._model.lifecycle import TaskState
from .._model.server import Nic
from . import addresses
from .dns_names import check_dns_names
from .record import Record, description_columns
from .settings import Pool

# ?1: names as a JSON array, or NULL for all.
_LIST = """SELECT b.*, n.name AS network, n.cidr, n.gateway,
  p.id AS port, p.network_id, p.address, p.mac, f.address AS floating
  FROM balancer b JOIN port p ON p.balancer_id = b.id JOIN network n ON n.id = p.network_id
  LEFT JOIN floating_ip f ON f.port_id = p.id
  WHERE ?1 IS NULL OR b.name IN (SELECT value FROM json_each(?1)) ORDER BY b.name"""
_MEMBERS = """SELECT m.balancer_id, s.name, p.address
  FROM balancer_member m JOIN server s ON s.id = m.server_id JOIN port p ON p.server_id = s.id
  JOIN port b ON b.balancer_id = m.balancer_id
  ORDER BY length(s.name), s.name, p.network_id <> b.network_id, p.position"""


def list_rows(record: Record, names: Iterable[str] | None = None) -> List[Any]:
    """All balancers, or those with these names, each with its network, port and floating IP."""
    return list(record.named(_LIST, names))


def row_of(record: Record, change: Change) -> Any:
    """The balancer of a change, which must exist."""
    row = record.row_of(change)
    return next(found for found in list_rows(record, [change.name]) if found['id'] == row)


def members_by_lb(record: Record) -> Dict[int, Tuple[Tuple[str, str], ...]]:
    """The members of each balancer: names, and addresses in its network or else the first ones."""
    found: Dict[int, Dict[str, str]] = {}
    for row in record.rows(_MEMBERS):
        found.setdefault(row['balancer_id'], {}).setdefault(row['name'], row['address'])
    return {balancer: tuple(members.items()) for balancer, members in found.items()}


def lb_of(row: Any, members: Sequence[Tuple[str, str]], running: bool) -> Lb:
    """A balancer as an object of the model."""
    check = json.loads(row['health_check']) if row['health_check'] else None
    return Lb(
        name=row['name'],
        network=row['network'],
        algorithm=row['algorithm'],
        listeners=tuple(Listener(**listener) for listener in json.loads(row['listeners'])),
        members=tuple(name for name, _address in members),
        health_check=HealthCheck(**check) if check else None,
        floating_ip=row['floating'],
        description=row['description'],
        labels=json.loads(row['labels']),
        address=row['address'],
        id=row['uuid'],
        running=running,
        created_by=row['created_by'],
        created_at=row['created_at'],
    )


def reserve(record: Record, pools: Sequence[Pool], lb: Lb) -> None:
    """Insert a new balancer with its port, members and floating IP, if it does not exist yet."""
    if record.value('SELECT id FROM balancer WHERE name = ?', lb.name) is not None:
        return
    identity = {'uuid': str(uuid.uuid4()), 'name': lb.name}
    row = record.insert('balancer', {**identity, **_columns(lb), 'task_state': TaskState.CREATING})
    addresses.create_port(record, Nic(lb.network), 0, {'balancer_id': row})
    _write_members(record, row, lb.members)
    check_dns_names(record, 'lb', [lb.name])
    if lb.floating_ip:
        _associate_floating_ip(record, pools, row, lb.floating_ip)


def update(record: Record, pools: Sequence[Pool], change: Change, row: int) -> None:
    """Update the row of a balancer to its state after a change."""
    before: Lb = change.before
    lb: Lb = change.after
    record.update('balancer', row, {**_columns(lb), 'task_state': TaskState.UPDATING})
    if before.members != lb.members:
        _write_members(record, row, lb.members)
    if before.floating_ip != lb.floating_ip:
        addresses.disassociate(record, 'balancer_id', row)
        if lb.floating_ip:
            _associate_floating_ip(record, pools, row, lb.floating_ip)


def delete(record: Record, row: int | None) -> None:
    """Delete a balancer and its automatic floating IPs."""
    record.sql.execute(
        'DELETE FROM floating_ip WHERE automatic '
        'AND port_id IN (SELECT id FROM port WHERE balancer_id = ?)',
        (row,),
    )
    record.sql.execute('DELETE FROM balancer WHERE id = ?', (row,))


def _columns(lb: Lb) -> Dict[str, Any]:
    listeners = json.dumps([listener.public() for listener in lb.listeners])
    check = json.dumps(lb.health_check.public()) if lb.health_check else None
    columns = {'algorithm': lb.algorithm, 'listeners': listeners, 'health_check': check}
    return {**columns, **description_columns(lb)}


def _write_members(record: Record, row: int, members: Sequence[str]) -> None:
    record.sql.execute('DELETE FROM balancer_member WHERE balancer_id = ?', (row,))
    for member in members:
        server = record.value('SELECT id FROM server WHERE name = ?', member)
        if server is None:
            raise Busy(
                f'server {member} no longer exists; run the task again',
                'members',
            )
        record.insert('balancer_member', {'balancer_id': row, 'server_id': server})


def _associate_floating_ip(record: Record, pools: Sequence[Pool], row: int, address: str) -> None:
    port = record.value('SELECT id FROM port WHERE balancer_id = ?', row)
    addresses.associate(record, pools, port, None if address == AFTER_APPLY else address)
