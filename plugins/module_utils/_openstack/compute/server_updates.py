# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers are updated: their metadata, groups, floating IPs, flavors and root volumes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Dict, List, Set, Tuple
from urllib.parse import quote

from ..._cloud import Outcomes
from ..._model.change import Change, Changes
from ..._model.server import Nic, Server
from ..api.api import Api, Raw
from ..api.lists import ports_by_server
from ..api.marks import to_metadata
from ..api.services import COMPUTE, NETWORK
from .server_addresses import Addresses, connection_ports
from .server_marks import OWN_GROUPS, changed, own_groups, removed
from .server_references import group_ids
from .server_resizes import grow, resize
from .server_steps import begin, go_on, meant, the


def update(api: Api, changes: Changes) -> Outcomes:
    """Update servers: what is live side by side, then flavors and disks."""
    servers = meant(api, changes)
    ports = ports_by_server(api) if any(map(_changes_groups, changes)) else {}
    ids = _group_ids(api, changes)
    addresses = Addresses(api) if any(map(_changes_address, changes)) else None

    def step(change: Change) -> None:
        raw = the(servers, change)
        _write_metadata(api, raw, change)
        if _changes_groups(change):
            _set_groups(api, connection_ports(raw, ports.get(raw['id'], [])), change, ids)
        if addresses and _changes_address(change):
            addresses.give(raw, change.new(Server).floating_ip)

    return grow(api, resize(api, go_on(begin(changes), step)))


def _changes_address(change: Change) -> bool:
    return change.old(Server).floating_ip != change.new(Server).floating_ip


def _changes_groups(change: Change) -> bool:
    return _groups(change.old(Server)) != _groups(change.new(Server))


def _groups(server: Server) -> List[Tuple[str, ...]]:
    """The groups of each connection."""
    return [groups_of(server, nic) for nic in server.networks]


def groups_of(server: Server, nic: Nic) -> Tuple[str, ...]:
    """Return the groups of a connection: its own, else those of the server."""
    return server.security_groups if nic.security_groups is None else nic.security_groups


def _group_ids(api: Api, changes: Changes) -> Dict[str, str]:
    """The ids of the groups that changes need, looked up before anything is written."""
    needed: Set[str] = set()
    for change in changes:
        if _changes_groups(change):
            needed.update(*_groups(change.new(Server)))
    names = sorted(needed)
    return dict(zip(names, group_ids(api, names))) if names else {}


def _set_groups(api: Api, ports: Sequence[Raw], change: Change, ids: Dict[str, str]) -> None:
    """Set the groups of the connections where they differ."""
    before = change.old(Server)
    after = change.new(Server)
    pairs = zip(_groups(before), _groups(after), ports)
    for old, new, port in pairs:
        if old != new:
            body = {'port': {'security_groups': [ids[name] for name in new]}}
            api.put(NETWORK, f'/ports/{port["id"]}', body)


def _write_metadata(api: Api, raw: Raw, change: Change) -> None:
    """Write labels, flags and description; metadata of others stays."""
    before, after = (_metadata(one(Server)) for one in (change.old, change.new))
    path = f'/servers/{raw["id"]}'
    written = changed(before, after)
    if written:
        api.post(COMPUTE, f'{path}/metadata', {'metadata': written})
    for key in removed(before, after):
        api.delete(COMPUTE, f'{path}/metadata/{quote(key)}')
    if change.old(Server).description != change.new(Server).description:
        body = {'description': change.new(Server).description}
        api.put(COMPUTE, path, {'server': body})


def _metadata(server: Server) -> Dict[str, str]:
    own = {
        'delete_protection': 'true' if server.delete_protection else None,
        'user_data': None if server.user_data is None else str.__str__(server.user_data),
        OWN_GROUPS: own_groups(server),
    }
    return to_metadata(server.labels, own)
