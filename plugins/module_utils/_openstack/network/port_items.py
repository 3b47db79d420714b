# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ports as Neutron has them, translated in both directions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Dict, List

from ..._model.change import AFTER_APPLY
from ..._model.port import Port
from ..api.api import Raw
from .tags import description_of, marks_of


def ipv4_addresses(port: Raw) -> List[str]:
    """Return the fixed IPv4 addresses of a port."""
    addresses = [one['ip_address'] for one in port['fixed_ips']]
    return [address for address in addresses if ':' not in address]


def port_of(
    raw: Raw,
    networks: Mapping[str, str],
    groups: Mapping[str, str],
    server: str | None,
    floating_ip: str | None,
) -> Port:
    """Return a port. ``networks``, ``groups``: names by id; those that are not seen have none."""
    marks = marks_of(raw)
    network = raw['network_id']
    group_names = [groups.get(group, group) for group in raw['security_groups']]
    return Port(
        raw['name'],
        networks.get(network, network),
        next(iter(ipv4_addresses(raw)), ''),
        raw['mac_address'],
        tuple(sorted(group_names)),
        description_of(raw),
        marks.labels,
        server,
        floating_ip,
        raw['id'],
        marks.created_by,
        raw['created_at'],
    )


def body_of(port: Port, network_id: str, group_ids: Sequence[str]) -> Dict[str, Any]:
    """Return the request that creates a port."""
    body: Dict[str, Any] = {
        'name': port.name,
        'network_id': network_id,
        'security_groups': list(group_ids),
    }
    if port.fixed_ip != AFTER_APPLY:
        body['fixed_ips'] = [{'ip_address': port.fixed_ip}]
    if port.mac != AFTER_APPLY:
        body['mac_address'] = port.mac
    return body
