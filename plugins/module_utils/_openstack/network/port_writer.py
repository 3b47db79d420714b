# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes ports that were requested by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Dict, List

from ..._cloud import Busy, Outcomes
from ..._model.change import Change, Changes
from ..._model.port import Port
from ..api.api import Api, Raw
from ..api.lists import all_networks, all_ports, all_security_groups, names_by_id
from ..api.names import ids_of, item_of
from ..api.parallel import each
from ..api.services import NETWORK
from .network_items import is_listed
from .port_items import body_of
from .security_group_ids import security_group_ids
from .tags import created_once, is_ours, marks_of, write_description, write_tags

_PATH = '/ports'


class PortWriter:
    """Creates, updates and deletes ports."""

    def __init__(self, api: Api) -> None:
        """``api``: the services, as the project sees them."""
        self.api = api

    def create(self, changes: Changes) -> Outcomes:
        """Create ports."""
        return each(changes, self._create)

    def _create(self, change: Change) -> None:
        api = self.api
        wanted = change.new(Port)
        network = self._network_id(wanted.network)
        groups = self._groups(wanted, {})
        body = body_of(wanted, network, groups)
        own = {'created_by': api.actor}
        raw = created_once(api, _PATH, 'port', body, own)
        self._describe(raw, wanted)

    def _network_id(self, name: str) -> str:
        api = self.api
        networks = list(filter(is_listed, all_networks(api)))
        ids = ids_of('network', networks, [name], api.project_id, is_ours)
        return ids[name]

    def _groups(self, wanted: Port, current: Mapping[str, str]) -> List[str]:
        """The ids of the security groups of a port, those that it has already first."""
        kept: List[str] = []
        names: List[str] = []
        for name in wanted.security_groups:
            if name in current:
                kept.append(current[name])
            else:
                names.append(name)
        added = security_group_ids(self.api, names)
        return [*kept, *added.values()]

    def _describe(self, raw: Raw, wanted: Port) -> None:
        own = marks_of(raw).own
        write_tags(self.api, _PATH, raw, wanted.labels, own)
        write_description(self.api, _PATH, 'port', raw, wanted.description)

    def update(self, changes: Changes) -> Outcomes:
        """Update security groups, descriptions and labels."""
        return each(changes, self._update)

    def _update(self, change: Change) -> None:
        wanted = change.new(Port)
        raw = self._found(change)
        names = names_by_id(all_security_groups(self.api))
        current: Dict[str, str] = {}
        for group in raw['security_groups']:
            name = names.get(group, group)
            current[name] = group
        if set(current) != set(wanted.security_groups):
            groups = self._groups(wanted, current)
            body = {'security_groups': groups}
            self.api.put(NETWORK, f'{_PATH}/{raw["id"]}', {'port': body})
        self._describe(raw, wanted)

    def _found(self, change: Change) -> Raw:
        ports = all_ports(self.api)
        return item_of(change, ports, self.api.project_id)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete ports; those that are gone already are no error."""
        return each(changes, self._delete)

    def _delete(self, change: Change) -> None:
        path = f'{_PATH}/{change.id}'
        found = self.api.find(NETWORK, path)
        if found and found['port']['device_id']:
            # Neutron would delete it, and the server would lose it.
            raise Busy('a server has got it meanwhile; run the task again')
        self.api.delete(NETWORK, path)
