# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pools make disks: a pool knows where they are. Today the only kind of pool is a directory."""

from __future__ import annotations

import os
from typing import NamedTuple

from ..._model.server_type import ROOTS
from ..record.host import Host

IMAGE, ROOT, VOLUME = 'image', 'server', 'volume'  # what disks belong to: their table


class Disk(NamedTuple):
    """A disk: where a machine opens it, and the serial by which its guest finds it.

    ``size``: the recorded one in GB (2^30 bytes); 0: it does not matter. ``format``: QEMU's name.
    ``folder``: where its file is, if ``path`` is to be a link to that. ``fault``: why it cannot be
    reached. ``read_only``: for its machine.
    """

    path: str
    serial: str
    size: int = 0
    format: str = 'qcow2'
    folder: str = ''
    fault: str = ''
    read_only: bool = False

    @property
    def file(self) -> str:
        """Where a new file of it is written."""
        return os.path.join(self.folder, os.path.basename(self.path)) if self.folder else self.path


class Pool:
    """A directory. What changes disks is apart (pool_writer.py)."""

    def __init__(self, host: Host) -> None:
        """``host``: where it is."""
        self.host = host

    def path(self, kind: str, identity: str) -> str:
        """The file of a disk, in a folder of its kind; a root disk is in that of its server.

        ``identity``: the UUID of what it belongs to.
        """
        if kind == ROOT:
            return self.host.settings.path('servers', identity, 'root.qcow2')
        return self.host.settings.path(f'{kind}s', f'{identity}.qcow2')

    def exists(self, disk: Disk) -> bool:
        """Whether a disk exists."""
        return os.path.exists(disk.path)

    def root(self, server: str, size: int = 0) -> Disk:
        """The root disk of a server, by its UUID."""
        return Disk(self.path(ROOT, server), 'root', size)

    def rescue(self, server: str) -> Disk:
        """The disk that a server is rescued with, by its UUID."""
        return Disk(self.host.settings.path('servers', server, 'rescue.qcow2'), 'rescue')

    def volume(self, identity: str, size: int = 0) -> Disk:
        """The disk of a volume; its serial is the part of the UUID that a guest can see."""
        return Disk(self.path(VOLUME, identity), identity[:20], size)

    def files(self, identity: str, size: int = 0) -> Disk:
        """The disk of a volume for containers, which no machine opens."""
        path = self.host.settings.path('volumes', f'{identity}.raw')
        return Disk(path, identity[:20], size, 'raw')

    def image(self, identity: str, disk_format: str = '') -> Disk:
        """The disk of an image, which no machine opens by itself, or its archive (ROOTS)."""
        if disk_format in ROOTS:
            return Disk(self.host.settings.path('images', f'{identity}.tar'), '', format='raw')
        return Disk(self.path(IMAGE, identity), '')


def tag_of(snapshot: str) -> str:
    """The name of a snapshot in disks, by its UUID; it is never used again."""
    return f'hanok-{snapshot}'


def pool_of(host: Host) -> Pool:
    """The pool of all disks of this host."""
    return Pool(host)
