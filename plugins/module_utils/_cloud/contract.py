# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The contract: the operations of a cloud, a protocol per resource.

``list`` observes. Every other verb takes many changes and returns an outcome for each. A verb acts
on the item that was observed, found by its id: one that was deleted since then is Gone, whatever
has its name by now.
"""

from __future__ import annotations

from typing import (
    Any,
    BinaryIO,
    Callable,
    Collection,
    ContextManager,
    Iterable,
    Iterator,
    List,
    Mapping,
    Protocol,
    Sequence,
    Tuple,
)

from .._model.access import Access
from .._model.change import Changes
from .._model.flavor import Flavor
from .._model.floating_ip import FixedIp, FloatingIp
from .._model.guest_disk import GuestDisk
from .._model.image import Image
from .._model.init_script import InitScript
from .._model.keypair import Keypair
from .._model.lb import Lb
from .._model.needs import Limit
from .._model.network import Network, Surroundings
from .._model.port import Port
from .._model.profile import Profile
from .._model.project import Project
from .._model.security_group import SecurityGroup
from .._model.volume import Volume
from .._model.volume_type import VolumeType
from . import Names, Observed, Outcomes
from .capabilities import History, Records, Repairs, Upkeep
from .items import Items, Updatable, UpdatableItems
from .servers import Servers
from .snapshots import Backups, Schedules, ServerSnapshots, VolumeSnapshots


class Flavors(UpdatableItems[Flavor], Protocol):
    """Flavors of a cloud."""

    def limit_problem(self, limits: Iterable[str]) -> str:
        """Return why servers cannot be limited in this way; empty if they can, or it is unknown."""

    def sharing_problem(self, current: Flavor, wanted: Flavor) -> str:
        """Return why a flavor cannot be shared as it is in ``wanted``; empty if it can."""


class Projects(UpdatableItems[Project], Protocol):
    """Projects of a cloud. ``trusts_actor``: whether the actor decides what a task may do."""

    trusts_actor: bool

    def request_problem(self, options: Mapping[str, Any]) -> str:
        """Return why the user cannot manage projects, or not with these options; else empty."""


class Images(Items[Image], Updatable, Protocol):
    """Images of a cloud. ``of_attached``: whether one can be of a volume that a server has."""

    of_attached: bool

    def source_problem(self, source: str, disk_format: str) -> str:
        """Return why no image can be created from a source; empty if no reason is known yet."""

    def source_digests(self, name: str, source: str) -> Mapping[str, str] | None:
        """Return digests of a source by algorithm; None: it is gone, or the image has none."""

    def resolve_checksum(self, checksum: str, source: str) -> str:
        """Return a checksum; if it names a checksum file, the entry for the file of the source."""

    def opened(self, name: str) -> BinaryIO:
        """Open the content of an image of the project, which depends on no other file."""


class Networks(Items[Network], Updatable, Protocol):
    """Networks of a cloud."""

    def default(self) -> str:
        """Return the name of the network of what is created without one.

        Raises Refused if there are several that it could be.
        """

    def used_ranges(self, name: str) -> Mapping[str, str]:
        """Return what a network of this name must not overlap in this cloud: owner by CIDR."""

    def surroundings(self) -> Surroundings:
        """Return what the host reaches outside this cloud, which a network could hide."""


class FloatingIps(Items[FloatingIp], Updatable, Protocol):
    """Floating IPs of a cloud; names are names or addresses."""

    def fixed_ips(self) -> Tuple[FixedIp, ...]:
        """Return the fixed addresses of servers, load balancers and ports.

        Those of a server are in the order of its networks.
        """

    def pools(self) -> Tuple[str, ...]:
        """Return the names of the pools."""

    def free(self, pool: str | None = None) -> int | None:
        """Return the number of free addresses in a pool, or in all; None if it is not known."""

    def in_pool(self, address: str) -> bool | None:
        """Return whether an address belongs to a pool; None if it is not known."""


class Volumes(Items[Volume], Updatable, Protocol):
    """Volumes of a cloud."""

    def types(self) -> Sequence[VolumeType]:
        """Return the types that volumes can have."""

    def is_mounted(self, name: str, server: str) -> bool | None:
        """Return whether the guest of a server has a volume mounted; None if it is not known."""

    def guest_disk(self, name: str) -> GuestDisk:
        """Return what the running guest of a server uses of a volume that is attached to it."""

    def grows_mounted(self) -> bool:
        """Return whether a file system of a container can become larger while that runs."""

    def mount_problem(self, server: str, path: str) -> str:
        """Return why a container cannot have a volume at a path; empty if no reason is known."""

    def attach(self, changes: Changes) -> Outcomes:
        """Attach volumes to servers."""

    def detach(self, changes: Changes) -> Outcomes:
        """Detach volumes from servers."""


class Cloud(Protocol):
    """A cloud, opened for one task with its secrets; what is recorded of them, it matches.

    Its errors are CloudErrors. What it may lack (``server_snapshots``, ``backups``,
    ``schedules``, ``projects``, ``upkeep``, ``repairs``, ``records``, ``history``) is None then.
    """

    @property
    def name(self) -> str:
        """Its name, as the option ``cloud`` has it."""

    @property
    def keypairs(self) -> UpdatableItems[Keypair]:
        """Key pairs."""

    @property
    def flavors(self) -> Flavors:
        """Flavors."""

    @property
    def init_scripts(self) -> UpdatableItems[InitScript]:
        """Init scripts."""

    @property
    def ports(self) -> UpdatableItems[Port]:
        """Ports that were created by name, not those of a server's own."""

    @property
    def images(self) -> Images:
        """Images."""

    @property
    def networks(self) -> Networks:
        """Networks."""

    @property
    def security_groups(self) -> UpdatableItems[SecurityGroup]:
        """Security groups; foreign rules are listed and can be removed, but are never written."""

    @property
    def floating_ips(self) -> FloatingIps:
        """Floating IPs."""

    @property
    def volumes(self) -> Volumes:
        """Volumes."""

    @property
    def volume_snapshots(self) -> VolumeSnapshots:
        """Snapshots of volumes."""

    @property
    def servers(self) -> Servers:
        """Servers."""

    @property
    def server_snapshots(self) -> ServerSnapshots | None:
        """Snapshots of servers; None: the cloud has none with the memory of guests."""

    @property
    def backups(self) -> Backups | None:
        """Backups of servers; None: the cloud has none."""

    @property
    def schedules(self) -> Schedules | None:
        """Schedules; None: the cloud runs none."""

    @property
    def projects(self) -> Projects | None:
        """The projects that the user sees; None: they are managed elsewhere."""

    @property
    def lbs(self) -> UpdatableItems[Lb]:
        """Load balancers."""

    @property
    def upkeep(self) -> Upkeep | None:
        """What the edge adds to the plan of each networked kind; None: it needs nothing."""

    @property
    def repairs(self) -> Repairs | None:
        """Repairs of servers whose machines someone altered; None: the cloud cannot do it."""

    @property
    def records(self) -> Records | None:
        """The record of a cloud that can rebuild it; None: the cloud keeps none."""

    @property
    def history(self) -> History | None:
        """What was changed; None: the cloud does not keep it."""

    @property
    def notes(self) -> List[str]:
        """Warnings for the user."""

    @property
    def profile(self) -> Profile:
        """How this cloud differs from others."""

    def limits(self, resources: Collection[str]) -> Sequence[Limit]:
        """Return the limits of resources (_model/needs.py), as far as there are any.

        Raises Unsupported for a kind of items that the cloud does not have.
        """

    @property
    def access(self) -> Access | None:
        """What the user may do in the project; None: the cloud decides by itself, or everything."""

    def each_project(self) -> Iterator[Tuple[str, Cloud]]:
        """Yield the projects that the user sees, by their names in tasks.

        Each with the cloud opened for it, which only reads, and only until the next one.
        """

    def obstacles(self) -> Sequence[str]:
        """Return what may keep servers from being reached, apart from their own settings."""

    def locked(self, observe: Callable[[], Tuple[Observed, Names]]) -> ContextManager[Observed]:
        """Observe and lock the names, until the locks cover what is observed under them.

        Only then may the caller apply changes.
        """

    def __enter__(self) -> Cloud:
        """Return the cloud."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        """Close connections.

        A cloud that knows the cause of an unexpected error raises CloudError with it.
        """
