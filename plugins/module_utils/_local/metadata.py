# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the machine of a server says of it, as libvirt metadata: enough to know the server again when the record is lost. A projection of the record."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Sequence
from xml.etree import ElementTree as ET

from .host import Host
from .hypervisor import tolerate
from .record import Record

URI = 'https://hanok.cloud/xmlns/server/1'
PREFIX = 'hanok'
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
        revision = host.record.value("SELECT value FROM meta WHERE key = 'metadata'")  # read first: what changes meanwhile makes a later one
        identities = {row['name']: row['uuid'] for row in host.record.rows('SELECT name, uuid FROM server')}
        texts, machines = told(host.record, list(identities)), host.hypervisor.machines()
        for name, text in texts.items():
            machine = machines.get(identities[name])
            if machine and machine.defined:
                with tolerate('NO_DOMAIN'):  # it is being deleted
                    _say(machine.domain, text)
        with host.record.transaction() as sql:
            sql.execute("UPDATE meta SET value = ? WHERE key = 'metadata_written'", (revision,))


def _say(machine: Any, text: str) -> None:
    import libvirt

    said = ''
    with tolerate('NO_DOMAIN_METADATA'):
        said = ET.fromstring(machine.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, URI, libvirt.VIR_DOMAIN_AFFECT_CONFIG)).text or ''  # noqa: S314
    if said != text:
        where = libvirt.VIR_DOMAIN_AFFECT_CONFIG | (libvirt.VIR_DOMAIN_AFFECT_LIVE if machine.isActive() else 0)
        machine.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, element(text), PREFIX, URI, where)


def element(text: str) -> str:
    """The metadata as libvirt takes it."""
    found = ET.Element('server', {'xmlns': URI})
    found.text = text
    return ET.tostring(found, encoding='unicode')


def read(text: str) -> Dict[str, Any]:
    """What an element says."""
    found: Dict[str, Any] = json.loads(ET.fromstring(text).text or '{}')  # noqa: S314 (libvirt's own)
    return found
