# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Networks: a network of Neutron, its IPv4 subnet, and an interface of a router."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Dict, List, Tuple

from ..._cloud import Outcomes, Refused
from ..._model.change import Changes
from ..._model.network import Network, Surroundings
from ..api.api import Api, Raw, Raws
from ..api.lists import all_networks, all_ports, all_subnets, names_by_id
from ..api.names import named, visible
from ..api.parallel import together
from .network_items import default_network, is_listed, network_of
from .port_users import PortUsers
from .tags import is_ours

if TYPE_CHECKING:
    from .network_writer import NetworkWriter


class Networks:
    """Networks of a project, and those that are shared with it."""

    def __init__(self, api: Api) -> None:
        """``api``: the services, as the project sees them."""
        self.api = api

    def list(self, names: Iterable[str] | None = None) -> Tuple[Network, ...]:
        """List all networks that servers can be in, or those with these names."""
        api = self.api
        lists = (all_networks, all_subnets, all_ports)
        networks, subnets, ports = together([partial(one, api) for one in lists])
        listed = [raw for raw in networks if is_listed(raw)]
        users = PortUsers(api)
        items: List[Network] = []
        for raw in named(listed, names, api.project_id, is_ours):
            used_by = users.names(_ports_in(raw, ports))
            items.append(network_of(raw, subnets, used_by))
        return tuple(items)

    def default(self) -> str:
        """Return the network of what is created without one.

        That is the one in the section ``hanok`` of clouds.yaml, else the one with the name default,
        else the one with default_interface in clouds.yaml, else the only one.
        """
        api = self.api
        if api.aliases.network:
            return api.aliases.network
        networks = [raw for raw in all_networks(api) if is_listed(raw)]
        listed = visible(networks, api.project_id)
        found = default_network(listed, lambda: api.default_interface)
        if found:
            return found
        names = ', '.join(sorted(raw['name'] for raw in listed))
        raise Refused(
            f'network: {api.cloud} has several networks ({names}); specify one (option network, or '
            'networks of servers), or set the one to use by default as network in the section '
            f'hanok of {api.cloud} in clouds.yaml',
            'network',
        )

    def used_ranges(self, name: str) -> Mapping[str, str]:
        """Return the ranges of the other networks, which one router cannot have twice."""
        api = self.api
        others = [raw for raw in all_networks(api) if raw['name'] != name]
        names = names_by_id(others)
        ranges: Dict[str, str] = {}
        for subnet in all_subnets(api):
            network_id = subnet['network_id']
            if network_id in names and subnet['ip_version'] == 4:
                ranges[subnet['cidr']] = f'the network {names[network_id]}'
        return ranges

    def surroundings(self) -> Surroundings:
        """Return nothing: a network of this cloud hides nothing from where the module runs.

        Raises Refused if it is not known which external network a new network leads to.
        """
        from .routers import find_router

        find_router(self.api)
        return Surroundings()

    def _writer(self) -> NetworkWriter:
        from .network_writer import NetworkWriter

        return NetworkWriter(self.api)

    def create(self, changes: Changes) -> Outcomes:
        """Create networks with subnets, and connect them with a router."""
        return self._writer().create(changes)

    def update(self, changes: Changes) -> Outcomes:
        """Update descriptions and labels."""
        return self._writer().update(changes)

    def delete(self, changes: Changes) -> Outcomes:
        """Disconnect networks from routers, and delete them."""
        return self._writer().delete(changes)


def _ports_in(network: Raw, ports: Raws) -> List[Raw]:
    return [port for port in ports if port['network_id'] == network['id']]
