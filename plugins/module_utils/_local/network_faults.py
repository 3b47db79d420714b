# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How networks that should be running differ from the record."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network
from typing import Any, List

from .devices import bridge_name
from .dhcp import has_options
from .kernel import device_exists, is_up, routes
from .netlink import addresses


def network_fault(row: Any) -> str:
    """Return what is wrong with a network and requires a new start; empty if nothing is."""
    bridge, name = bridge_name(row['id']), row['name']
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


def address_faults(rows: Iterable[Any]) -> List[str]:
    """Return the faults of networks whose bridges exist.

    Another program may have set the bridge down, or removed its address or route.
    """
    faults, existing, routed = [], addresses(), set(routes())
    for row in rows:
        bridge, address = bridge_name(row['id']), gateway_address(row)
        if not is_up(bridge):
            faults.append(f'{bridge} of network {row["name"]} is down')
        elif (bridge, address) not in existing:
            faults.append(f'{bridge} of network {row["name"]} has lost the address {address}')
        elif (bridge, row['cidr']) not in routed:
            faults.append(f'{bridge} of network {row["name"]} has lost the route {row["cidr"]}')
    return faults


def gateway_address(row: Any) -> str:
    """The address of the host in a network, with its prefix length."""
    return f'{row["gateway"]}/{IPv4Network(row["cidr"]).prefixlen}'
