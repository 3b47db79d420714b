# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""File systems in files: ext4, mounted by loop devices that end with their mounts.

A file is made here from nothing, and only the kernel writes to it: what a container does are
operations on files. hanok-start of the role host mounts all of them when the host boots.

Set-user-ID programs work in them, as a container needs them: their users are those of the
container.
"""

from __future__ import annotations

import os
import stat
import struct
import time
from contextlib import suppress

from ..._cloud import CloudError
from ..._cloud.programs import run
from .mounts import is_mounted, source_of

SUFFIX = '.raw'
_GB = 2**30
# kernel.org: ext4, "The Super Block": s_blocks_count_lo, s_log_block_size (of 1 KiB), ..._hi
_SUPERBLOCK, _SIZES, _BLOCKS_OF_GB = 1024, (0x4, 0x18, 0x150), 2**20
_STATE, _WITH_ERRORS = 0x3A, 0x2  # s_state: resize2fs sets it until it has ended
# What root of the host writes into a full one has room: 2 MB of each GB, which no container gets.
# Nothing is left to be written later.
_MAKE = ('mke2fs', '-q', '-F', '-t', 'ext4', '-m', '0.2')
_EXTENDED = 'lazy_itable_init=1,lazy_journal_init=1,nodiscard,root_owner={0}:{0}'
# Room that is freed inside goes back to the host. hanok-start mounts with the same options.
_MOUNT = ('mount', '-t', 'ext4', '-o', 'loop,nodev,discard')
_CHECK = ('e2fsck', '-f', '-p')
_CORRECTED = 1  # an exit code: e2fsck(8)
_TRIES = 20  # a loop device of the file may be about to end


def make(disk: str, size: int, owner: int) -> None:
    """Make a file with a file system of so many GB, instead of what an interrupted run has left."""
    with suppress(FileNotFoundError):
        os.unlink(disk)
    with open(os.open(disk, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), 'wb') as file:
        file.truncate(size * _GB)
    _run(*_MAKE, '-E', _EXTENDED.format(owner), disk)


def mount(disk: str, folder: str) -> None:
    """Mount a file on a folder, if it is not."""
    if is_mounted(folder):
        return
    os.makedirs(folder, 0o700, exist_ok=True)
    for left in range(_TRIES, 0, -1):
        try:
            _run(*_MOUNT, disk, folder)
            return
        except CloudError:
            if left == 1:
                raise
            time.sleep(0.1)


def renew(disk: str, folder: str) -> None:
    """Repair and mount what the kernel has stopped writing to; no container that has it runs.

    It does so when the disk of the host was full, and does not begin again by itself.
    """
    if not is_mounted(folder) or _takes_writes(folder):
        return
    unmount(folder)
    for _left in range(_TRIES):
        if not _run('losetup', '--associated', disk):
            _run(*_CHECK, disk, most=_CORRECTED)
            break
        time.sleep(0.1)
    mount(disk, folder)


def _takes_writes(folder: str) -> bool:
    """Whether the kernel writes to it: that it cannot, it finds out when it ends a transaction."""
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    mode = stat.S_IMODE(os.fstat(here).st_mode)
    try:
        os.fchmod(here, mode)
        os.fsync(here)
        os.fchmod(here, mode)
    except OSError:
        return False
    finally:
        os.close(here)
    return True


def unmount(folder: str) -> None:
    """Unmount a folder. Whoever has files in it open keeps those, and nobody waits."""
    while os.path.isdir(folder) and is_mounted(folder):
        _run('umount', '--lazy', folder)


def has_size(disk: str, size: int) -> bool:
    """Whether a file system has so many GB, by its superblock, which only the kernel writes."""
    with open(disk, 'rb') as file:
        file.seek(_SUPERBLOCK)
        found = file.read(_SUPERBLOCK)
    low, scale, high = (int(struct.unpack_from('<I', found, place)[0]) for place in _SIZES)
    has_ended = not found[_STATE] & _WITH_ERRORS
    return has_ended and (low | high << 32) << scale >= size * _BLOCKS_OF_GB


def grow(disk: str, folder: str, size: int, mounted: bool) -> None:
    """Let a file system have so many GB. ``mounted``: in use, maybe; else it is unmounted."""
    if has_size(disk, size):
        return
    wanted = size * _GB
    if os.path.getsize(disk) < wanted:
        os.truncate(disk, wanted)
    if mounted:
        mount(disk, folder)
        device = source_of(folder)
        _run('losetup', '--set-capacity', device)
        _run('resize2fs', device)
        return
    unmount(folder)
    if _run('losetup', '--associated', disk):
        raise CloudError(f'{folder} is in use; end the programs that have files in it open')
    _run(*_CHECK, disk, most=_CORRECTED)
    _run('resize2fs', disk)


def _run(*command: str, most: int = 0) -> str:
    """Run a program; return what it prints. ``most``: the highest exit code that is no failure."""
    ran = run(command)
    if not 0 <= ran.returncode <= most:
        raise CloudError(f'{command[0]}: {ran.stderr.strip()[:500] or ran.returncode}')
    return ran.stdout
