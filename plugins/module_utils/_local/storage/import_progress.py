# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How far an import is, while another program works on it in its folder.

The program is confined, and its input untrusted: nothing waits for it here.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import IO, Callable

from ..host.progress import printed_percents

Tell = Callable[[float], None]  # how far it is, in per cent

_SECONDS = 1.0  # between two looks at a folder
_MOST_FILES = 10000


@contextmanager
def told_by(tell: Tell) -> Iterator[IO[bytes]]:
    """The standard output for qemu-img -p."""
    reading, writing = os.pipe()
    ended = threading.Event()

    def follow() -> None:
        with open(reading, 'rb') as printed:
            for percent in printed_percents(printed):
                if ended.is_set():
                    return
                tell(percent)

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        with open(writing, 'wb') as output:
            yield output
    finally:
        thread.join(_SECONDS)  # what it left behind may hold the pipe for ever
        ended.set()


@contextmanager
def seen_in(folder: str, expected: int, tell: Tell) -> Iterator[None]:
    """By the size of the files in a folder, of the ``expected`` bytes."""
    ended = threading.Event()

    def follow() -> None:
        while not ended.wait(_SECONDS):
            tell(min(100.0, 100 * _size(folder) / max(1, expected)))

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _size(folder: str) -> int:
    """The bytes of the files in a folder, which may change meanwhile."""
    paths = (
        os.path.join(place, name) for place, _folders, names in os.walk(folder) for name in names
    )
    return sum(map(_size_of, islice(paths, _MOST_FILES)))


def _size_of(path: str) -> int:
    try:
        found = os.stat(path, follow_symlinks=False)
    except OSError:
        return 0
    return found.st_size if stat.S_ISREG(found.st_mode) else 0
