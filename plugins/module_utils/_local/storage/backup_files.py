# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files of backups: a folder in a store, written under another name and renamed when complete.

The copy of a disk depends on no other file. It is compressed with zstd, which costs a quarter more
time than writing all of it, and saves more than half of the space.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from ..._cloud import CloudError
from ..record.work import Work
from .backup_rows import DISK
from .pools import Disk

MANIFEST = 'manifest.json'
VERSION = 1  # of the manifest
_OPTIONS = 'compression_type=zstd'
_CHUNK = 2**20


class Copied(NamedTuple):
    """A copy of a disk: its size in bytes, and its checksum."""

    size: int
    checksum: str


class BackupFolder:
    """The folder of one backup."""

    def __init__(self, work: Work, path: str) -> None:
        """``path``: in a store that exists."""
        self.work = work
        self.path = path
        self.part = path + '.part'
        self.disk = os.path.join(path, DISK)

    def write(
        self, disk: Disk, snapshot: str, manifest: Mapping[str, Any], locks: Sequence[int]
    ) -> Copied:
        """Copy a snapshot in a disk, which its machine may write to meanwhile."""
        self.remove()
        os.mkdir(self.part, 0o700)
        try:
            copied = self._copy(disk, snapshot, locks)
            files = {DISK: copied._asdict()}
            self._write_manifest({'version': VERSION, **manifest, 'files': files})
            _sync(self.part)
            os.rename(self.part, self.path)
            _sync(os.path.dirname(self.path))
        except (CloudError, OSError) as error:
            self.remove()  # the store may be full
            if isinstance(error, OSError):
                raise CloudError(f'{self.path}: {error.strerror}; no backup was made') from error
            raise
        return copied

    def _copy(self, disk: Disk, snapshot: str, locks: Sequence[int]) -> Copied:
        target = os.path.join(self.part, DISK)
        options = ['-q', '-U', '-l', f'snapshot.name={snapshot}', '-f', disk.format]
        options += ['-O', 'qcow2', '-c', '-o', _OPTIONS]
        self.work.run('qemu-img', 'convert', *options, disk.path, target, locks=locks)
        return _summed(target)

    def _write_manifest(self, manifest: Mapping[str, Any]) -> None:
        path = os.path.join(self.part, MANIFEST)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, 'w', encoding='utf-8') as file:
            json.dump(manifest, file, indent=2)
            file.write('\n')
            file.flush()
            os.fsync(file.fileno())

    def check(self, expected: Copied) -> None:
        """Raise CloudError unless the copy of the disk is what was written then."""
        try:
            found = _summed(self.disk)
        except OSError as error:
            raise CloudError(f'{self.disk}: {error.strerror}; nothing was copied') from error
        if found != expected:
            raise CloudError(
                f'{self.disk}: checksum mismatch: got {found.checksum}, expected '
                f'{expected.checksum}; nothing was copied; use another backup'
            )

    def remove(self) -> None:
        """Remove the folder, and what an interrupted run has left of it."""
        with suppress(FileNotFoundError):
            shutil.rmtree(self.part)
        with suppress(FileNotFoundError):
            os.rename(self.path, self.part)  # what is half removed is not taken for a backup
            shutil.rmtree(self.part)


def _summed(path: str) -> Copied:
    """The size and the checksum of a file, all of which is on the disk then."""
    digest = hashlib.sha256()
    size = 0
    with open(path, 'rb') as file:
        os.fsync(file.fileno())
        while True:
            chunk = file.read(_CHUNK)
            if not chunk:
                return Copied(size, f'sha256:{digest.hexdigest()}')
            digest.update(chunk)
            size += len(chunk)


def _sync(folder: str) -> None:
    """Wait until the names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
