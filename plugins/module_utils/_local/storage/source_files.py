# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files from which images were imported: how they are recognized."""

from __future__ import annotations

import hashlib
import os
from typing import BinaryIO, Dict

_CHUNK = 1 << 20
STAMP = ('device', 'inode', 'size', 'mtime_ns')


def stamp(found: os.stat_result) -> Dict[str, int]:
    """The values by which an unchanged file is recognized."""
    return dict(zip(STAMP, (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)))


def digest(file: BinaryIO) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    found = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        found.update(chunk)
    return found.hexdigest()
