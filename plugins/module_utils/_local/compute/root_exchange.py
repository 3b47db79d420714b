# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The root file system of a container is replaced by one that was made beside it."""

from __future__ import annotations

import contextlib
import os

from ..host import root_disks
from ..host.file_systems import unmount
from ..host.guest_files import exchange, remove_tree
from .container_roots import part_of


def new_root(root: str) -> str:
    """What replaces a root file system."""
    return f'{root}.restored'


def old_root(root: str) -> str:
    """What was replaced."""
    return f'{root}.replaced'


def replace_root(root: str, new: str) -> None:
    """Exchange the root file systems, or rename one after the other where that is not possible."""
    if os.path.exists(root_disks.disk_of(new)):
        unmount(root)
        root_disks.rename_root(new, root)
        return
    if os.path.exists(root):
        with contextlib.suppress(OSError):
            exchange(root, new)
            return
        remove_tree(old_root(root))
        os.rename(root, old_root(root))
    os.rename(new, root)


def settle_root(root: str) -> None:
    """Let a root file system be there that an interrupted run was replacing."""
    if not os.path.exists(root) and os.path.exists(old_root(root)):
        os.rename(old_root(root), root)


def remove_root(new: str) -> None:
    """Remove a root file system, and what is unpacked or copied of it."""
    root_disks.remove_root(part_of(new))
    root_disks.remove_root(new)
