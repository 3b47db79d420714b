# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What new servers refer to: names to ids, before anything is written; ports of their own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Dict, List

from ..._cloud import NoAnswer
from ..._model.change import AFTER_APPLY
from ..._model.server import Nic, Server
from ..api.api import Api, Body, Raw
from ..api.lists import (
    all_flavors,
    all_images,
    all_networks,
    all_ports,
    all_security_groups,
)
from ..api.names import the_id, the_only
from ..api.parallel import together
from ..api.services import NETWORK
from ..network.tags import first_description, marks_of
from .server_bodies import References, port_body

_OF = 'of'  # the mark of a port that belongs to a server: the name of that


def prefetch(api: Api, servers: Sequence[Server]) -> None:
    """Request the lists that the names are looked up in, side by side."""
    lists = [all_flavors, all_images, all_networks, all_security_groups]
    nics = chain.from_iterable(server.networks for server in servers)
    if any(nic.port or _needs_port(nic) for nic in nics):
        lists.append(all_ports)
    together([partial(one, api) for one in lists])


def references_of(api: Api, server: Server) -> References:
    """Return the ids of what a server refers to; ports of its own are not created yet.

    Raises Missing or Refused for a name that none or several have.
    """
    project = api.project_id
    flavor = the_only('flavor', server.flavor or '', all_flavors(api), project)
    image = the_id('image', server.image, all_images(api), project)
    networks: List[str] = []
    for nic in server.networks:
        network = the_id('network', nic.name, all_networks(api), project)
        networks.append(network)
    ports: Dict[int, str] = {}
    for index, nic in enumerate(server.networks):
        if nic.port:
            ports[index] = the_id('port', nic.port, all_ports(api), project)
    return References(
        flavor=flavor['id'],
        disk=flavor['disk'],
        image=image,
        networks=networks,
        groups=group_ids(api, server.security_groups),
        ports=ports,
        own_ports=_port_bodies(api, server, networks),
    )


def group_ids(api: Api, names: Sequence[str]) -> List[str]:
    """Return the ids of security groups."""
    groups = all_security_groups(api)
    return [the_id('security_group', name, groups, api.project_id) for name in names]


def _needs_port(nic: Nic) -> bool:
    """Whether Nova cannot create the port of a connection: it has no option for a MAC or groups."""
    if nic.port is not None:
        return False
    return nic.mac != AFTER_APPLY or nic.security_groups is not None


def _port_bodies(
    api: Api,
    server: Server,
    networks: Sequence[str],
) -> Mapping[int, Mapping[str, object]]:
    """The ports that Nova cannot create, by the index of the connection."""
    found: Dict[int, Mapping[str, object]] = {}
    for index, nic in enumerate(server.networks):
        if _needs_port(nic):
            found[index] = own_port_body(api, server, nic, networks[index])
    return found


def own_port_body(
    api: Api,
    server: Server,
    nic: Nic,
    network: str,
) -> Body:
    """Return the body of the request for a port of a server that Nova does not create."""
    names = nic.security_groups
    if names is None:
        names = server.security_groups
    groups = group_ids(api, names)
    # Neutron takes tags only after it created a port.
    marks = first_description({_OF: server.name, 'created_by': api.actor})
    return port_body(nic, network, groups, marks)


def with_own_ports(api: Api, ids: References) -> References:
    """Create the ports that Nova cannot create."""
    created: Dict[int, str] = {}
    for index, body in ids.own_ports.items():
        created[index] = created_port(api, body, created.values())
    ports = {**ids.ports, **created}
    return ids._replace(ports=ports)


def created_port(api: Api, body: Mapping[str, object], others: Collection[str]) -> str:
    """Create a port; if there is no answer, find the one that was created."""
    try:
        answer = api.post(NETWORK, '/ports', {'port': body})
    except NoAnswer:
        query = {key: body[key] for key in ('network_id', 'description')}
        for port in api.pages(NETWORK, '/ports', 'ports', **query):
            if port['id'] not in others and not port['device_id']:
                return str(port['id'])
        raise
    return str(answer['port']['id'])


def own_ports(api: Api, names: Sequence[str]) -> List[Raw]:
    """Return the ports that were created for servers with these names."""
    return [port for port in all_ports(api) if _owner(port) in names]


def _owner(port: Raw) -> str:
    return marks_of(port).own.get(_OF, '')


def delete_port(api: Api, port: Raw) -> None:
    """Delete a port of a server; one that is gone already is no error."""
    api.delete(NETWORK, f'/ports/{port["id"]}')
