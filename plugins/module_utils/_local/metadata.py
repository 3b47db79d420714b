# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the machine of a server says of it, as libvirt metadata: enough to know the server again when the record is lost. A projection of the record."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Sequence, Tuple
from xml.etree import ElementTree as ET

from .host import Host
from .hypervisor import tolerate
from .record import Record

URI = 'https://hanok.cloud/xmlns/server/1'
PREFIX = 'hanok'
_ELEMENT = 2  # VIR_DOMAIN_METADATA_ELEMENT
AS_IT_RUNS, _AS_DEFINED = 1, 2  # VIR_DOMAIN_AFFECT_LIVE, VIR_DOMAIN_AFFECT_CONFIG
_SERVERS = 'SELECT * FROM server WHERE name IN (SELECT value FROM json_each(?1))'
_CHOSEN = f'(SELECT id FROM ({_SERVERS}))'
_VOLUMES = f"SELECT server_id, uuid, name, size, description, labels FROM volume WHERE server_id IN {_CHOSEN} AND task_state IS NOT 'detaching'"


def told(record: Record, names: Sequence[str]) -> Dict[str, str]:
    """The metadata of servers, by their names: their rows, and those of what they stand on.

    No first-boot content is in it. Power is not either: it is what the machine does, and whether it starts with the host.
    """
    servers = record.named(_SERVERS, names)
    images = {row['id']: row for row in record.rows('SELECT id, uuid, name, source, checksum, description, labels FROM image')}
    keys = {row['name']: dict(row) for row in record.rows('SELECT name, public_key, description, labels FROM keypair')}
    volumes = record.named(_VOLUMES, names)
    ports = _ports(record, names)
    found = {}
    for row in servers:
        image = {column: value for column, value in dict(images[row['image_id']]).items() if column != 'id'}
        mine = [{column: value for column, value in dict(volume).items() if column != 'server_id'} for volume in volumes if volume['server_id'] == row['id']]
        server = {column: value for column, value in dict(row).items() if column not in ('power', 'task_state')}
        found[row['name']] = json.dumps(
            {'server': server, 'image': image, 'keypair': keys.get(row['key_name']), 'ports': ports.get(row['id'], []), 'volumes': mine}
        )
    return found


def _ports(record: Record, names: Sequence[str]) -> Dict[int, List[Dict[str, Any]]]:
    networks = {row['id']: dict(row) for row in record.rows('SELECT * FROM network')}
    floating = {row['port_id']: dict(row) for row in record.rows('SELECT * FROM floating_ip WHERE port_id IS NOT NULL')}
    groups: Dict[int, List[str]] = {}
    for row in record.rows('SELECT pg.port_id, g.name FROM port_security_group pg JOIN security_group g ON g.id = pg.group_id ORDER BY g.name'):
        groups.setdefault(row['port_id'], []).append(row['name'])
    found: Dict[int, List[Dict[str, Any]]] = {}
    for row in record.named(f'SELECT * FROM port WHERE server_id IN {_CHOSEN} ORDER BY position', names):
        address = floating.get(row['id'])
        found.setdefault(row['server_id'], []).append(
            {
                'port': dict(row),
                'network': networks[row['network_id']],
                'groups': groups.get(row['id'], []),
                'floating': {column: value for column, value in address.items() if column not in ('id', 'port_id')} if address else None,
            }
        )
    return found


def write(host: Host) -> None:
    """Have machines say what the record says of their servers, where they say something else. One that is not defined any more says nothing."""
    with host.locks.projection('metadata'):
        revision, texts = _recorded(host.record)
        machines = host.hypervisor.machines()
        for identity, text in texts.items():
            machine = machines.get(identity)
            if machine and machine.defined:
                _say(machine.domain, text)
        with host.record.transaction() as sql:
            sql.execute("UPDATE meta SET value = ? WHERE key = 'metadata_written'", (revision,))


def _recorded(record: Record) -> Tuple[int, Dict[str, str]]:
    """The revision, and what each machine has to say, by its UUID."""
    record.sql.execute('BEGIN')
    try:
        revision = record.value("SELECT value FROM meta WHERE key = 'metadata'")
        identities = {row['name']: row['uuid'] for row in record.rows('SELECT name, uuid FROM server')}
        return revision, {identities[name]: text for name, text in told(record, list(identities)).items()}
    finally:
        record.sql.execute('COMMIT')


def _say(machine: Any, text: str) -> None:
    for where in (_AS_DEFINED, AS_IT_RUNS) if machine.isActive() else (_AS_DEFINED,):
        with tolerate('NO_DOMAIN', 'OPERATION_INVALID'):  # it is being deleted, or has just stopped
            if said(machine, where) != text:
                machine.setMetadata(_ELEMENT, element(text), PREFIX, URI, where)


def said(machine: Any, where: int = _AS_DEFINED) -> str:
    """What a machine says; empty: nothing."""
    with tolerate('NO_DOMAIN_METADATA'):
        return ET.fromstring(machine.metadata(_ELEMENT, URI, where)).text or ''  # noqa: S314 (libvirt's own)
    return ''


def element(text: str) -> str:
    """The metadata as libvirt takes it."""
    found = ET.Element('server', {'xmlns': URI})
    found.text = text
    return ET.tostring(found, encoding='unicode')
