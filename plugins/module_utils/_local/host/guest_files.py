# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files that a container, or the archive of one, has: no link in them leads out of them."""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from contextlib import suppress
from errno import ELOOP, ENOTDIR
from typing import Tuple

from ..._cloud import CloudError
from ..._cloud.programs import run

_HERE, _EXCHANGE = -100, 2  # AT_FDCWD, RENAME_EXCHANGE: renameat2(2)
_OPENAT2 = 437  # of all architectures
_RESOLVE = 0x10 | 0x02  # RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS: openat2(2)
_NO_LINKS = 0x04  # RESOLVE_NO_SYMLINKS
_REASONS = {
    ELOOP: 'is a symbolic link; use the path that it leads to',
    ENOTDIR: 'is a file; remove it there, or use another path',
}


def read_inside(root: str, path: str, most: int) -> bytes | None:
    """Return at most so many bytes of a regular file below a root; None if there is none."""
    with suppress(OSError), open(_open_inside(root, path), 'rb') as file:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return file.read(most)
    return None


def write_inside(
    root: str, path: str, data: bytes, owner: Tuple[int, int], mode: int = 0o644
) -> None:
    """Replace a file below a root, whole or not at all; a link in its place, too, is replaced.

    ``owner``: UID and GID. Raises OSError, also if there is no folder for it.
    """
    folder, name = os.path.split(path)
    found = _open_inside(root, folder or '/', os.O_PATH | os.O_DIRECTORY)
    part = f'.{name}.hanok'
    try:
        with suppress(FileNotFoundError):  # of a run that was killed
            os.unlink(part, dir_fd=found)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(part, flags, 0o600, dir_fd=found), 'wb') as file:
            os.fchown(file.fileno(), *owner)
            os.fchmod(file.fileno(), mode)
            file.write(data)
        os.rename(part, name, src_dir_fd=found, dst_dir_fd=found)
    finally:
        os.close(found)


def stat_inside(root: str, path: str) -> os.stat_result | None:
    """What is at a path below a root; None: nothing that can be opened."""
    with suppress(OSError):
        descriptor = _open_inside(root, path)
        try:
            return os.fstat(descriptor)
        finally:
            os.close(descriptor)
    return None


def folder_problem(root: str, path: str) -> str:
    """Why a path below a root is no folder, and cannot become one; empty: it is, or can."""
    names = path.strip('/').split('/')
    for count in range(1, len(names) + 1):
        above = '/'.join(names[:count])
        try:
            os.close(_open_inside(root, above, os.O_PATH | os.O_DIRECTORY, _RESOLVE | _NO_LINKS))
        except FileNotFoundError:
            return ''
        except OSError as error:
            return (
                f'/{above} {_REASONS.get(error.errno or 0, f"cannot be used ({error.strerror})")}'
            )
    return ''


def remove_tree(folder: str) -> None:
    """Remove a folder, if it exists: of any depth, and following no link."""
    if os.path.lexists(folder):
        ran = run(['rm', '--recursive', '--force', '--', folder])
        if ran.returncode:
            raise CloudError(ran.stderr.strip()[:500] or f'rm: {folder} cannot be removed')


def exchange(one: str, other: str) -> None:
    """Exchange two folders at one instant. Raises OSError where a file system cannot."""
    libc = ctypes.CDLL(None, use_errno=True)
    paths = (ctypes.c_char_p(os.fsencode(path)) for path in (one, other))
    first, second = paths
    if libc.renameat2(_HERE, first, _HERE, second, _EXCHANGE):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), one)


def _open_inside(
    root: str, path: str, flags: int = os.O_RDONLY | os.O_NONBLOCK, resolve: int = _RESOLVE
) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    packed = struct.pack('QQQ', flags | os.O_CLOEXEC, 0, resolve)
    how = ctypes.create_string_buffer(packed, len(packed))
    name = ctypes.c_char_p(os.fsencode(path))
    folder = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        found: int = libc.syscall(_OPENAT2, folder, name, how, len(packed))
    finally:
        os.close(folder)
    if found < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)
    return found
