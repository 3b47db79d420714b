# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cloud on this host. The module of a resource is imported at its first use."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Callable, Iterator, List, Tuple

from .._cloud import CloudError, Names, Observed, is_libvirt_error
from .._model.secret import Secrets
from . import settings
from .host import Host
from .locks import Locks
from .profile import PROFILE
from .record import Record

if TYPE_CHECKING:
    from .flavors import LocalFlavors
    from .floating_ips import LocalFloatingIps
    from .images import LocalImages
    from .init_scripts import LocalInitScripts
    from .keypairs import LocalKeypairs
    from .lbs import LocalLbs
    from .networks import LocalNetworks
    from .ports import LocalPorts
    from .projections import LocalProjections
    from .security_groups import LocalSecurityGroups
    from .servers import LocalServers
    from .volumes import LocalVolumes


def this_host(actor: str, timeout: int, lost: bool = False) -> Host:
    """What the resources of this host share. Raises CloudError for any user but root.

    ``lost``: the record is to be rebuilt, and is not read.
    """
    if os.geteuid() != 0:
        raise CloudError(
            'the local cloud is this host, which only root may change; set become: true in the play'
        )
    loaded = settings.load()
    record = Record(loaded.state, actor, lost)
    return Host(loaded, record, Locks(loaded.path('locks'), actor, timeout))


class LocalCloud:
    """libvirt, nftables, HAProxy, and one SQLite file."""

    profile = PROFILE
    poll_interval = 0.25

    def __init__(self, actor: str, timeout: int, secrets: Secrets) -> None:
        """``actor``: the user. ``timeout``: seconds to wait for locks and guests."""
        self.host, self.secrets = this_host(actor, timeout), secrets
        if self.host.record.lost_items() is not None:
            self.notes.append(
                'the rebuild of the record was interrupted; '
                'run the playbook hanok.cloud.recover, which reports what was lost'
            )

    @property
    def notes(self) -> List[str]:
        """The warnings to report."""
        return self.host.locks.notes

    def obstacles(self) -> List[str]:
        """Other firewalls of this host that drop packets of servers."""
        return self.upkeep.obstacles()

    @property
    def keypairs(self) -> LocalKeypairs:
        """Key pairs."""
        from .keypairs import LocalKeypairs

        return LocalKeypairs(self.host.record)

    @property
    def flavors(self) -> LocalFlavors:
        """Flavors."""
        from .flavors import LocalFlavors

        return LocalFlavors(self.host)

    @property
    def init_scripts(self) -> LocalInitScripts:
        """Init scripts."""
        from .init_scripts import LocalInitScripts

        return LocalInitScripts(self.host.record)

    @property
    def ports(self) -> LocalPorts:
        """Named ports."""
        from .ports import LocalPorts

        return LocalPorts(self.host, self.upkeep)

    @property
    def images(self) -> LocalImages:
        """Images."""
        from .images import LocalImages

        return LocalImages(self.host, self.secrets.url)

    @property
    def networks(self) -> LocalNetworks:
        """Networks."""
        from .networks import LocalNetworks

        return LocalNetworks(self.host, self.upkeep)

    @property
    def security_groups(self) -> LocalSecurityGroups:
        """Security groups."""
        from .security_groups import LocalSecurityGroups

        return LocalSecurityGroups(self.host, self.upkeep)

    @property
    def floating_ips(self) -> LocalFloatingIps:
        """Floating IPs."""
        from .floating_ips import LocalFloatingIps

        return LocalFloatingIps(self.host, self.upkeep)

    @property
    def volumes(self) -> LocalVolumes:
        """Volumes."""
        from .volumes import LocalVolumes

        return LocalVolumes(self.host, self.upkeep, self.servers.redefine)

    @property
    def servers(self) -> LocalServers:
        """Servers."""
        from .servers import LocalServers

        return LocalServers(self.host, self.upkeep, self.secrets.user_data)

    @property
    def lbs(self) -> LocalLbs:
        """Load balancers."""
        from .lbs import LocalLbs

        return LocalLbs(self.host, self.upkeep)

    @cached_property
    def upkeep(self) -> LocalProjections:
        """The projections of the record on this host."""
        from .projections import LocalProjections

        return LocalProjections(self.host)

    @contextmanager
    def locked(self, observe: Callable[[], Tuple[Observed, Names]]) -> Iterator[Observed]:
        """Lock what was observed, and observe again, until the locks cover all that exists."""
        names, record = observe()[1], self.host.record
        with self.host.locks.projection('record'):
            record.write()
        while True:
            try:
                self.host.locks.acquire(names)
                observed, current = observe()
                if current <= names:
                    with self.host.locks.marked_active():
                        yield observed
                        self._write_metadata()
                    return
                names = current
            finally:
                self.host.locks.release()

    def _write_metadata(self) -> None:
        """Update the metadata of machines.

        A failure is only a warning: the changes are done, and the next run that changes something
        updates the metadata.
        """
        try:
            self.upkeep.write_metadata()
        except Exception as error:
            if not isinstance(error, CloudError) and not is_libvirt_error(error):
                raise
            self.notes.append(
                f'the metadata of machines in libvirt is out of date: {error}; '
                'the next task that changes something updates it'
            )

    def damage(self) -> str:
        """The damage of the record, for the report of an unexpected error."""
        from .damage import damage

        return damage(self.host.record)

    def close(self) -> None:
        """Close the record and the connections to libvirt."""
        self.host.hypervisor.close()
        self.host.record.sql.close()
