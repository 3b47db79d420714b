# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The owners of addresses: servers, load balancers, ports, and what Neutron has itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Dict, Tuple

from ..api.api import Api, Raw
from ..api.lists import all_networks, all_ports, all_servers, server_names
from ..api.names import visible
from ..api.parallel import together


def address_owners(api: Api, wanted: Collection[Tuple[str, str]]) -> Mapping[Tuple[str, str], str]:
    """Return the owners of fixed IPs and MAC addresses, by network and address.

    Ports of other projects in a shared network are not visible; Neutron refuses their addresses.
    """
    together([partial(one, api) for one in (all_networks, all_ports, all_servers)])
    networks = {raw['id']: raw['name'] for raw in visible(all_networks(api), api.project_id)}
    servers = server_names(api)
    owners: Dict[Tuple[str, str], str] = {}
    for port in all_ports(api):
        network = networks.get(port['network_id'], '')
        addresses = [one['ip_address'] for one in port['fixed_ips']]
        owners.update({(network, one): _owner(port, servers) for one in addresses})
        owners[network, port['mac_address']] = _owner(port, servers)
    return {place: owners[place] for place in wanted if place in owners}


def _owner(port: Raw, servers: Mapping[str, str]) -> str:
    if port['device_id'] in servers:
        return servers[port['device_id']]
    return f'port {port["name"] or port["device_owner"] or port["id"]}'
