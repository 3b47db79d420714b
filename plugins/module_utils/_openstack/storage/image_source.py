# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The file that becomes an image: it is verified on this machine before it is uploaded."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO, Dict, NamedTuple

from ..._cloud import Invalid, TimedOut
from ..._cloud.images import checksums, disk_format
from ..._cloud.images.disk_format import DiskFormat
from ..._cloud.images.limits import Limits
from ..._cloud.images.source_files import check_digests, complete_url, open_file, stamp
from ..._model.image import Image
from ..api.api import Api

_UPLOADED = ('qcow2', 'raw')  # formats that every OpenStack takes
_CHUNK = 1 << 20
# Files of this size do not belong into a /tmp in memory; the folder lacks on some systems.
_FOLDER = '/var/tmp'  # noqa: S108


class SourceFile(NamedTuple):
    """A file that was verified. ``imported``: what is recorded of it (source_files.py)."""

    file: BinaryIO
    length: int
    disk: DiskFormat
    digests: Mapping[str, str]
    imported: str


@contextmanager
def verified(api: Api, image: Image, url: str | None) -> Iterator[SourceFile]:
    """Open the file of an image. Raises CloudError for one that cannot become an image."""
    kind, _colon, location = image.source.partition(':')
    recorded: Dict[str, int] = {}
    with _downloaded() if kind == 'url' else open_file(location) as file:
        limits = Limits(_folder() if kind == 'url' else None, api.timeout)
        limits.deadline = api.deadline
        if kind == 'url':
            digests = limits.download(complete_url(url, image.source), location, file)
        else:
            recorded = stamp(os.fstat(file.fileno()))
            limits.check_size(recorded['size'], f'path: {location}')
            digests = limits.digests(file, f'path: {location}')
        if image.checksum is not None:
            checksum = checksums.resolve(image.checksum, image.source, api.timeout)
            check_digests(checksum, digests)
        disk = identified(file, location)
        length = file.seek(0, os.SEEK_END)
        file.seek(0)
        known = json.dumps({**digests, **recorded})
        yield SourceFile(file, length, disk, digests, known)


def identified(file: BinaryIO, name: str) -> DiskFormat:
    """Return the format of an open file. Raises Invalid for one that not every cloud takes."""
    found = disk_format.identify(file, name)
    if found.name not in _UPLOADED:
        raise Invalid(
            f'{name} has the format {found.name}, which not every OpenStack can read; convert it '
            'first: qemu-img convert -O qcow2'
        )
    return found


def _downloaded() -> BinaryIO:
    """A file without a name, of which nothing remains, however the task ends."""
    return tempfile.TemporaryFile(dir=_folder())


def _folder() -> str:
    if 'TMPDIR' not in os.environ and os.access(_FOLDER, os.W_OK):
        return _FOLDER
    return tempfile.gettempdir()


class Upload:
    """The bytes of a file, until the time of the task ends (a Stream)."""

    def __init__(self, api: Api, source: SourceFile) -> None:
        """``source``: at its first byte."""
        self.api = api
        self.source = source

    def __len__(self) -> int:
        """Return the number of bytes."""
        return self.source.length

    def __iter__(self) -> Iterator[bytes]:
        """Return chunks of the file."""
        while chunk := self.read(_CHUNK):
            yield chunk

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes. Raises TimedOut."""
        if time.monotonic() > self.api.deadline:
            raise TimedOut(
                f'timed out after {self.api.timeout} s (wait_timeout) uploading the image; no '
                'image was created',
                'wait_timeout',
            )
        return self.source.file.read(size)
