# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files that a container, or the archive of one, has: no link in them leads out of them."""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import subprocess
from contextlib import suppress

_OPENAT2 = 437  # of all architectures
# RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS: openat2(2)
_HOW = struct.pack('QQQ', os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC, 0, 0x10 | 0x02)


def read_inside(root: str, path: str, most: int) -> bytes | None:
    """Return at most so many bytes of a regular file below a root; None if there is none."""
    with suppress(OSError), open(_open_inside(root, path), 'rb') as file:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return file.read(most)
    return None


def stat_inside(root: str, path: str) -> os.stat_result | None:
    """What is at a path below a root; None: nothing that can be opened."""
    with suppress(OSError):
        descriptor = _open_inside(root, path)
        try:
            return os.fstat(descriptor)
        finally:
            os.close(descriptor)
    return None


def remove_tree(folder: str) -> None:
    """Remove a folder, if it exists: of any depth, and following no link."""
    if os.path.lexists(folder):
        subprocess.run(['rm', '--recursive', '--force', '--', folder], check=True)


def _open_inside(root: str, path: str) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    how = ctypes.create_string_buffer(_HOW, len(_HOW))
    name = ctypes.c_char_p(os.fsencode(path))
    folder = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        found: int = libc.syscall(_OPENAT2, folder, name, how, len(_HOW))
    finally:
        os.close(folder)
    if found < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)
    return found
