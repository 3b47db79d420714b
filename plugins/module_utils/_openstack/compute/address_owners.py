# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The owners of addresses: servers, load balancers, ports, and what Neutron has itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Dict, Tuple

from ..api.api import Api, Raw
from ..api.lists import (
    all_networks,
    all_ports,
    all_servers,
    names_by_id,
    server_names,
)
from ..api.names import visible
from ..api.parallel import together

Place = Tuple[str, str]  # a network, and a fixed IP or a MAC address in it


def address_owners(api: Api, wanted: Collection[Place]) -> Mapping[Place, str]:
    """Return the owners of fixed IPs and MAC addresses, by network and address.

    Ports of other projects in a shared network are not visible; Neutron refuses their addresses.
    """
    lists = (all_networks, all_ports, all_servers)
    together([partial(one, api) for one in lists])
    networks = names_by_id(visible(all_networks(api), api.project_id))
    servers = server_names(api)
    owners: Dict[Place, str] = {}
    for port in all_ports(api):
        network = networks.get(port['network_id'], '')
        owner = _owner(port, servers)
        owners[network, port['mac_address']] = owner
        for fixed in port['fixed_ips']:
            owners[network, fixed['ip_address']] = owner
    return {place: owners[place] for place in wanted if place in owners}


def _owner(port: Raw, servers: Mapping[str, str]) -> str:
    server = servers.get(port['device_id'])
    if server is not None:
        return server
    name = port['name'] or port['device_owner'] or port['id']
    return f'port {name}'
