# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Private key files. They are on the machine where the module runs, and no part of a cloud."""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from subprocess import CompletedProcess
from typing import Tuple

from .._cloud import Busy, Cloud, CloudError, Invalid, Missing, Outcome, Outcomes
from .._cloud.programs import run
from .._model.change import AFTER_APPLY, Change, Changes
from .._model.keypair import KeyFile, Keypair


@contextmanager
def _file_errors() -> Iterator[None]:
    """Raise CloudError for errors of files on this host."""
    try:
        yield
    except OSError as error:
        raise CloudError(f'this host: {error}', 'private_key_file') from error


@_file_errors()
def existing(path: str) -> KeyFile | None:
    """An existing private key file with its public key. Raises CloudError if it holds no key."""
    if not os.path.exists(path):
        folder = os.path.dirname(os.path.abspath(path))
        if not os.path.isdir(folder):
            raise Missing(
                f'private_key_file: the folder {folder} does not exist; create it first',
                'private_key_file',
            )
        return None
    return KeyFile(path, _public_key(path))


def _public_key(path: str) -> str:
    """The public key of a private key file, from ssh-keygen.

    ssh-keygen reads no private key file that others may read.
    """
    if os.path.isdir(path):
        raise Invalid(f'private_key_file: {path} is a folder; set a file in it', 'private_key_file')
    result = _ssh_keygen('-y', '-P', '', '-f', path)
    mode = os.stat(path).st_mode & 0o777
    if result.returncode and mode & 0o077:
        raise Invalid(
            f'private_key_file: {path} has mode {mode:04o}: others may read it, '
            f'and SSH refuses such a key; chmod 600 {shlex.quote(path)}',
            'private_key_file',
        )
    if result.returncode:
        raise Invalid(
            f'private_key_file: {path} exists but holds no private key without a passphrase '
            'that ssh-keygen can read; use another file',
            'private_key_file',
        )
    return result.stdout.strip()


def _ssh_keygen(*arguments: str, locks: Sequence[int] = ()) -> CompletedProcess[str]:
    """Run ssh-keygen without a terminal. ``locks``: descriptors that it inherits."""
    try:
        return run(['ssh-keygen', *arguments], locks=locks)
    except FileNotFoundError:
        raise CloudError(
            'private_key_file: ssh-keygen is not installed on this host (package openssh-client)',
            'private_key_file',
        ) from None


def _work_folder(path: str) -> str:
    """The folder in which a private key file is created, beside it."""
    return os.path.join(os.path.dirname(os.path.abspath(path)), f'.{os.path.basename(path)}.hanok')


@contextmanager
def _locked_work_folder(path: str, seconds: int) -> Iterator[Tuple[str, int]]:
    """An empty work folder for a private key file, and the lock that programs inherit.

    The lock excludes other runs. What an interrupted run left is removed.
    """
    folder = _work_folder(path)
    lock = os.open(os.path.dirname(folder), os.O_RDONLY | os.O_DIRECTORY)
    try:
        _acquire(lock, path, seconds)
        if os.path.exists(folder):
            shutil.rmtree(folder)
        os.mkdir(folder, 0o700)
        try:
            yield folder, lock
        finally:
            shutil.rmtree(folder)
    finally:
        os.close(lock)


def _acquire(lock: int, path: str, seconds: int) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Busy(
                    f'private_key_file: timed out after {seconds} s (wait_timeout) waiting for '
                    f'another run that creates key files in the folder of {path}',
                    'private_key_file',
                ) from None
        time.sleep(0.02)


def _chown_to_parent(folder: str, parent: int) -> None:
    """Give the key in the work folder to the owner of the folder ``parent``, whose key it is.

    By descriptors: the owner of that folder could replace the work folder with a link, to be given
    a file of someone else.
    """
    owner = os.fstat(parent)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(descriptor).st_uid == os.geteuid():
            os.chown('key', owner.st_uid, owner.st_gid, dir_fd=descriptor, follow_symlinks=False)
    finally:
        os.close(descriptor)


class KeyFiles:
    """Creates private key files, and key pairs that use them."""

    def __init__(self, cloud: Cloud, path: str | None, seconds: int) -> None:
        """``path``: the private key file of the task. ``seconds``: to wait for another run."""
        self.cloud = cloud
        self.path = path
        self.seconds = seconds
        self.public_key = AFTER_APPLY  # of the private key file that was created

    @_file_errors()
    def create_files(self, changes: Changes) -> Outcomes:
        """Create private key files."""
        return [self._create_file(change) for change in changes]

    @_file_errors()
    def create_pairs(self, changes: Changes) -> Outcomes:
        """Create key pairs, with the public key of the file that was created before."""
        self._remove_leftovers()
        resolved = [self._with_public_key(change) for change in changes]
        ready = [change for change in resolved if change.new(Keypair).public_key != AFTER_APPLY]
        outcomes = list(self.cloud.keypairs.create(ready))
        outcomes += [
            Outcome(change, CloudError('its private key was not created'))
            for change in resolved
            if change not in ready
        ]
        # The diff shows the planned changes, in which the key is not known.
        planned = {change.name: change for change in changes}
        return [outcome._replace(change=planned[outcome.change.name]) for outcome in outcomes]

    def _remove_leftovers(self) -> None:
        """Remove the work folder of an interrupted run, which holds a private key."""
        if self.path and os.path.exists(_work_folder(self.path)):
            with _locked_work_folder(self.path, self.seconds):
                pass

    def _create_file(self, change: Change) -> Outcome:
        """Create the key in the work folder, then link it to its path.

        So an existing file is never overwritten, and the file is never incomplete.
        """
        path = change.name
        with _locked_work_folder(path, self.seconds) as (folder, lock):
            key = os.path.join(folder, 'key')
            name = os.path.basename(path)
            result = _ssh_keygen(
                '-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', key, locks=(lock,)
            )
            if result.returncode:
                return Outcome(change, CloudError(f'ssh-keygen: {result.stderr.strip()}'))
            try:
                _chown_to_parent(folder, lock)
                os.link(key, path)
            except OSError as error:
                return Outcome(change, CloudError(str(error)))
            self.public_key = _public_key(path)
        return Outcome(change)

    def _with_public_key(self, change: Change) -> Change:
        """The change with the public key of the file that was created, if it needs one."""
        pair = change.new(Keypair)
        if pair.public_key != AFTER_APPLY:
            return change
        return replace(change, after=replace(pair, public_key=self.public_key))
