# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lists that several kinds need: each is requested once, until something is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Dict, List, Tuple

from .api import Api, Raw, Raws
from .services import BALANCER, COMPUTE, IMAGE, NETWORK, VOLUME


def all_servers(api: Api) -> Raws:
    """Return all servers of the project, in full."""
    return api.listed(COMPUTE, '/servers/detail', 'servers')


def server_names(api: Api) -> Mapping[str, str]:
    """Return the names of all servers by their ids."""
    return names_by_id(all_servers(api))


def by_id(found: Iterable[Raw]) -> Dict[str, Raw]:
    """Return items by their ids."""
    return {raw['id']: raw for raw in found}


def by_name(found: Iterable[Raw]) -> Dict[str, Raw]:
    """Return items by their names."""
    return {raw['name']: raw for raw in found}


def names_by_id(found: Iterable[Raw]) -> Dict[str, str]:
    """Return the names of items by their ids."""
    return {raw['id']: raw['name'] for raw in found}


def all_ports(api: Api) -> Raws:
    """Return all ports of the project."""
    return api.listed(NETWORK, '/ports', 'ports')


def users_by(servers: Iterable[Raw], used: Callable[[Raw], str]) -> Dict[str, Tuple[str, ...]]:
    """Return the names of servers, sorted, by what each of them uses; empty: nothing."""
    names: Dict[str, List[str]] = {}
    for server in servers:
        names.setdefault(used(server), []).append(server['name'])
    names.pop('', None)
    return {thing: tuple(sorted(users)) for thing, users in names.items()}


def ports_by_server(api: Api) -> Dict[str, List[Raw]]:
    """Return the ports of the project by the ids of their servers (device_id)."""
    found: Dict[str, List[Raw]] = {}
    for port in all_ports(api):
        server = port['device_id']
        found.setdefault(server, []).append(port)
    return found


def all_networks(api: Api) -> Raws:
    """Return the networks of the project, and those that it may use."""
    return api.listed(NETWORK, '/networks', 'networks')


def all_subnets(api: Api) -> Raws:
    """Return the subnets of the project, and those that it may use."""
    return api.listed(NETWORK, '/subnets', 'subnets')


def all_security_groups(api: Api) -> Raws:
    """Return the security groups of the project with their rules, and those that it may use."""
    return api.listed(NETWORK, '/security-groups', 'security_groups')


def all_floating_ips(api: Api) -> Raws:
    """Return the floating IPs of the project."""
    return api.listed(NETWORK, '/floatingips', 'floatingips')


def floating_ips_by_port(api: Api) -> Dict[str, str]:
    """Return the addresses of the floating IPs of the project by the ids of their ports."""
    return {raw['port_id']: raw['floating_ip_address'] for raw in all_floating_ips(api)}


def all_flavors(api: Api) -> Raws:
    """Return the flavors that the project may use."""
    return api.listed(COMPUTE, '/flavors/detail', 'flavors')


def all_images(api: Api) -> Raws:
    """Return the images that the project may use; not the hidden ones."""
    return api.listed(IMAGE, '/images', 'images', limit=1000)


def all_volumes(api: Api) -> Raws:
    """Return the volumes of the project."""
    return api.listed(VOLUME, '/volumes/detail', 'volumes')


def all_snapshots(api: Api) -> Raws:
    """Return the snapshots of volumes of the project."""
    return api.listed(VOLUME, '/snapshots/detail', 'snapshots')


def all_lbs(api: Api) -> Raws:
    """Return the load balancers of the project; none if the cloud does not offer them."""
    if not api.offers(BALANCER):
        return ()
    return api.listed(BALANCER, '/loadbalancers', 'loadbalancers')
