# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Connections to libvirt, one per thread and driver.

libvirtd processes at most five calls of one connection at once.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Callable, Dict, List, NamedTuple, Set, Tuple

from ..._cloud import CloudError

URIS = {'qemu': 'qemu:///system', 'lxc': 'lxc:///system'}
# Bounds in seconds for the time in which libvirtd must answer, whatever wait_timeout is.
_SHORTEST_TIMEOUT = 5
_LONGEST_TIMEOUT = 30
_KEEPALIVE_COUNT = 5  # libvirt keepalive messages without a response before the connection closes
_RECONNECT_TIMEOUT, _CONNECT_TIMEOUT = 5.0, 1.0  # seconds
_event_lock = threading.Lock()
_event_threads: List[threading.Thread] = []


class Machine(NamedTuple):
    """A virtual machine or a container in libvirt.

    ``power``: started, stopped or paused. ``defined``: False for a transient one, which only runs.
    """

    domain: Any
    power: str
    defined: bool


class Hypervisor:
    """libvirt, imported and opened at the first use.

    No call blocks for ever: when libvirtd stops responding to keepalive messages, the connection is
    closed.
    """

    def __init__(self, timeout: int = _LONGEST_TIMEOUT, only_looks: bool = False) -> None:
        """Open no connection yet. ``timeout``: seconds in which libvirtd must answer.

        ``only_looks``: by the socket of libvirt that needs no root.
        """
        self._only_looks = only_looks
        self._of_thread = threading.local()
        self._all: List[Tuple[threading.Thread, Any]] = []
        self._closing = threading.Lock()
        self._timeout = max(_SHORTEST_TIMEOUT, min(timeout, _LONGEST_TIMEOUT))

    @property
    def qemu(self) -> Any:
        """This thread's connection to the QEMU driver."""
        return self._connection('qemu')

    @property
    def lxc(self) -> Any:
        """This thread's connection to the LXC driver."""
        return self._connection('lxc')

    def _connection(self, driver: str) -> Any:
        opened: Dict[str, Any] = self._of_thread.__dict__
        if driver in opened and opened[driver].isAlive():
            return opened[driver]
        timeout = _RECONNECT_TIMEOUT if driver in opened else _CONNECT_TIMEOUT
        opened[driver] = self._open(URIS[driver], timeout)
        self._all.append((threading.current_thread(), opened[driver]))
        return opened[driver]

    def is_lost(self) -> bool:
        """Whether libvirtd has closed a connection of this thread, or no longer answers on it."""
        return any(not connection.isAlive() for connection in self._of_thread.__dict__.values())

    def _open(self, uri: str, timeout: float) -> Any:
        """Connect. ``timeout``: seconds for a libvirtd that is restarting to become available."""
        libvirt = _bindings()
        libvirt.registerErrorHandler(lambda context, error: None, None)
        _run_events(libvirt)
        connect = libvirt.openReadOnly if self._only_looks else libvirt.open
        deadline = time.monotonic() + timeout
        while True:
            try:
                connection = self._call(uri, lambda: connect(uri))
                interval = max(1, self._timeout // _KEEPALIVE_COUNT)
                connection.setKeepAlive(interval, _KEEPALIVE_COUNT)
                return connection
            except libvirt.libvirtError as error:
                if time.monotonic() > deadline:
                    raise CloudError(
                        f'libvirt does not answer at {uri}: {error}; '
                        'start it, or run the role hanok.cloud.host, which starts it'
                    ) from error
            time.sleep(0.1)

    def _call(self, uri: str, function: Callable[[], Any]) -> Any:
        """The result of a call for which libvirt has no timeout; a late thread is abandoned."""
        result: List[Any] = []

        def run() -> None:
            try:
                result.append((function(), None))
            except Exception as error:  # raised below, in the calling thread
                result.append((None, error))

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(self._timeout)
        if not result:
            raise CloudError(
                f'libvirtd does not answer at {uri} (timed out after {self._timeout} s); '
                'it hangs or is stopped: restart it (servers keep running), '
                'then run the task again'
            )
        value, error = result[0]
        if error is not None:
            raise error
        return value

    def machines(self, driver: str = 'qemu') -> Dict[str, Machine]:
        """All virtual machines by UUID, or those of another driver: containers."""
        libvirt = _bindings()
        connection = self._connection(driver)

        def uuids(flag: int) -> Set[str]:
            return {domain.UUIDString() for domain in connection.listAllDomains(flag)}

        found = {domain.UUIDString(): domain for domain in connection.listAllDomains()}
        active = uuids(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE)
        paused = uuids(libvirt.VIR_CONNECT_LIST_DOMAINS_PAUSED)
        if driver == 'lxc':
            from .control_group import is_frozen, is_version_2

            paused.update(name for name in active if is_version_2() and is_frozen(found[name]))
        transient = uuids(libvirt.VIR_CONNECT_LIST_DOMAINS_TRANSIENT)
        power = {
            **dict.fromkeys(found, 'stopped'),
            **dict.fromkeys(active, 'started'),
            **dict.fromkeys(paused, 'paused'),
        }
        return {
            identity: Machine(domain, power[identity], identity not in transient)
            for identity, domain in found.items()
        }

    def close(self) -> None:
        """Close all connections."""
        while self._all:
            _close(self._all.pop()[1])

    def close_of_ended_threads(self) -> None:
        """Close the connections that no thread uses any more; a task that polls opens many."""
        with self._closing:
            ended = [one for one in self._all if not one[0].is_alive()]
            for one in ended:
                self._all.remove(one)
        for _thread, connection in ended:
            _close(connection)


def _close(connection: Any) -> None:
    # libvirtd may have ended, and the connection with it
    with tolerate('RPC', 'INTERNAL_ERROR', 'SYSTEM_ERROR'):
        connection.close()


def _bindings() -> Any:
    """The libvirt module, if this interpreter has it. Raises CloudError."""
    try:
        import libvirt
    except ImportError as error:
        raise CloudError(
            f'{sys.executable} has no bindings of libvirt (package python3-libvirt); '
            'set ansible_python_interpreter: /usr/bin/python3, '
            'or run the role hanok.cloud.host, which installs them there'
        ) from error
    return libvirt


def _run_events(libvirt: Any) -> None:
    """Run libvirt's event loop in a thread, once per process; keepalive needs it."""
    with _event_lock:
        if _event_threads:
            return
        libvirt.virEventRegisterDefaultImpl()

        def run() -> None:
            while True:
                libvirt.virEventRunDefaultImpl()

        _event_threads.append(threading.Thread(target=run, daemon=True))
        _event_threads[0].start()


@contextmanager
def tolerate(*codes: str) -> Iterator[None]:
    """Ignore these libvirt errors (names without VIR_ERR_): the desired state exists already."""
    libvirt = _bindings()
    try:
        yield
    except libvirt.libvirtError as error:
        if error.get_error_code() not in [getattr(libvirt, 'VIR_ERR_' + code) for code in codes]:
            raise
