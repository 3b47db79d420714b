# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pools make disks: a pool knows where they are, and does what is done with them.

A disk that a running machine uses is changed through its machine. Today the only kind of pool is a
directory.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Dict

from ..record.host import Host

IMAGE, ROOT, VOLUME = 'image', 'server', 'volume'  # what disks belong to: their table
# With these, a snapshot of a full 500 GB disk pauses the guest for 0.05 s instead of 4 s (QEMU
# documentation: qcow2 subclusters, 5.2 and newer).
_OPTIONS = 'cluster_size=1M,extended_l2=on'
_UUID = re.compile(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z')


@dataclass(frozen=True)
class Disk:
    """A disk: where a machine opens it, and the serial by which its guest finds it.

    ``size``: the recorded one in GB (2^30 bytes); 0: it does not matter. ``format``: QEMU's name.
    """

    path: str
    serial: str
    size: int = 0
    format: str = 'qcow2'


class Pool(ABC):
    """A place for disks.

    Changes are idempotent. ``locks``: descriptors that programs inherit, so that the locks are held
    while they write, even if this process is killed.
    """

    def __init__(self, host: Host) -> None:
        """Run programs on this host."""
        self.host = host

    @abstractmethod
    def path(self, kind: str, identity: str) -> str:
        """Where a disk is. ``identity``: the UUID of what it belongs to."""

    @abstractmethod
    def exists(self, disk: Disk) -> bool:
        """Whether a disk exists."""

    @abstractmethod
    def create(self, disk: Disk, locks: Sequence[int], image: Disk | None = None) -> None:
        """Create a disk, empty or on top of an image, if it does not exist."""

    @abstractmethod
    def flatten(self, source: Disk, target: Disk, locks: Sequence[int]) -> None:
        """Copy a disk that is not in use into one without a backing file."""

    @abstractmethod
    def remove(self, disk: Disk) -> None:
        """Remove a disk, and what an interrupted run left of it."""

    @abstractmethod
    def sizes(self, kind: str) -> Dict[str, int]:
        """The sizes (bytes) of all disks of a kind, by UUID."""

    def root(self, server: str, size: int = 0) -> Disk:
        """The root disk of a server, by its UUID."""
        return Disk(self.path(ROOT, server), 'root', size)

    def volume(self, identity: str, size: int = 0) -> Disk:
        """The disk of a volume; its serial is the part of the UUID that a guest can see."""
        return Disk(self.path(VOLUME, identity), identity[:20], size)

    def image(self, identity: str) -> Disk:
        """The disk of an image, which no machine opens by itself."""
        return Disk(self.path(IMAGE, identity), '')

    def grow(self, disk: Disk, locks: Sequence[int]) -> None:
        """Grow a disk that is not in use to its recorded size, if it is smaller."""
        if self.size(disk) < disk.size * 2**30:
            command = ('qemu-img', 'resize', '-q', '-f', disk.format, disk.path, f'{disk.size}G')
            self.host.run(*command, locks=locks)

    def size(self, disk: Disk) -> int:
        """The size of a disk in bytes."""
        output = self.host.run('qemu-img', 'info', '-U', '--output=json', disk.path)
        return int(json.loads(output)['virtual-size'])


class DirectoryPool(Pool):
    """Files: qcow2 with large clusters.

    qemu-img writes them under a temporary name, so that an existing file is always complete.
    """

    def path(self, kind: str, identity: str) -> str:
        """The file, in a folder of its kind; that of a root disk is in the folder of its server."""
        if kind == ROOT:
            return self.host.settings.path('servers', identity, 'root.qcow2')
        return self.host.settings.path(f'{kind}s', f'{identity}.qcow2')

    def exists(self, disk: Disk) -> bool:
        """Whether the file exists."""
        return os.path.exists(disk.path)

    def create(self, disk: Disk, locks: Sequence[int], image: Disk | None = None) -> None:
        """Create the file, and its folder."""
        if self.exists(disk):
            return
        options = ['-q', '-f', disk.format, '-o', _OPTIONS]
        if image:
            options += ['-b', image.path, '-F', image.format]
        part = self._part(disk)
        self.host.run('qemu-img', 'create', *options, part, f'{disk.size}G', locks=locks)
        os.rename(part, disk.path)

    def flatten(self, source: Disk, target: Disk, locks: Sequence[int]) -> None:
        """Convert the file."""
        options, part = ['-f', source.format, '-O', target.format], self._part(target)
        self.host.run('qemu-img', 'convert', *options, source.path, part, locks=locks)
        os.rename(part, target.path)

    def _part(self, disk: Disk) -> str:
        """The file to write, in a folder that exists."""
        os.makedirs(os.path.dirname(disk.path), 0o711, exist_ok=True)
        return disk.path + '.part'

    def remove(self, disk: Disk) -> None:
        """Remove the file."""
        for leftover in (disk.path, disk.path + '.part'):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(leftover)

    def sizes(self, kind: str) -> Dict[str, int]:
        """The sizes of the files, by the variable part of their path."""
        before, _star, after = self.path(kind, '*').rpartition('*')
        names = [
            path[len(before) : -len(after)] for path in glob.glob(f'{glob.escape(before)}*{after}')
        ]
        return {
            name: self.size(Disk(self.path(kind, name), '')) for name in names if _UUID.match(name)
        }


def pool_of(host: Host) -> Pool:
    """The pool of all disks of this host."""
    return DirectoryPool(host)
