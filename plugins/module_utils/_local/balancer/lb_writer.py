# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Load balancers: HAProxy under s6 in a libvirt-LXC container with its own network and root."""

from __future__ import annotations

import json
import uuid
from typing import Dict, Sequence

from ..._cloud import Busy, Outcomes
from ..._model.change import AFTER_APPLY, Change, Changes
from ..._model.lb import Lb
from ..._model.server import Nic
from ..._model.status import TaskState
from ..host.settings import Pool
from ..network import addresses
from ..network.dns_names import check_dns_names
from ..record.host import Host
from ..record.projection import Projections
from ..record.record import Record, description_columns
from . import lb_rows
from .lb_config import configure
from .lb_containers import LbContainers
from .lb_texts import config_of

_DONE = 'UPDATE main.balancer SET task_state = NULL WHERE id = ?'


class LbWriter:
    """Changes load balancers."""

    def __init__(self, host: Host, projections: Projections) -> None:
        """Use the record of ``host``, and its projections."""
        self.host = host
        self.record = host.record
        self.projections = projections

    def create(self, changes: Changes) -> Outcomes:
        """Create load balancers and start them."""
        with self.record.writer.transaction():
            for change in changes:
                _reserve(self.record, self.host.pools, change.new(Lb))
        self.projections.apply()
        built = self.host.work.for_each(changes, self._build)
        return self.host.work.finish(built, _DONE)

    def update(self, changes: Changes) -> Outcomes:
        """Update load balancers without dropping connections; start those that do not run."""
        begun = self.record.writer.change(changes, self._update)
        self.projections.apply()
        built = self.host.work.then_each(begun, self._build)
        return self.host.work.finish(built, _DONE)

    def _update(self, change: Change, row: int) -> None:
        _update(self.record, self.host.pools, change, row)

    def _build(self, change: Change) -> None:
        containers = LbContainers(self.host)
        row = lb_rows.row_of(self.record, change)
        members = lb_rows.members_by_lb(self.record)
        config = config_of(self.host, row, members.get(row['id'], ()))
        if containers.is_kept(row):
            configure(self.host, config)
            return
        containers.prepare(row)
        configure(self.host, config)
        containers.define(row)
        containers.start(row)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete load balancers and their automatic floating IPs."""
        begun = self.record.writer.set(changes, {'task_state': TaskState.DELETING})
        outcomes = self.host.work.then_each(begun, self._delete)
        self.projections.end_stale_flows()
        with self.record.writer.transaction():
            for outcome in outcomes:
                if not outcome.error:
                    _delete_row(self.record, self.record.row_of(outcome.change))
            self.record.writer.end(outcomes)
        self.projections.apply()
        return outcomes

    def _delete(self, change: Change) -> None:
        row = lb_rows.row_of(self.record, change)
        LbContainers(self.host).erase(row)


def _reserve(record: Record, pools: Sequence[Pool], lb: Lb) -> None:
    """Insert a new balancer with its port, members and floating IP, if it does not exist yet."""
    if record.find('balancer', lb.name) is not None:
        return
    values = {
        'uuid': str(uuid.uuid4()),
        'name': lb.name,
        **_columns(lb),
        'task_state': TaskState.CREATING,
    }
    row = record.writer.insert_row('balancer', values)
    addresses.create_port(record, Nic(lb.network), 0, {'balancer_id': row})
    _write_members(record, row, lb.members)
    check_dns_names(record, 'lb', [lb.name])
    if lb.floating_ip:
        _associate_floating_ip(record, pools, row, lb.floating_ip)


def _update(
    record: Record,
    pools: Sequence[Pool],
    change: Change,
    row: int,
) -> None:
    """Update the row of a balancer to its state after a change."""
    before = change.old(Lb)
    lb = change.new(Lb)
    values = {**_columns(lb), 'task_state': TaskState.UPDATING}
    record.writer.update_row('balancer', row, values)
    if before.members != lb.members:
        _write_members(record, row, lb.members)
    if before.floating_ip != lb.floating_ip:
        addresses.disassociate(record, 'balancer_id', row)
        if lb.floating_ip:
            _associate_floating_ip(record, pools, row, lb.floating_ip)


def _delete_row(record: Record, row: int | None) -> None:
    """Delete a balancer and its automatic floating IPs."""
    record.sql.execute(
        'DELETE FROM main.floating_ip WHERE automatic '
        'AND port_id IN (SELECT id FROM port WHERE balancer_id = ?)',
        (row,),
    )
    record.sql.execute('DELETE FROM main.balancer WHERE id = ?', (row,))


def _columns(lb: Lb) -> Dict[str, str | None]:
    listeners = [listener.public() for listener in lb.listeners]
    check = lb.health_check
    return {
        'algorithm': lb.algorithm,
        'listeners': json.dumps(listeners),
        'health_check': json.dumps(check.public()) if check else None,
        **description_columns(lb),
    }


def _write_members(record: Record, row: int, members: Sequence[str]) -> None:
    record.sql.execute('DELETE FROM main.balancer_member WHERE balancer_id = ?', (row,))
    for member in members:
        server = record.find('server', member)
        if server is None:
            raise Busy(
                f'server {member} no longer exists; run the task again',
                'members',
            )
        link = {'balancer_id': row, 'server_id': server}
        record.writer.insert_row('balancer_member', link)


def _associate_floating_ip(
    record: Record,
    pools: Sequence[Pool],
    row: int,
    wanted: str,
) -> None:
    port = record.value('SELECT id FROM port WHERE balancer_id = ?', row)
    address = None if wanted == AFTER_APPLY else wanted
    addresses.associate(record, pools, port, address)
