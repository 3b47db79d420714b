# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers are updated: their metadata, groups, floating IPs, flavors and root volumes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Dict, Set, Tuple
from urllib.parse import quote

from ..._cloud import Outcomes
from ..._model.change import Change, Changes
from ..._model.server import Nic, Server
from ..api.api import Api, Raw, Raws
from ..api.lists import ports_by_server
from ..api.marks import metadata_changes, protection_mark, to_metadata
from ..api.services import COMPUTE, NETWORK
from .server_addresses import Addresses
from .server_marks import (
    OWN_GROUPS,
    network_marks,
    own_groups,
    user_data_mark,
)
from .server_references import group_ids
from .server_resizes import grow, resize
from .server_steps import begin, go_on, meant, the


def update(api: Api, changes: Changes) -> Outcomes:
    """Update servers: what is live side by side, then flavors and disks."""
    outcomes = begin(changes)
    if any(map(_reconnects, changes)):
        from .server_interfaces import plug

        outcomes = plug(api, outcomes, _reconnects)
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
            _set_groups(api, own_ports, change, ids)
        if addresses and _changes_address(change):
            addresses.give(raw, change.new(Server).floating_ip, _removed(change))

    outcomes = go_on(outcomes, step)
    if any(map(_reconnects, changes)):
        from .server_interfaces import unplug

        outcomes = unplug(api, outcomes, _reconnects)
    outcomes = resize(api, outcomes)
    return grow(api, outcomes)


def _reconnects(change: Change) -> bool:
    """Whether a server gets other connections."""
    before = change.old(Server)
    after = change.new(Server)
    return [nic.mac for nic in before.networks] != [nic.mac for nic in after.networks]


def _removed(change: Change) -> Set[str]:
    """The MACs of the connections that a server loses."""
    staying = {nic.mac for nic in change.new(Server).networks}
    return {nic.mac for nic in change.old(Server).networks} - staying


def _changes_address(change: Change) -> bool:
    """Whether a server gets another floating IP, or may lose the connection that has it."""
    before = change.old(Server)
    after = change.new(Server)
    if before.floating_ip != after.floating_ip:
        return True
    return after.floating_ip is not None and _reconnects(change)


def _changes_groups(change: Change) -> bool:
    return bool(_changed_groups(change))


def _changed_groups(change: Change) -> Dict[str, Tuple[str, ...]]:
    """The groups of the connections that stay and get others, by their MACs."""
    before = _groups(change.old(Server))
    after = _groups(change.new(Server))
    return {mac: groups for mac, groups in after.items() if mac in before and before[mac] != groups}


def _groups(server: Server) -> Dict[str, Tuple[str, ...]]:
    """The groups of each connection, by its MAC."""
    return {nic.mac: groups_of(server, nic) for nic in server.networks}


def groups_of(server: Server, nic: Nic) -> Tuple[str, ...]:
    """Return the groups of a connection: its own, else those of the server."""
    if nic.security_groups is None:
        return server.security_groups
    return nic.security_groups


def _group_ids(api: Api, changes: Changes) -> Mapping[str, str]:
    """The ids of the groups that changes need, looked up before anything is written."""
    needed: Set[str] = set()
    for change in filter(_changes_groups, changes):
        needed.update(*_changed_groups(change).values())
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
    changed = _changed_groups(change)
    for port in ports:
        if port['mac_address'] in changed:
            groups = [ids[name] for name in changed[port['mac_address']]]
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
        **network_marks(server),
    }
    return to_metadata(server.labels, own)
