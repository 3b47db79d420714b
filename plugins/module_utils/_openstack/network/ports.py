# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ports that were created by name; those that belong to one server are shown with it only."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, List, Tuple

from ..._cloud import Outcomes
from ..._model.change import Changes
from ..._model.port import Port
from ..api.api import Api
from ..api.lists import (
    all_floating_ips,
    all_networks,
    all_ports,
    all_security_groups,
    floating_ips_by_port,
    names_by_id,
)
from ..api.names import named
from ..api.parallel import together
from .port_items import port_of
from .port_users import PortUsers, is_named
from .tags import is_ours

if TYPE_CHECKING:
    from .port_writer import PortWriter


class Ports:
    """Ports of a project with names of their own."""

    def __init__(self, api: Api) -> None:
        """``api``: the services, as the project sees them."""
        self.api = api

    def list(self, names: Iterable[str] | None = None) -> Tuple[Port, ...]:
        """List all ports that were created by name, or those with these names."""
        api = self.api
        lists = (all_ports, all_networks, all_security_groups, all_floating_ips)
        together([partial(one, api) for one in lists])
        networks = names_by_id(all_networks(api))
        groups = names_by_id(all_security_groups(api))
        addresses = floating_ips_by_port(api)
        users = PortUsers(api)
        ports = list(filter(is_named, all_ports(api)))
        items: List[Port] = []
        for raw in named(ports, names, api.project_id, is_ours):
            server = users.server(raw)
            address = addresses.get(raw['id'])
            items.append(port_of(raw, networks, groups, server, address))
        return tuple(items)

    def _writer(self) -> PortWriter:
        from .port_writer import PortWriter

        return PortWriter(self.api)

    def create(self, changes: Changes) -> Outcomes:
        """Create ports."""
        return self._writer().create(changes)

    def update(self, changes: Changes) -> Outcomes:
        """Update security groups, descriptions and labels."""
        return self._writer().update(changes)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete ports."""
        return self._writer().delete(changes)
