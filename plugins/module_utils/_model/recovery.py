# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rebuilding a lost record from its export, the metadata of machines, and the existing disks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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
    rows = _exported_rows(remains)
    lost = _lost_before(rows)
    if remains.export is None:
        lost.append(f'there is no readable export: {_EXPORTED_ONLY} cannot be restored')
    known = _uuids(rows, 'server')
    for uuid in remains.unreadable:
        if uuid not in known:
            lost.append(f'machine {uuid}: the metadata about its server cannot be read')
    for uuid, metadata in _by_id(remains.machines, 'server'):
        if uuid not in _uuids(rows, 'server'):
            lost += _add_server(rows, metadata, remains.disks)
    for uuid, metadata in _by_id(remains.balancers, 'balancer'):
        if uuid not in _uuids(rows, 'balancer'):
            lost += _add_balancer(rows, metadata)
    _add_root_volumes(rows, remains.disks.get('server', {}))
    lost += _add_networks(rows, remains.networks)
    lost += _missing_disks(rows, remains.disks)
    for kind in ('volume', 'image'):
        lost += _add_disks(rows, kind, remains.disks.get(kind, {}))
    for uuid in sorted(set(remains.disks.get('server', {})) - _uuids(rows, 'server')):
        lost.append(
            f'servers/{uuid} contains a disk of an unknown server; inspect it, and remove it '
            'manually'
        )
    return rows, lost


def row_counts(rows: Rows) -> Dict[str, int]:
    """The number of rows by table, without empty tables."""
    return {table: len(entries) for table, entries in sorted(rows.items()) if entries}


def planned_state(lost: Sequence[str], rows: Rows) -> RecordState:
    """The state of the record after recovery."""
    return RecordState('record', 'whole', row_counts(rows), tuple(lost))


def _exported_rows(remains: Remains) -> Rows:
    """A copy of the exported rows, with the security group that every cloud has."""
    rows: Rows = {}
    for table, entries in (remains.export or {}).items():
        rows[table] = [dict(row) for row in entries]
    if not _named(rows, 'security_group', DEFAULT_GROUP, DEFAULT_PROJECT):
        _append(rows, 'security_group', {'name': DEFAULT_GROUP, 'description': '', 'labels': '{}'})
    return rows


def _lost_before(rows: Rows) -> List[str]:
    """What an earlier recovery could not restore."""
    lost: List[str] = []
    for row in rows.get('meta', ()):
        if row['key'] == 'lost':
            lost += [str(sentence) for sentence in json.loads(str(row['value']))]
    return lost


def _by_id(found: Mapping[str, Metadata], kind: str) -> List[Tuple[str, Metadata]]:
    """Metadata by UUID, in the order of the row ids."""
    return sorted(found.items(), key=lambda item: item[1][kind]['id'])


def _uuids(rows: Rows, table: str) -> set[str]:
    return {str(row['uuid']) for row in rows.get(table, ()) if 'uuid' in row}


def _project(row: Mapping[str, Any]) -> str:
    return str(row.get('project', DEFAULT_PROJECT))


def _named(rows: Rows, table: str, name: str, project: str) -> Row | None:
    named = (row for row in rows.get(table, ()) if row['name'] == name)
    return next((row for row in named if _project(row) == project), None)


def _append(rows: Rows, table: str, row: Row) -> Row:
    """Add a row with the next id."""
    entries = rows.setdefault(table, [])
    next_id = max((int(other['id'] or 0) for other in entries), default=0) + 1
    added = {'created_by': RECOVERED_BY, **row, 'id': next_id}
    entries.append(added)
    return added


def _add_server(rows: Rows, metadata: Metadata, disks: Disks) -> List[str]:
    """Add a server and what it refers to by the metadata of its machine; keep existing rows."""
    server = dict(metadata['server'])
    project = _project(server)
    if _named(rows, 'server', server['name'], project):
        return [
            f'server {server["name"]}: two machines have this name; the one with the UUID '
            f'{server["uuid"]} was ignored'
        ]
    server['image_id'] = _image_row(rows, {**metadata['image'], 'project': project}, disks)['id']
    if not _named(rows, 'keypair', server['key_name'], project):
        if metadata.get('keypair'):
            _append(rows, 'keypair', {**metadata['keypair'], 'project': project})
        else:
            server['key_name'] = None
    rows.setdefault('server', []).append(server)
    # Metadata of an older version has no such list.
    _add_more_keys(rows, server, metadata.get('more_keypairs', []))
    lost: List[str] = []
    for port in metadata['ports']:
        lost += _add_port(rows, port)
    for volume in metadata['volumes']:
        if volume['uuid'] not in _uuids(rows, 'volume'):
            _append(rows, 'volume', {**volume, 'project': project, 'server_id': server['id']})
    return lost


def _add_root_volumes(rows: Rows, disks: Mapping[str, int]) -> None:
    """Add root volumes to servers of older versions, which have only the size of it."""
    volumes = rows.get('volume', ())
    known = {row['server_id'] for row in volumes if row.get('bootable')}
    for server in rows.get('server', ()):
        size = server.pop('volume_size', None)
        if server['id'] not in known:
            uuid = str(server['uuid'])
            columns = root_columns(str(server['name']), uuid, int(server['id'] or 0))
            columns['size'] = size or min_disk_gb(disks.get(uuid, 1))
            origin = ('created_by', 'created_at')
            columns.update({name: server[name] for name in origin if name in server})
            columns['project'] = _project(server)
            _append(rows, 'volume', columns)


def _image_row(rows: Rows, image: Metadata, disks: Disks) -> Row:
    """Return the row of an image, added if it does not exist."""
    for row in rows.get('image', ()):
        if row['uuid'] == image['uuid']:
            return row
    size = disks.get('image', {}).get(image['uuid'])
    return _append(rows, 'image', {**image, 'size': size})


def _add_more_keys(rows: Rows, server: Row, pairs: Sequence[Metadata]) -> None:
    """Add the key pairs of a server after its first."""
    project = _project(server)
    for position, pair in enumerate(pairs, 1):
        row = _named(rows, 'keypair', pair['name'], project)
        if row is None:
            row = _append(rows, 'keypair', {**pair, 'project': project})
        link = {'server_id': server['id'], 'keypair_id': row['id'], 'position': position}
        _append(rows, 'server_keypair', {**link, 'project': project})


def _add_balancer(rows: Rows, metadata: Metadata) -> List[str]:
    """Add a balancer by the metadata of its container, with those members that exist."""
    balancer = dict(metadata['balancer'])
    project = _project(balancer)
    if _named(rows, 'balancer', balancer['name'], project):
        return [
            f'lb {balancer["name"]}: two containers have this name; the one with the UUID '
            f'{balancer["uuid"]} was ignored'
        ]
    rows.setdefault('balancer', []).append(balancer)
    lost: List[str] = []
    for port in metadata['ports']:
        lost += _add_port(rows, port)
    for member in metadata['members']:
        server = _named(rows, 'server', member, project)
        if server is None:
            lost.append(f'lb {balancer["name"]}: its member {member} is unknown')
        else:
            link = {'balancer_id': balancer['id'], 'server_id': server['id']}
            _append(rows, 'balancer_member', {**link, 'project': project})
    return lost


def _add_networks(rows: Rows, networks: Sequence[Metadata]) -> List[str]:
    """Add the networks that nothing refers to, with names made of their UUIDs.

    The one with the range of the default network becomes that, unless there is one.
    """
    lost = []
    for network in networks:
        if network['uuid'] in _uuids(rows, 'network'):
            continue
        is_default = network['cidr'] == next(candidates())
        if is_default and not _named(rows, 'network', 'default', DEFAULT_PROJECT):
            name = 'default'
        else:
            name = f'recovered-{network["uuid"][:8]}'
            lost.append(f'network {name} ({network["cidr"]}): its name is unknown')
        defaults = {'created_by': RECOVERED_BY, 'description': '', 'labels': '{}'}
        rows.setdefault('network', []).append({**defaults, **network, 'name': name})
    return lost


def _add_port(rows: Rows, metadata: Metadata) -> List[str]:
    """Add a port with its network, its floating address, and groups, whose rules are unknown."""
    if metadata['network']['uuid'] not in _uuids(rows, 'network'):
        rows.setdefault('network', []).append(dict(metadata['network']))
    rows.setdefault('port', []).append(dict(metadata['port']))
    port_id = metadata['port']['id']
    project = _project(metadata['port'])
    lost = []
    for item in metadata['groups']:
        # Metadata of an older version has their names only.
        found = {'name': item} if isinstance(item, str) else item
        name = found['name']
        group = _named(rows, 'security_group', name, project)
        if group is None:
            new = {'project': project, 'name': name, 'description': '', 'labels': '{}'}
            group = _append(rows, 'security_group', new)
            lost.append(
                f'security_group {name}: its rules are unknown; it allows no ingress until its '
                'task runs'
            )
        if 'uuid' in found and found['uuid'] not in _uuids(rows, 'security_group'):
            group.setdefault('uuid', found['uuid'])
        link = {'port_id': port_id, 'group_id': group['id']}
        _append(rows, 'port_security_group', {**link, 'project': project})
    if metadata.get('floating'):
        _append(rows, 'floating_ip', {**metadata['floating'], 'port_id': port_id})
    return lost


def _missing_disks(rows: Rows, disks: Disks) -> List[str]:
    lost = []
    for kind in ('server', 'volume', 'image'):
        for row in rows.get(kind, ()):
            if row.get('bootable'):  # that of its server
                continue
            if row['uuid'] not in disks.get(kind, {}) and row.get('task_state') is None:
                lost.append(f'{kind} {row["name"]}: its disk is missing, with all data on it')
    return lost


def _add_disks(rows: Rows, kind: str, disks: Mapping[str, int]) -> List[str]:
    """Add the disk files that nothing refers to, with names made of their UUIDs."""
    lost = []
    for uuid in sorted(set(disks) - _uuids(rows, kind)):
        name = f'recovered-{uuid[:8]}'
        size = disks[uuid]
        row: Row = {'uuid': uuid, 'name': name, 'description': '', 'labels': '{}'}
        if kind == 'volume':
            row['size'] = min_disk_gb(size)
        else:
            row.update(size=size, source='path:(unknown)')
        _append(rows, kind, row)
        lost.append(f'{kind} {name}: its name is unknown')
    return lost
