# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The folder of a balancer."""

from __future__ import annotations

import contextlib
import os
import shutil

from ..host.files import read_file, write_atomically
from ..record.host import Host

# The version of the container's layout; a container with an older one is created anew. One whose
# users are not mapped yet (3) serves as well as others, until it stops.
_VERSION = '4\n'
_USABLE = (_VERSION, '3\n')
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


def is_usable(folder: str) -> bool:
    """Whether the container was started with a layout that this version can work with."""
    return read_file(_version_path(folder)) in _USABLE


def mark_current(folder: str) -> None:
    """Write that the container was started with the layout of this version."""
    if not is_current(folder):
        write_atomically(_version_path(folder), _VERSION)


def create(folder: str) -> None:
    """Create the folder of a balancer, with the service that s6 runs.

    Root of the container owns what it writes to; what it reads has its group.
    """
    from . import containers

    services = os.path.join(folder, containers.SERVICES)
    service = os.path.join(services, 'haproxy')
    root = containers.root_of(os.path.basename(folder))
    os.makedirs(os.path.dirname(folder), 0o711, exist_ok=True)
    for path in (folder, services, service):
        os.makedirs(path, 0o750, exist_ok=True)
        _share(path, 0o750, 0, root)
    for name in containers.WRITABLE:
        path = os.path.join(folder, name)
        os.makedirs(path, 0o700, exist_ok=True)
        _share(path, 0o700, root, root)
    write(folder, os.path.join(service, 'run'), _RUN.format(folder=folder), 0o750)


def clear(folder: str) -> None:
    """Remove what a container wrote; it cannot read what another user left there."""
    from . import containers

    for name in containers.WRITABLE:
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(os.path.join(folder, name))
    create(folder)


def write(
    folder: str,
    path: str,
    text: str,
    mode: int = 0o640,
) -> None:
    """Write a file that root of the container reads."""
    from . import containers

    write_atomically(path, text)
    _share(path, mode, 0, containers.root_of(os.path.basename(folder)))


def _share(
    path: str,
    mode: int,
    user: int,
    group: int,
) -> None:
    os.chown(path, user, group, follow_symlinks=False)
    os.chmod(path, mode)
