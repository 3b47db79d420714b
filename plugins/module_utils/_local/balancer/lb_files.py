# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The folder of a balancer."""

from __future__ import annotations

import os

from ..host.files import read_file, write_atomically
from ..record.host import Host

# The version of the container's layout; a container with an older one is created anew.
_VERSION = '3\n'
_RUN = '#!/bin/sh\nexec 2>&1\nexec haproxy -W -f {folder}/haproxy.cfg\n'


def folder_of(host: Host, identity: str) -> str:
    """The folder of a balancer by its UUID."""
    return host.settings.path('balancers', identity)


def socket_path(folder: str) -> str:
    """The admin socket of HAProxy."""
    from . import containers

    return os.path.join(folder, containers.RUN, 'admin.sock')


def _version_path(folder: str) -> str:
    return os.path.join(folder, 'form')


def is_current(folder: str) -> bool:
    """Whether the container was started with the layout of this version."""
    return read_file(_version_path(folder)) == _VERSION


def mark_current(folder: str) -> None:
    """Write that the container was started with the layout of this version."""
    if not is_current(folder):
        write_atomically(_version_path(folder), _VERSION)


def create(folder: str) -> None:
    """Create the folder of a balancer, with the service that s6 runs."""
    from . import containers

    services = os.path.join(folder, containers.SERVICES)
    service = os.path.join(services, 'haproxy')
    writable = [os.path.join(folder, name) for name in containers.WRITABLE]
    for path in (os.path.dirname(folder), folder, services, service, *writable):
        os.makedirs(path, 0o711, exist_ok=True)
    write_atomically(os.path.join(service, 'run'), _RUN.format(folder=folder), 0o700)
