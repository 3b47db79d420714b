# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the machine of a server says of it, and the container of a balancer, as libvirt metadata: enough to know them again when the record is lost.

A projection of the record.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Sequence, Tuple
from xml.etree import ElementTree as ET

from .._model.user_data import UNKNOWN_HASH
from .host import Host
from .hypervisor import tolerate
from .record import Record

URI = 'https://hanok.cloud/xmlns/server/1'
PREFIX = 'hanok'
_ELEMENT = 2  # VIR_DOMAIN_METADATA_ELEMENT
AFFECT_LIVE, AFFECT_CONFIG = 1, 2  # VIR_DOMAIN_AFFECT_LIVE, VIR_DOMAIN_AFFECT_CONFIG
_PERSISTENT = 4  # VIR_CONNECT_LIST_DOMAINS_PERSISTENT
_SERVERS = 'SELECT * FROM server WHERE name IN (SELECT value FROM json_each(?1))'
_MORE_KEYS = """SELECT sk.server_id, k.name FROM server_keypair sk
  JOIN keypair k ON k.id = sk.keypair_id ORDER BY sk.position"""
_VOLUMES = f"""SELECT server_id, uuid, name, size, description, labels FROM volume
  WHERE server_id IN (SELECT id FROM ({_SERVERS})) AND task_state IS NOT 'detaching'"""


def server_metadata(record: Record, names: Sequence[str]) -> Dict[str, str]:
    """The metadata of servers, by their names: their rows, and those of what they stand on.

    No first-boot content is in it, and no hash of it. Power is not either: it is what the machine
    does, and whether it starts with the host.
    """
    servers = record.named(_SERVERS, names)
    images = {
        row['id']: row
        for row in record.rows(
            'SELECT id, uuid, name, source, checksum, description, labels FROM image'
        )
    }
    keys = {
        row['name']: dict(row)
        for row in record.rows('SELECT name, public_key, description, labels FROM keypair')
    }
    more = _more_keys(record)
    volumes = record.named(_VOLUMES, names)
    ports = _ports(record, 'server_id')
    found = {}
    for row in servers:
        image = {
            column: value
            for column, value in dict(images[row['image_id']]).items()
            if column != 'id'
        }
        mine = [
            {column: value for column, value in dict(volume).items() if column != 'server_id'}
            for volume in volumes
            if volume['server_id'] == row['id']
        ]
        server = {
            column: value
            for column, value in dict(row).items()
            if column not in ('power', 'task_state')
        }
        server['init_script_seal'] = None
        server['user_data'] = (
            UNKNOWN_HASH if row['user_data'] else None
        )  # local users read what machines say
        found[row['name']] = json.dumps(
            {
                'server': server,
                'image': image,
                'keypair': keys.get(row['key_name']),
                'more_keypairs': [keys[name] for name in more.get(row['id'], [])],
                'ports': ports.get(row['id'], []),
                'volumes': mine,
            }
        )
    return found


def _more_keys(record: Record) -> Dict[int, List[str]]:
    """The key pairs of servers after their first, by the number of the server."""
    found: Dict[int, List[str]] = {}
    for row in record.rows(_MORE_KEYS):
        found.setdefault(row['server_id'], []).append(row['name'])
    return found


def balancer_metadata(record: Record) -> Dict[str, str]:
    """The metadata of balancers, by their UUIDs: their rows, their ports and the names of their members."""
    members: Dict[int, List[str]] = {}
    for row in record.rows(
        'SELECT m.balancer_id, s.name FROM balancer_member m JOIN server s ON s.id = m.server_id ORDER BY s.id'
    ):
        members.setdefault(row['balancer_id'], []).append(row['name'])
    ports, found = _ports(record, 'balancer_id'), {}
    for row in record.rows('SELECT * FROM balancer'):
        balancer = {column: value for column, value in dict(row).items() if column != 'task_state'}
        found[row['uuid']] = json.dumps(
            {
                'balancer': balancer,
                'ports': ports.get(row['id'], []),
                'members': members.get(row['id'], []),
            }
        )
    return found


def _ports(record: Record, owner: str) -> Dict[int, List[Dict[str, Any]]]:
    """Ports by the number of who has them (``owner``: server_id or balancer_id), with their networks, groups and floating addresses."""
    networks = {row['id']: dict(row) for row in record.rows('SELECT * FROM network')}
    floating = {
        row['port_id']: dict(row)
        for row in record.rows('SELECT * FROM floating_ip WHERE port_id IS NOT NULL')
    }
    groups: Dict[int, List[str]] = {}
    for row in record.rows(
        'SELECT pg.port_id, g.name FROM port_security_group pg JOIN security_group g ON g.id = pg.group_id ORDER BY g.name'
    ):
        groups.setdefault(row['port_id'], []).append(row['name'])
    found: Dict[int, List[Dict[str, Any]]] = {}
    for row in record.rows(f'SELECT * FROM port WHERE {owner} IS NOT NULL ORDER BY position'):
        address = floating.get(row['id'])
        found.setdefault(row[owner], []).append(
            {
                'port': dict(row),
                'network': networks[row['network_id']],
                'groups': groups.get(row['id'], []),
                'floating': {
                    column: value
                    for column, value in address.items()
                    if column not in ('id', 'port_id')
                }
                if address
                else None,
            }
        )
    return found


def write(host: Host) -> None:
    """Have machines and containers say what the record says, where they say something else. One that is not defined any more says nothing."""
    with host.locks.projection('metadata'):
        revision, servers, balancers = _recorded(host.record)
        machines = host.hypervisor.machines() if servers else {}
        for identity, text in servers.items():
            machine = machines.get(identity)
            if machine and machine.defined:
                _say(machine.domain, text)
        for container in host.hypervisor.lxc.listAllDomains(_PERSISTENT) if balancers else ():
            if container.UUIDString() in balancers:
                _say(container, balancers[container.UUIDString()])
        with host.record.transaction() as sql:
            sql.execute("UPDATE meta SET value = ? WHERE key = 'metadata_written'", (revision,))


def _recorded(record: Record) -> Tuple[int, Dict[str, str], Dict[str, str]]:
    """The revision, and what each machine and each container has to say, by its UUID."""
    record.sql.execute('BEGIN')
    try:
        revision = record.value("SELECT value FROM meta WHERE key = 'metadata'")
        identities = {
            row['name']: row['uuid'] for row in record.rows('SELECT name, uuid FROM server')
        }
        servers = {
            identities[name]: text
            for name, text in server_metadata(record, list(identities)).items()
        }
        return revision, servers, balancer_metadata(record)
    finally:
        record.sql.execute('COMMIT')


def _say(machine: Any, text: str) -> None:
    for where in (AFFECT_CONFIG, AFFECT_LIVE) if machine.isActive() else (AFFECT_CONFIG,):
        with tolerate('NO_DOMAIN', 'OPERATION_INVALID'):  # it is being deleted, or has just stopped
            if read(machine, where) != text:
                machine.setMetadata(_ELEMENT, element(text), PREFIX, URI, where)


def read(machine: Any, where: int = AFFECT_CONFIG) -> str:
    """What a machine says; empty: nothing."""
    with tolerate('NO_DOMAIN_METADATA', 'NO_DOMAIN'):
        return ET.fromstring(machine.metadata(_ELEMENT, URI, where)).text or ''  # noqa: S314 (libvirt's own)
    return ''


def element(text: str) -> str:
    """The metadata as libvirt takes it."""
    found = ET.Element('server', {'xmlns': URI})
    found.text = text
    return ET.tostring(found, encoding='unicode')
