# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How far a copy is: in the files of the locks that are held meanwhile, for those who look."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import IO, Any, Dict, Optional, TypeVar, cast

from .locks import Locks

Item = TypeVar('Item')
Progress = Dict[str, Optional[float]]  # percent, seconds_left: see the module backup

_HOLDER_SIZE = 160  # bytes of a lock file: who holds it (locks.py); what follows is written here
_SIZE = 64
_FILE = re.compile(rb'.* \(pid (\d+)\) since [\d:]+ *\1 (\d+) (\d+\.\d+) *', re.DOTALL)
_PRINTED = re.compile(rb'\((\d+\.\d+)/100%\)')  # by qemu-img -p, each over the one before
_LONGEST = 4096
_INTERVAL = 0.2  # seconds


def until_printed(output: IO[bytes], check: Callable[[], None]) -> None:
    """Wait until a program prints something, or ends; ``check`` is called meanwhile."""
    from select import select

    while not select([output], [], [], _INTERVAL)[0]:
        check()
    check()


def printed_percents(output: IO[bytes], check: Callable[[], None] | None = None) -> Iterator[float]:
    """How far qemu-img says that it is, in per cent, until it ends; see until_printed."""
    text = b''
    while True:
        if check:
            until_printed(output, check)
        more = output.read1(_LONGEST)  # type: ignore[attr-defined]
        if not more:
            return
        text = (text + more)[-_LONGEST:]
        for percent in _PRINTED.findall(text)[-1:]:
            yield float(percent)


class Copy:
    """A copy that this run makes."""

    def __init__(self, locks: Sequence[int]) -> None:
        """Begin it. ``locks``: descriptors that this run holds."""
        self.locks = locks
        self.started = time.time()
        self.percent = 0.0

    def is_at(self, percent: float) -> None:
        """Tell how far it is; what begins anew, as a conversion after a download, is timed anew."""
        if percent < self.percent:
            self.started = time.time()
        self.percent = percent
        text = f'{os.getpid()} {self.started:.0f} {percent:.2f}'
        for descriptor in self.locks:
            os.pwrite(descriptor, text.encode().ljust(_SIZE), _HOLDER_SIZE)


def shown(locks: Locks, kind: str, name: str, item: Item) -> Item:
    """An item with how far the run is that works on it. ``kind``, ``name``: of its lock."""
    values: Any = item
    if not values.task_state:
        return item
    return cast('Item', replace(values, progress=read_progress(locks, kind, name)))


def read_progress(locks: Locks, kind: str, name: str) -> Progress | None:
    """How far the run is that holds the lock of a resource; None if it copies nothing.

    Only root may read the file.
    """
    text = b''
    path = os.path.join(locks.folder, locks.file_name(kind, name))
    with suppress(OSError), open(path, 'rb') as file:
        text = file.read(_HOLDER_SIZE + _SIZE)
    found = _FILE.fullmatch(text)
    if not found:
        return None
    percent = float(found.group(3))
    if not percent:
        return {'percent': percent, 'seconds_left': None}
    seconds = max(0.0, time.time() - int(found.group(2)))
    return {'percent': percent, 'seconds_left': round(seconds * (100 - percent) / percent)}
