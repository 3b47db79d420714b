# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cloud that is an OpenStack: an entry of clouds.yaml."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, List

from .._cloud import Names, Observed
from .._model.checks import DEFAULT_PROJECT
from .._model.profile import Profile
from .._model.secret import Secrets
from .api.api import Api
from .profile import profile_of

if TYPE_CHECKING:
    from .._model.needs import Limit
    from .balancer.lbs import Lbs
    from .catalogue.flavors import Flavors
    from .catalogue.init_scripts import InitScripts
    from .catalogue.keypairs import Keypairs
    from .catalogue.projects import Projects
    from .compute.servers import Servers
    from .network.floating_ips import FloatingIps
    from .network.networks import Networks
    from .network.ports import Ports
    from .network.security_groups import SecurityGroups
    from .storage.images import Images
    from .storage.volume_snapshots import VolumeSnapshots
    from .storage.volumes import Volumes


class OpenStackCloud:
    """An OpenStack for one task. What each kind needs is loaded when it is used."""

    upkeep = None  # Neutron repairs what is its own
    repairs = None
    server_snapshots = None  # Nova has none with memory, and none to go back to in place
    backups = None
    schedules = None  # nothing in it runs them for its users
    access = None  # Keystone knows
    records = None
    history = None

    def __init__(
        self,
        name: str,
        project: str,
        actor: str,
        timeout: int,
        secrets: Secrets,
    ) -> None:
        """Nothing is opened or read yet. ``timeout``: of the whole task, in seconds."""
        self.name = name
        self.secrets = secrets
        self.api = Api(name, project, actor, timeout)

    @property
    def notes(self) -> List[str]:
        """Warnings for the user."""
        return self.api.notes

    @cached_property
    def profile(self) -> Profile:
        """How this cloud differs from others."""
        return profile_of(self.api.aliases)

    @property
    def keypairs(self) -> Keypairs:
        """Key pairs of the user, who has the same in all projects."""
        from .catalogue.keypairs import Keypairs

        return Keypairs(self.api)

    @property
    def flavors(self) -> Flavors:
        """Flavors."""
        from .catalogue.flavors import Flavors

        return Flavors(self.api)

    @cached_property
    def _entry(self) -> Api:
        """The services as the project of the entry sees them: that of a task may not exist yet."""
        return Api(self.name, DEFAULT_PROJECT, self.api.actor, self.api.timeout)

    @property
    def projects(self) -> Projects:
        """Projects."""
        from .catalogue.projects import Projects

        return Projects(self._entry)

    @property
    def init_scripts(self) -> InitScripts:
        """Init scripts."""
        from .catalogue.init_scripts import InitScripts

        return InitScripts(self.api)

    @property
    def images(self) -> Images:
        """Images."""
        from .storage.images import Images

        return Images(self.api, self.secrets)

    @property
    def volumes(self) -> Volumes:
        """Volumes."""
        from .storage.volumes import Volumes

        return Volumes(self.api)

    @property
    def volume_snapshots(self) -> VolumeSnapshots:
        """Snapshots of volumes."""
        from .storage.volume_snapshots import VolumeSnapshots

        return VolumeSnapshots(self.api)

    @property
    def networks(self) -> Networks:
        """Networks."""
        from .network.networks import Networks

        return Networks(self.api)

    @property
    def ports(self) -> Ports:
        """Ports that were created by name."""
        from .network.ports import Ports

        return Ports(self.api)

    @property
    def security_groups(self) -> SecurityGroups:
        """Security groups."""
        from .network.security_groups import SecurityGroups

        return SecurityGroups(self.api)

    @property
    def floating_ips(self) -> FloatingIps:
        """Floating IPs."""
        from .network.floating_ips import FloatingIps

        return FloatingIps(self.api)

    @property
    def servers(self) -> Servers:
        """Servers."""
        from .compute.servers import Servers

        return Servers(self.api, self.secrets)

    @property
    def lbs(self) -> Lbs:
        """Load balancers."""
        from .balancer.lbs import Lbs

        return Lbs(self.api)

    def limits(self, resources: Collection[str]) -> Sequence[Limit]:
        """Return the quotas of the project, and what it uses of them."""
        from .limits import limits

        return limits(self.api, resources)

    def each_project(self) -> Iterator[tuple[str, OpenStackCloud]]:
        """Each project in which the user has a role, beginning with the one that is open."""
        from .api.projects import project_names

        api = self.api
        own, *others = project_names(api)
        yield own, self
        for name in others:
            with OpenStackCloud(self.name, name, api.actor, api.timeout, self.secrets) as other:
                yield name, other
                self.notes.extend(other.notes)

    def obstacles(self) -> Sequence[str]:
        """Return nothing: what surrounds the servers is not visible from outside."""
        return ()

    @contextmanager
    def locked(self, observe: Callable[[], tuple[Observed, Names]]) -> Iterator[Observed]:
        """Observe as late as possible, when the cloud has ended what it does with the items.

        An OpenStack has no locks for its users: what another run begins later is Busy.
        """
        from .others import busy, pause

        self.api.forget()
        observed, names = observe()
        while True:
            others = busy(self, names)
            if not others:
                break
            pause(self.api, others)
            observed, names = observe()
        yield observed

    def __enter__(self) -> OpenStackCloud:
        """Return the cloud."""
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        """Close the connections."""
        self.api.close()
        if '_entry' in vars(self):
            self._entry.close()
