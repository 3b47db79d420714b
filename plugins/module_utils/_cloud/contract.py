# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The contract: what a cloud can do. ``list`` looks; every other verb takes many changes and returns an outcome for each."""

from __future__ import annotations

from typing import (
    Callable,
    ContextManager,
    Dict,
    Iterable,
    List,
    Mapping,
    Protocol,
    Sequence,
    Tuple,
    TypeVar,
)

from .._model.change import Change
from .._model.firewall import Firewall
from .._model.first_boot import FirstBoot
from .._model.flavor import Flavor
from .._model.floating_ip import FloatingIp, Place
from .._model.image import Image
from .._model.init_script import InitScript
from .._model.keypair import Keypair
from .._model.lb import Lb
from .._model.network import Network, Surroundings
from .._model.port import Port
from .._model.security_group import SecurityGroup
from .._model.server import Server
from .._model.user_data import UserDataHash
from .._model.volume import Volume
from . import Names, Outcome, Seen

Thing_co = TypeVar('Thing_co', covariant=True)


class Things(Protocol[Thing_co]):
    """Any kind of thing that is looked at, made and deleted."""

    def list(self, names: Iterable[str] | None = None) -> Tuple[Thing_co, ...]:
        """Look: all, or those of these names."""

    def create(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Make them; what an interrupted run began is gone on with."""

    def delete(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Remove them."""


class Updates(Protocol):
    """What things have that can be changed, too."""

    def update(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Make them what they are to be after the change."""


class Changing(Things[Thing_co], Updates, Protocol[Thing_co]):
    """A kind of thing that is looked at, made, changed and deleted."""


class Images(Things[Image], Updates, Protocol):
    """Images of a cloud."""

    def source_problem(self, source: str) -> str:
        """What speaks against making an image of a source, as far as it can be seen beforehand; empty: nothing."""

    def source_digests(self, name: str, source: str) -> Mapping[str, str] | None:
        """The digests of what a source holds now, by kind; None where an image has none to compare, or nothing is there."""

    def resolve_checksum(self, checksum: str, source: str) -> str:
        """A checksum, of a file of checksums the digits for the file of a source."""


class Networks(Things[Network], Updates, Protocol):
    """Networks of a cloud."""

    def taken(self, name: str) -> Mapping[str, str]:
        """What of this cloud a network of this name must not overlap (CIDR: what it is)."""

    def surroundings(self) -> Surroundings:
        """What is reached without this cloud, and may be hidden by a network."""


class FloatingIps(Things[FloatingIp], Updates, Protocol):
    """Floating IPs of a cloud; names are names or addresses."""

    def places(self) -> Tuple[Place, ...]:
        """Where one may lead: the fixed addresses of servers, balancers and ports, a server's first one first."""

    def free(self) -> Mapping[str, int]:
        """How many addresses are left, by pool."""

    def in_pool(self, address: str) -> bool:
        """Whether a pool has this address."""


class Volumes(Things[Volume], Updates, Protocol):
    """Volumes of a cloud."""

    def mounted(self, name: str) -> bool | None:
        """Whether the guest that has a volume has it mounted; None when it cannot be asked."""

    def attach(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Give volumes to servers."""

    def detach(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Take volumes from servers."""


class Servers(Protocol):
    """Servers of a cloud."""

    def list(
        self, names: Iterable[str] | None = None, member_of: str | None = None
    ) -> Tuple[Server, ...]:
        """Look: all, those of these names, and the members of a group."""

    def hash_user_data(self, user_data: str) -> UserDataHash:
        """First-boot content as it would be recorded."""

    def address_owners(self, wanted: Iterable[Tuple[str, str]]) -> Mapping[Tuple[str, str], str]:
        """Who has these fixed addresses (network, address)."""

    def dns_owners(self, names: Iterable[str]) -> Mapping[Tuple[str, str], Tuple[str, ...]]:
        """Who has these DNS names, servers and balancers: by network and name in lower case."""

    def readiness(self, names: Sequence[str], wait_for: str, seconds: float) -> Mapping[str, str]:
        """What each lacks of what is waited for (running, ip, ssh, init), in words; empty: nothing.

        ``seconds``: what there is for looking. Raises CloudError for one that no longer exists.
        """

    def first_boots(self, names: Sequence[str]) -> Mapping[str, FirstBoot]:
        """How the first boots of these servers went; of those that have a machine."""

    def create(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Make servers."""

    def update(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Change servers; those whose change has the effect restart are restarted."""

    def repair(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Make machines again as recorded."""

    def resume(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Let paused servers go on."""

    def start(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Power on."""

    def stop(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Ask the guests to shut down, and wait until they have."""

    def power_off(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Pull the plug."""

    def delete(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Remove servers."""


class Firewalls(Protocol):
    """What carries packets."""

    def list(self, names: Iterable[str] | None = None) -> Tuple[Firewall, ...]:
        """Look whether it is as the record says."""

    def load(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Make it so."""


class Cloud(Protocol):
    """A cloud."""

    @property
    def keypairs(self) -> Changing[Keypair]:
        """Key pairs."""

    @property
    def flavors(self) -> Changing[Flavor]:
        """Flavors."""

    @property
    def init_scripts(self) -> Changing[InitScript]:
        """Init scripts."""

    @property
    def ports(self) -> Changing[Port]:
        """Ports that were made by name."""

    @property
    def images(self) -> Images:
        """Images."""

    @property
    def networks(self) -> Networks:
        """Networks."""

    @property
    def security_groups(self) -> Changing[SecurityGroup]:
        """Security groups."""

    @property
    def floating_ips(self) -> FloatingIps:
        """Floating IPs."""

    @property
    def volumes(self) -> Volumes:
        """Volumes."""

    @property
    def servers(self) -> Servers:
        """Servers."""

    @property
    def lbs(self) -> Changing[Lb]:
        """Load balancers."""

    @property
    def firewalls(self) -> Firewalls:
        """What carries packets."""

    @property
    def seeds(self) -> Dict[str, str]:
        """What is handed on beside the plan, because it is never recorded nor shown: first-boot content by its hash, URLs by what is recorded of them."""

    @property
    def notes(self) -> List[str]:
        """What is to be told to the user as warnings."""

    def changing(self, observe: Callable[[], Tuple[Seen, Names]]) -> ContextManager[Seen]:
        """Look, hold what was seen, look again until what is held covers what is there; then the caller may change it."""

    def damage(self) -> str:
        """What is wrong with what the cloud keeps of itself; empty: nothing. Asked when something went wrong that nobody foresaw."""

    def close(self) -> None:
        """Let go of connections."""
