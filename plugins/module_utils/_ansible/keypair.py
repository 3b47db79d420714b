# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module keypair: params in, result out; and private key files, which are on the machine where the module runs."""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Dict, List, Tuple

from .._cloud import Cloud, CloudError, Names, Outcome
from .._model.change import AFTER_APPLY, Change
from .._model.keypair import KeyFile, Keypair, KeypairRequest
from .._model.public_key import is_private, normalized_key, public_key_problems
from .._plan.keypair import ObservedKeypairs, plan
from .options import DESCRIBED, NAME, STATE, described, given_options
from .run import Resource, run

ARGUMENTS: Dict[str, Any] = {
    'name': NAME,
    'state': STATE,
    'public_key': {'type': 'str'},
    'public_key_file': {'type': 'path'},
    'private_key_file': {'type': 'path', 'no_log': False},
    **DESCRIBED,
}


def request(params: Dict[str, Any]) -> KeypairRequest:
    """What the task asks for."""
    options = {**given_options(params, 'public_key'), **described(params)}
    if params['public_key_file'] is not None and params['state'] == 'present':
        options['public_key'] = _read(params['public_key_file'])
    if 'public_key' in options and not public_key_problems(options['public_key']):
        options['public_key'] = normalized_key(options['public_key'])
    return KeypairRequest(
        params['name'], params['state'], options, params['private_key_file'], params['wait_timeout']
    )


def _read(path: str) -> str:
    try:
        with open(path, encoding='utf-8') as file:
            return file.read(16384)
    except UnicodeDecodeError as error:
        raise CloudError(
            f'public_key_file: {path} is not UTF-8 text; save it as that, or give the file that ends in .pub'
        ) from error
    except OSError as error:
        raise CloudError(f'public_key_file: {path} cannot be read: {error}') from error


def observe(cloud: Cloud, requested: KeypairRequest) -> Tuple[ObservedKeypairs, Names]:
    """The key pair, and the private key file if there is one."""
    pairs = {pair.name: pair for pair in cloud.keypairs.list([requested.name])}
    path = requested.private_key_file if requested.state == 'present' else None
    return ObservedKeypairs(pairs, _key_file(path) if path else None), {('keypair', requested.name)}


def reload(cloud: Cloud, planned: Sequence[Keypair]) -> Sequence[Keypair]:
    """The key pair as it is after the run."""
    return cloud.keypairs.list([pair.name for pair in planned])


def _key_file(path: str) -> KeyFile | None:
    """The public half of a private key file that is there. Raises CloudError when it holds none."""
    if not os.path.exists(path):
        folder = os.path.dirname(os.path.abspath(path))
        if not os.path.isdir(folder):
            raise CloudError(f'private_key_file: the folder {folder} does not exist; make it first')
        return None
    return KeyFile(path, _public_half(path))


def _public_half(path: str) -> str:
    """What ssh-keygen says is the public half of a private key file. It reads none that others may read."""
    if os.path.isdir(path):
        raise CloudError(f'private_key_file: {path} is a folder; name a file in it')
    ran = _keygen('-y', '-P', '', '-f', path)
    mode = os.stat(path).st_mode & 0o777
    if ran.returncode and mode & 0o077:
        raise CloudError(
            f'private_key_file: {path} has mode {mode:04o}: others may read it, and SSH refuses such a key; chmod 600 {shlex.quote(path)}'
        )
    if ran.returncode:
        raise CloudError(
            f'private_key_file: {path} is there but holds no private key without a passphrase that ssh-keygen can read; name another file'
        )
    return ran.stdout.strip()


def _keygen(*words: str, locks: Sequence[int] = ()) -> subprocess.CompletedProcess[str]:
    """Run ssh-keygen, which asks nothing. ``locks``: descriptors that it inherits."""
    try:
        return subprocess.run(
            ['ssh-keygen', *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            pass_fds=locks,
        )
    except FileNotFoundError:
        raise CloudError(
            'private_key_file: ssh-keygen is not installed on this host (package openssh-client)'
        ) from None


def _parts(path: str) -> str:
    """Where a private key file is made, beside its place."""
    return os.path.join(os.path.dirname(os.path.abspath(path)), f'.{os.path.basename(path)}.hanok')


@contextmanager
def _alone(path: str, seconds: int) -> Iterator[Tuple[str, int]]:
    """An empty folder to make a private key file in, and a lock for programs to inherit: no two runs are in it, what an interrupted one left is removed."""
    folder = _parts(path)
    lock = os.open(os.path.dirname(folder), os.O_RDONLY | os.O_DIRECTORY)
    try:
        _await(lock, path, seconds)
        if os.path.exists(folder):
            shutil.rmtree(folder)
        os.mkdir(folder, 0o700)
        try:
            yield folder, lock
        finally:
            shutil.rmtree(folder)
    finally:
        os.close(lock)


def _await(lock: int, path: str, seconds: int) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise CloudError(
                    f'private_key_file: another run makes key files in the folder of {path}; it was waited for {seconds} s (wait_timeout)'
                ) from None
        time.sleep(0.02)


def _give_away(folder: str, parent: int) -> None:
    """A key in somebody's folder is for them: it gets the owner of the folder ``parent``.

    By descriptors: who owns that folder could lay a link in the way, to be given a file of others.
    """
    owner = os.fstat(parent)
    inside = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(inside).st_uid == os.geteuid():
            os.chown('key', owner.st_uid, owner.st_gid, dir_fd=inside, follow_symlinks=False)
    finally:
        os.close(inside)


class KeyFiles:
    """What acts for this module: it makes private key files, and registers key pairs with what it made."""

    def __init__(self, cloud: Cloud, path: str | None, seconds: int) -> None:
        """Key files beside the key pairs of a cloud; ``path``: the one that the task is about. ``seconds``: to wait for another run."""
        self.cloud, self.path, self.seconds = cloud, path, seconds
        self.made: Dict[str, str] = {}

    def create(self, changes: Sequence[Change]) -> List[Outcome]:
        """Make a private key file, or register a key pair."""
        if changes and changes[0].kind == 'private_key':
            return [self._generate(change) for change in changes]
        if self.path and os.path.exists(_parts(self.path)):
            with _alone(self.path, self.seconds):
                pass  # it removes what an interrupted run left there: a private key
        known = [self._known(change) for change in changes]
        ready = [change for change in known if change.after.public_key != AFTER_APPLY]
        without = [
            Outcome(change, 'its key was not made') for change in known if change not in ready
        ]
        planned = {
            change.name: change for change in changes
        }  # the diff is the plan's, which could not know the key
        return [
            outcome._replace(change=planned[outcome.change.name])
            for outcome in (*self.cloud.keypairs.create(ready), *without)
        ]

    def update(self, changes: Sequence[Change]) -> List[Outcome]:
        """Change what is said about key pairs."""
        return list(self.cloud.keypairs.update(changes))

    def delete(self, changes: Sequence[Change]) -> List[Outcome]:
        """Forget key pairs; private key files are the user's and stay."""
        return list(self.cloud.keypairs.delete(changes))

    def _generate(self, change: Change) -> Outcome:
        """Write the key beside its place under another name, then link it: never over a file that is there, never half."""
        path = change.name
        with _alone(path, self.seconds) as (folder, lock):
            part = os.path.join(folder, 'key')
            comment = os.path.basename(path)
            ran = _keygen('-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', part, locks=(lock,))
            if ran.returncode:
                return Outcome(change, f'ssh-keygen: {ran.stderr.strip()}')
            try:
                _give_away(folder, lock)
                os.link(part, path)
            except OSError as error:
                return Outcome(change, str(error))
            self.made[path] = _public_half(path)
        return Outcome(change)

    def _known(self, change: Change) -> Change:
        if change.after.public_key != AFTER_APPLY:
            return change
        return replace(
            change,
            after=replace(change.after, public_key=next(iter(self.made.values()), AFTER_APPLY)),
        )


def executors(cloud: Cloud, requested: KeypairRequest) -> Mapping[str, Any]:
    """Key files are no part of a cloud."""
    files = KeyFiles(cloud, requested.private_key_file, requested.wait_timeout)
    return {'private_key': files, 'keypair': files}


def secrets(params: Mapping[str, Any]) -> List[str]:
    """A private key that was given by mistake."""
    text = params.get('public_key')
    return [text] if isinstance(text, str) and is_private(text) else []


RESOURCE = Resource(
    'keypair',
    ARGUMENTS,
    request,
    observe,
    plan,
    reload,
    executors,
    secrets=secrets,
    rules={'mutually_exclusive': [('public_key', 'public_key_file')]},
)


def main() -> None:
    """Run the module."""
    run(RESOURCE)
