# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The archive of a root file system, identified by its first bytes."""

from __future__ import annotations

from typing import BinaryIO

from .. import Invalid

# POSIX.1-2017, pax: "ustar Interchange Format"; GNU tar has the same bytes there.
_MAGIC_AT, _MAGIC = 257, b'ustar'
# The programs that unpack what begins with these bytes.
_PROGRAMS = (
    (b'\x1f\x8b', 'gzip'),
    (b'\xfd7zXZ\x00', 'xz'),
    (b'\x28\xb5\x2f\xfd', 'zstd'),
)


def identify_root(file: BinaryIO, name: str) -> str:
    """The program that decompresses an archive; empty: it is none. Raises CloudError otherwise.

    ``name``: the name of the file in the error.
    """
    file.seek(0)
    head = file.read(512)
    for magic, program in _PROGRAMS:
        if head.startswith(magic):
            return program
    if head[_MAGIC_AT : _MAGIC_AT + len(_MAGIC)] != _MAGIC:
        raise Invalid(
            f'{name} is not a tar archive, also not one that gzip, xz or zstd has compressed; use '
            'one of a root file system, or omit disk_format for a disk image'
        )
    return ''
