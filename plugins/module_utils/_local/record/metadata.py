# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Metadata of machines and containers in libvirt, from which a lost record can be rebuilt.

The machine of a server and the container of a load balancer carry the rows of the record that
concern them. The metadata is a projection of the record.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Dict, List, Literal, Mapping, Sequence, Tuple
from xml.etree import ElementTree as ET

from ..._model.status import TaskState
from ..._model.user_data import UNKNOWN_HASH
from ..host.hypervisor import tolerate
from .database import Query
from .host import Host
from .record import Record

if TYPE_CHECKING:
    from .row_types import (
        GroupInMetadata,
        ImageInMetadata,
        KeypairInMetadata,
        NameOfOwner,
        VolumeInMetadata,
    )
    from .rows import (
        BalancerRow,
        BridgePortRow,
        FloatingIpRow,
        NetworkRow,
        PortRow,
        ServerKeypairRow,
        ServerRow,
    )

URI = 'https://hanok.cloud/xmlns/server/1'
PREFIX = 'hanok'
_ELEMENT = 2  # VIR_DOMAIN_METADATA_ELEMENT
AFFECT_LIVE, AFFECT_CONFIG = 1, 2  # VIR_DOMAIN_AFFECT_LIVE, VIR_DOMAIN_AFFECT_CONFIG
_PERSISTENT = 4  # VIR_CONNECT_LIST_DOMAINS_PERSISTENT
Columns = Dict[str, object]
_SERVERS: Query[ServerRow] = Query("""SELECT * FROM main.server
  WHERE ?1 IS NULL OR uuid IN (SELECT value FROM json_each(?1))""")
_IMAGES: Query[ImageInMetadata] = Query("""SELECT id, project, uuid, name, source, checksum,
  disk_format, os_admin_user, application, description, labels, delete_protection
  FROM main.image""")
_KEYPAIRS: Query[KeypairInMetadata] = Query("""SELECT id, project, uuid, name, public_key,
  description, labels, created_by FROM main.keypair""")
_MORE_KEYPAIRS: Query[ServerKeypairRow] = Query(
    'SELECT * FROM main.server_keypair ORDER BY position'
)
_VOLUMES: Query[VolumeInMetadata] = Query(f"""SELECT server_id, uuid, name, size, description,
  labels, bootable, source, delete_protection, volume_type, file_system, mount_point
  FROM main.volume
  WHERE server_id IN (SELECT id FROM ({_SERVERS})) AND task_state IS NOT '{TaskState.DETACHING}'""")
_READ_VOLUMES: Query[VolumeInMetadata] = Query(f"""SELECT r.server_id, v.uuid, v.name, v.size,
  v.description, v.labels, v.bootable, v.source, v.delete_protection, v.volume_type, v.file_system,
  v.mount_point FROM main.volume_reader r JOIN main.volume v ON v.id = r.volume_id
  WHERE r.server_id IN (SELECT id FROM ({_SERVERS}))
  AND r.task_state IS NOT '{TaskState.DETACHING}'""")
_BALANCERS: Query[BalancerRow] = Query('SELECT * FROM main.balancer')
_MEMBERS: Query[NameOfOwner] = Query("""SELECT m.balancer_id AS owner, s.name
  FROM main.balancer_member m JOIN main.server s ON s.id = m.server_id ORDER BY s.id""")
_PORT_GROUPS: Query[GroupInMetadata] = Query("""SELECT pg.port_id, g.uuid, g.name
  FROM main.port_security_group pg
  JOIN main.security_group g ON g.id = pg.group_id ORDER BY g.name""")
_PORTS: Query[PortRow] = Query('SELECT * FROM main.port ORDER BY position')
_BRIDGE_PORTS: Query[BridgePortRow] = Query('SELECT * FROM main.bridge_port ORDER BY id')
_NETWORKS: Query[NetworkRow] = Query('SELECT * FROM main.network')
_FLOATING_IPS: Query[FloatingIpRow] = Query(
    'SELECT * FROM main.floating_ip WHERE port_id IS NOT NULL'
)


def server_metadata(record: Record, uuids: Sequence[str] | None = None) -> Dict[str, str]:
    """Return the metadata of servers, or of all, by UUID: their rows, and those they refer to.

    It contains no first-boot content and no hash of it. It contains no power state either: whether
    the machine runs, and whether it starts with the host, is known from the machine itself.
    """
    images: Dict[int, Columns] = {}
    discs: Dict[Tuple[str, object], Columns] = {}
    for found_image in record.rows(_IMAGES):
        image = _without(found_image, 'id', 'project')
        images[found_image['id']] = discs[found_image['project'], found_image['name']] = image
    keypairs: Dict[int, Columns] = {}
    by_name: Dict[Tuple[str, str], Columns] = {}
    for row in record.rows(_KEYPAIRS):
        keypair = _without(row, 'id', 'project')
        keypairs[row['id']] = keypair
        by_name[row['project'], row['name']] = keypair
    more_keypairs: Dict[int, List[Columns]] = {}
    for pair in record.rows(_MORE_KEYPAIRS):
        keypair = keypairs[pair['keypair_id']]
        more_keypairs.setdefault(pair['server_id'], []).append(keypair)
    volumes = _volumes(record, _VOLUMES, uuids)
    read_volumes = _volumes(record, _READ_VOLUMES, uuids)
    ports = _ports(record, 'server_id')
    bridge_ports: Dict[int, List[Columns]] = {}
    for bridge_port in record.rows(_BRIDGE_PORTS):
        bridge_ports.setdefault(bridge_port['server_id'], []).append(dict(bridge_port))
    found = {}
    for server in record.named(_SERVERS, uuids):
        identity = server['id']
        first_key = (server['project'], server['key_name'] or '')
        metadata = {
            'server': _server(server),
            'image': images[server['image_id']],
            'cdroms': [
                discs[server['project'], name]
                for name in json.loads(server['hardware']).get('cdroms', ())
                if (server['project'], name) in discs
            ],
            'keypair': by_name.get(first_key),
            'more_keypairs': more_keypairs.get(identity, []),
            'ports': ports.get(identity, []),
            'bridge_ports': bridge_ports.get(identity, []),
            'volumes': volumes.get(identity, []),
        }
        if identity in read_volumes:
            metadata['read_volumes'] = read_volumes[identity]
        found[server['uuid']] = json.dumps(metadata)
    return found


def _volumes(
    record: Record, query: Query[VolumeInMetadata], uuids: Sequence[str] | None
) -> Dict[int, List[Columns]]:
    """Return volumes by the ids of their servers."""
    volumes: Dict[int, List[Columns]] = {}
    for volume in record.named(query, uuids):
        columns = _without(volume, 'server_id')
        volumes.setdefault(volume['server_id'], []).append(columns)
    return volumes


def _server(row: ServerRow) -> Columns:
    server = _without(row, 'power', 'task_state', 'rescue_image_id', 'resized_from')
    server['init_script_seal'] = None
    # Local users can read the metadata.
    server['user_data'] = UNKNOWN_HASH if row['user_data'] else None
    server['root_password'] = UNKNOWN_HASH if row['root_password'] else None
    return server


def balancer_metadata(record: Record) -> Dict[str, str]:
    """Return the metadata of load balancers by UUID: their rows, ports and names of members."""
    members = _names_by_owner(record, _MEMBERS)
    ports = _ports(record, 'balancer_id')
    found = {}
    for row in record.rows(_BALANCERS):
        metadata = {
            'balancer': _without(row, 'task_state'),
            'ports': ports.get(row['id'], []),
            'members': members.get(row['id'], []),
        }
        found[row['uuid']] = json.dumps(metadata)
    return found


def _without(row: Mapping[str, object], *columns: str) -> Columns:
    kept = dict(row)
    for column in columns:
        kept.pop(column, None)
    return kept


def _names_by_owner(record: Record, query: Query[NameOfOwner]) -> Dict[int, List[str]]:
    found: Dict[int, List[str]] = {}
    for row in record.rows(query):
        found.setdefault(row['owner'], []).append(row['name'])
    return found


def _ports(record: Record, column: Literal['server_id', 'balancer_id']) -> Dict[int, List[Columns]]:
    """Return ports by owner id, with their networks, groups and floating addresses."""
    networks = {row['id']: dict(row) for row in record.rows(_NETWORKS)}
    floating: Dict[int | None, Columns] = {}
    for address in record.rows(_FLOATING_IPS):
        floating[address['port_id']] = _without(address, 'id', 'port_id')
    groups: Dict[int, List[Columns]] = {}
    for group in record.rows(_PORT_GROUPS):
        columns = _without(group, 'port_id')
        groups.setdefault(group['port_id'], []).append(columns)
    found: Dict[int, List[Columns]] = {}
    for row in record.rows(_PORTS):
        owner = row[column]
        if owner is None:
            continue
        port: Columns = {
            'port': dict(row),
            'network': networks[row['network_id']],
            'groups': groups.get(row['id'], []),
            'floating': floating.get(row['id']),
        }
        found.setdefault(owner, []).append(port)
    return found


def write(host: Host) -> None:
    """Write the metadata of machines and containers where it differs from the record.

    Machines that are no longer defined are skipped.
    """
    with host.locks.projection('metadata'):
        revision, servers, balancers = _recorded(host.record)
        if servers:
            _write_servers(host, servers)
        if balancers:
            _write_balancers(host, balancers)
        # not exported: killed there, the run would leave its temporary file, with nothing to redo
        with host.record.writer.transaction(exports=False) as sql:
            sql.execute("UPDATE meta SET value = ? WHERE key = 'metadata_written'", (revision,))


def _write_servers(host: Host, servers: Mapping[str, str]) -> None:
    machines = host.hypervisor.machines()
    if not {*servers} <= {*machines}:
        machines.update(host.hypervisor.machines('lxc'))
    for uuid, text in servers.items():
        machine = machines.get(uuid)
        if machine and machine.defined:
            _set(machine.domain, text)


def _write_balancers(host: Host, balancers: Mapping[str, str]) -> None:
    for container in host.hypervisor.lxc.listAllDomains(_PERSISTENT):
        text = balancers.get(container.UUIDString())
        if text is not None:
            _set(container, text)


def _recorded(record: Record) -> Tuple[int, Dict[str, str], Dict[str, str]]:
    """Return the revision, and the metadata of machines and of containers by UUID."""
    record.sql.execute('BEGIN')
    try:
        revision = record.value("SELECT value FROM meta WHERE key = 'metadata'")
        return revision, server_metadata(record), balancer_metadata(record)
    finally:
        record.sql.execute('COMMIT')


def _set(domain: Any, text: str) -> None:
    flags = [AFFECT_CONFIG]
    if domain.isActive():
        flags.append(AFFECT_LIVE)
    for flag in flags:
        # It may be being deleted, or have just stopped.
        with tolerate('NO_DOMAIN', 'OPERATION_INVALID'):
            if read(domain, flag) != text:
                domain.setMetadata(_ELEMENT, element(text), PREFIX, URI, flag)


def read(domain: Any, flag: int = AFFECT_CONFIG) -> str:
    """Return the metadata of a domain; empty if it has none."""
    with tolerate('NO_DOMAIN_METADATA', 'NO_DOMAIN'):
        text = domain.metadata(_ELEMENT, URI, flag)
        found = ET.fromstring(text)  # noqa: S314 (libvirt's own)
        return found.text or ''
    return ''


def element(text: str) -> str:
    """Return the XML element that libvirt stores for this text."""
    found = ET.Element('server', {'xmlns': URI})
    found.text = text
    return ET.tostring(found, encoding='unicode')
