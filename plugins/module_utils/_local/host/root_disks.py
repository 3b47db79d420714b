# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Root file systems of containers, some of which are limited.

A root file system is a folder. A limited one is a file system in a file beside it
(file_systems.py), which is mounted on the folder. So it is there if the file is, whether it is
mounted or not.
"""

from __future__ import annotations

import os
from contextlib import suppress

from .file_systems import SUFFIX, grow, make, mount, renew, unmount
from .guest_files import remove_tree


def disk_of(root: str) -> str:
    """The file of a limited root file system."""
    return root + SUFFIX


def has_root(root: str, size: int) -> bool:
    """Whether a root file system is there. ``size``: its limit; 0: it has none."""
    return os.path.exists(disk_of(root) if size else root)


def create_root(root: str, size: int, owner: int, mode: int = 0o755) -> None:
    """Create an empty root file system. ``size``: its limit in GB; 0: it has none."""
    os.mkdir(root, mode)
    if size:
        make(disk_of(root), size, owner)
        mount_root(root)
        _remove_lost_found(root, owner)
        os.chmod(root, mode)
    os.chown(root, owner, owner)


def _remove_lost_found(root: str, owner: int) -> None:
    """Remove what belongs to root of the host, and would be in no archive of the container."""
    path = os.path.join(root, 'lost+found')
    with suppress(OSError):  # there is none, or there is something in it
        os.lchown(path, owner, owner)
        os.rmdir(path)


def mount_root(root: str) -> None:
    """Mount a root file system, if it is limited and not mounted."""
    if os.path.exists(disk_of(root)):
        mount(disk_of(root), root)


def renew_root(root: str) -> None:
    """Mount a limited root file system anew, if that is needed; its container is off."""
    if os.path.exists(disk_of(root)):
        renew(disk_of(root), root)


def rename_root(root: str, name: str) -> None:
    """Give a root file system its name."""
    if not os.path.exists(disk_of(root)):
        os.rename(root, name)
        return
    unmount(root)
    os.rmdir(root)
    os.rename(disk_of(root), disk_of(name))
    mount_root(name)


def remove_root(root: str) -> None:
    """Remove a root file system, if it is there."""
    unmount(root)
    with suppress(FileNotFoundError):
        os.unlink(disk_of(root))
    remove_tree(root)


def grow_root(root: str, size: int, mounted: bool) -> None:
    """Let a limited root file system have so many GB. ``mounted``: while it may be in use."""
    grow(disk_of(root), root, size, mounted)
    if not mounted:
        mount_root(root)
        _remove_lost_found(root, os.stat(root).st_uid)
