# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bodies of requests to Nova: from a server of the model and the ids of what it refers to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Dict, List, NamedTuple

from ..._model.change import AFTER_APPLY
from ..._model.server import Nic, Server
from ..api.api import Body
from ..api.marks import to_metadata
from .server_marks import creation_marks


class References(NamedTuple):
    """The ids of what a new server refers to.

    ``disk``: of the flavor, in GB. ``groups``: those of its connections without groups of
    their own. ``ports``: by the index of the connection, where it is not Nova that creates one.
    ``own_ports``: the bodies of those to be created.
    """

    flavor: str
    disk: int
    image: str
    networks: Sequence[str]
    groups: Sequence[str]
    ports: Mapping[int, str]
    own_ports: Mapping[int, Mapping[str, object]] = {}


class Content(NamedTuple):
    """First-boot content in base64; ``seal``: the hash of the init script that it is."""

    encoded: str | None = None
    seal: str | None = None


def boots_from_volume(volume_size: int, disk: int) -> bool:
    """Return whether a server has a root volume: if the flavor has no disk, or one of another size.

    A root volume can grow, while the disk of a flavor changes only with the flavor.
    """
    return volume_size != disk


def creation_body(
    server: Server,
    ids: References,
    actor: str,
    token: str,
    content: Content,
) -> Body:
    """Return the body of the request for a new server.

    Nova boots each new server: one that is to be stopped is stopped when it runs.
    """
    marks = creation_marks(server, actor, token, content.seal)
    body: Body = {
        'name': server.name,
        'flavorRef': ids.flavor,
        'networks': _networks(server, ids),
        'metadata': to_metadata(server.labels, marks),
    }
    if boots_from_volume(server.volume_size, ids.disk):
        body['block_device_mapping_v2'] = [_root(server, ids)]
    else:
        body['imageRef'] = ids.image
    if ids.groups:
        body['security_groups'] = [{'name': group} for group in ids.groups]
    if server.description:
        body['description'] = server.description
    if server.key_names:
        body['key_name'] = server.key_names[0]
    if content.encoded:
        body['user_data'] = content.encoded
    return body


def _networks(server: Server, ids: References) -> List[Dict[str, str]]:
    found: List[Dict[str, str]] = []
    for index, nic in enumerate(server.networks):
        network = ids.networks[index]
        if index in ids.ports:
            found.append({'port': ids.ports[index]})
        elif nic.fixed_ip == AFTER_APPLY:
            found.append({'uuid': network})
        else:
            found.append({'uuid': network, 'fixed_ip': nic.fixed_ip})
    return found


def _root(server: Server, ids: References) -> Body:
    """A volume with the image, which is deleted with the server."""
    return {
        'boot_index': 0,
        'uuid': ids.image,
        'source_type': 'image',
        'destination_type': 'volume',
        'volume_size': server.volume_size,
        'delete_on_termination': True,
    }


def port_body(
    nic: Nic,
    network: str,
    groups: Sequence[str],
    marks: str,
) -> Body:
    """Return the body of the request for the port of a connection."""
    body: Body = {
        'network_id': network,
        'security_groups': groups,
        'description': marks,
    }
    if nic.mac != AFTER_APPLY:
        body['mac_address'] = nic.mac
    if nic.fixed_ip != AFTER_APPLY:
        body['fixed_ips'] = [{'ip_address': nic.fixed_ip}]
    return body
