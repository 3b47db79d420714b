# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fixed and floating addresses: allocated in the transaction that writes their owner."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Mapping, Sequence

from ..._cloud import Busy, Refused
from ..._model.change import AFTER_APPLY
from ..host.settings import Pool
from ..record.database import Query
from ..record.record import Record
from .pool_addresses import allocated, pool_addresses

if TYPE_CHECKING:
    from ..._model.server import Nic
    from ..record.rows import NetworkRow
    from .row_types import Address

_NETWORK: Query[NetworkRow] = Query('SELECT * FROM network WHERE name = ?')
_IN_USE: Query[Address] = Query('SELECT address FROM port WHERE network_id = ?')
_BY_ADDRESS = 'SELECT id FROM floating_ip WHERE address = ?'
_MACS = 0x100 - 0x54  # MACs that can be derived from one address


def create_port(
    record: Record,
    nic: Nic,
    position: int,
    owner: Mapping[str, object],
) -> int:
    """Create the port of a server or balancer, or a named one, with an address; return its id."""
    rows = record.rows(_NETWORK, nic.name)
    if not rows:
        raise Busy(f'network {nic.name} no longer exists; run the task again')
    network = rows[0]
    address = nic.fixed_ip
    mac = nic.mac
    if address == AFTER_APPLY:
        address = _find_free_address(record, network)
    if mac == AFTER_APPLY:
        mac = _find_free_mac(record, network['id'], address)
    values = {'network_id': network['id'], 'position': position, 'address': address, 'mac': mac}
    return record.writer.insert_row('port', {**values, **owner})


def derived_mac(network: int, address: str, attempt: int = 0) -> str:
    """A MAC derived from network and address.

    A reused address thus never waits for the DHCP lease of another MAC. ``attempt``: counts up
    while a user has set the derived MAC on another server.
    """
    octets = IPv4Address(address).packed
    return ':'.join(f'{byte:02x}' for byte in (0x52, 0x54 + attempt, network & 0xFF, *octets[1:]))


def _find_free_mac(record: Record, network: int, address: str) -> str:
    """The first MAC derived from an address that is not in use in the network."""
    in_use = 'SELECT 1 FROM port WHERE network_id = ? AND mac = ?'
    for attempt in range(_MACS):
        mac = derived_mac(network, address, attempt)
        if record.value(in_use, network, mac) is None:
            return mac
    raise Refused(
        f'all MACs derived from {address} are in use; set mac, or use another fixed_ip',
        'mac',
    )


def _find_free_address(record: Record, network: NetworkRow) -> str:
    ports = record.rows(_IN_USE, network['id'])
    in_use = {network['gateway'], *(port['address'] for port in ports)}
    for address in IPv4Network(network['cidr']).hosts():
        if str(address) not in in_use:
            return str(address)
    raise Refused(
        f'network {network["name"]} ({network["cidr"]}) has no free address left; '
        'delete servers, or use another network',
        'networks',
    )


def allocate(
    record: Record,
    pools: Sequence[Pool],
    address: str | None,
    pool: str | None,
    values: Mapping[str, object],
) -> int:
    """Allocate a floating address, this one or any free one; return the id of its row."""
    in_use = allocated(record)
    defaults = {'description': '', 'labels': '{}', 'automatic': 0}
    for name, free in pool_addresses(pools):
        if pool in (None, name) and free not in in_use and address in (None, free):
            return record.writer.insert_row(
                'floating_ip', {**defaults, **values, 'address': free, 'pool': name}
            )
    raise Busy(
        f'floating_ip: {address or "a free address"} is no longer available; run the task again',
        'floating_ip',
    )


def associate(
    record: Record,
    pools: Sequence[Pool],
    port: int,
    address: str | None,
) -> None:
    """Associate a floating address with a port.

    One without a record is allocated, and deleted together with the owner of the port.
    """
    row = None
    if address is not None:
        row = record.value(_BY_ADDRESS, address)
    if row is None:
        allocate(record, pools, address, None, {'automatic': 1, 'port_id': port})
    else:
        record.writer.update_row('floating_ip', row, {'port_id': port})


def disassociate(
    record: Record,
    column: str,
    owner: int,
    kept: str | None = None,
) -> None:
    """Disassociate the floating addresses of a server (server_id) or balancer (balancer_id).

    Automatic ones are deleted, others kept. ``kept``: the address that stays associated.
    """
    others = f'address IS NOT ? AND port_id IN (SELECT id FROM port WHERE {column} = ?)'
    for statement in (
        f'DELETE FROM main.floating_ip WHERE automatic AND {others}',
        f'UPDATE main.floating_ip SET port_id = NULL WHERE {others}',
    ):
        record.sql.execute(statement, (kept, owner))


def write_groups(record: Record, port: int, groups: Sequence[str]) -> None:
    """Set the security groups of a port, replacing those it had."""
    record.sql.execute('DELETE FROM main.port_security_group WHERE port_id = ?', (port,))
    for group in groups:
        row = record.find('security_group', group)
        if row is None:
            raise Busy(f'security_group {group} no longer exists; run the task again')
        record.writer.insert_row('port_security_group', {'port_id': port, 'group_id': row})
