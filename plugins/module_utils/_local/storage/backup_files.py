# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files of backups: a folder in a store, written under another name and renamed when complete.

The copies of disks, or of the files of a container, depend on no other file, but for those of an
incremental backup, which stand on those of its base (backup_chain.py). They are compressed with
zstd: for a disk that costs a quarter more time than writing all of it, and saves more than
half of the space.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Dict, NamedTuple

from ..._cloud import CloudError
from ..._cloud.files import sync_folder
from ..host.settings import Settings
from .backup_rows import copy_of, folder_of, store_problem

if TYPE_CHECKING:
    from .row_types import ListedBackup

MANIFEST = 'manifest.json'
VERSION = 3  # of the manifest; 1: without volumes; 2: without base
_CHUNK = 2**20
Writer = Callable[[str], None]


class Copied(NamedTuple):
    """A copy: its size in bytes, and its checksum."""

    size: int
    checksum: str


class BackupFolder:
    """The folder of one backup."""

    def __init__(self, path: str, name: str) -> None:
        """``path``: in a store that exists. ``name``: of the copy of the root disk, or of files."""
        self.path = path
        self.part = path + '.part'
        self.name = name
        self.copy = self.file(name)

    def file(self, name: str) -> str:
        """The path of a copy."""
        return os.path.join(self.path, name)

    def write(
        self,
        manifest: Mapping[str, Any],
        copies: Mapping[str, Writer],
        check: Callable[[], None],
    ) -> Dict[str, Copied]:
        """Write the backup. ``copies``: what writes each to a path that does not exist, by name.

        ``check``: called until the backup is complete; with what it raises nothing of it remains.
        """
        self.remove()
        os.mkdir(self.part, 0o700)
        try:
            copied = {name: self._written(name, write, check) for name, write in copies.items()}
            files = {name: one._asdict() for name, one in copied.items()}
            self._write_manifest({'version': VERSION, **manifest, 'files': files})
            sync_folder(self.part)
            check()
            os.rename(self.part, self.path)
            sync_folder(os.path.dirname(self.path))
        except (CloudError, OSError) as error:
            self.remove()  # the store may be full
            if isinstance(error, OSError):
                raise CloudError(f'{self.path}: {error.strerror}; no backup was made') from error
            raise
        return copied

    def _written(self, name: str, write: Writer, check: Callable[[], None]) -> Copied:
        target = os.path.join(self.part, name)
        check()
        write(target)
        return _summed(target, check)

    def _write_manifest(self, manifest: Mapping[str, Any]) -> None:
        path = os.path.join(self.part, MANIFEST)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, 'w', encoding='utf-8') as file:
            json.dump(manifest, file, indent=2)
            file.write('\n')
            file.flush()
            os.fsync(file.fileno())

    def check(self, expected: Copied, name: str = '') -> None:
        """Raise CloudError unless a copy, or the first one, is what was written then."""
        path = self.file(name) if name else self.copy
        try:
            found = _summed(path)
        except OSError as error:
            raise CloudError(f'{path}: {error.strerror}; nothing was copied') from error
        if found != expected:
            raise CloudError(
                f'{path}: checksum mismatch: got {found.checksum}, expected '
                f'{expected.checksum}; nothing was copied; use another backup'
            )

    def remove(self) -> None:
        """Remove the folder, and what an interrupted run has left of it."""
        with suppress(FileNotFoundError):
            shutil.rmtree(self.part)
        with suppress(FileNotFoundError):
            os.rename(self.path, self.part)  # what is half removed is not taken for a backup
            shutil.rmtree(self.part)


def _summed(path: str, check: Callable[[], None] | None = None) -> Copied:
    """The size and the checksum of a file, all of which is on the disk then."""
    digest = hashlib.sha256()
    size = 0
    with open(path, 'rb') as file:
        os.fsync(file.fileno())
        while True:
            chunk = file.read(_CHUNK)
            if not chunk:
                return Copied(size, f'sha256:{digest.hexdigest()}')
            if check:
                check()
            digest.update(chunk)
            size += len(chunk)


def folder_in_store(settings: Settings, row: ListedBackup, option: str) -> BackupFolder:
    """The folder of a backup. Raises CloudError about ``option`` if its store cannot be used."""
    problem = store_problem(settings, row['store'])
    if problem:
        raise CloudError(f'backup {row["name"]}: {problem}', option)
    return BackupFolder(folder_of(settings, row), copy_of(row))
