# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers are updated: their metadata, groups, floating IPs, flavors and root volumes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Dict, List, Set, Tuple
from urllib.parse import quote

from ..._cloud import Outcomes
from ..._model.change import Change, Changes
from ..._model.server import Nic, Server
from ..api.api import Api, Raw, Raws
from ..api.lists import ports_by_server
from ..api.marks import metadata_changes, to_metadata
from ..api.services import COMPUTE, NETWORK
from .server_addresses import Addresses, connection_ports
from .server_marks import OWN_GROUPS, own_groups, protection_mark, user_data_mark
from .server_references import group_ids
from .server_resizes import grow, resize
from .server_steps import begin, go_on, meant, the


def update(api: Api, changes: Changes) -> Outcomes:
    """Update servers: what is live side by side, then flavors and disks."""
    servers = meant(api, changes)
    changes_groups = any(map(_changes_groups, changes))
    changes_addresses = any(map(_changes_address, changes))
    ports = ports_by_server(api) if changes_groups else {}
    ids = _group_ids(api, changes)
    addresses = Addresses(api) if changes_addresses else None

    def step(change: Change) -> None:
        raw = the(servers, change)
        _write_metadata(api, raw, change)
        if _changes_groups(change):
            own_ports = ports.get(raw['id'], [])
            _set_groups(api, connection_ports(raw, own_ports), change, ids)
        if addresses and _changes_address(change):
            addresses.give(raw, change.new(Server).floating_ip)

    outcomes = go_on(begin(changes), step)
    outcomes = resize(api, outcomes)
    return grow(api, outcomes)


def _changes_address(change: Change) -> bool:
    before = change.old(Server)
    after = change.new(Server)
    return before.floating_ip != after.floating_ip


def _changes_groups(change: Change) -> bool:
    before = _groups(change.old(Server))
    after = _groups(change.new(Server))
    return before != after


def _groups(server: Server) -> List[Tuple[str, ...]]:
    """The groups of each connection."""
    return [groups_of(server, nic) for nic in server.networks]


def groups_of(server: Server, nic: Nic) -> Tuple[str, ...]:
    """Return the groups of a connection: its own, else those of the server."""
    if nic.security_groups is None:
        return server.security_groups
    return nic.security_groups


def _group_ids(api: Api, changes: Changes) -> Mapping[str, str]:
    """The ids of the groups that changes need, looked up before anything is written."""
    needed: Set[str] = set()
    for change in filter(_changes_groups, changes):
        needed.update(*_groups(change.new(Server)))
    if not needed:
        return {}
    names = sorted(needed)
    return dict(zip(names, group_ids(api, names)))


def _set_groups(
    api: Api,
    ports: Raws,
    change: Change,
    ids: Mapping[str, str],
) -> None:
    """Set the groups of the connections where they differ."""
    before = _groups(change.old(Server))
    after = _groups(change.new(Server))
    for old, new, port in zip(before, after, ports):
        if old != new:
            groups = [ids[name] for name in new]
            body = {'port': {'security_groups': groups}}
            api.put(NETWORK, f'/ports/{port["id"]}', body)


def _write_metadata(api: Api, raw: Raw, change: Change) -> None:
    """Write labels, flags and description; metadata of others stays."""
    before = change.old(Server)
    after = change.new(Server)
    changed = metadata_changes(_metadata(before), _metadata(after))
    path = f'/servers/{raw["id"]}'
    if changed.written:
        api.post(COMPUTE, f'{path}/metadata', {'metadata': changed.written})
    for key in changed.removed:
        api.delete(COMPUTE, f'{path}/metadata/{quote(key)}')
    if before.description != after.description:
        body = {'description': after.description}
        api.put(COMPUTE, path, {'server': body})


def _metadata(server: Server) -> Dict[str, str]:
    own = {
        'delete_protection': protection_mark(server),
        'user_data': user_data_mark(server),
        OWN_GROUPS: own_groups(server),
    }
    return to_metadata(server.labels, own)
