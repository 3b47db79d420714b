# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers of a project: listed here, changed by what is imported at the first change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Tuple

from ..._cloud import Outcomes
from ..._model.change import Changes
from ..._model.console_log import ConsoleLog
from ..._model.first_boot import FirstBoot
from ..._model.secret import Secrets
from ..._model.server import Server
from ..._model.user_data import UserDataHash
from ..api.api import Api, Raws
from ..api.lists import (
    all_floating_ips,
    all_images,
    all_ports,
    all_security_groups,
    all_servers,
    all_volumes,
    by_id,
    floating_ips_by_port,
    names_by_id,
    ports_by_server,
)
from ..api.marks import PREFIX
from ..api.parallel import together
from ..storage.root_volumes import volume_ids
from .server_connections import needs_group_names
from .server_lists import listed, servers_named, without_our_doubles
from .server_marks import SEAL
from .server_translation import Around, server_of

_SEAL = PREFIX + SEAL


def _order(server: Server) -> Tuple[int, str]:
    """Members of a group in the order of their numbers."""
    return (len(server.name), server.name)


def _need_group_names(found: Raws, ports: Mapping[str, Raws]) -> bool:
    for raw in found:
        own_ports = ports.get(raw['id'], ())
        if needs_group_names(raw, own_ports):
            return True
    return False


class Servers:
    """Servers of a project."""

    def __init__(self, api: Api, secrets: Secrets) -> None:
        """``api``: the services, as the project sees them. ``secrets``: of the task."""
        self.api = api
        self.secrets = secrets

    def list(
        self, names: Iterable[str] | None = None, member_of: str | None = None
    ) -> Tuple[Server, ...]:
        """List all servers, or those with these names and the members of a group."""
        if names is None:
            found = listed(self.api, all_servers(self.api))
        else:
            found = servers_named(self.api, names, member_of)
        found = without_our_doubles(found)
        if not found:
            return ()
        around = self._around(found)
        servers = [server_of(raw, around) for raw in found]
        return tuple(sorted(servers, key=_order))

    def _around(self, found: Raws) -> Around:
        """What belongs to servers: a fixed number of lists, side by side."""
        api = self.api
        has_volumes = any(map(volume_ids, found))
        has_seals = any(_SEAL in raw['metadata'] for raw in found)
        lists = [all_ports, all_floating_ips, all_images]
        if has_volumes:
            lists.append(all_volumes)
        together([partial(one, api) for one in lists])
        ports = ports_by_server(api)
        groups = all_security_groups(api) if _need_group_names(found, ports) else ()
        volumes = all_volumes(api) if has_volumes else ()
        return Around(
            ports=ports,
            floating=floating_ips_by_port(api),
            groups=names_by_id(groups),
            images=by_id(all_images(api)),
            volumes=by_id(volumes),
            seals=self._seals() if has_seals else {},
        )

    def _seals(self) -> Mapping[str, str]:
        """The hashes of init scripts, by name."""
        from ..catalogue.init_scripts import InitScripts

        return InitScripts(self.api).seals()

    def create(self, changes: Changes) -> Outcomes:
        """Create servers."""
        from .server_writer import ServerWriter

        return ServerWriter(self.api, self.secrets).create(changes)

    def update(self, changes: Changes) -> Outcomes:
        """Update servers; those whose change has the effect restart are restarted."""
        from .server_updates import update

        return update(self.api, changes)

    def act(self, changes: Changes) -> Outcomes:
        """Apply an action of the life cycle, and wait for its end."""
        from .server_actions import act

        return act(self.api, changes, self.secrets)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete servers, with the floating IPs and ports that were created with them."""
        from .server_deletion import delete

        return delete(self.api, changes)

    def password_weakness(self, password: str) -> str:
        """Return nothing: no server gets one."""
        return ''

    def hash_user_data(self, user_data: str) -> UserDataHash:
        """Return user data as it is recorded. Raises Refused if Nova cannot take it."""
        from ..api.hashes import hash_of
        from .first_boot_content import encoded

        encoded(user_data)
        return hash_of(user_data, self.api.project_id)

    def address_owners(self, wanted: Iterable[Tuple[str, str]]) -> Mapping[Tuple[str, str], str]:
        """Return the owners of fixed IPs and MAC addresses, by network and address."""
        places = set(wanted)
        if not places:
            return {}
        from .address_owners import address_owners

        return address_owners(self.api, places)

    def dns_owners(self, names: Iterable[str]) -> Mapping[Tuple[str, str], Tuple[str, ...]]:
        """Return nothing: Neutron lets several servers have a name in a network."""
        return {}

    def hardware_choices(self) -> Mapping[str, Tuple[str, ...]]:
        """Return nothing: properties of images and flavors decide about hardware."""
        return {}

    def readiness(self, names: Sequence[str], wait_for: str, seconds: float) -> Mapping[str, str]:
        """Return why servers are not ready yet (running, ip, ssh, init); empty if they are."""
        from .readiness import reasons

        return reasons(self.api, self.list(names), names, wait_for, seconds)

    def first_boots(self, names: Sequence[str]) -> Mapping[str, FirstBoot]:
        """Return the results of the first boots by the consoles of the servers."""
        from .readiness import first_boots

        return first_boots(self.api, self.list(names))

    def console_logs(self, names: Sequence[str], lines: int) -> Mapping[str, ConsoleLog]:
        """Return the newest lines of the consoles of those of these servers that exist."""
        from .consoles import console_logs

        return console_logs(self.api, self.list(names), lines)
