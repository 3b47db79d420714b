# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The libvirt-LXC containers of balancers, started and deleted; ``row`` is one of lb_rows.py."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
from ipaddress import IPv4Network
from typing import Any

from .._cloud import CloudError
from . import containers, haproxy_socket, lb_files, metadata
from .devices import bridge_name, tap_name
from .host import Host, wait_until
from .hypervisor import tolerate

_MOST_NAME = 64  # bytes of a host name; that of a container is the name of its domain


def start(host: Host, row: Any) -> None:
    """Define the container and start it. Raises CloudError if HAProxy does not answer in time."""
    folder = lb_files.folder_of(host, row['uuid'])
    containers.create_root(folder)
    domain = host.hypervisor.lxc.defineXML(_xml(host, row, folder))
    domain.setAutostart(1)
    if not domain.isActive():
        containers.kill_orphans(row['uuid'])
        old_socket = os.path.join(folder, 'admin.sock')  # of an older layout
        for path in (lb_files.socket_path(folder), old_socket):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
    with tolerate('OPERATION_INVALID'):  # it runs already
        domain.create()
    if not wait_until(lambda: _is_up(domain, folder), host.timeout):
        raise CloudError(
            f'timed out after {host.timeout} s (wait_timeout) waiting for HAProxy of '
            f'{row["name"]}; its log is in /var/log/libvirt/lxc/{_name(row)}.log'
        )
    lb_files.mark_current(folder)


def delete_outdated(host: Host, row: Any) -> None:
    """Delete a container with an older layout, and the folder in which it could create links."""
    _undefine(host, row)
    services = os.path.join(lb_files.folder_of(host, row['uuid']), containers.SERVICES)
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(services)


def delete(host: Host, row: Any) -> None:
    """Delete the container with its folder and logs."""
    _undefine(host, row)
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(lb_files.folder_of(host, row['uuid']))
    for log in glob.glob(f'/var/log/libvirt/lxc/{glob.escape(_name(row))}.log*'):
        os.unlink(log)


def _undefine(host: Host, row: Any) -> None:
    with tolerate('NO_DOMAIN'):
        domain = host.hypervisor.lxc.lookupByUUIDString(row['uuid'])
        with tolerate('OPERATION_INVALID'):  # it does not run
            domain.destroy()
        domain.undefine()
    containers.kill_orphans(row['uuid'])


def _xml(host: Host, row: Any, folder: str) -> str:
    document = metadata.balancer_metadata(host.record)[row['uuid']]
    return containers.xml(
        containers.Container(
            name=_name(row),
            uuid=row['uuid'],
            folder=folder,
            metadata=metadata.element(document),
            mac=row['mac'],
            bridge=bridge_name(row['network_id']),
            device=tap_name(row['port']),
            address=row['address'],
            prefix=IPv4Network(row['cidr']).prefixlen,
            gateway=row['gateway'],
        )
    )


def _name(row: Any) -> str:
    """The name of a domain, with as much of the balancer's name as fits, for virsh users."""
    return f'hanok-lb-{row["id"]}-{row["name"]}'[:_MOST_NAME]


def _is_up(domain: Any, folder: str) -> bool:
    return bool(domain.isActive()) and haproxy_socket.query(folder, 'show info') is not None
