# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rebuilding a lost record from its export, the metadata of machines, and the existing disks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Dict, List, Tuple

from .checks import DEFAULT_GROUP, DEFAULT_PROJECT, RECOVERED_BY
from .network import candidates
from .record_state import RecordState
from .recovery_disks import (
    add_disks,
    add_reader,
    add_root_volumes,
    missing_disks,
    unknown_disks,
)
from .recovery_rows import Disks, Metadata, Row, Rows, append, insert, named, project_of, uuids

# What is in the export only, because the metadata of machines does not mention it.
_EXPORTED_ONLY = (
    'key pairs, init scripts, flavors, schedules, rules of security groups, ports and floating '
    'IPs that no server or load balancer has'
)


@dataclass(frozen=True)
class Remains:
    """What is left of a cloud without its record.

    ``export``: all rows by table, or None without a readable export. ``machines``: the metadata of
    each machine about its server, by the UUID of the machine. ``balancers``: that of each container
    about its balancer. ``networks``: the networks of the cloud that are defined in libvirt.
    ``disks``: the sizes (bytes) of disk files, by kind (server, volume, image) and UUID;
    those of the images that are ISO images also as iso, of volumes for containers as ext4.
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
    known = uuids(rows, 'server')
    for uuid in remains.unreadable:
        if uuid not in known:
            lost.append(f'machine {uuid}: the metadata about its server cannot be read')
    for metadata in _missing(rows, 'server', remains.machines):
        lost += _add_server(rows, metadata, disks)
    for metadata in _missing(rows, 'balancer', remains.balancers):
        lost += _add_balancer(rows, metadata)
    add_root_volumes(rows, disks.get('server', {}))
    lost += _add_networks(rows, remains.networks)
    lost += missing_disks(rows, disks)
    for kind in ('volume', 'image'):
        lost += add_disks(rows, kind, disks)
    lost += unknown_disks(rows, disks.get('server', {}))
    return rows, lost


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
    if not named(rows, 'security_group', DEFAULT_GROUP, DEFAULT_PROJECT):
        group: Row = {
            'name': DEFAULT_GROUP,
            'description': '',
            'labels': '{}',
        }
        append(rows, 'security_group', group)
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
        if uuid not in uuids(rows, table):
            yield metadata


def _add_server(rows: Rows, metadata: Metadata, disks: Disks) -> List[str]:
    """Add a server and what it refers to by the metadata of its machine; keep existing rows."""
    server = dict(metadata['server'])
    name = server['name']
    project = project_of(server)
    if named(rows, 'server', name, project):
        uuid = server['uuid']
        return [
            f'server {name}: two machines have this name; the one with the UUID {uuid} was ignored'
        ]
    image = {**metadata['image'], 'project': project}
    server['image_id'] = _image_row(rows, image, disks)['id']
    for disc in metadata.get('cdroms', ()):
        _image_row(rows, {**disc, 'project': project}, disks)
    if not named(rows, 'keypair', server['key_name'], project):
        keypair = metadata.get('keypair')
        if keypair:
            append(rows, 'keypair', {**keypair, 'project': project})
        else:
            server['key_name'] = None
    insert(rows, 'server', server)
    # Metadata of an older version has no such list.
    _add_more_keys(rows, server, metadata.get('more_keypairs', []))
    lost: List[str] = []
    for port in metadata['ports']:
        lost += _add_port(rows, port)
    for bridge_port in metadata.get('bridge_ports', []):
        insert(rows, 'bridge_port', dict(bridge_port))
    for volume in metadata['volumes']:
        if volume['uuid'] not in uuids(rows, 'volume'):
            place = {'project': project, 'server_id': server['id']}
            append(rows, 'volume', {**volume, **place})
    for volume in metadata.get('read_volumes', []):
        add_reader(rows, server, volume)
    return lost


def _image_row(rows: Rows, image: Metadata, disks: Disks) -> Row:
    """Return the row of an image, added if it does not exist."""
    uuid = image['uuid']
    for row in rows.get('image', ()):
        if row['uuid'] == uuid:
            return row
    sizes = disks.get('image', {})
    return append(rows, 'image', {**image, 'size': sizes.get(uuid)})


def _add_more_keys(rows: Rows, server: Row, pairs: Sequence[Metadata]) -> None:
    """Add the key pairs of a server after its first."""
    project = project_of(server)
    for position, pair in enumerate(pairs, 1):
        row = named(rows, 'keypair', pair['name'], project)
        if row is None:
            row = append(rows, 'keypair', {**pair, 'project': project})
        link: Row = {
            'server_id': server['id'],
            'keypair_id': row['id'],
            'position': position,
            'project': project,
        }
        append(rows, 'server_keypair', link)


def _add_balancer(rows: Rows, metadata: Metadata) -> List[str]:
    """Add a balancer by the metadata of its container, with those members that exist."""
    balancer = dict(metadata['balancer'])
    name = balancer['name']
    project = project_of(balancer)
    if named(rows, 'balancer', name, project):
        uuid = balancer['uuid']
        return [
            f'lb {name}: two containers have this name; the one with the UUID {uuid} was ignored'
        ]
    insert(rows, 'balancer', balancer)
    lost: List[str] = []
    for port in metadata['ports']:
        lost += _add_port(rows, port)
    for member in metadata['members']:
        server = named(rows, 'server', member, project)
        if server is None:
            lost.append(f'lb {name}: its member {member} is unknown')
            continue
        link = {
            'balancer_id': balancer['id'],
            'server_id': server['id'],
            'project': project,
        }
        append(rows, 'balancer_member', link)
    return lost


def _add_networks(rows: Rows, networks: Sequence[Metadata]) -> List[str]:
    """Add the networks that nothing refers to, with names made of their UUIDs.

    The one with the range of the default network becomes that, unless there is one.
    """
    lost: List[str] = []
    for network in networks:
        uuid = network['uuid']
        cidr = network['cidr']
        if uuid in uuids(rows, 'network'):
            continue
        has_default_range = cidr == next(candidates())
        if has_default_range and not named(rows, 'network', 'default', DEFAULT_PROJECT):
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
        insert(rows, 'network', row)
    return lost


def _add_port(rows: Rows, metadata: Metadata) -> List[str]:
    """Add a port with its network, its floating address, and groups, whose rules are unknown."""
    network = dict(metadata['network'])
    port = dict(metadata['port'])
    floating = metadata.get('floating')
    if network['uuid'] not in uuids(rows, 'network'):
        insert(rows, 'network', network)
    insert(rows, 'port', port)
    lost: List[str] = []
    for item in metadata['groups']:
        # Metadata of an older version has their names only.
        group = {'name': item} if isinstance(item, str) else item
        lost += _add_group(rows, group, port)
    if floating:
        append(rows, 'floating_ip', {**floating, 'port_id': port['id']})
    return lost


def _add_group(rows: Rows, found: Metadata, port: Row) -> List[str]:
    """Let a port have a group, which is added without rules if it does not exist."""
    lost: List[str] = []
    name = found['name']
    project = project_of(port)
    group = named(rows, 'security_group', name, project)
    if group is None:
        new: Row = {
            'project': project,
            'name': name,
            'description': '',
            'labels': '{}',
        }
        group = append(rows, 'security_group', new)
        lost.append(
            f'security_group {name}: its rules are unknown; it allows no ingress until its task '
            'runs'
        )
    uuid = found.get('uuid')
    if uuid is not None and uuid not in uuids(rows, 'security_group'):
        group.setdefault('uuid', uuid)
    link: Row = {
        'port_id': port['id'],
        'group_id': group['id'],
        'project': project,
    }
    append(rows, 'port_security_group', link)
    return lost
