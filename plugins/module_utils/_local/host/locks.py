# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One lock per resource, held by this process and by its children that work on the resource."""

from __future__ import annotations

import fcntl
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Dict, List, Set, Tuple

from ..._cloud import Busy, Names
from ..._model.checks import DEFAULT_PROJECT

_MAX_NAME = 200  # bytes of a name in the name of a file
_OF_ALL_PROJECTS = ('choice',)  # kinds of locks of what projects share
_FLOCK = 'hhqqi4x'  # struct flock: type, whence, start, length, pid
_WRITE_LOCK = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


class Locks:
    """Lock files in one folder. They are never removed: two runs could hold a removed one."""

    def __init__(
        self,
        folder: str,
        actor: str,
        timeout: int,
        notes: List[str] | None = None,
        project: str = DEFAULT_PROJECT,
    ) -> None:
        """``actor``: who acquires locks. ``timeout``: seconds to wait for locks of other runs.

        ``notes``: gets for whom this run waited. ``project``: that of the resources.
        """
        self.folder = folder
        self.actor = actor
        self.timeout = timeout
        self.project = project
        self.held: Dict[Tuple[str, str], int] = {}
        self.interrupted: Set[Tuple[str, str]] = set()  # whose holders are asked to end
        self.notes: List[str] = [] if notes is None else notes
        self._activity = os.path.join(folder, 'projection.at-work')
        self._mark: int | None = None  # the descriptor of our own mark in that file

    def acquire(self, names: Names) -> None:
        """Acquire all locks, in the order of their files in every run, so that none deadlock."""
        deadline = time.monotonic() + self.timeout
        for name in sorted(names, key=lambda one: self.file_name(*one)):
            is_interrupted = name in self.interrupted
            label = ' '.join(name)
            self.held[name] = self._acquire(self.file_name(*name), label, deadline, is_interrupted)

    def release(self) -> None:
        """Release all locks that ``acquire`` acquired."""
        while self.held:
            os.close(self.held.popitem()[1])

    @contextmanager
    def projection(self, name: str) -> Iterator[int]:
        """Hold the lock for writing a projection of the record; it is held for moments only."""
        deadline = time.monotonic() + self.timeout
        descriptor = self._acquire('projection.' + name, name, deadline)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def marked_active(self) -> Iterator[None]:
        """Mark this process as a run that changes something; the mark ends with the process."""
        self._create_folder()
        self._mark = os.open(self._activity, os.O_RDONLY | os.O_CREAT, 0o600)
        try:
            fcntl.lockf(self._mark, fcntl.LOCK_SH)
            yield
        finally:
            os.close(self._mark)
            self._mark = None

    def has_other_runs(self) -> bool:
        """Whether another run is changing something; takes no lock and writes nothing.

        The mark is a lock of the process, and is lost when the process closes any descriptor of the
        file (fcntl(2), F_GETLK): a run that is marked active uses the descriptor of its mark.
        """
        if self._mark is not None:
            return _is_locked_by_others(self._mark)
        try:
            descriptor = os.open(self._activity, os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            return _is_locked_by_others(descriptor)
        finally:
            os.close(descriptor)

    def is_held_by_others(self, kind: str, name: str) -> bool:
        """Whether another process holds the lock of a resource; takes no lock."""
        if (kind, name) in self.held:
            return False
        try:
            path = os.path.join(self.folder, self.file_name(kind, name))
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            return _is_locked_by_others(descriptor, fcntl.F_OFD_GETLK)
        finally:
            os.close(descriptor)

    def file_name(self, kind: str, name: str) -> str:
        """The name of a lock file; that of a thing with any name is a digest.

        A server of another project, which a flavor that is shared has, is called PROJECT/NAME.
        """
        project = self.project
        if kind == 'server' and '/' in name:
            project, _slash, name = name.rpartition('/')
        if '/' in name or len(name.encode()) > _MAX_NAME:
            import hashlib

            name = hashlib.sha256(name.encode()).hexdigest()
        is_common = project == DEFAULT_PROJECT or kind in _OF_ALL_PROJECTS
        prefix = '' if is_common else f'{project}@'
        return f'{prefix}{kind}.{name}'

    def _create_folder(self) -> None:
        os.makedirs(os.path.dirname(self.folder), 0o711, exist_ok=True)
        os.makedirs(self.folder, 0o700, exist_ok=True)

    def _acquire(self, file: str, label: str, deadline: float, is_interrupted: bool = False) -> int:
        self._create_folder()
        descriptor = os.open(os.path.join(self.folder, file), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._wait(descriptor, label, deadline, is_interrupted)
            # Whether a flock is held cannot be asked without taking it. This lock of the same open
            # file can be asked; it is held as long, and never waited for.
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _WRITE_LOCK)
        except BaseException:
            os.close(descriptor)
            raise
        text = f'{self.actor} (pid {os.getpid()}) since {time.strftime("%H:%M:%S")}'
        os.pwrite(descriptor, text.encode()[:160].ljust(160), 0)
        return descriptor

    def _wait(self, descriptor: int, label: str, deadline: float, is_interrupted: bool) -> None:
        waited = False
        while not _try_lock(descriptor):
            holder = os.pread(descriptor, 160, 0).decode(errors='replace').strip() or 'another run'
            if time.monotonic() > deadline:
                raise Busy(
                    f'timed out after {self.timeout} s (wait_timeout) waiting for {label}, '
                    f'held by {holder}'
                )
            if not waited:
                self.notes.append(f'waited for {label}, held by {holder}')
                waited = True
            if is_interrupted:
                from .aborts import ask_to_end

                ask_to_end(descriptor, self.actor)
            time.sleep(0.02)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_locked_by_others(descriptor: int, command: int = fcntl.F_GETLK) -> bool:
    answer: Tuple[int, ...] = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, command, _WRITE_LOCK))
    return answer[0] != fcntl.F_UNLCK
