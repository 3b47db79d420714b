# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Connections to libvirt: one per thread and driver, because one connection runs at most five calls at once."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Callable, Dict, List, NamedTuple

from .._cloud import CloudError

URIS = {'qemu': 'qemu:///system', 'lxc': 'lxc:///system'}
_LEAST, _MOST = 5, 30  # seconds in which libvirtd must answer, whatever wait_timeout says
_QUESTIONS = 5  # that it may leave unanswered meanwhile (libvirt's keepalive)
_COMES_BACK, _STARTS = (
    5.0,
    1.0,
)  # seconds for one that was there a moment ago, and for one that was not
_events = threading.Lock()
_running: List[threading.Thread] = []


class Machine(NamedTuple):
    """A virtual machine in libvirt, its power (started, stopped or paused), and whether it is defined, or only runs."""

    domain: Any
    power: str
    defined: bool


class Hypervisor:
    """libvirt, imported and opened when it is first needed.

    No call waits for ever: a libvirtd that is stopped is asked for a sign of life, and without one
    the connection is closed.
    """

    def __init__(self, timeout: int = _MOST) -> None:
        """Nothing is opened yet. ``timeout``: seconds that libvirtd may take to answer."""
        self._mine = threading.local()
        self._all: List[Any] = []
        self._seconds = max(_LEAST, min(timeout, _MOST))

    @property
    def qemu(self) -> Any:
        """This thread's connection to the QEMU driver."""
        return self._connection('qemu')

    @property
    def lxc(self) -> Any:
        """This thread's connection to the LXC driver."""
        return self._connection('lxc')

    def _connection(self, driver: str) -> Any:
        opened: Dict[str, Any] = self._mine.__dict__
        if driver in opened and opened[driver].isAlive():
            return opened[driver]
        opened[driver] = self._open(URIS[driver], _COMES_BACK if driver in opened else _STARTS)
        self._all.append(opened[driver])
        return opened[driver]

    def is_lost(self) -> bool:
        """Whether libvirtd has closed a connection of this thread, or no longer answers there."""
        return any(not connection.isAlive() for connection in self._mine.__dict__.values())

    def _open(self, uri: str, patience: float) -> Any:
        """Connect. ``patience``: seconds in which a libvirtd that is just being restarted is to come back."""
        libvirt = _bindings()
        libvirt.registerErrorHandler(lambda context, error: None, None)
        _run_events(libvirt)
        until = time.monotonic() + patience
        while True:
            try:
                connection = self._in_time(uri, lambda: libvirt.open(uri))
                connection.setKeepAlive(max(1, self._seconds // _QUESTIONS), _QUESTIONS)
                return connection
            except libvirt.libvirtError as error:
                if time.monotonic() > until:
                    raise CloudError(
                        f'libvirt does not answer at {uri}: {error}; start it, or run the role hanok.cloud.host, which does'
                    ) from error
            time.sleep(0.1)

    def _in_time(self, uri: str, work: Callable[[], Any]) -> Any:
        """What a call comes to that libvirt itself does not bound; when it has not ended in time, it is left behind."""
        found: List[Any] = []

        def call() -> None:
            try:
                found.append((work(), None))
            except Exception as error:  # it is raised where it is awaited
                found.append((None, error))

        thread = threading.Thread(target=call, daemon=True)
        thread.start()
        thread.join(self._seconds)
        if not found:
            raise CloudError(
                f'libvirtd does not answer at {uri}: it was waited for {self._seconds} s; '
                'it hangs or is stopped: restart it (servers run on), then run the task again'
            )
        value, error = found[0]
        if error is not None:
            raise error
        return value

    def machines(self) -> Dict[str, Machine]:
        """All virtual machines by their UUIDs."""
        libvirt = _bindings()
        found = {domain.UUIDString(): domain for domain in self.qemu.listAllDomains()}
        active, paused, transient = (
            {
                domain.UUIDString()
                for domain in self.qemu.listAllDomains(
                    getattr(libvirt, f'VIR_CONNECT_LIST_DOMAINS_{flag}')
                )
            }
            for flag in ('ACTIVE', 'PAUSED', 'TRANSIENT')
        )
        return {
            identity: Machine(
                domain,
                'paused' if identity in paused else 'started' if identity in active else 'stopped',
                identity not in transient,
            )
            for identity, domain in found.items()
        }

    def close(self) -> None:
        """Close what was opened."""
        while self._all:
            with tolerate(
                'RPC', 'INTERNAL_ERROR', 'SYSTEM_ERROR'
            ):  # libvirtd is gone, and the connection with it
                self._all.pop().close()


def _bindings() -> Any:
    """Libvirt's module, where this interpreter has it. Raises CloudError."""
    try:
        import libvirt
    except ImportError as error:
        raise CloudError(
            f'{sys.executable} has no bindings of libvirt (package python3-libvirt); set ansible_python_interpreter: /usr/bin/python3, '
            'or run the role hanok.cloud.host, which installs them there'
        ) from error
    return libvirt


def _run_events(libvirt: Any) -> None:
    """Have libvirt's event loop run in a thread, once in a process: without it there are no signs of life (keepalive)."""
    with _events:
        if _running:
            return
        libvirt.virEventRegisterDefaultImpl()

        def run() -> None:
            while True:
                libvirt.virEventRunDefaultImpl()

        _running.append(threading.Thread(target=run, daemon=True))
        _running[0].start()


@contextmanager
def tolerate(*codes: str) -> Iterator[None]:
    """Let these libvirt errors pass (names without VIR_ERR_): what was to be done is done already."""
    libvirt = _bindings()
    try:
        yield
    except libvirt.libvirtError as error:
        if error.get_error_code() not in [getattr(libvirt, 'VIR_ERR_' + code) for code in codes]:
            raise
