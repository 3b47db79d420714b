# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the record says of servers: written when one is made, changed or deleted, and read whole for its machine. Within transactions of who calls."""

from __future__ import annotations

import json
import uuid
from typing import Any, Dict, Mapping, Sequence, Set

from .._cloud import CloudError
from .._model.change import AFTER_APPLY, Change
from .._model.server import Nic, Server
from .._model.user_data import UserDataHash
from . import addresses, metadata
from .record import Record, description_columns
from .servers import PORTS, SERVERS, VOLUMES, by_server, key_names
from .settings import Pool

_PORTS_OF = 'SELECT id FROM port WHERE server_id IN (SELECT value FROM json_each(?))'


def reserve(record: Record, pools: Sequence[Pool], server: Server) -> bool:
    """Write a server that is to be made, with its connections, groups and floating address; whether it was not there."""
    if record.value('SELECT id FROM server WHERE name = ?', server.name) is not None:
        return False  # an earlier run was interrupted: what it reserved is used
    columns = {
        column: getattr(server, column)
        for column in (
            'name',
            'member_of',
            'flavor',
            'vcpus',
            'memory',
            'user_data',
            'init_script',
            'volume_size',
            'power',
            'guest_agent',
        )
    }
    row = record.insert(
        'server',
        {
            'uuid': str(uuid.uuid4()),
            **columns,
            'key_name': next(iter(server.key_names), None),
            'image_id': record.value('SELECT id FROM image WHERE name = ?', server.image),
            'delete_protection': server.delete_protection,
            'init_script_seal': _seal(record, server.init_script),
            **description_columns(server),
            'task_state': 'creating',
        },
    )
    _let_in(record, server.key_names[1:], row)
    for position, nic in enumerate(server.networks):
        _plug(record, nic, position, row)
    _write_groups(record, server, row)
    if server.floating_ip:
        _float(record, pools, row, server.floating_ip)
    return True


def _let_in(record: Record, keys: Sequence[str], server: int) -> None:
    """Write the key pairs of a server after its first."""
    for position, key in enumerate(keys, 1):
        pair = record.value('SELECT id FROM keypair WHERE name = ?', key)
        if pair is None:
            raise CloudError(f'keypair {key} no longer exists; run the task again')
        values = {'server_id': server, 'keypair_id': pair, 'position': position}
        record.insert('server_keypair', values)


def _seal(record: Record, script: str | None) -> UserDataHash | None:
    """The text of an init script as a server is made with it, enough to see later that it differs."""
    content = (
        None
        if script is None
        else record.value('SELECT content FROM init_script WHERE name = ?', script)
    )
    return None if content is None else UserDataHash.of(content, record.secret())


def outdated(record: Record, rows: Sequence[Any]) -> Set[str]:
    """The names of servers that were made with another text of their init script than there is now."""
    sealed = [row for row in rows if row['init_script'] and row['init_script_seal']]
    if not sealed:
        return set()
    secret = record.secret()
    scripts = {
        row['name']: UserDataHash.of(row['content'], secret)
        for row in record.rows('SELECT name, content FROM init_script')
    }
    return {
        row['name']
        for row in sealed
        if _is_older(row['init_script_seal'], scripts.get(row['init_script']))
    }


def _is_older(seal: str, current: UserDataHash | None) -> bool:
    """Whether a text differs from what was sealed; one that was sealed with another key cannot be compared."""
    return current is not None and seal != current and not current.supersedes(seal)


def forget(record: Record, name: str) -> None:
    """Forget a server that was never made, so that it is made otherwise."""
    row = record.value('SELECT id FROM server WHERE name = ?', name)
    if record.value('SELECT 1 FROM balancer_member WHERE server_id = ?', row) is not None:
        raise CloudError(
            f'server {name} was never created, and is a member of a load balancer; '
            'remove it there first, or delete the server (state: absent)'
        )
    remove(record, [row])


def rewrite(record: Record, pools: Sequence[Pool], change: Change) -> None:
    """Write a server as it is to be."""
    server: Server = change.after
    row = record.value('SELECT id FROM server WHERE name = ?', server.name)
    columns = {
        column: getattr(server, column)
        for column in (
            'flavor',
            'vcpus',
            'memory',
            'volume_size',
            'delete_protection',
            'user_data',
            'guest_agent',
        )
    }
    record.update(
        'server',
        row,
        {
            **columns,
            **description_columns(server),
            'power': wanted(server),
            'task_state': 'updating',
        },
    )
    if (change.before.security_groups, change.before.networks) != (
        server.security_groups,
        server.networks,
    ):
        _write_groups(record, server, row)
    if change.before.floating_ip != server.floating_ip:
        addresses.disassociate(record, 'server_id', row)
        if server.floating_ip:
            _float(record, pools, row, server.floating_ip)


def _plug(record: Record, nic: Nic, position: int, server: int) -> None:
    """Give a server a connection: a new one, or a port that was made beforehand."""
    if nic.port is None:
        addresses.create_port(record, nic, position, {'server_id': server})
        return
    free = record.value('SELECT id FROM port WHERE name = ? AND server_id IS NULL', nic.port)
    if free is None:
        raise CloudError(f'port {nic.port} is no longer free; run the task again')
    record.update('port', free, {'server_id': server, 'position': position})


def _write_groups(record: Record, server: Server, row: int) -> None:
    """The groups of its connections: their own, else the server's. Those of ports are the ports'."""
    ports = record.rows('SELECT id FROM port WHERE server_id = ? ORDER BY position', row)
    for port, nic in zip(ports, server.networks):
        if nic.port is None:
            record.update('port', port['id'], {'own_groups': int(nic.security_groups is not None)})
            addresses.write_groups(
                record,
                port['id'],
                server.security_groups if nic.security_groups is None else nic.security_groups,
            )


def _float(record: Record, pools: Sequence[Pool], server: int, address: str) -> None:
    there = 'SELECT f.id FROM floating_ip f JOIN port p ON p.id = f.port_id WHERE p.server_id = ? AND f.address = ?'
    if record.value(there, server, address) is not None:
        return  # it leads to a port that the server was given
    port = record.value('SELECT id FROM port WHERE server_id = ? AND position = 0', server)
    addresses.associate(record, pools, port, None if address == AFTER_APPLY else address)


def remove(record: Record, servers: Sequence[int]) -> None:
    """Delete servers and their automatic floating addresses, and let go of what was made on its own."""
    chosen = 'SELECT value FROM json_each(?)'
    for statement in (
        f'DELETE FROM floating_ip WHERE automatic AND port_id IN ({_PORTS_OF})',
        f'UPDATE port SET server_id = NULL, position = 0 WHERE name IS NOT NULL AND server_id IN ({chosen})',
        "UPDATE volume SET server_id = NULL, task_state = CASE WHEN task_state IN ('attaching', 'detaching') THEN NULL ELSE task_state END "
        f'WHERE server_id IN ({chosen})',
        f'DELETE FROM server WHERE id IN ({chosen})',
    ):
        record.sql.execute(statement, (json.dumps(servers),))


def whole(record: Record, secrets: Mapping[str, str], names: Sequence[str]) -> Dict[str, Any]:
    """The rows of servers with all that their machines are made of; read before the threads begin."""
    chosen = (json.dumps(names), None)
    ports, volumes = (
        by_server(record.rows(PORTS, *chosen)),
        by_server(record.rows(VOLUMES, *chosen)),
    )
    keys = {
        row['name']: row['public_key']
        for row in record.rows('SELECT name, public_key FROM keypair')
    }
    scripts = {
        row['name']: row['content'] for row in record.rows('SELECT name, content FROM init_script')
    }
    told = metadata.server_metadata(record, names)
    return {
        row['name']: {
            **dict(row),
            'ports': ports.get(row['id'], []),
            'volumes': volumes.get(row['id'], []),
            'public_keys': tuple(keys[name] for name in key_names(row)),
            'metadata': metadata.element(told[row['name']]),
            'first_boot': scripts.get(row['init_script'], '')
            or secrets.get(row['user_data'] or '', ''),
        }
        for row in record.rows(SERVERS, *chosen)
    }


def wanted(server: Server) -> str:
    """The power that is recorded: a paused server is one that is to run."""
    return 'stopped' if server.power == 'stopped' else 'started'
