# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands of services that prepare their database, run once in a process of their own.

The process is a fork: what the service imports is imported once.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from layout import configuration_of, migrated

PR_SET_PDEATHSIG = 1


class Migrations:
    """The commands of a service; after the last of them it is on record that all are done."""

    def __init__(self, service: str) -> None:
        """Read whether they were done before."""
        self._done = migrated(service)
        self._configuration = ('--config-file', str(configuration_of(service)))
        self.wanted = not self._done.exists()

    def run(self, main: Callable[[], Any], name: str, *arguments: str) -> None:
        """Run one command; the service ends when it fails."""
        began = time.monotonic()
        pid = os.fork()
        if pid == 0:
            sys.argv = [name, *self._configuration, *arguments]
            os._exit(_status_of(main))
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if status:
            sys.exit(f'{name} {" ".join(arguments)}: status {status}')
        print(f'{time.monotonic() - began:.1f} s  {name} {" ".join(arguments)}', flush=True)

    def done(self) -> None:
        """Record that all are done."""
        self._done.touch()


def _status_of(main: Callable[[], Any]) -> int:
    # It does not outlive the service, even if that is killed.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        status = main() or 0
    except SystemExit as exit_:
        status = exit_.code or 0
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return status if isinstance(status, int) else 1
