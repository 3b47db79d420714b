# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cloud on this host; a resource is imported at its first use."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Callable, Iterable, Iterator, List, Tuple, TypeVar

from .._cloud import Names, Observed
from .._model.secret import Secrets
from .host import settings
from .profile import PROFILE
from .record.errors import at_boundary, explain, translating
from .record.host import Host
from .record.record import Record

if TYPE_CHECKING:
    from .._cloud.capabilities import Records
    from .._model.access import Access
    from .._model.needs import Limit
    from .._model.profile import Profile
    from .balancer.lbs import LocalLbs
    from .catalogue.flavors import LocalFlavors
    from .catalogue.init_scripts import LocalInitScripts
    from .catalogue.keypairs import LocalKeypairs
    from .catalogue.projects import LocalProjects
    from .catalogue.schedules import LocalSchedules
    from .compute.backups import LocalBackups
    from .compute.root_snapshots import RootSnapshot
    from .compute.servers import LocalServers
    from .compute.snapshots import LocalServerSnapshots
    from .compute.volume_snapshots import LocalVolumeSnapshots
    from .network.floating_ips import LocalFloatingIps
    from .network.networks import LocalNetworks
    from .network.ports import LocalPorts
    from .network.security_groups import LocalSecurityGroups
    from .projections import LocalProjections
    from .record.history import LocalHistory
    from .storage.images import LocalImages
    from .storage.volumes import LocalVolumes


@translating()
def this_host(project: str, actor: str, timeout: int, lost: bool = False) -> Host:
    """What the resources of this host share. Raises CloudError for users who may not see it.

    ``lost``: the record is to be rebuilt, and is not read.
    """
    if os.geteuid() == 0:
        loaded = settings.load()
        return Host(loaded, Record(loaded.state, actor, lost, project), timeout)
    from .record.exported import record_for_members

    record = record_for_members(settings.state_folder(), actor, project, lost)
    return Host(settings.load(), record, timeout)


Self = TypeVar('Self', bound='LocalCloud')


class LocalCloud:
    """libvirt, nftables, HAProxy, and one SQLite file."""

    name = 'local'

    def __init__(self, project: str, actor: str, timeout: int, secrets: Secrets) -> None:
        """``timeout``: seconds to wait for locks and guests."""
        self.host = this_host(project, actor, timeout)
        self.secrets = secrets
        if self.host.record.lost_items() is not None:
            self.notes.append(
                'the rebuild of the record was interrupted; '
                'run the playbook hanok.cloud.recover, which reports what was lost'
            )

    @cached_property
    def profile(self) -> Profile:
        """How it differs from others."""
        if not self.host.settings.bridges:
            return PROFILE
        from .host.settings_devices import existing_bridges

        return PROFILE._replace(bridges=existing_bridges(self.host.settings))

    @property
    def notes(self) -> List[str]:
        """Warnings."""
        return self.host.notes

    def limits(self, resources: Iterable[str]) -> List[Limit]:
        """Memory, vCPUs and disk space."""
        from .limits import limits

        with translating():
            return limits(self.host, set(resources))

    @property
    def access(self) -> Access | None:
        """What the user may do; None: everything, where nobody is named."""
        members = self.host.record.value('SELECT members FROM project')
        if members is None and self.host.settings.admins is None:
            return None
        from .record.access import access_in

        return access_in(self.host, self.host.record.project, members)

    def each_project(self: Self) -> Iterator[Tuple[str, Self]]:
        """Each project, with this cloud."""
        from .record.projects import each_project

        return ((name, self) for name in each_project(self.host))

    def obstacles(self) -> List[str]:
        """Other firewalls that drop packets."""
        return self.upkeep.obstacles()

    @property
    def keypairs(self) -> LocalKeypairs:
        """Key pairs."""
        from .catalogue.keypairs import LocalKeypairs

        return at_boundary(LocalKeypairs(self.host.record))

    @property
    def flavors(self) -> LocalFlavors:
        """Flavors."""
        from .catalogue.flavors import LocalFlavors

        return at_boundary(LocalFlavors(self.host, self._limit))

    @property
    def projects(self) -> LocalProjects:
        """Projects."""
        from .catalogue.projects import LocalProjects

        return at_boundary(LocalProjects(self.host))

    @property
    def init_scripts(self) -> LocalInitScripts:
        """Init scripts."""
        from .catalogue.init_scripts import LocalInitScripts

        return at_boundary(LocalInitScripts(self.host.record))

    @property
    def ports(self) -> LocalPorts:
        """Named ports."""
        from .network.ports import LocalPorts

        return at_boundary(LocalPorts(self.host, self._projections))

    @property
    def images(self) -> LocalImages:
        """Images."""
        from .storage.images import LocalImages

        return at_boundary(LocalImages(self.host, self.secrets.url, self._root_snapshot))

    def _root_snapshot(self, *names: str) -> RootSnapshot:
        from .compute.root_snapshots import RootSnapshot

        return RootSnapshot(self.host, *names)

    @property
    def networks(self) -> LocalNetworks:
        """Networks."""
        from .network.networks import LocalNetworks

        return at_boundary(LocalNetworks(self.host, self._projections))

    @property
    def security_groups(self) -> LocalSecurityGroups:
        """Security groups."""
        from .network.security_groups import LocalSecurityGroups

        return at_boundary(LocalSecurityGroups(self.host, self._projections))

    @property
    def floating_ips(self) -> LocalFloatingIps:
        """Floating IPs."""
        from .network.floating_ips import LocalFloatingIps

        return at_boundary(LocalFloatingIps(self.host, self._projections))

    @property
    def volumes(self) -> LocalVolumes:
        """Volumes."""
        from .storage.volumes import LocalVolumes

        return at_boundary(LocalVolumes(self.host, lambda: self._projections, self._redefine))

    def _limit(self, names: Iterable[str]) -> None:
        from .record.projects import each_named

        for own_names in each_named(self.host.record, names):
            self._servers.limit(own_names)

    def _redefine(self, names: Iterable[str]) -> None:
        self._servers.redefine(names)

    @property
    def servers(self) -> LocalServers:
        """Servers."""
        return at_boundary(self._servers)

    @property
    def volume_snapshots(self) -> LocalVolumeSnapshots:
        """Snapshots of volumes."""
        from .compute.volume_snapshots import LocalVolumeSnapshots

        return at_boundary(LocalVolumeSnapshots(self.host, lambda: self._projections))

    @property
    def server_snapshots(self) -> LocalServerSnapshots:
        """Snapshots of servers."""
        from .compute.snapshots import LocalServerSnapshots

        return at_boundary(LocalServerSnapshots(self.host, lambda: self._projections))

    @property
    def backups(self) -> LocalBackups:
        """Backups of servers."""
        from .compute.backups import LocalBackups

        return at_boundary(LocalBackups(self.host))

    @property
    def schedules(self) -> LocalSchedules:
        """Schedules."""
        from .catalogue.schedules import LocalSchedules

        return at_boundary(LocalSchedules(self.host))

    @property
    def lbs(self) -> LocalLbs:
        """Load balancers."""
        from .balancer.lbs import LocalLbs

        return at_boundary(LocalLbs(self.host, self._projections))

    @property
    def upkeep(self) -> LocalProjections:
        """The projections of the record."""
        return at_boundary(self._projections)

    @property
    def repairs(self) -> LocalServers:
        """Repairs of servers."""
        return self.servers

    @property
    def records(self) -> Records | None:
        """None (recovery.py)."""

    @property
    def history(self) -> LocalHistory:
        """What was changed."""
        from .record.history import LocalHistory

        return at_boundary(LocalHistory(self.host))

    @cached_property
    def _projections(self) -> LocalProjections:
        from .projections import LocalProjections

        projections = LocalProjections(self.host)
        projections.start()
        return projections

    @property
    def _servers(self) -> LocalServers:
        from .compute.servers import LocalServers

        return LocalServers(self.host, lambda: self._projections, self.secrets)

    @contextmanager
    def locked(self, observe: Callable[[], Tuple[Observed, Names]]) -> Iterator[Observed]:
        """Lock what was observed, and observe again, until the locks cover it."""
        if self.host.only_looks:
            from .record.looking import only_root

            raise only_root()
        from .locked import locked

        with translating(), locked(self.host, observe) as observed:
            yield observed

    def __enter__(self: Self) -> Self:
        """Return the cloud."""
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        """Close the record and libvirt."""
        try:
            explain(self.host.record, error)
        finally:
            self.host.close()
