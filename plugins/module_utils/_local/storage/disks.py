# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Disk files: qcow2 with large clusters.

qemu-img writes them under a temporary name, so that an existing file is always complete.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from typing import Any, Dict

from ..record.host import Host

# With these, a snapshot of a full 500 GB disk pauses the guest for 0.05 s instead of 4 s (QEMU
# documentation: qcow2 subclusters, 5.2 and newer).
OPTIONS = 'cluster_size=1M,extended_l2=on'


def create(host: Host, path: str, size: int, locks: Sequence[int], backing: str = '') -> None:
    """Create a disk of so many GB (2^30 bytes), empty or on top of an image, if none exists."""
    if os.path.exists(path):
        return
    options = ['-q', '-f', 'qcow2', '-o', OPTIONS]
    if backing:
        options += ['-b', backing, '-F', 'qcow2']
    host.run('qemu-img', 'create', *options, path + '.part', f'{size}G', locks=locks)
    os.rename(path + '.part', path)


def grow(host: Host, path: str, size: int, locks: Sequence[int]) -> None:
    """Grow a disk that is not in use to so many GB."""
    host.run('qemu-img', 'resize', '-q', '-f', 'qcow2', path, f'{size}G', locks=locks)


def flatten(host: Host, source: str, path: str, locks: Sequence[int]) -> None:
    """Copy a disk that is not in use into one file without a backing file."""
    options = ['-f', 'qcow2', '-O', 'qcow2']
    host.run('qemu-img', 'convert', *options, source, path + '.part', locks=locks)
    os.rename(path + '.part', path)


def remove(path: str) -> None:
    """Remove a disk, and the temporary file of an interrupted run."""
    for leftover in (path, path + '.part'):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(leftover)


def info(host: Host, path: str) -> Dict[str, Any]:
    """The output of qemu-img info for a disk of this cloud, which may have a backing file."""
    output: Dict[str, Any] = json.loads(host.run('qemu-img', 'info', '-U', '--output=json', path))
    return output
