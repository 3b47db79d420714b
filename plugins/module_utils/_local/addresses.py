# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fixed and floating addresses: leased in the transaction that writes who has them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import Any, Dict, Iterator, Sequence, Set

from .._cloud import CloudError
from .._model.change import AFTER_APPLY
from .record import Record
from .settings import Pool

_MACS = 0x100 - 0x54  # how many MACs are derived from an address


def create_port(record: Record, nic: Any, position: int, owner: Dict[str, Any]) -> int:
    """Give a server, a balancer or a port by name an address in a network; the id of the port."""
    rows = record.rows('SELECT * FROM network WHERE name = ?', nic.name)
    if not rows:
        raise CloudError(f'network {nic.name} no longer exists; run the task again')
    row = rows[0]
    address = nic.fixed_ip if nic.fixed_ip != AFTER_APPLY else _find_free_address(record, row)
    mac = nic.mac if nic.mac != AFTER_APPLY else _find_free_mac(record, row['id'], address)
    return record.insert(
        'port',
        {'network_id': row['id'], 'position': position, 'address': address, 'mac': mac, **owner},
    )


def derived_mac(network: int, address: str, number: int = 0) -> str:
    """A MAC made of network and address, so that an address used again never waits for the DHCP lease of another MAC.

    ``number``: the first one, or another one where somebody gave that to another server by hand.
    """
    octets = IPv4Address(address).packed
    return ':'.join(f'{byte:02x}' for byte in (0x52, 0x54 + number, network & 0xFF, *octets[1:]))


def _find_free_mac(record: Record, network: int, address: str) -> str:
    """The first MAC derived from an address that nobody in the network has."""
    taken = 'SELECT 1 FROM port WHERE network_id = ? AND mac = ?'
    for number in range(_MACS):
        mac = derived_mac(network, address, number)
        if record.value(taken, network, mac) is None:
            return mac
    raise CloudError(
        f'all MACs for {address} are taken by hand; give one (mac), or another address (fixed_ip)'
    )


def _find_free_address(record: Record, network: Any) -> str:
    taken = {
        row['address']
        for row in record.rows('SELECT address FROM port WHERE network_id = ?', network['id'])
    } | {network['gateway']}
    for address in IPv4Network(network['cidr']).hosts():
        if str(address) not in taken:
            return str(address)
    raise CloudError(
        f'network {network["name"]} ({network["cidr"]}) has no free address left; delete servers, or use another network'
    )


def pool_addresses(pools: Sequence[Pool]) -> Iterator[tuple[str, str]]:
    """All floating addresses: (pool, address). The ends of a network of /30 and larger are left out."""
    for pool in pools:
        for cidr in pool.addresses:
            for address in IPv4Network(cidr).hosts():
                yield pool.name, str(address)


def free_count(record: Record, pools: Sequence[Pool]) -> int:
    """How many floating addresses are left."""
    allocated = _allocated(record)
    return sum(1 for _pool, address in pool_addresses(pools) if address not in allocated)


def _allocated(record: Record) -> Set[str]:
    return {row['address'] for row in record.rows('SELECT address FROM floating_ip')}


def allocate(
    record: Record,
    pools: Sequence[Pool],
    address: str | None,
    pool: str | None,
    values: Dict[str, Any],
) -> int:
    """Take a floating address, this one or any; the id of its row."""
    allocated = _allocated(record)
    for name, free in pool_addresses(pools):
        if pool in (None, name) and free not in allocated and address in (None, free):
            return record.insert(
                'floating_ip',
                {
                    'description': '',
                    'labels': '{}',
                    'automatic': 0,
                    **values,
                    'address': free,
                    'pool': name,
                },
            )
    raise CloudError(
        f'floating_ip: {address or "a free address"} is no longer available; run the task again'
    )


def associate(record: Record, pools: Sequence[Pool], port: int, address: str | None) -> None:
    """Attach a floating address to a port: one that is on record, or else a new one that goes with the server."""
    row = (
        None
        if address is None
        else record.value('SELECT id FROM floating_ip WHERE address = ?', address)
    )
    if row is None:
        allocate(record, pools, address, None, {'automatic': 1, 'port_id': port})
    else:
        record.update('floating_ip', row, {'port_id': port})


def disassociate(record: Record, column: str, owner: int) -> None:
    """Let go of the floating addresses of a server (server_id) or balancer (balancer_id): automatic ones are given back, others kept."""
    ports = f'(SELECT id FROM port WHERE {column} = ?)'
    record.sql.execute(f'DELETE FROM floating_ip WHERE automatic AND port_id IN {ports}', (owner,))
    record.sql.execute(f'UPDATE floating_ip SET port_id = NULL WHERE port_id IN {ports}', (owner,))


def write_groups(record: Record, port: int, groups: Sequence[str]) -> None:
    """Put a port into security groups, and into no others."""
    record.sql.execute('DELETE FROM port_security_group WHERE port_id = ?', (port,))
    for group in groups:
        number = record.value('SELECT id FROM security_group WHERE name = ?', group)
        if number is None:
            raise CloudError(f'security_group {group} no longer exists; run the task again')
        record.insert('port_security_group', {'port_id': port, 'group_id': number})
