# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the plan of servers is based on, besides the request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Dict, NamedTuple, Tuple

from .._model.profile import UNKNOWN, Profile
from .._model.server import Server
from .._model.status import TaskState

if TYPE_CHECKING:
    from .._model.change import Draft
    from .._model.flavor import Flavor
    from .._model.guest_disk import GuestDisk
    from .._model.image import Image
    from .._model.init_script import InitScript
    from .._model.keypair import Keypair
    from .._model.lb import Lb
    from .._model.network import Network
    from .._model.port import Port
    from .._model.security_group import SecurityGroup
    from .._model.server_request import ServerRequest
    from .._model.user_data import UserDataHash
    from .._model.volume import Volume
    from .checks import DnsOwners


class FloatingAddress(NamedTuple):
    """A requested floating address: the server that has it, and whether a pool contains it.

    ``in_pool``: None if that is not known.
    """

    address: str
    server: str | None = None
    taken: bool = False
    in_pool: bool | None = False


@dataclass(frozen=True)
class ObservedServers:
    """The existing resources that a request is about, by name.

    ``owners``: the owners of the requested fixed addresses and MACs, by network and address.
    ``lbs``: those that a server may belong to which gets other networks. ``attached``: the floating
    addresses of such servers, by server and fixed address.
    ``leaving``: servers that another run is deleting; they are not among ``servers`` any more.
    ``hardware_choices``: what the host can do, by option. ``free``: the number of free floating
    addresses, if known. ``user_data``, ``root_password``: the hashes of the specified ones.
    ``weakness``: why the password is none for the cloud. ``root_volumes``: those to grow, of
    servers with a guest; ``guest_disks``: what those use of them, by the same names.
    """

    servers: Mapping[str, Server]
    keypairs: Mapping[str, Keypair] = field(default_factory=dict)
    flavors: Mapping[str, Flavor] = field(default_factory=dict)
    images: Mapping[str, Image] = field(default_factory=dict)
    networks: Mapping[str, Network] = field(default_factory=dict)
    groups: Mapping[str, SecurityGroup] = field(default_factory=dict)
    owners: Mapping[Tuple[str, str], str] = field(default_factory=dict)
    floating: FloatingAddress | None = None
    free: int | None = None
    init_scripts: Mapping[str, InitScript] = field(default_factory=dict)
    user_data: UserDataHash | None = None
    root_password: UserDataHash | None = None
    weakness: str = ''
    hardware_choices: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)
    ports: Mapping[str, Port] = field(default_factory=dict)
    dns_owners: DnsOwners = field(default_factory=dict)
    lbs: Mapping[str, Lb] = field(default_factory=dict)
    profile: Profile = UNKNOWN
    attached: Mapping[Tuple[str, str], str] = field(default_factory=dict)
    leaving: Tuple[str, ...] = ()
    root_volumes: Mapping[str, Volume] = field(default_factory=dict)
    guest_disks: Mapping[str, GuestDisk] = field(default_factory=dict)
    grows_mounted: bool = True

    def settled(self, draft: Draft) -> ObservedServers:
        """The servers as the runs that are working on them will leave them."""
        found = {name: draft.settled('server', server) for name, server in self.servers.items()}
        return replace(
            self,
            servers={name: server for name, server in found.items() if server},
            leaving=tuple(name for name, server in found.items() if not server),
        )

    def recorded_options(self, request: ServerRequest) -> Dict[str, Any]:
        """The specified options, with the hashes of secrets that are recorded."""
        options = dict(request.options)
        if self.user_data is not None:
            options['user_data'] = self.user_data
        if self.root_password is not None:
            options['root_password'] = self.root_password
        if 'vcpus' in options and 'flavor' not in options:
            options['flavor'] = None
        return options

    def address_owner(self, network: str, address: str) -> str | None:
        """The owner of an address or a MAC, unless it releases that before its new use."""
        owner = self.owners.get((network, address))
        return None if self.releases(owner) else owner

    def releases(self, name: str | None) -> bool:
        """Whether the plan releases what a server has, because it deletes or re-creates that."""
        server = self.servers.get(name or '')
        if server is None:
            return name in self.leaving
        return server.unfinished == TaskState.DELETING or not server.launched
