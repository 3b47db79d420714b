# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What has the ports of a project: servers, load balancers, the project itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from operator import itemgetter
from typing import Dict, List, Set, Tuple

from ..._model.floating_ip import FixedIp
from ..api.api import Api, Raw
from ..api.lists import all_lbs, all_ports, all_servers, server_names
from .port_items import ipv4_addresses
from .tags import marks_of

_SERVER = 'compute:'  # and the availability zone
_OF_NEUTRON = 'network:'  # routers, DHCP


def is_of_server(port: Raw) -> bool:
    """Return whether a server has a port."""
    return bool(port['device_owner'].startswith(_SERVER))


def is_of_router(port: Raw) -> bool:
    """Return whether a port is an interface of a router."""
    return bool(port['device_owner'].startswith('network:router_interface'))


def is_of_lb(port: Raw) -> bool:
    """Return whether a load balancer has a port (Octavia)."""
    return bool(port['device_id'].startswith('lb-'))


def is_named(port: Raw) -> bool:
    """Return whether a port was created by name, apart from the server that may have it.

    Ports that were created for one server have its name in a mark.
    """
    if not port['name'] or is_of_lb(port):
        return False
    if 'of' in marks_of(port).own:
        return False
    return not port['device_owner'] or is_of_server(port)


class PortUsers:
    """What has the ports of a project, as it was when first needed."""

    def __init__(self, api: Api) -> None:
        """``api``: the services, as the project sees them."""
        self.api = api

    @cached_property
    def _servers(self) -> Mapping[str, str]:
        return server_names(self.api)

    @cached_property
    def _lbs(self) -> Mapping[str, str]:
        return {lb['vip_port_id']: lb['name'] for lb in all_lbs(self.api)}

    def server(self, port: Raw) -> str | None:
        """Return the name of the server that has a port."""
        if not is_of_server(port):
            return None
        return self._servers.get(port['device_id'])

    def lb(self, port: Raw) -> str | None:
        """Return the name of the load balancer that has a port."""
        if not is_of_lb(port):
            return None
        return self._lbs.get(port['id'])

    def names(self, ports: Iterable[Raw]) -> Tuple[str, ...]:
        """Return what uses something by its ports: servers by name, others with their kind."""
        names: Set[str] = set()
        for port in ports:
            if not port['device_owner'].startswith(_OF_NEUTRON):
                names.add(self._name(port))
        return tuple(sorted(names))

    def _name(self, port: Raw) -> str:
        lb = self.lb(port)
        if lb:
            return f'lb {lb}'
        server = self.server(port)
        if server:
            return server
        return f'port {port["name"] or port["id"]}'

    def fixed_ips(self) -> List[Tuple[str, FixedIp]]:
        """Return the fixed IPv4 addresses of ports that a floating one can be attached to.

        Each has the id of its port. Those of a server are in the order of its networks.
        """
        positions = _positions(self.api)
        found: List[Tuple[Tuple[str, int, str], str, FixedIp]] = []
        for port in all_ports(self.api):
            identity = port['id']
            server = self.server(port)
            lb = self.lb(port)
            name = port['name'] if is_named(port) else None
            holder = server or lb or name
            if not holder:
                continue
            device = port['device_id']
            ids = {'server': device, 'lb': device, 'port': identity}
            for address in ipv4_addresses(port):
                place = (device, address)
                position = positions.get(place, len(positions))
                order = (holder, position, address)
                fixed = FixedIp(address, server, lb, name, ids=ids)
                found.append((order, identity, fixed))
        found.sort(key=itemgetter(0))
        return [(identity, fixed) for _order, identity, fixed in found]


def _positions(api: Api) -> Dict[Tuple[str, str], int]:
    """The places of fixed addresses among those of their servers, by server and address."""
    positions: Dict[Tuple[str, str], int] = {}
    for server in all_servers(api):
        for addresses in server['addresses'].values():
            for one in addresses:
                place = (server['id'], one['addr'])
                positions[place] = len(positions)
    return positions
