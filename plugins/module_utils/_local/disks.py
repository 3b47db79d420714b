# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Disk files: qcow2 with large clusters, made by qemu-img under a temporary name, so that a file that is there is whole."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from typing import Any, Dict

from .host import Host

# A snapshot of a full 500 GB disk then holds the guest for 0.05 s instead of 4 s (docs of QEMU:
# qcow2 subclusters, 5.2 and newer).
OPTIONS = 'cluster_size=1M,extended_l2=on'


def create(host: Host, path: str, size: int, locks: Sequence[int], backing: str = '') -> None:
    """Make a disk of so many GB (2^30 bytes), empty or on top of an image."""
    if os.path.exists(path):
        return
    base = ['-b', backing, '-F', 'qcow2'] if backing else []
    host.run(
        'qemu-img',
        'create',
        '-q',
        '-f',
        'qcow2',
        '-o',
        OPTIONS,
        *base,
        path + '.part',
        f'{size}G',
        locks=locks,
    )
    os.rename(path + '.part', path)


def grow(host: Host, path: str, size: int, locks: Sequence[int]) -> None:
    """Grow a disk at rest to so many GB."""
    host.run('qemu-img', 'resize', '-q', '-f', 'qcow2', path, f'{size}G', locks=locks)


def flatten(host: Host, source: str, form: str, path: str, locks: Sequence[int]) -> None:
    """Copy a disk at rest into one file that stands by itself."""
    host.run('qemu-img', 'convert', '-f', form, '-O', 'qcow2', source, path + '.part', locks=locks)
    os.rename(path + '.part', path)


def remove(path: str) -> None:
    """Remove a disk, and what an interrupted making of it left."""
    for leftover in (path, path + '.part'):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(leftover)


def describe_own(host: Host, path: str) -> Dict[str, Any]:
    """What qemu-img says of a disk of ours, which may stand on an image."""
    info: Dict[str, Any] = json.loads(host.run('qemu-img', 'info', '-U', '--output=json', path))
    return info
