# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rebuilding a lost record from its export, the metadata of machines, and the existing disks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Dict, List, Tuple, Union

from .checks import DEFAULT_GROUP, DEFAULT_PROJECT, RECOVERED_BY
from .image import min_disk_gb
from .network import candidates
from .record_state import RecordState
from .root_volume import root_columns

Row = Dict[str, Union[int, str, None]]
Rows = Dict[str, List[Row]]
Metadata = Mapping[str, Any]
Disks = Mapping[str, Mapping[str, int]]
# What is in the export only, because the metadata of machines does not mention it.
_EXPORTED_ONLY = (
    'key pairs, init scripts, flavors, rules of security groups, ports and floating IPs that no '
    'server or load balancer has'
)


@dataclass(frozen=True)
class Remains:
    """What is left of a cloud without its record.

    ``export``: all rows by table, or None without a readable export. ``machines``: the metadata of
    each machine about its server, by the UUID of the machine. ``balancers``: that of each container
    about its balancer. ``networks``: the networks of the cloud that are defined in libvirt.
    ``disks``: the sizes (bytes) of disk files, by kind (server, volume, image) and UUID.
    ``unreadable``: machines (UUIDs) whose metadata cannot be read.
    """

    export: Rows | None = None
    machines: Mapping[str, Metadata] = field(default_factory=dict)
    disks: Disks = field(default_factory=dict)
    unreadable: Tuple[str, ...] = ()
    balancers: Mapping[str, Metadata] = field(default_factory=dict)
    networks: Tuple[Metadata, ...] = ()


def rebuild_rows(remains: Remains) -> Tuple[Rows, List[str]]:
    """Return the rows of a new record, and what could not be restored, as sentences."""
    disks = remains.disks
    rows = _exported_rows(remains)
    lost = _lost_before(rows)
    if remains.export is None:
        lost.append(f'there is no readable export: {_EXPORTED_ONLY} cannot be restored')
    known = _uuids(rows, 'server')
    for uuid in remains.unreadable:
        if uuid not in known:
            lost.append(f'machine {uuid}: the metadata about its server cannot be read')
    for metadata in _missing(rows, 'server', remains.machines):
        lost += _add_server(rows, metadata, disks)
    for metadata in _missing(rows, 'balancer', remains.balancers):
        lost += _add_balancer(rows, metadata)
    _add_root_volumes(rows, disks.get('server', {}))
    lost += _add_networks(rows, remains.networks)
    lost += _missing_disks(rows, disks)
    for kind in ('volume', 'image'):
        lost += _add_disks(rows, kind, disks.get(kind, {}))
    lost += _unknown_disks(rows, disks.get('server', {}))
    return rows, lost


def _unknown_disks(rows: Rows, disks: Mapping[str, int]) -> List[str]:
    """Disks of servers that are neither on record nor defined."""
    unknown = set(disks) - _uuids(rows, 'server')
    return [
        f'servers/{uuid} contains a disk of an unknown server; inspect it, and remove it manually'
        for uuid in sorted(unknown)
    ]


def row_counts(rows: Rows) -> Dict[str, int]:
    """The number of rows by table, without empty tables."""
    counts = {table: len(entries) for table, entries in sorted(rows.items())}
    return {table: count for table, count in counts.items() if count}


def planned_state(lost: Sequence[str], rows: Rows) -> RecordState:
    """The state of the record after recovery."""
    counts = row_counts(rows)
    return RecordState('record', 'whole', counts, tuple(lost))


def _exported_rows(remains: Remains) -> Rows:
    """A copy of the exported rows, with the security group that every cloud has."""
    rows: Rows = {}
    for table, entries in (remains.export or {}).items():
        rows[table] = [dict(row) for row in entries]
    if not _named(rows, 'security_group', DEFAULT_GROUP, DEFAULT_PROJECT):
        group: Row = {
            'name': DEFAULT_GROUP,
            'description': '',
            'labels': '{}',
        }
        _append(rows, 'security_group', group)
    return rows


def _lost_before(rows: Rows) -> List[str]:
    """What an earlier recovery could not restore."""
    lost: List[str] = []
    for row in rows.get('meta', ()):
        if row['key'] == 'lost':
            sentences = json.loads(str(row['value']))
            lost += map(str, sentences)
    return lost


def _missing(rows: Rows, table: str, found: Mapping[str, Metadata]) -> Iterator[Metadata]:
    """Metadata by UUID of what is not on record by now, in the order of the row ids."""
    ordered = sorted(found.items(), key=lambda item: item[1][table]['id'])
    for uuid, metadata in ordered:
        if uuid not in _uuids(rows, table):
            yield metadata


def _uuids(rows: Rows, table: str) -> set[str]:
    return {str(row['uuid']) for row in rows.get(table, ()) if 'uuid' in row}


def _project(row: Mapping[str, Any]) -> str:
    return str(row.get('project', DEFAULT_PROJECT))


def _named(rows: Rows, table: str, name: str, project: str) -> Row | None:
    for row in rows.get(table, ()):
        if row['name'] == name and _project(row) == project:
            return row
    return None


def _append(rows: Rows, table: str, row: Row) -> Row:
    """Add a row with the next id."""
    entries = rows.setdefault(table, [])
    ids = [int(other['id'] or 0) for other in entries]
    added = {
        'created_by': RECOVERED_BY,
        **row,
        'id': max(ids, default=0) + 1,
    }
    entries.append(added)
    return added


def _insert(rows: Rows, table: str, row: Row) -> None:
    """Add a row that has its id."""
    rows.setdefault(table, []).append(row)


def _add_server(rows: Rows, metadata: Metadata, disks: Disks) -> List[str]:
    """Add a server and what it refers to by the metadata of its machine; keep existing rows."""
    server = dict(metadata['server'])
    name = server['name']
    project = _project(server)
    if _named(rows, 'server', name, project):
        uuid = server['uuid']
        return [
            f'server {name}: two machines have this name; the one with the UUID {uuid} was ignored'
        ]
    image = {**metadata['image'], 'project': project}
    server['image_id'] = _image_row(rows, image, disks)['id']
    if not _named(rows, 'keypair', server['key_name'], project):
        keypair = metadata.get('keypair')
        if keypair:
            _append(rows, 'keypair', {**keypair, 'project': project})
        else:
            server['key_name'] = None
    _insert(rows, 'server', server)
    # Metadata of an older version has no such list.
    _add_more_keys(rows, server, metadata.get('more_keypairs', []))
    lost: List[str] = []
    for port in metadata['ports']:
        lost += _add_port(rows, port)
    for volume in metadata['volumes']:
        if volume['uuid'] not in _uuids(rows, 'volume'):
            place = {'project': project, 'server_id': server['id']}
            _append(rows, 'volume', {**volume, **place})
    return lost


def _add_root_volumes(rows: Rows, disks: Mapping[str, int]) -> None:
    """Add root volumes to servers of older versions, which have only the size of it."""
    volumes = rows.get('volume', ())
    known = {row['server_id'] for row in volumes if row.get('bootable')}
    for server in rows.get('server', ()):
        size = server.pop('volume_size', None)
        if server['id'] in known:
            continue
        name = str(server['name'])
        uuid = str(server['uuid'])
        columns = root_columns(name, uuid, int(server['id'] or 0))
        columns['size'] = size or min_disk_gb(disks.get(uuid, 1))
        for column in ('created_by', 'created_at'):
            if column in server:
                columns[column] = server[column]
        columns['project'] = _project(server)
        _append(rows, 'volume', columns)


def _image_row(rows: Rows, image: Metadata, disks: Disks) -> Row:
    """Return the row of an image, added if it does not exist."""
    uuid = image['uuid']
    for row in rows.get('image', ()):
        if row['uuid'] == uuid:
            return row
    sizes = disks.get('image', {})
    return _append(rows, 'image', {**image, 'size': sizes.get(uuid)})


def _add_more_keys(rows: Rows, server: Row, pairs: Sequence[Metadata]) -> None:
    """Add the key pairs of a server after its first."""
    project = _project(server)
    for position, pair in enumerate(pairs, 1):
        row = _named(rows, 'keypair', pair['name'], project)
        if row is None:
            row = _append(rows, 'keypair', {**pair, 'project': project})
        link: Row = {
            'server_id': server['id'],
            'keypair_id': row['id'],
            'position': position,
            'project': project,
        }
        _append(rows, 'server_keypair', link)


def _add_balancer(rows: Rows, metadata: Metadata) -> List[str]:
    """Add a balancer by the metadata of its container, with those members that exist."""
    balancer = dict(metadata['balancer'])
    name = balancer['name']
    project = _project(balancer)
    if _named(rows, 'balancer', name, project):
        uuid = balancer['uuid']
        return [
            f'lb {name}: two containers have this name; the one with the UUID {uuid} was ignored'
        ]
    _insert(rows, 'balancer', balancer)
    lost: List[str] = []
    for port in metadata['ports']:
        lost += _add_port(rows, port)
    for member in metadata['members']:
        server = _named(rows, 'server', member, project)
        if server is None:
            lost.append(f'lb {name}: its member {member} is unknown')
            continue
        link = {
            'balancer_id': balancer['id'],
            'server_id': server['id'],
            'project': project,
        }
        _append(rows, 'balancer_member', link)
    return lost


def _add_networks(rows: Rows, networks: Sequence[Metadata]) -> List[str]:
    """Add the networks that nothing refers to, with names made of their UUIDs.

    The one with the range of the default network becomes that, unless there is one.
    """
    lost: List[str] = []
    for network in networks:
        uuid = network['uuid']
        cidr = network['cidr']
        if uuid in _uuids(rows, 'network'):
            continue
        has_default_range = cidr == next(candidates())
        if has_default_range and not _named(rows, 'network', 'default', DEFAULT_PROJECT):
            name = 'default'
        else:
            name = f'recovered-{uuid[:8]}'
            lost.append(f'network {name} ({cidr}): its name is unknown')
        row = {
            'created_by': RECOVERED_BY,
            'description': '',
            'labels': '{}',
            **network,
            'name': name,
        }
        _insert(rows, 'network', row)
    return lost


def _add_port(rows: Rows, metadata: Metadata) -> List[str]:
    """Add a port with its network, its floating address, and groups, whose rules are unknown."""
    network = dict(metadata['network'])
    port = dict(metadata['port'])
    floating = metadata.get('floating')
    if network['uuid'] not in _uuids(rows, 'network'):
        _insert(rows, 'network', network)
    _insert(rows, 'port', port)
    lost: List[str] = []
    for item in metadata['groups']:
        # Metadata of an older version has their names only.
        group = {'name': item} if isinstance(item, str) else item
        lost += _add_group(rows, group, port)
    if floating:
        _append(rows, 'floating_ip', {**floating, 'port_id': port['id']})
    return lost


def _add_group(rows: Rows, found: Metadata, port: Row) -> List[str]:
    """Let a port have a group, which is added without rules if it does not exist."""
    lost: List[str] = []
    name = found['name']
    project = _project(port)
    group = _named(rows, 'security_group', name, project)
    if group is None:
        new: Row = {
            'project': project,
            'name': name,
            'description': '',
            'labels': '{}',
        }
        group = _append(rows, 'security_group', new)
        lost.append(
            f'security_group {name}: its rules are unknown; it allows no ingress until its task '
            'runs'
        )
    uuid = found.get('uuid')
    if uuid is not None and uuid not in _uuids(rows, 'security_group'):
        group.setdefault('uuid', uuid)
    link: Row = {
        'port_id': port['id'],
        'group_id': group['id'],
        'project': project,
    }
    _append(rows, 'port_security_group', link)
    return lost


def _missing_disks(rows: Rows, disks: Disks) -> List[str]:
    lost: List[str] = []
    for kind in ('server', 'volume', 'image'):
        existing = disks.get(kind, {})
        for row in rows.get(kind, ()):
            if row.get('bootable'):  # that of its server
                continue
            if row['uuid'] not in existing and row.get('task_state') is None:
                name = row['name']
                lost.append(f'{kind} {name}: its disk is missing, with all data on it')
    return lost


def _add_disks(rows: Rows, kind: str, disks: Mapping[str, int]) -> List[str]:
    """Add the disk files that nothing refers to, with names made of their UUIDs."""
    lost: List[str] = []
    unknown = set(disks) - _uuids(rows, kind)
    for uuid in sorted(unknown):
        name = f'recovered-{uuid[:8]}'
        size = disks[uuid]
        row: Row = {
            'uuid': uuid,
            'name': name,
            'description': '',
            'labels': '{}',
        }
        if kind == 'volume':
            row['size'] = min_disk_gb(size)
        else:
            row['size'] = size
            row['source'] = 'path:(unknown)'
        _append(rows, kind, row)
        lost.append(f'{kind} {name}: its name is unknown')
    return lost
