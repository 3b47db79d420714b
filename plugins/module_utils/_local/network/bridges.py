# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The bridges of networks: whether they run, with their addresses, routes and devices."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Dict, List

from ..._model.status import TaskState
from ..host.devices import bridge_name, bridge_tap_name, tap_name
from ..host.kernel import device_exists, is_up, routes
from ..host.netlink import addresses
from ..record.database import Query
from ..record.host import Host
from ..record.record import Record
from .dhcp_texts import has_options

if TYPE_CHECKING:
    from ..record.projection import Look
    from ..record.rows import BridgePortRow, NetworkRow
    from .row_types import PortOfNetwork

_PORTS: Query[PortOfNetwork] = Query("""SELECT p.id, p.network_id FROM main.port p
  JOIN main.network n ON n.id = p.network_id WHERE n.task_state IS NULL""")
_BRIDGE_PORTS: Query[BridgePortRow] = Query('SELECT * FROM main.bridge_port')
_TAGGED = 'SELECT max(vlan) FROM main.bridge_port'
_STEADY: Query[NetworkRow] = Query(
    'SELECT * FROM main.network WHERE task_state IS NULL ORDER BY id'
)
_EXISTING: Query[NetworkRow] = Query(
    f"SELECT * FROM main.network WHERE task_state IS NOT '{TaskState.DELETING}' ORDER BY id"
)


def existing_bridges(record: Record) -> List[str]:
    """The bridges of all networks that are not being deleted."""
    return [bridge_name(row['id']) for row in record.rows(_EXISTING)]


def steady_networks(record: Record) -> List[NetworkRow]:
    """The rows of networks without those in a task state.

    These are being created or deleted, or the next run of their task finishes them.
    """
    return record.rows(_STEADY)


class Bridges:
    """The networks of libvirt and their bridges, a projection of the record."""

    def __init__(self, host: Host) -> None:
        """Project the record of ``host``."""
        self.host = host
        self.record = host.record

    def faults(self, look: Look) -> List[str]:
        """Return what is down or has lost its address, route or bridge."""
        faults = []
        running = []
        for row in look.networks:
            fault = network_fault(row)
            if fault:
                faults.append(fault)
            else:
                running.append(row)
        faults += address_faults(running)
        faults += [f'{tap} is attached to no bridge' for tap in self._detached_taps()]
        if self.record.value(_TAGGED):
            from .vlans import vlan_faults

            faults += vlan_faults(self.host)
        return faults

    def write(self, lock: int) -> None:
        """Start networks that are down or broken, and attach devices to their bridges again."""
        from .libvirt_networks import start_network

        lines: List[str] = []
        for row in steady_networks(self.record):
            if network_fault(row):
                self.host.with_retry(partial(start_network, self.host, row))
            elif address_faults([row]):
                lines += _address_commands(row)
        if lines:
            text = ''.join(line + '\n' for line in lines)
            self.host.work.run('ip', '-batch', '-', text=text, locks=[lock])
        detached = self._detached_taps()
        if detached or self.record.value(_TAGGED):
            from .vlans import attach

            attach(self.host, detached)

    def _detached_taps(self) -> Dict[str, str]:
        """The running devices of servers and load balancers without a bridge, and their bridge."""
        taps = {
            name
            for name in os.listdir('/sys/class/net')
            if name.startswith(('hkp', 'hkt'))
            and not os.path.exists(f'/sys/class/net/{name}/master')
        }
        if not taps:
            return {}
        bridges = {
            tap_name(row['id']): bridge_name(row['network_id']) for row in self.record.rows(_PORTS)
        }
        for row in self.record.rows(_BRIDGE_PORTS):
            if device_exists(row['bridge']):  # which is not ours
                bridges[bridge_tap_name(row['id'])] = row['bridge']
        return {tap: bridges[tap] for tap in taps & set(bridges)}


def network_fault(row: NetworkRow) -> str:
    """Return what is wrong with a network and requires a new start; empty if nothing is."""
    bridge = bridge_name(row['id'])
    name = row['name']
    if not device_exists(bridge):
        return f'network {name} is down'
    if not _has_dnsmasq(bridge):
        return f'network {name} has no running DHCP server'
    if not has_options(row['id'], row['gateway']):
        return f'the DHCP server of network {name} has other settings than hanok.cloud requires'
    return ''


def _has_dnsmasq(bridge: str) -> bool:
    try:
        with (
            open(f'/run/libvirt/network/{bridge}.pid', encoding='ascii') as file,
            open(f'/proc/{int(file.read())}/comm', encoding='ascii') as program,
        ):
            return program.read().strip() == 'dnsmasq'
    except (OSError, ValueError):
        return False


def address_faults(rows: Iterable[NetworkRow]) -> List[str]:
    """Return the faults of networks whose bridges exist.

    Another program may have set the bridge down, or removed its address or route.
    """
    faults = []
    existing = addresses()
    routed = set(routes())
    for row in rows:
        bridge = bridge_name(row['id'])
        address = gateway_address(row)
        if not is_up(bridge):
            faults.append(f'{bridge} of network {row["name"]} is down')
        elif (bridge, address) not in existing:
            faults.append(f'{bridge} of network {row["name"]} has lost the address {address}')
        elif (bridge, row['cidr']) not in routed:
            faults.append(f'{bridge} of network {row["name"]} has lost the route {row["cidr"]}')
    return faults


def _address_commands(row: NetworkRow) -> List[str]:
    """The commands of ip(8) that repair the faults of ``address_faults``."""
    bridge = bridge_name(row['id'])
    return [
        f'link set {bridge} up',
        f'address replace {gateway_address(row)} broadcast + dev {bridge}',
        f'route replace {row["cidr"]} dev {bridge} proto kernel scope link src {row["gateway"]}',
    ]


def gateway_address(row: NetworkRow) -> str:
    """The address of the host in a network, with its prefix length."""
    return f'{row["gateway"]}/{IPv4Network(row["cidr"]).prefixlen}'
