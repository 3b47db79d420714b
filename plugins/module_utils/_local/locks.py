# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One lock per resource, held by this process and by the children that work on it."""

from __future__ import annotations

import fcntl
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Dict, List, Tuple

from .._cloud import Busy, Names

_FLOCK = 'hhqqi4x'  # struct flock: type, whence, start, length, pid


class Locks:
    """Files under one folder. They are never removed: a removed file is a lock that two can hold."""

    def __init__(self, folder: str, actor: str, timeout: int) -> None:
        """``timeout``: seconds to wait for a lock that somebody else holds."""
        self.folder, self.actor, self.timeout = folder, actor, timeout
        self.held: Dict[Tuple[str, str], int] = {}
        self.notes: List[str] = []
        self._work = os.path.join(folder, 'projection.at-work')

    def acquire(self, names: Names) -> None:
        """Take all of them, in one order for everybody, so that no two runs wait for each other."""
        until = time.monotonic() + self.timeout
        for name in sorted(names):
            self.held[name] = self._take('.'.join(name), ' '.join(name), until)

    def release(self) -> None:
        """Let go of all that ``acquire`` took."""
        while self.held:
            os.close(self.held.popitem()[1])

    @contextmanager
    def projection(self, name: str) -> Iterator[int]:
        """Hold the lock under which one projection of the record is written; it is held for moments only."""
        descriptor = self._take('projection.' + name, name, time.monotonic() + self.timeout)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def marked_active(self) -> Iterator[None]:
        """Be known as a run that changes something; one that dies is known no more."""
        self._make_folder()
        descriptor = os.open(self._work, os.O_RDONLY | os.O_CREAT, 0o600)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_SH)
            yield
        finally:
            os.close(descriptor)

    def has_other_runs(self) -> bool:
        """Whether a run changes something now; asked without a lock, and without writing. Not for a run that is at work itself.

        The lock is a process's (fcntl(2), F_GETLK), and lost when the process closes any descriptor
        of the file: so it would lose its own.
        """
        try:
            with open(self._work, 'rb') as file:
                requested = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
                answer: Tuple[int, ...] = struct.unpack(
                    _FLOCK, fcntl.fcntl(file, fcntl.F_GETLK, requested)
                )
        except FileNotFoundError:
            return False
        return answer[0] != fcntl.F_UNLCK

    def _make_folder(self) -> None:
        os.makedirs(os.path.dirname(self.folder), 0o711, exist_ok=True)
        os.makedirs(self.folder, 0o700, exist_ok=True)

    def _take(self, file: str, shown: str, until: float) -> int:
        self._make_folder()
        descriptor = os.open(os.path.join(self.folder, file), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._await(descriptor, shown, until)
        except BaseException:
            os.close(descriptor)
            raise
        text = f'{self.actor} (pid {os.getpid()}) since {time.strftime("%H:%M:%S")}'
        os.pwrite(descriptor, text.encode()[:160].ljust(160), 0)
        return descriptor

    def _await(self, descriptor: int, shown: str, until: float) -> None:
        waited = False
        while not _locked(descriptor):
            holder = os.pread(descriptor, 160, 0).decode(errors='replace').strip() or 'another run'
            if time.monotonic() > until:
                raise Busy(
                    f'{shown} is held by {holder}; it was waited for {self.timeout} s (wait_timeout)'
                )
            if not waited:
                self.notes.append(f'waited for {shown}, held by {holder}')
                waited = True
            time.sleep(0.02)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
