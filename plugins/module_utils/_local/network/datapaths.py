# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Build the datapath, the input of the firewall, from the rows of the record."""

from __future__ import annotations

import json
from collections.abc import Sequence
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Dict, List, Tuple

from ..._model.datapath import Datapath, Group, Network, Port
from ..._model.rule import ANYWHERE, Rule
from ..host.devices import bridge_name, tap_name
from ..host.settings import Settings
from ..record.database import Query
from ..record.record import Record

if TYPE_CHECKING:
    from ..record.rows import (
        BalancerRow,
        NetworkRow,
        PortRow,
        PortSecurityGroupRow,
        SecurityGroupRow,
        SecurityGroupRuleRow,
    )
    from .row_types import FloatingAddress

_FLOATING: Query[FloatingAddress] = Query("""SELECT f.address, p.address AS fixed, p.position
  FROM main.floating_ip f
  JOIN main.port p ON p.id = f.port_id ORDER BY f.id""")
_NETWORKS: Query[NetworkRow] = Query('SELECT * FROM main.network ORDER BY id')
_PORTS: Query[PortRow] = Query('SELECT * FROM main.port ORDER BY id')
_PORT_GROUPS: Query[PortSecurityGroupRow] = Query(
    'SELECT * FROM main.port_security_group ORDER BY port_id, group_id'
)
_RULES: Query[SecurityGroupRuleRow] = Query('SELECT * FROM main.security_group_rule ORDER BY id')
_GROUPS: Query[SecurityGroupRow] = Query('SELECT * FROM main.security_group ORDER BY id')
_BALANCERS: Query[BalancerRow] = Query('SELECT * FROM main.balancer ORDER BY id')


def datapath(
    record: Record, settings: Settings, outside: Sequence[str], by_bridge: bool
) -> Datapath:
    """Return the datapath of all networks, groups, ports and floating addresses on record.

    ``outside``: the devices through which servers reach the outside.
    """
    floating = record.rows(_FLOATING)
    host_only = [cidr for pool in settings.pools if not pool.uplink for cidr in pool.addresses]
    return Datapath(
        networks=_networks(record),
        groups=(*_security_groups(record), *_load_balancer_groups(record)),
        ports=_ports(record),
        floating=tuple((row['address'], row['fixed']) for row in floating),
        outside=tuple(outside),
        host_only=tuple(str(IPv4Network(cidr)) for cidr in host_only),
        router=settings.router,
        by_bridge=by_bridge,
        further=tuple(row['fixed'] for row in floating if row['position']),
    )


def _networks(record: Record) -> Tuple[Network, ...]:
    rows = record.rows(_NETWORKS)
    return tuple(Network(bridge_name(row['id']), row['cidr'], row['gateway']) for row in rows)


def _ports(record: Record) -> Tuple[Port, ...]:
    groups: Dict[int, List[str]] = {}
    for row in record.rows(_PORT_GROUPS):
        groups.setdefault(row['port_id'], []).append(str(row['group_id']))
    return tuple(_port(row, groups.get(row['id'], ())) for row in record.rows(_PORTS))


def _port(row: PortRow, groups: Sequence[str]) -> Port:
    return Port(
        tap_name(row['id']),
        row['mac'],
        row['address'],
        bridge_name(row['network_id']),
        (f'lb{row["balancer_id"]}',) if row['balancer_id'] else tuple(groups),
    )


def _security_groups(record: Record) -> Tuple[Group, ...]:
    rules: Dict[int, List[Rule]] = {}
    for row in record.rows(_RULES):
        rules.setdefault(row['group_id'], []).append(_rule(row))
    return tuple(
        Group(str(row['id']), tuple(rules.get(row['id'], ())), row['name'])
        for row in record.rows(_GROUPS)
    )


def _rule(row: SecurityGroupRuleRow) -> Rule:
    return Rule(
        row['direction'],
        row['protocol'],
        row['port_min'],
        row['port_max'],
        row['remote_cidr'],
        None if row['remote_group_id'] is None else str(row['remote_group_id']),
    )


def _load_balancer_groups(record: Record) -> Tuple[Group, ...]:
    """Return a group for each load balancer, which opens its listeners to everyone."""
    groups = []
    for row in record.rows(_BALANCERS):
        ports = [listener['port'] for listener in json.loads(row['listeners'])]
        rules = tuple(Rule('ingress', 'tcp', port, port, ANYWHERE) for port in ports)
        groups.append(Group(f'lb{row["id"]}', rules, f'balancer {row["name"]}'))
    return tuple(groups)
