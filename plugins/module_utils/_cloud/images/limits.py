# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The limits of size and time within which files of images are read."""

from __future__ import annotations

import hashlib
import os
import time
from typing import Any, BinaryIO, Callable, Dict

from ..._model.checks import GIB, MAX_VOLUME_SIZE
from .. import CloudError, TimedOut

_CHUNK = 1 << 20
_RESERVE = GIB // 2  # kept free on the file system of the folder


class Limits:
    """The limits of one import. ``deadline``: its end (time.monotonic)."""

    def __init__(
        self,
        folder: str | None,
        timeout: int,
        failed: str = 'no image was created',
        is_at: Callable[[float], None] = lambda _percent: None,
    ) -> None:
        """``folder``: where it writes; None: nowhere. ``timeout``: in seconds.

        ``failed``: what errors say of the outcome. ``is_at``: gets how far a transfer is, in per
        cent, if its size is known.
        """
        self.folder, self.timeout, self.failed, self.is_at = folder, timeout, failed, is_at
        self.expected = 0  # bytes; 0: it is not known
        self.deadline = time.monotonic() + timeout

    @property
    def left(self) -> float:
        """The seconds that are left."""
        return self.deadline - time.monotonic()

    def available(self) -> int:
        """Bytes that may be written."""
        if self.folder is None:
            return MAX_VOLUME_SIZE * GIB
        free = os.statvfs(self.folder)
        return max(0, min(MAX_VOLUME_SIZE * GIB, free.f_bavail * free.f_frsize - _RESERVE))

    def check_size(self, size: int, what: str) -> None:
        """Raise CloudError for a file that is larger than what is available; expect its size."""
        self.expected = size
        available = self.available()
        if size > available:
            raise CloudError(
                f'{what} has {size} bytes, and {available} are available; {self.failed}'
            )

    def timed_out(self, what: str) -> CloudError:
        """The error for what is not done in time."""
        return TimedOut(
            f'timed out after {self.timeout} s (wait_timeout) waiting for {what}; {self.failed}'
        )

    def download(self, url: str, shown: str, file: BinaryIO) -> Dict[str, str]:
        """Download a URL to a file; return its digests. ``shown``: the part that may be shown."""
        from . import downloads

        what = f'url: {shown}'
        with downloads.opened(url, what, self.left) as response:
            self.check_size(int(response.headers.get('Content-Length') or 0), what)
            return self.transfer(response.read1, file.write, what)

    def digests(self, file: BinaryIO, what: str) -> Dict[str, str]:
        """Read a file; return its digests."""
        return self.transfer(file.read, lambda _chunk: None, what)

    def transfer(
        self,
        read: Callable[[int], bytes],
        write: Callable[[bytes], Any],
        what: str,
    ) -> Dict[str, str]:
        """Transfer all data, within the limits of size and time; return its digests."""
        hashes = {kind: hashlib.new(kind) for kind in ('sha256', 'sha512')}
        size, available = 0, self.available()
        while chunk := read(_CHUNK):
            size += len(chunk)
            if size > available:
                raise CloudError(
                    f'{what} is larger than the {available} bytes available; {self.failed}'
                )
            if self.left < 0:
                raise self.timed_out(what)
            write(chunk)
            if self.expected:
                self.is_at(min(100.0, 100 * size / self.expected))
            for digest in hashes.values():
                digest.update(chunk)
        return {kind: digest.hexdigest() for kind, digest in hashes.items()}
