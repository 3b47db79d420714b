# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Programs of the host: a list of arguments, never a text for a shell, and no terminal.

AnsibleModule.run_command, which Ansible prefers, is not here: timers open a cloud, too.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from typing import IO


def run(
    command: Sequence[str],
    text: str | None = None,
    *,
    source: IO[bytes] | None = None,
    output: IO[bytes] | None = None,
    folder: str | None = None,
    locks: Sequence[int] = (),
    environment: Mapping[str, str] | None = None,
    umask: int = -1,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; return its exit code and what it printed.

    ``text``, ``source``: its standard input, if it has any. ``output``: its standard output, if it
    is not returned. ``folder``: where it runs. ``locks``: descriptors that it inherits, so that the
    locks are held while it runs, even if this process is killed. ``environment``: if not that of
    this process. ``timeout``: seconds. Raises OSError if it cannot be started, and TimeoutExpired.
    """
    stdin = {'stdin': source or subprocess.DEVNULL} if text is None else {'input': text}
    return subprocess.run(  # pylint: disable=ansible-bad-function
        command,
        **stdin,
        stdout=output or subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors='replace',
        check=False,
        cwd=folder,
        pass_fds=locks,
        env=environment,
        umask=umask,
        timeout=timeout,
    )


def meanwhile(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a program whose standard input ends when this process leaves it, or ends in any way.

    It belongs to a session of its own: what ends this process does not end it.
    """
    return subprocess.Popen(  # pylint: disable=ansible-bad-function
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
