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
    from .row_types import FloatingAddress, HostBridge

_FLOATING: Query[FloatingAddress] = Query("""SELECT f.address, p.address AS fixed, p.position
  FROM main.floating_ip f
  JOIN main.port p ON p.id = f.port_id ORDER BY f.id""")
_NETWORKS: Query[NetworkRow] = Query('SELECT * FROM main.network ORDER BY id')
_HOST_BRIDGES: Query[HostBridge] = Query(
    'SELECT DISTINCT bridge FROM main.bridge_port ORDER BY bridge'
)
_PORTS: Query[PortRow] = Query('SELECT * FROM main.port ORDER BY id')
_PORT_GROUPS: Query[PortSecurityGroupRow] = Query(
    'SELECT * FROM main.port_security_group ORDER BY port_id, group_id'
)
_RULES: Query[SecurityGroupRuleRow] = Query('SELECT * FROM main.security_group_rule ORDER BY id')
_GROUPS: Query[SecurityGroupRow] = Query('SELECT * FROM main.security_group ORDER BY id')
_BALANCERS: Query[BalancerRow] = Query('SELECT * FROM main.balancer ORDER BY id')


def datapath(
    record: Record,
    settings: Settings,
    outside: Sequence[str],
    by_bridge: bool,
) -> Datapath:
    """Return the datapath of all networks, groups, ports and floating addresses on record.

    ``outside``: the devices through which servers reach the outside.
    """
    floating = record.rows(_FLOATING)
    return Datapath(
        networks=_networks(record),
        groups=(*_security_groups(record), *_load_balancer_groups(record)),
        ports=_ports(record),
        floating=tuple((row['address'], row['fixed']) for row in floating),
        outside=tuple(outside),
        host_only=_host_only(settings),
        router=settings.router,
        by_bridge=by_bridge,
        further=tuple(row['fixed'] for row in floating if row['position']),
        host_bridges=tuple(row['bridge'] for row in record.rows(_HOST_BRIDGES)),
    )


def _host_only(settings: Settings) -> Tuple[str, ...]:
    """Return the floating addresses that only this host can route."""
    ranges: List[str] = []
    for pool in settings.pools:
        if not pool.uplink:
            ranges += [str(IPv4Network(cidr)) for cidr in pool.addresses]
    return tuple(ranges)


def _networks(record: Record) -> Tuple[Network, ...]:
    rows = record.rows(_NETWORKS)
    return tuple(Network(bridge_name(row['id']), row['cidr'], row['gateway']) for row in rows)


def _ports(record: Record) -> Tuple[Port, ...]:
    groups: Dict[int, List[str]] = {}
    for row in record.rows(_PORT_GROUPS):
        group = str(row['group_id'])
        groups.setdefault(row['port_id'], []).append(group)
    rows = record.rows(_PORTS)
    return tuple(_port(row, groups.get(row['id'], ())) for row in rows)


def _port(row: PortRow, groups: Sequence[str]) -> Port:
    balancer = row['balancer_id']
    if balancer:
        groups = (f'lb{balancer}',)
    return Port(
        tap_name(row['id']),
        row['mac'],
        row['address'],
        bridge_name(row['network_id']),
        tuple(groups),
    )


def _security_groups(record: Record) -> Tuple[Group, ...]:
    rules: Dict[int, List[Rule]] = {}
    for rule in record.rows(_RULES):
        rules.setdefault(rule['group_id'], []).append(_rule(rule))
    groups: List[Group] = []
    for row in record.rows(_GROUPS):
        own_rules = tuple(rules.get(row['id'], ()))
        groups.append(Group(str(row['id']), own_rules, row['name']))
    return tuple(groups)


def _rule(row: SecurityGroupRuleRow) -> Rule:
    remote_group = row['remote_group_id']
    return Rule(
        row['direction'],
        row['protocol'],
        row['port_min'],
        row['port_max'],
        row['remote_cidr'],
        None if remote_group is None else str(remote_group),
    )


def _load_balancer_groups(record: Record) -> Tuple[Group, ...]:
    """Return a group for each load balancer, which opens its listeners to everyone."""
    groups = []
    for row in record.rows(_BALANCERS):
        listeners = json.loads(row['listeners'])
        ports = [listener['port'] for listener in listeners]
        rules = [Rule('ingress', 'tcp', port, port, ANYWHERE) for port in ports]
        group = Group(f'lb{row["id"]}', tuple(rules), f'balancer {row["name"]}')
        groups.append(group)
    return tuple(groups)
