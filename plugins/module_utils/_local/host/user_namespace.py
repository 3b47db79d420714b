# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Programs as users of a container: in a user namespace, where root is nobody on the host."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Tuple

from ..._cloud import CloudError, TimedOut

IDS = 65536  # of each container, as Debian has users
# systemd.io/UIDS-GIDS: from 0x70000000 on nothing uses them; those from 0x78000000 on are of the
# containers of balancers, and the last ones before of the imports of images.
_FIRST, _CONTAINERS = 0x70000000, 0x08000000 // IDS - 1
IMPORTS = _FIRST + _CONTAINERS * IDS
_HOLDER = ('unshare', '--user', 'sh', '-c', 'echo; exec cat')
# No core file, which might be large; no network, unless it is what a program is for.
_CONFINED = ('unshare', '--ipc', 'prlimit', '--core=0')
_OFFLINE = ('unshare', '--net')
_INTERVAL = 0.2  # seconds


def first_id(number: int) -> int:
    """The UID and GID on the host of root of a container, by the id of its row."""
    return _FIRST + number % _CONTAINERS * IDS


def first_id_of(root: str) -> int:
    """The UID and GID on the host of root of a container. Raises FileNotFoundError."""
    return os.stat(root, follow_symlinks=False).st_uid


def is_of_container(number: int) -> bool:
    """Whether a UID or GID of the host is one of a container."""
    return _FIRST <= number < IMPORTS


class UserNamespace:
    """A user namespace whose first users are those of a container."""

    def __init__(self, pid: int, timeout: int) -> None:
        """``pid``: of a process in it. ``timeout``: seconds for each program."""
        self._pid = pid
        self._timeout = timeout

    def run(
        self,
        *command: str,
        folder: str,
        source: IO[bytes] | None = None,
        output: IO[bytes] | None = None,
        most: int | None = None,
        locks: Sequence[int] = (),
        environment: Mapping[str, str] | None = None,
        is_online: bool = False,
        check: Callable[[], None] | None = None,
    ) -> None:
        """Run a program as root of the namespace. Raises CloudError if it fails.

        ``source``, ``output``: its standard input and output. ``most``: bytes of a file that it
        writes. ``locks``: descriptors that it inherits. ``environment``: if not that of this
        process. ``is_online``: whether it has the networks of the host. ``check``: called
        meanwhile; what it raises ends the program.
        """
        limits = [] if most is None else [f'--fsize={most}']
        enter = ('nsenter', f'--user=/proc/{self._pid}/ns/user', '--setuid', '0', '--setgid', '0')
        with subprocess.Popen(  # pylint: disable=ansible-bad-function
            [*enter, *(() if is_online else _OFFLINE), *_CONFINED, *limits, *command],
            cwd=folder,
            stdin=source or subprocess.DEVNULL,
            stdout=output or subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors='replace',
            pass_fds=locks,
            env=environment,
            umask=0o022,
        ) as process:
            try:
                printed, errors = _ended(process, self._timeout, check)
            except subprocess.TimeoutExpired:
                process.kill()
                raise TimedOut(
                    f'timed out after {self._timeout} s (wait_timeout) waiting for {command[0]}',
                    'wait_timeout',
                ) from None
            except BaseException:
                process.kill()
                raise
        if process.returncode == -signal.SIGXFSZ:
            raise CloudError(f'{command[0]}: more than the {most} bytes that may be written')
        if process.returncode:
            raise _failed(command[0], errors or printed)


def _failed(program: str, printed: str | None) -> CloudError:
    problem = (printed or '').strip()[:500] or 'it was killed'
    return CloudError(f'{program}: {problem}')


def _ended(
    process: subprocess.Popen[str], seconds: float, check: Callable[[], None] | None
) -> Tuple[str, str]:
    """What a program printed until it ended. Raises TimeoutExpired."""
    if check is None:
        return process.communicate(timeout=seconds)
    deadline = time.monotonic() + seconds
    while True:
        try:
            return process.communicate(timeout=_INTERVAL)
        except subprocess.TimeoutExpired:
            check()
            if time.monotonic() > deadline:
                raise


@contextmanager
def user_namespace(first: int, timeout: int) -> Iterator[UserNamespace]:
    """A user namespace. ``first``: the UID and GID on the host of its root."""
    # Without CAP_SETUID in the new namespace nobody but its parent may write the maps
    # (user_namespaces(7)); the holder ends with the pipe, also when this process is killed.
    with subprocess.Popen(  # pylint: disable=ansible-bad-function
        _HOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        if holder.stdin is None or holder.stdout is None or not holder.stdout.readline():
            raise CloudError('unshare --user: this host creates no user namespaces')
        for kind in ('gid', 'uid'):
            with open(f'/proc/{holder.pid}/{kind}_map', 'w', encoding='ascii') as file:
                file.write(f'0 {first} {IDS}\n')
        yield UserNamespace(holder.pid, timeout)
        holder.stdin.close()
