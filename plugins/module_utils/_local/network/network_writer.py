# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Creating and deleting networks."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING

from ..._cloud import Outcomes
from ..._model.change import Change, Changes
from ..._model.network import Network
from ..._model.status import TaskState
from ..host.hypervisor import tolerate
from ..record.database import Query
from ..record.host import Host
from ..record.projection import Projections
from ..record.protection import protected_columns
from . import dhcp_files
from .dhcp_texts import FOLDER
from .libvirt_networks import start_network

if TYPE_CHECKING:
    from ..record.rows import NetworkRow

_BY_ID: Query[NetworkRow] = Query('SELECT * FROM network WHERE id = ?')
_CREATED = (
    'UPDATE main.network SET task_state = NULL '
    f"WHERE id = ? AND task_state = '{TaskState.CREATING}'"
)


class NetworkWriter:
    """Writes networks of the local cloud."""

    def __init__(self, host: Host, projections: Projections) -> None:
        """Use the record and libvirt of ``host``."""
        self.host = host
        self.record = host.record
        self.projections = projections

    def create(self, changes: Changes) -> Outcomes:
        """Create networks and start them."""
        with self.record.writer.transaction():
            for change in changes:
                self._reserve(change.new(Network))
        self.projections.save_rules()
        outcomes = self.host.work.for_each(changes, self._build)
        self.projections.apply()
        return self.host.work.finish(outcomes, _CREATED)

    def update(self, changes: Changes) -> Outcomes:
        """Update descriptions and labels."""
        return self.record.writer.update(changes, Network, protected_columns)

    def delete(self, changes: Changes) -> Outcomes:
        """Stop networks and delete them."""
        begun = self.record.writer.begin_deletion(changes, 'port', 'network_id = ?1')
        outcomes = self.host.work.then_each(begun, self._remove)
        self.host.work.finish(outcomes, 'DELETE FROM main.network WHERE id = ?')
        self.projections.apply()
        return outcomes

    def _reserve(self, network: Network) -> None:
        columns = {'cidr': network.cidr, 'gateway': network.gateway, **protected_columns(network)}
        row = self.record.find('network', network.name)
        if row is not None:  # an earlier run was interrupted
            self.record.writer.update_row('network', row, columns)
        else:
            self.record.writer.insert_row(
                'network',
                {
                    'uuid': str(uuid.uuid4()),
                    'name': network.name,
                    **columns,
                    'task_state': TaskState.CREATING,
                },
            )

    def _build(self, change: Change) -> None:
        row = self._row(change)
        os.makedirs(FOLDER, exist_ok=True)
        dhcp_files.write(self.host, [row['id']])
        start_network(self.host, row)

    def _row(self, change: Change) -> NetworkRow:
        return self.record.rows(_BY_ID, self.record.row_of(change))[0]

    def _remove(self, change: Change) -> None:
        row = self._row(change)
        with tolerate('NO_NETWORK'):
            network = self.host.hypervisor.qemu.networkLookupByUUIDString(row['uuid'])
            if network.isActive():
                network.destroy()
            network.undefine()
        dhcp_files.remove(row['id'])
