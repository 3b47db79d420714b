# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Interfaces are plugged into servers that exist, and unplugged.

New ones come first, so that a floating IP moves to one of them before its port is gone. Each has a
port that is created with its security groups: Nova would give it the default one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Dict, List, NamedTuple, Set

from ..._cloud import Outcomes
from ..._model.change import Change, names_of
from ..._model.server import Nic, Server
from ..api.api import Api, Raw
from ..api.lists import all_networks, all_ports, ports_by_server
from ..api.marks import from_metadata
from ..api.names import the_id
from ..api.polling import Reason
from ..api.services import COMPUTE, NETWORK
from .server_connections import interfaces_of
from .server_references import created_port, delete_port, own_port_body, own_ports
from .server_steps import Wanted, go_on, meant, observed, remaining, the, wait_on


class _New(NamedTuple):
    """A port that exists by its id, or the body of one to be created."""

    port: str | None
    body: Mapping[str, object]


def plug(api: Api, outcomes: Outcomes, wanted: Wanted) -> Outcomes:
    """Plug new interfaces into servers."""
    changes = remaining(outcomes, wanted)
    servers = meant(api, changes)
    names = names_of(changes)
    for port in own_ports(api, names):
        if not port['device_id']:  # left by a run that was killed
            delete_port(api, port)
    new = {change.name: _new_ports(api, change) for change in changes}

    def step(change: Change) -> None:
        raw = the(servers, change)
        created: List[str] = []
        for one in new[change.name]:
            port = one.port or created_port(api, one.body, created)
            created.append(port)
            body = {'interfaceAttachment': {'port_id': port}}
            api.post(COMPUTE, f'/servers/{raw["id"]}/os-interface', body)

    return go_on(outcomes, step, wanted)


def _new_ports(api: Api, change: Change) -> List[_New]:
    """What a server is plugged into, with all names looked up before anything is written."""
    server = change.new(Server)
    there = {nic.mac for nic in change.old(Server).networks}
    added = [nic for nic in server.networks if nic.mac not in there]
    return [_new_port(api, server, nic) for nic in added]


def _new_port(api: Api, server: Server, nic: Nic) -> _New:
    project = api.project_id
    if nic.port:
        return _New(the_id('port', nic.port, all_ports(api), project), {})
    network = the_id('network', nic.name, all_networks(api), project)
    return _New(None, own_port_body(api, server, nic, network))


def unplug(api: Api, outcomes: Outcomes, wanted: Wanted) -> Outcomes:
    """Unplug the interfaces that servers no longer have; Nova deletes the ports that it created."""
    changes = remaining(outcomes, wanted)
    servers = meant(api, changes)
    ports = ports_by_server(api)
    removed: Dict[str, List[Raw]] = {}
    for change in changes:
        there = ports.get(servers[change.name]['id'], []) if change.name in servers else []
        doomed = _removed_macs(change)
        removed[change.name] = [port for port in there if port['mac_address'] in doomed]

    def step(change: Change) -> None:
        server = the(servers, change)['id']
        for port in removed[change.name]:
            api.delete(COMPUTE, f'/servers/{server}/os-interface/{port["id"]}')

    outcomes = go_on(outcomes, step, wanted)
    outcomes = wait_on(api, outcomes, lambda names: _unreleased(api, names, removed), wanted)
    return go_on(outcomes, lambda change: _delete_own(api, change, removed), wanted)


def _removed_macs(change: Change) -> Set[str]:
    staying = {nic.mac for nic in change.new(Server).networks}
    return {nic.mac for nic in change.old(Server).networks} - staying


def _unreleased(
    api: Api, names: Collection[str], removed: Mapping[str, Sequence[Raw]]
) -> Mapping[str, Reason]:
    """Why servers are not unplugged yet, by name.

    Nova lists an interface for a while after Neutron has its port back.
    """
    ports = api.pages(NETWORK, '/ports', 'ports')
    plugged = {port['id'] for port in ports if port['device_id']}
    servers = observed(api, names)
    found: Dict[str, Reason] = {}
    for name in names:
        macs = _macs_of(servers[name]) if name in servers else set()
        is_left = any(
            port['id'] in plugged or port['mac_address'] in macs for port in removed[name]
        )
        found[name] = 'its guest has not released an interface' if is_left else ''
    return found


def _macs_of(raw: Raw) -> Set[str]:
    return {interface.mac for interface in interfaces_of(raw, from_metadata(raw['metadata']))}


def _delete_own(api: Api, change: Change, removed: Mapping[str, Sequence[Raw]]) -> None:
    """Delete the ports of ours that Nova has only unplugged."""
    ids = {port['id'] for port in removed[change.name]}
    for port in own_ports(api, [change.name]):
        if port['id'] in ids:
            delete_port(api, port)
