# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Root file systems of containers, some of which are limited.

A root file system is a folder. A limited one is an ext4 file system of its own, which is mounted on
the folder from a sparse file beside it, by a loop device that ends with the mount. The file is made
here from nothing, and only the kernel writes to it: what a container does are operations on files.
So it is there if the file is, whether it is mounted or not; hanok-start of the role host mounts all
of them when the host boots.

Set-user-ID programs work in it, as a container needs them: their users are those of the container.
"""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import suppress

from ..._cloud import CloudError
from .guest_files import remove_tree
from .mounts import is_mounted, source_of

_SUFFIX = '.raw'
_GB = 2**30
# Nothing is kept for root of the host, and nothing is left to be written later.
_MAKE = ('mke2fs', '-q', '-F', '-t', 'ext4', '-m', '0')
_EXTENDED = 'lazy_itable_init=1,lazy_journal_init=1,nodiscard,root_owner={0}:{0}'
# Room that is freed inside goes back to the host. hanok-start mounts with the same options.
_MOUNT = ('mount', '-t', 'ext4', '-o', 'loop,nodev,discard')
_CORRECTED = 1  # an exit code: e2fsck(8)
_TRIES = 20  # a loop device of the file may be about to end


def disk_of(root: str) -> str:
    """The file of a limited root file system."""
    return root + _SUFFIX


def has_root(root: str, size: int) -> bool:
    """Whether a root file system is there. ``size``: its limit; 0: it has none."""
    return os.path.exists(disk_of(root) if size else root)


def create_root(root: str, size: int, owner: int, mode: int = 0o755) -> None:
    """Create an empty root file system. ``size``: its limit in GB; 0: it has none."""
    os.mkdir(root, mode)
    if size:
        _make_disk(disk_of(root), size, owner)
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


def _make_disk(disk: str, size: int, owner: int) -> None:
    with open(os.open(disk, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), 'wb') as file:
        file.truncate(size * _GB)
    _run(*_MAKE, '-E', _EXTENDED.format(owner), disk)


def mount_root(root: str) -> None:
    """Mount a root file system, if it is limited and not mounted."""
    disk = disk_of(root)
    if not os.path.exists(disk) or is_mounted(root):
        return
    os.makedirs(root, 0o700, exist_ok=True)
    for left in range(_TRIES, 0, -1):
        try:
            _run(*_MOUNT, disk, root)
            return
        except CloudError:
            if left == 1:
                raise
            time.sleep(0.1)


def unmount_root(root: str) -> None:
    """Unmount a root file system. Whoever has files in it open keeps those, and nobody waits."""
    while os.path.isdir(root) and is_mounted(root):
        _run('umount', '--lazy', root)


def rename_root(root: str, name: str) -> None:
    """Give a root file system its name."""
    if not os.path.exists(disk_of(root)):
        os.rename(root, name)
        return
    unmount_root(root)
    os.rmdir(root)
    os.rename(disk_of(root), disk_of(name))
    mount_root(name)


def remove_root(root: str) -> None:
    """Remove a root file system, if it is there."""
    unmount_root(root)
    with suppress(FileNotFoundError):
        os.unlink(disk_of(root))
    remove_tree(root)


def grow_root(root: str, size: int, mounted: bool) -> None:
    """Let a limited root file system have so many GB. ``mounted``: while it may be in use."""
    disk, wanted = disk_of(root), size * _GB
    if os.path.getsize(disk) < wanted:
        os.truncate(disk, wanted)
    if mounted:
        mount_root(root)
        device = source_of(root)
        _run('losetup', '--set-capacity', device)
        _run('resize2fs', device)
    else:
        unmount_root(root)
        if _run('losetup', '--associated', disk):
            raise CloudError(f'{root} is in use; end the programs that have files in it open')
        _run('e2fsck', '-f', '-p', disk, most=_CORRECTED)
        _run('resize2fs', disk)
        mount_root(root)
        _remove_lost_found(root, os.stat(root).st_uid)


def _run(*command: str, most: int = 0) -> str:
    """Run a program; return what it prints. ``most``: the highest exit code that is no failure."""
    ran = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if not 0 <= ran.returncode <= most:
        raise CloudError(f'{command[0]}: {ran.stderr.strip()[:500] or ran.returncode}')
    return ran.stdout
