# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a record that was lost is rebuilt: from its export, from what machines say of themselves, and from the disks that are there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Dict, List, Tuple

from .checks import DEFAULT_GROUP
from .network import candidates

Row = Dict[str, Any]
Rows = Dict[str, List[Row]]
INTERRUPTED = 'interrupted'
ALONE = 'key pairs, init scripts, flavors, rules of security groups, ports and floating IPs that no server or load balancer has'


@dataclass(frozen=True)
class RecordState:
    """A record as a plan sees it: missing, damaged, whole, or one whose rebuilding was interrupted; and how many rows it has, by table.

    ``name`` is record: there is one. ``lost``: what could not be brought back.
    """

    name: str = 'record'
    state: str = 'whole'
    rows: Mapping[str, int] = field(default_factory=dict)
    lost: Tuple[str, ...] = ()

    def public(self) -> Dict[str, Any]:
        """The record as a result shows it."""
        return {'state': self.state, 'rows': dict(self.rows), 'lost': list(self.lost)}


@dataclass(frozen=True)
class Remains:
    """What is left of a cloud whose record is gone.

    ``export``: all rows by table, or None when there is no export to read. ``machines``: what each
    machine says of its server (by the UUID of the machine), ``balancers``: each container of its
    balancer. ``networks``: what libvirt knows of those that are ours. ``disks``: the sizes (bytes)
    of disk files by kind (server, volume, image) and UUID. ``unsound``: machines (UUIDs) of which
    nobody can read what they say.
    """

    export: Rows | None = None
    machines: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    disks: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    unreadable: Tuple[str, ...] = ()
    balancers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    networks: Tuple[Mapping[str, Any], ...] = ()


def rebuild_rows(remains: Remains) -> Tuple[Rows, List[str]]:
    """The rows of a new record, and what could not be brought back, as sentences."""
    rows: Rows = {
        table: [dict(row) for row in some] for table, some in (remains.export or {}).items()
    }
    if not any(row['name'] == DEFAULT_GROUP for row in rows.get('security_group', ())):
        _append(rows, 'security_group', {'name': DEFAULT_GROUP, 'description': '', 'labels': '{}'})
    lost = [
        str(sentence)
        for row in rows.get('meta', ())
        if row['key'] == 'lost'
        for sentence in json.loads(row['value'])
    ]  # the last time
    lost += (
        []
        if remains.export is not None
        else [f'there is no export to read: {ALONE} are not known any more']
    )
    lost += [
        f'the machine {identity}: what it says of its server cannot be read'
        for identity in remains.unreadable
        if identity not in _ids(rows, 'server')
    ]
    for identity, told in sorted(
        remains.machines.items(), key=lambda item: item[1]['server']['id']
    ):
        if identity not in _ids(rows, 'server'):
            lost += _add_server(rows, told, remains.disks)
    for identity, told in sorted(
        remains.balancers.items(), key=lambda item: item[1]['balancer']['id']
    ):
        if identity not in _ids(rows, 'balancer'):
            lost += _add_balancer(rows, told)
    lost += _add_networks(rows, remains.networks)
    lost += _without_disk(rows, remains.disks)
    for kind in ('volume', 'image'):
        lost += _add_disks(rows, kind, remains.disks.get(kind, {}))
    lost += [
        f'servers/{identity} has a disk, and nothing says whose it was; look at it, and remove it by hand'
        for identity in sorted(set(remains.disks.get('server', {})) - _ids(rows, 'server'))
    ]
    return rows, lost


def row_counts(rows: Rows) -> Dict[str, int]:
    """How many rows there are, by table; empty tables left out."""
    return {table: len(some) for table, some in sorted(rows.items()) if some}


def planned_state(lost: Sequence[str], rows: Rows) -> RecordState:
    """The record as it will be."""
    return RecordState('record', 'whole', row_counts(rows), tuple(lost))


def _ids(rows: Rows, table: str) -> set[str]:
    return {row['uuid'] for row in rows.get(table, ())}


def _add_server(
    rows: Rows, told: Mapping[str, Any], disks: Mapping[str, Mapping[str, int]]
) -> List[str]:
    """A server by what its machine says, with what it refers to; what is there already is left as it is."""
    server = dict(told['server'])
    if any(row['name'] == server['name'] for row in rows.get('server', ())):
        return [
            f'server {server["name"]}: two machines say that they are it; the one with the UUID {server["uuid"]} was left out'
        ]
    image = dict(told['image'])
    if image['uuid'] not in _ids(rows, 'image'):
        _append(rows, 'image', {**image, 'size': disks.get('image', {}).get(image['uuid'])})
    server['image_id'] = next(row['id'] for row in rows['image'] if row['uuid'] == image['uuid'])
    if told.get('keypair') and not any(
        row['name'] == server['key_name'] for row in rows.get('keypair', ())
    ):
        _append(rows, 'keypair', dict(told['keypair']))
    if not told.get('keypair') and not any(
        row['name'] == server['key_name'] for row in rows.get('keypair', ())
    ):
        server['key_name'] = None
    rows.setdefault('server', []).append(server)
    _add_more_keys(rows, server['id'], told.get('more_keypairs', []))  # an older version tells none
    lost: List[str] = []
    for port in told['ports']:
        lost += _add_port(rows, port)
    for volume in told['volumes']:
        if volume['uuid'] not in _ids(rows, 'volume'):
            _append(rows, 'volume', {**volume, 'server_id': server['id']})
    return lost


def _add_more_keys(rows: Rows, server: int, pairs: Sequence[Mapping[str, Any]]) -> None:
    """The key pairs of a server after its first."""
    for position, pair in enumerate(pairs, 1):
        known = next((row for row in rows.get('keypair', ()) if row['name'] == pair['name']), None)
        known = known or _append(rows, 'keypair', dict(pair))
        of = {'server_id': server, 'keypair_id': known['id'], 'position': position}
        _append(rows, 'server_keypair', of)


def _add_balancer(rows: Rows, told: Mapping[str, Any]) -> List[str]:
    """A balancer by what its container says; members are those of its servers that there are."""
    balancer = dict(told['balancer'])
    if any(row['name'] == balancer['name'] for row in rows.get('balancer', ())):
        return [
            f'lb {balancer["name"]}: two containers say that they are it; the one with the UUID {balancer["uuid"]} was left out'
        ]
    rows.setdefault('balancer', []).append(balancer)
    lost = [sentence for port in told['ports'] for sentence in _add_port(rows, port)]
    servers = {row['name']: row['id'] for row in rows.get('server', ())}
    for member in told['members']:
        if member in servers:
            _append(
                rows,
                'balancer_member',
                {'balancer_id': balancer['id'], 'server_id': servers[member]},
            )
        else:
            lost.append(f'lb {balancer["name"]}: its member {member} is not known any more')
    return lost


def _add_networks(rows: Rows, networks: Sequence[Mapping[str, Any]]) -> List[str]:
    """Networks that nobody speaks of are kept under a name made of their UUID; that with the addresses of the default network is taken for it."""
    lost = []
    for network in networks:
        if network['uuid'] not in _ids(rows, 'network'):
            is_default = network['cidr'] == next(candidates()) and not any(
                row['name'] == 'default' for row in rows.get('network', ())
            )
            name = 'default' if is_default else f'recovered-{network["uuid"][:8]}'
            rows.setdefault('network', []).append(
                {
                    'created_by': 'hanok.cloud.recover',
                    'description': '',
                    'labels': '{}',
                    **network,
                    'name': name,
                }
            )
            lost += (
                []
                if is_default
                else [f'network {name} ({network["cidr"]}): its name is not known any more']
            )
    return lost


def _add_port(rows: Rows, told: Mapping[str, Any]) -> List[str]:
    """A port with its network, its floating address and the names of its groups, whose rules nobody knows any more."""
    if not any(row['uuid'] == told['network']['uuid'] for row in rows.get('network', ())):
        rows.setdefault('network', []).append(dict(told['network']))
    rows.setdefault('port', []).append(dict(told['port']))
    lost = []
    for group in told['groups']:
        known = next((row for row in rows.get('security_group', ()) if row['name'] == group), None)
        if known is None:
            known = _append(
                rows, 'security_group', {'name': group, 'description': '', 'labels': '{}'}
            )
            lost.append(
                f'security_group {group}: its rules are not known any more; it lets nothing in until its task has run'
            )
        _append(
            rows, 'port_security_group', {'port_id': told['port']['id'], 'group_id': known['id']}
        )
    if told.get('floating'):
        _append(rows, 'floating_ip', {**told['floating'], 'port_id': told['port']['id']})
    return lost


def _append(rows: Rows, table: str, row: Row) -> Row:
    """Add a row under the next number."""
    some = rows.setdefault(table, [])
    added = {
        'created_by': 'hanok.cloud.recover',
        **row,
        'id': max((other['id'] for other in some), default=0) + 1,
    }
    some.append(added)
    return added


def _without_disk(rows: Rows, disks: Mapping[str, Mapping[str, int]]) -> List[str]:
    lost = []
    for kind in ('server', 'volume', 'image'):
        for row in rows.get(kind, ()):
            if row['uuid'] not in disks.get(kind, {}) and row.get('task_state') is None:
                lost.append(f'{kind} {row["name"]}: its disk is gone, with what was on it')
    return lost


def _add_disks(rows: Rows, kind: str, disks: Mapping[str, int]) -> List[str]:
    """Disk files that nobody speaks of are kept under a name made of their UUID."""
    lost = []
    for identity in sorted(set(disks) - _ids(rows, kind)):
        name, size = f'recovered-{identity[:8]}', disks[identity]
        known: Row = (
            {'size': -(-size // 2**30)}
            if kind == 'volume'
            else {'size': size, 'source': 'path:(unknown)'}
        )
        _append(
            rows, kind, {'uuid': identity, 'name': name, 'description': '', 'labels': '{}', **known}
        )
        lost.append(f'{kind} {name}: its name is not known any more')
    return lost


@dataclass(frozen=True)
class RecoverRequest:
    """What a user asked for: that there is a record."""

    name: str = 'record'

    def problems(self) -> List[str]:
        """Nothing can be wrong with it."""
        return []
