# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files from which images are imported: whether they can be, and how they are recognized."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Dict

from ..._model.image import is_url_of
from .. import CloudError, Invalid

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


def open_regular(path: str) -> BinaryIO:
    """Open a regular file; non-blocking, so that a FIFO is refused instead of waited for.

    Raises ValueError for what is no regular file.
    """
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), 'rb')
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise ValueError('it is not a file')
    return file


def open_file(path: str) -> BinaryIO:
    """Open the file of the option path. Raises Invalid for what is no regular file."""
    try:
        return open_regular(path)
    except ValueError:
        raise Invalid(f'path: {path} is not a file', 'path') from None


def source_problem(source: str, identify: Callable[[BinaryIO, str], object]) -> str:
    """Why a source cannot become an image, as far as known before the import; else empty.

    ``identify``: identifies an open file, or raises CloudError with its name.
    """
    kind, _colon, path = source.partition(':')
    if kind != 'path':
        return ''
    if not os.path.isfile(path):
        return f'{path} is not a file on this host'
    try:
        with open_file(path) as file:
            identify(file, path)
    except (CloudError, OSError) as error:
        return str(error)
    return ''


def imported(text: str | None) -> Dict[str, Any]:
    """The digests and the stamp that were recorded of an imported file; empty if unknown."""
    return json.loads(text) if text else {}


def current_digests(recorded: Mapping[str, Any], source: str) -> Dict[str, str] | None:
    """The digest of a source file; as recorded while the file is unchanged since the import.

    None if nothing is recorded, or the file does not exist.
    """
    path = source.partition(':')[2]
    if not recorded or not os.path.isfile(path):
        return None
    if stamp(os.stat(path)) == {key: recorded.get(key) for key in STAMP}:
        return {'sha256': recorded['sha256']}
    with open(path, 'rb') as file:
        return {'sha256': digest(file)}


def complete_url(url: str | None, source: str) -> str:
    """The URL of this task if the source is recorded of it, else the recorded one."""
    if url is not None and is_url_of(url, source):
        return url
    return source.partition(':')[2]


def check_digests(expected: str, digests: Mapping[str, str]) -> None:
    """Raise Invalid when a checksum such as sha256:... does not match the digests."""
    kind, _colon, wanted = expected.partition(':')
    if digests.get(kind) != wanted:
        raise Invalid(
            f'checksum mismatch: got {kind}:{digests.get(kind)}, expected {expected}; '
            'no image was created',
            'checksum',
        )
