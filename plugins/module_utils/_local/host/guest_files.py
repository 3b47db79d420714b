# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files in a container, as the container sees them: no link in it leads out of it."""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from contextlib import suppress

_OPENAT2 = 437  # of all architectures
# RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS: openat2(2)
_HOW = struct.pack('QQQ', os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC, 0, 0x10 | 0x02)


def read_inside(root: str, path: str, most: int) -> bytes | None:
    """Return at most so many bytes of a regular file below a root; None if there is none."""
    with suppress(OSError):
        folder = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            descriptor = _open_inside(folder, path)
        finally:
            os.close(folder)
        with open(descriptor, 'rb') as file:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return file.read(most)
    return None


def _open_inside(folder: int, path: str) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    how = ctypes.create_string_buffer(_HOW, len(_HOW))
    name = os.fsencode(path)
    found: int = libc.syscall(_OPENAT2, folder, ctypes.c_char_p(name), how, len(_HOW))
    if found < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)
    return found
