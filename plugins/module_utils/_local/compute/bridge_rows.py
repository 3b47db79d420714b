# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Interfaces of servers on bridges of the host, in the transactions of the callers."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Sequence

from ..._model.change import AFTER_APPLY
from ..record.database import Query
from ..record.record import Record
from .server_queries import nic_of

if TYPE_CHECKING:
    from ..._model.server import Nic
    from ..record.rows import BridgePortRow

_OF_SERVER: Query[BridgePortRow] = Query('SELECT * FROM bridge_port WHERE server_id = ?')


def connect(record: Record, nic: Nic, server: int) -> None:
    """Connect a server to a bridge."""
    mac = _random_mac() if nic.mac == AFTER_APPLY else nic.mac
    values = {'server_id': server, 'bridge': nic.bridge, 'mac': mac, 'vlan': nic.vlan or 0}
    record.writer.insert_row('bridge_port', values)


def reconnect(record: Record, nics: Sequence[Nic], server: int) -> None:
    """Remove the other interfaces of a server on bridges, and create those that it has not."""
    there = {nic_of(port): port['id'] for port in record.rows(_OF_SERVER, server)}
    new = [nic for nic in nics if there.pop(nic, None) is None]
    for removed in there.values():
        record.sql.execute('DELETE FROM main.bridge_port WHERE id = ?', (removed,))
    for nic in new:
        connect(record, nic, server)


def _random_mac() -> str:
    """A MAC that no other host has on the link: those with 52:54 are locally administered."""
    return ':'.join(f'{octet:02x}' for octet in (0x52, 0x54, *uuid.uuid4().bytes[:4]))
