# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The interfaces of containers; ``row`` is a complete one (server_rows.py)."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any, Tuple

from ..host.devices import bridge_name, bridge_tap_name, tap_name
from .container_domain import Address
from .faults import interface_faults

if TYPE_CHECKING:
    from .row_types import CompleteServer


def interfaces_of(row: CompleteServer) -> Tuple[Address, ...]:
    """The interfaces of a container; the first one leads to the gateway."""
    networks = [
        Address(
            tap_name(port['id']),
            port['mac'],
            bridge_name(port['network_id']),
            port['address'],
            IPv4Network(port['cidr']).prefixlen,
            '' if index else port['gateway'],
        )
        for index, port in enumerate(row['ports'])
    ]
    bridges = [
        Address(bridge_tap_name(port['id']), port['mac'], port['bridge'])
        for port in row['bridge_ports']
    ]
    return (*networks, *bridges)


def has_interfaces(machine: Any, row: CompleteServer) -> bool:
    """Whether a container that runs has the recorded interfaces."""
    if not machine.isActive():
        return True
    running = ET.fromstring(machine.XMLDesc())  # noqa: S314 (libvirt's own)
    return not interface_faults(row, running)
