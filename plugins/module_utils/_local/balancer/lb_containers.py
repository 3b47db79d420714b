# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The libvirt-LXC containers of load balancers; ``row`` is one of lb_rows.py."""

from __future__ import annotations

import contextlib
import os
import shutil
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from ..._cloud import TimedOut
from ..compute.machines import Machines, name_in_project
from ..host.devices import bridge_name, tap_name
from ..host.hypervisor import tolerate
from ..record import metadata
from ..record.work import wait_until
from . import containers, haproxy_socket, lb_files

if TYPE_CHECKING:
    from .row_types import ListedLb

_MOST_NAME = 64  # bytes of a host name; that of a container is the name of its domain


class LbContainers(Machines['ListedLb']):
    """Containers of load balancers."""

    logs = '/var/log/libvirt/lxc'

    @property
    def connection(self) -> Any:
        """This thread's connection to the LXC driver."""
        return self.host.hypervisor.lxc

    def name(self, row: ListedLb) -> str:
        """The name of the domain, with as much of the balancer's name as fits, for virsh users."""
        return f'hanok-lb-{row["id"]}-{name_in_project(row)}'[:_MOST_NAME]

    def folder(self, row: ListedLb) -> str:
        """The folder with the configuration, the services and the root."""
        return lb_files.folder_of(self.host, row['uuid'])

    def xml(self, row: ListedLb) -> str:
        """The domain as recorded."""
        document = metadata.balancer_metadata(self.host.record)[row['uuid']]
        return containers.xml(
            containers.Container(
                name=self.name(row),
                uuid=row['uuid'],
                folder=self.folder(row),
                metadata=metadata.element(document),
                mac=row['mac'],
                bridge=bridge_name(row['network_id']),
                device=tap_name(row['port']),
                address=row['address'],
                prefix=IPv4Network(row['cidr']).prefixlen,
                gateway=row['gateway'],
            )
        )

    def is_kept(self, row: ListedLb) -> bool:
        """Whether the container runs with an older layout, which it keeps until it stops."""
        folder = self.folder(row)
        if lb_files.is_current(folder) or not lb_files.is_usable(folder):
            return False
        with tolerate('NO_DOMAIN'):
            return bool(self.lookup(row).isActive())
        return False

    def prepare(self, row: ListedLb) -> None:
        """Create the folder and the root; a container with an older layout is deleted before."""
        folder = self.folder(row)
        if not lb_files.is_current(folder):
            self._delete_outdated(row)
        lb_files.create(folder)
        containers.create_root(folder)

    def _delete_outdated(self, row: ListedLb) -> None:
        """Delete the container, the folders in which it could create links, and the configuration.

        It is then written with its present owner.
        """
        self.undefine(row)
        services = os.path.join(self.folder(row), containers.SERVICES)
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(services)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self.folder(row), 'haproxy.cfg'))

    def start(self, row: ListedLb) -> None:
        """Start the container. Raises CloudError if HAProxy does not answer in time."""
        folder = self.folder(row)
        domain = self.lookup(row)
        domain.setAutostart(1)
        if not domain.isActive():
            containers.kill_orphans(row['uuid'])
            lb_files.clear(folder)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(folder, 'admin.sock'))  # of an older layout
        with tolerate('OPERATION_INVALID'):  # it runs already
            domain.create()
        if not wait_until(lambda: _is_up(domain, folder), self.host.timeout):
            raise TimedOut(
                f'timed out after {self.host.timeout} s (wait_timeout) waiting for HAProxy of '
                f'{row["name"]}; its log is in {self.logs}/{self.name(row)}.log'
            )
        lb_files.mark_current(folder)

    def undefine(self, row: ListedLb) -> None:
        """Stop the container and all that it left running, and undefine it."""
        super().undefine(row)
        containers.kill_orphans(row['uuid'])


def _is_up(domain: Any, folder: str) -> bool:
    return bool(domain.isActive()) and haproxy_socket.query(folder, 'show info') is not None
