# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What has the ports of a project: servers, load balancers, the project itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Tuple

from ..api.api import Api, Raw
from ..api.lists import all_lbs, server_names
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
    if not port['name'] or is_of_lb(port) or 'of' in marks_of(port).own:
        return False
    return not port['device_owner'] or is_of_server(port)


def server_of(api: Api, port: Raw) -> str | None:
    """Return the name of the server that has a port."""
    return server_names(api).get(port['device_id']) if is_of_server(port) else None


def lb_of(api: Api, port: Raw) -> str | None:
    """Return the name of the load balancer that has a port."""
    if not is_of_lb(port):
        return None
    names = {lb['vip_port_id']: lb['name'] for lb in all_lbs(api)}
    return names.get(port['id'])


def users_of(api: Api, ports: Iterable[Raw]) -> Tuple[str, ...]:
    """Return what uses something by its ports: servers by their names, others with their kind."""
    users = {_user(api, port) for port in ports if not port['device_owner'].startswith(_OF_NEUTRON)}
    return tuple(sorted(users))


def _user(api: Api, port: Raw) -> str:
    server, lb = server_of(api, port), lb_of(api, port)
    if lb:
        return f'lb {lb}'
    return server or f'port {port["name"] or port["id"]}'
