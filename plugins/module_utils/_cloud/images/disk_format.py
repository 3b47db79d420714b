# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The disk format of a file to import, identified by its first and last bytes.

No other file is opened. Unknown formats are refused, and so are files that refer to other files
(a backing file, extents, a parent): the host would read those into a guest.
"""

from __future__ import annotations

import os
from typing import BinaryIO, Callable, Literal, NamedTuple

from ..._model.checks import GIB, MAX_VOLUME_SIZE
from .. import Invalid

_HEAD = 2048
_TAIL = 512
_SECTOR = 512
# The first volume descriptor of an ISO image (ECMA-119, section 8.1; ECMA-167, section 2/9.1).
_VOLUME, _MAGIC = 0x8001, 5
_ISO = (b'CD001', b'BEA01')
# Common mistakes: the first bytes of the file, what it is, and what to do.
_NOT_DISKS = (
    (b'\x1f\x8b', 'compressed with gzip', 'decompress it first: gzip -d'),
    (b'\xfd7zXZ\x00', 'compressed with xz', 'decompress it first: xz -d'),
    (b'BZh', 'compressed with bzip2', 'decompress it first: bzip2 -d'),
    (b'\x28\xb5\x2f\xfd', 'compressed with zstd', 'decompress it first: zstd -d'),
    (b'PK\x03\x04', 'a zip archive', 'extract the disk image first: unzip'),
    (
        b'# Disk DescriptorFile',
        'a VMDK descriptor, whose data is in other files',
        'convert it together with them: qemu-img convert -O qcow2',
    ),
    (b'<!', 'an HTML or XML page', 'use the URL of the file itself'),
    (b'<html', 'an HTML page', 'use the URL of the file itself'),
)
_ELSEWHERE = 'flatten it first, where its other files are: qemu-img convert -O qcow2'


class DiskFormat(NamedTuple):
    """A format by QEMU's name, and the size of the disk in bytes if the bytes read contain it."""

    name: str
    size: int | None


def identify(file: BinaryIO, name: str) -> DiskFormat:
    """The format of an open file. Raises CloudError for one that cannot become an image.

    ``name``: the name of the file in the error.
    """
    return _identified(file, name, _raw)


def identify_iso(file: BinaryIO, name: str) -> DiskFormat:
    """The format of an ISO image. Raises CloudError for any other file, and for one that is both.

    ``name``: as above.
    """
    return _identified(file, name, _iso)


def _identified(
    file: BinaryIO, name: str, other: Callable[[bytes, int, bool], DiskFormat]
) -> DiskFormat:
    """``other``: what a file is that is none of the known formats."""
    length = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(_HEAD)
    file.seek(_VOLUME)
    is_iso = file.read(_MAGIC) in _ISO
    file.seek(max(0, length - _TAIL))
    tail = file.read(_TAIL)
    try:
        found = _known(head, tail, length)
        if found and other is _iso:
            raise ValueError(f'is a disk ({found.name}), not an ISO image; omit disk_format')
        found = found or other(head, length, is_iso)
    except ValueError as error:
        raise Invalid(f'{name} {error}') from None
    if found.size is not None and not 0 < found.size <= MAX_VOLUME_SIZE * GIB:
        raise Invalid(
            f'{name} holds a disk of {found.size} bytes; use one of at most {MAX_VOLUME_SIZE} GB'
        )
    return found


def _known(head: bytes, tail: bytes, length: int) -> DiskFormat | None:
    if not length:
        raise ValueError('is empty; use a disk image')
    if head.startswith(b'QFI\xfb'):
        return _qcow2(head)
    if head.startswith(b'KDMV'):
        return _vmdk(head)
    if head.startswith(b'vhdxfile'):
        return DiskFormat('vhdx', None)
    if _number(head, 64, 4, 'little') == 0xBEDA107F:
        return DiskFormat('vdi', _number(head, 0x170, 8, 'little'))
    for footer in (head[:_TAIL], tail):
        if footer.startswith(b'conectix'):
            return _vhd(footer)
    for magic, what, advice in _NOT_DISKS:
        if head[: len(magic)].lower() == magic.lower():
            raise ValueError(f'is {what}; {advice}')
    return None


def _number(
    data: bytes,
    at: int,
    size: int,
    order: Literal['little', 'big'],
) -> int:
    return int.from_bytes(data[at : at + size], order)


def _qcow2(head: bytes) -> DiskFormat:
    """By its header (docs/interop/qcow2.txt of QEMU)."""
    version = _number(head, 4, 4, 'big')
    if version not in (2, 3):
        raise ValueError(
            f'is qcow of version {version}; convert it first: qemu-img convert -O qcow2'
        )
    if _number(head, 8, 8, 'big'):
        raise ValueError(f'refers to another file (its backing file); {_ELSEWHERE}')
    if _number(head, 32, 4, 'big'):
        raise ValueError('is encrypted; convert it first: qemu-img convert -O qcow2')
    if version == 3 and _number(head, 72, 8, 'big') & 4:  # incompatible feature: external data file
        raise ValueError(f'refers to another file (its data file); {_ELSEWHERE}')
    return DiskFormat('qcow2', _number(head, 24, 8, 'big'))


def _vmdk(head: bytes) -> DiskFormat:
    """By its header (VMware, Virtual Disk Format 5.0, "Hosted sparse extents").

    Without a capacity it is only a descriptor.
    """
    capacity = _number(head, 12, 8, 'little')
    if not capacity:
        raise ValueError(f'refers to other files (its extents); {_ELSEWHERE}')
    return DiskFormat('vmdk', capacity * _SECTOR)


def _vhd(footer: bytes) -> DiskFormat:
    """By its footer (Microsoft, Virtual Hard Disk Image Format)."""
    # 2: fixed, 3: dynamic, 4: differencing, on top of a parent
    if _number(footer, 60, 4, 'big') not in (2, 3):
        raise ValueError(f'refers to another file (its parent); {_ELSEWHERE}')
    return DiskFormat('vpc', _number(footer, 48, 8, 'big'))


def _iso(_head: bytes, length: int, is_iso: bool) -> DiskFormat:
    """An ISO image, also one that boots as a disk."""
    if not is_iso:
        raise ValueError('is not an ISO image (ISO 9660 or UDF); omit disk_format for a disk image')
    return DiskFormat('raw', length)


def _raw(head: bytes, length: int, is_iso: bool) -> DiskFormat:
    """A raw disk, recognized by its boot sector; without one it could not be booted."""
    if head[510:512] != b'\x55\xaa':
        if is_iso:
            raise ValueError('is an ISO image, not a disk; set disk_format: iso')
        raise ValueError(
            'is not a disk image: it has none of the known formats (qcow2, vmdk, vpc, vdi, vhdx), '
            'and no boot sector as a raw disk; use a bootable disk image'
        )
    return DiskFormat('raw', length)
