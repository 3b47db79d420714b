# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rows that concern packets, as what the firewall is a function of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from ipaddress import IPv4Network
from typing import Dict, List, Tuple

from .._model.datapath import Datapath, Group, Network, Port
from .._model.rule import ANYWHERE, Rule
from .devices import bridge_name, tap_name
from .record import Record
from .settings import Settings


def datapath(
    record: Record, settings: Settings, outside: Sequence[str], by_bridge: bool
) -> Datapath:
    """All networks, groups, ports and floating addresses on record, and the devices ``outside`` by which servers get out."""
    networks = [
        Network(bridge_name(row['id']), row['cidr'], row['gateway'])
        for row in record.rows('SELECT id, cidr, gateway FROM network ORDER BY id')
    ]
    groups: Dict[int, List[str]] = {}
    for row in record.rows(
        'SELECT port_id, group_id FROM port_security_group ORDER BY port_id, group_id'
    ):
        groups.setdefault(row['port_id'], []).append(str(row['group_id']))
    ports = [
        Port(
            tap_name(row['id']),
            row['mac'],
            row['address'],
            bridge_name(row['network_id']),
            (f'lb{row["balancer_id"]}',)
            if row['balancer_id']
            else tuple(groups.get(row['id'], ())),
        )
        for row in record.rows('SELECT * FROM port ORDER BY id')
    ]
    floating = record.rows(
        'SELECT f.address, p.address AS fixed, p.position FROM floating_ip f JOIN port p ON p.id = f.port_id ORDER BY f.id'
    )
    host_only = [cidr for pool in settings.pools if not pool.uplink for cidr in pool.addresses]
    return Datapath(
        networks=tuple(networks),
        groups=(*_groups(record), *_balancers(record)),
        ports=tuple(ports),
        floating=tuple((row['address'], row['fixed']) for row in floating),
        outside=tuple(outside),
        host_only=tuple(str(IPv4Network(cidr)) for cidr in host_only),
        router=settings.router,
        by_bridge=by_bridge,
        further=tuple(row['fixed'] for row in floating if row['position']),
    )


def _groups(record: Record) -> Tuple[Group, ...]:
    rules: Dict[int, List[Rule]] = {}
    for row in record.rows('SELECT * FROM security_group_rule ORDER BY id'):
        remote: str | None = None if row['remote_group_id'] is None else str(row['remote_group_id'])
        rules.setdefault(row['group_id'], []).append(
            Rule(
                row['direction'],
                row['protocol'],
                row['port_min'],
                row['port_max'],
                row['remote_cidr'],
                remote,
            )
        )
    return tuple(
        Group(str(row['id']), tuple(rules.get(row['id'], ())), row['name'])
        for row in record.rows('SELECT id, name FROM security_group ORDER BY id')
    )


def _balancers(record: Record) -> Tuple[Group, ...]:
    """A balancer's listeners are open to everybody, nothing else."""
    return tuple(
        Group(
            f'lb{row["id"]}',
            tuple(
                Rule('ingress', 'tcp', listener['port'], listener['port'], ANYWHERE)
                for listener in json.loads(row['listeners'])
            ),
            f'balancer {row["name"]}',
        )
        for row in record.rows('SELECT id, name, listeners FROM balancer ORDER BY id')
    )
