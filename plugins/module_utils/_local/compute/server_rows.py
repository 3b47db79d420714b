# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers in the record: inserted, updated and deleted, within the transactions of the callers."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Dict, List, Sequence, Tuple

from ..._cloud import Busy
from ..._model.change import AFTER_APPLY, Change
from ..._model.hardware import DEFAULT
from ..._model.root_volume import root_columns
from ..._model.server import Nic, Server
from ..._model.server_effects import TABLE
from ..._model.server_type import VM
from ..._model.status import TaskState
from ..host.settings import Pool
from ..network import addresses
from ..record import metadata
from ..record.database import Query
from ..record.record import Record, description_columns
from ..record.rows import ServerRow
from . import bridge_rows
from .server_queries import (
    BRIDGE_PORTS,
    PORTS,
    VOLUMES,
    by_server,
    init_script_hash,
    init_scripts,
    key_names,
    server_rows,
)
from .server_row_deletion import delete
from .server_status import recorded_power

if TYPE_CHECKING:
    from ..record.rows import BalancerMemberRow, KeypairRow, PortRow
    from .row_types import CompleteServer

_PORTS: Query[PortRow] = Query('SELECT * FROM port WHERE server_id = ? ORDER BY position')
_MEMBERS: Query[BalancerMemberRow] = Query('SELECT * FROM balancer_member WHERE server_id = ?')
_KEYPAIRS: Query[KeypairRow] = Query('SELECT * FROM keypair')
_ISO = """SELECT id FROM image WHERE name = ? AND disk_format = 'iso'
  AND task_state IS NOT ?"""
# A script is written with its hash; see description_columns.
_WRITTEN_OTHERWISE = ('init_script', 'hardware', 'dns_servers', 'description', 'labels')
# The columns that hold an option as it is, or what follows from the flavor.
_UPDATED_COLUMNS = tuple(
    column
    for column in ServerRow.__annotations__
    if column.startswith('max_') or (column in TABLE and column not in _WRITTEN_OTHERWISE)
)
_COLUMNS = (*_UPDATED_COLUMNS, 'name', 'member_of', 'init_script', 'power')


def reserve(record: Record, pools: Sequence[Pool], server: Server) -> bool:
    """Insert a new server with its ports, groups and floating IP.

    False if it exists: an interrupted run has inserted it.
    """
    if record.find('server', server.name) is not None:
        return False
    _check_cdroms(record, server)
    identity = str(uuid.uuid4())
    row = record.writer.insert_row(
        'server',
        {
            'uuid': identity,
            **{column: getattr(server, column) for column in _COLUMNS},
            'key_name': next(iter(server.key_names), None),
            'image_id': record.find('image', server.image),
            'init_script_seal': init_script_hash(record, server.init_script),
            **_written(server),
            'task_state': TaskState.CREATING,
            'phase': TaskState.SCHEDULING,
        },
    )
    if server.type == VM:
        root = {**root_columns(server.name, identity, row), 'size': server.volume_size}
        record.writer.insert_row('volume', root)
    _insert_keys(record, server.key_names[1:], row)
    for position, nic in enumerate(server.networks):
        _connect(record, nic, position, row)
    _write_groups(record, server, row)
    if server.floating_ip:
        _associate_floating_ip(record, pools, row, server.floating_ip)
    return True


def _insert_keys(record: Record, keys: Sequence[str], server: int) -> None:
    """Insert the key pairs of a server after the first one, which is a column of its row."""
    for position, key in enumerate(keys, 1):
        keypair = record.find('keypair', key)
        if keypair is None:
            raise Busy(
                f'keypair {key} no longer exists; run the task again',
                'key_names',
            )
        values = {'server_id': server, 'keypair_id': keypair, 'position': position}
        record.writer.insert_row('server_keypair', values)


def renew_disk(record: Record, server: Server, row: int) -> None:
    """Set what a new root disk is made with, apart from the columns of its server."""
    record.sql.execute('DELETE FROM main.server_keypair WHERE server_id = ?', (row,))
    _insert_keys(record, server.key_names[1:], row)
    record.sql.execute(
        'UPDATE main.volume SET size = ? WHERE server_id = ? AND bootable',
        (server.volume_size, row),
    )


def delete_reserved(record: Record, name: str) -> List[int]:
    """Delete a server that was never created, so that it can be created with other options.

    Return the rows of the balancers that it is a member of: see ``join``.
    """
    row = record.find('server', name)
    if row is None:
        return []
    balancers = [member['balancer_id'] for member in record.rows(_MEMBERS, row)]
    delete(record, [row])
    return balancers


def join(record: Record, name: str, balancers: Sequence[int]) -> None:
    """Make a server a member of balancers."""
    server = record.find('server', name)
    for balancer in balancers:
        values = {'balancer_id': balancer, 'server_id': server}
        record.writer.insert_row('balancer_member', values)


def update(record: Record, pools: Sequence[Pool], change: Change, row: int) -> None:
    """Update the row of a server to its state after a change."""
    before = change.old(Server)
    server = change.new(Server)
    if before.hardware != server.hardware:
        _check_cdroms(record, server)
    columns = {column: getattr(server, column) for column in _UPDATED_COLUMNS}
    state = {'power': recorded_power(server), 'task_state': TaskState.UPDATING}
    record.writer.update_row('server', row, {**columns, **_written(server), **state})
    if before.volume_size != server.volume_size:
        record.sql.execute(
            'UPDATE main.volume SET size = ?, task_state = ? WHERE server_id = ? AND bootable',
            (server.volume_size, TaskState.EXTENDING, row),
        )
    if before.floating_ip != server.floating_ip:
        addresses.disassociate(record, 'server_id', row, server.floating_ip)
    if before.networks != server.networks:
        _reconnect(record, server, row)
    if before.security_groups != server.security_groups or before.networks != server.networks:
        _write_groups(record, server, row)
    if server.floating_ip and _is_associated_anew(before, server):
        _associate_floating_ip(record, pools, row, server.floating_ip)


def _is_associated_anew(before: Server, server: Server) -> bool:
    """Whether a server gets a floating IP, or may have lost the connection that had it."""
    if before.floating_ip != server.floating_ip:
        return True
    return before.networks != server.networks and server.floating_ip != AFTER_APPLY


def _reconnect(record: Record, server: Server, row: int) -> None:
    """Remove ports and create others, in the order of the connections; named ones are kept."""
    ports: Dict[Tuple[int | None, str], PortRow] = {}
    for there in record.rows(_PORTS, row):
        ports[there['network_id'], there['mac']] = there
    networks = [nic for nic in server.networks if not nic.bridge]
    bridge_rows.reconnect(record, server.networks[len(networks) :], row)
    kept = [ports.pop((record.find('network', nic.name), nic.mac), None) for nic in networks]
    for removed in ports.values():
        if removed['name'] is None:
            record.sql.execute('DELETE FROM main.port WHERE id = ?', (removed['id'],))
        else:
            record.writer.update_row('port', removed['id'], {'server_id': None, 'position': 0})
    for position, (port, nic) in enumerate(zip(kept, networks)):
        if port is None:
            _connect(record, nic, position, row)
        elif port['position'] != position:
            record.writer.update_row('port', port['id'], {'position': position})


def _written(server: Server) -> Dict[str, object]:
    """The columns that do not hold an option as it is."""
    hardware = (server.hardware or DEFAULT).recorded()
    columns = {'hardware': hardware, 'dns_servers': json.dumps(server.dns_servers)}
    return {**columns, 'root_size': root_size(server), **description_columns(server)}


def root_size(server: Server) -> int:
    """The limit of the files of a container; a virtual machine has a root volume."""
    return 0 if server.type == VM else server.volume_size


def _check_cdroms(record: Record, server: Server) -> None:
    """Raise Busy if an image for a CD drive was deleted meanwhile."""
    for name in (server.hardware or DEFAULT).cdroms or ():
        if record.value(_ISO, name, TaskState.DELETING) is None:
            raise Busy(f'image {name} is no longer available; run the task again', 'hardware')


def _connect(
    record: Record,
    nic: Nic,
    position: int,
    server: int,
) -> None:
    """Connect a server to a network, by a new port or a named one, or to a bridge."""
    if nic.bridge:
        bridge_rows.connect(record, nic, server)
        return
    if nic.port is None:
        addresses.create_port(record, nic, position, {'server_id': server})
        return
    port = record.value('SELECT id FROM port WHERE name = ? AND server_id IS NULL', nic.port)
    if port is None:
        raise Busy(
            f'port {nic.port} is no longer free; run the task again',
            'networks',
        )
    record.writer.update_row('port', port, {'server_id': server, 'position': position})


def _write_groups(record: Record, server: Server, row: int) -> None:
    """Set the groups of unnamed ports: those of the connection, else those of the server."""
    ports = record.rows(_PORTS, row)
    for port, nic in zip(ports, server.networks):
        if nic.port is not None:
            continue
        has_own_groups = nic.security_groups is not None
        groups = server.security_groups if nic.security_groups is None else nic.security_groups
        record.writer.update_row('port', port['id'], {'own_groups': int(has_own_groups)})
        addresses.write_groups(record, port['id'], groups)


def _associate_floating_ip(
    record: Record, pools: Sequence[Pool], server: int, address: str
) -> None:
    associated = """SELECT f.id FROM floating_ip f JOIN port p ON p.id = f.port_id
      WHERE p.server_id = ? AND f.address = ?"""
    if record.value(associated, server, address) is not None:
        return  # with a named port of the server
    port = record.value('SELECT id FROM port WHERE server_id = ? AND position = 0', server)
    addresses.associate(record, pools, port, None if address == AFTER_APPLY else address)


def complete_rows(
    record: Record, user_data: str | None, names: Sequence[str]
) -> Dict[str, CompleteServer]:
    """The rows of servers with all values of their machines; read before threads are started.

    ``user_data``: of this task; those servers get it whose recorded hash it matches.
    """
    from .first_boot_content import user_data_by_name

    selected = (json.dumps(names), None)
    ports = by_server(record.rows(PORTS, *selected))
    bridges = by_server(record.rows(BRIDGE_PORTS, *selected))
    volumes = by_server(record.rows(VOLUMES, *selected))
    keys = {row['name']: row['public_key'] for row in record.rows(_KEYPAIRS)}
    scripts = init_scripts(record)
    rows = server_rows(record, *selected)
    user_data_of = user_data_by_name(record, rows, user_data)
    documents = metadata.server_metadata(record, [row['uuid'] for row in rows])
    return {
        row['name']: {
            **row,
            'ports': ports.get(row['id'], []),
            'bridge_ports': bridges.get(row['id'], []),
            'volumes': volumes.get(row['id'], []),
            'public_keys': tuple(keys[name] for name in key_names(row)),
            'metadata': metadata.element(documents[row['uuid']]),
            'password': '',
            'first_boot': scripts.get(row['init_script'] or '')
            or user_data_of.get(row['name'], ''),
        }
        for row in rows
    }
