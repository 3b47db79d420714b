# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run one service in one process: its API, and its workers as threads."""

from __future__ import annotations

import faulthandler
import gc
import os
import signal
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any

import applications
from applications import Application
from cheroot import wsgi
from layout import HOME, LOGS
from processes import DESCRIPTOR
from setproctitle import setproctitle


class Input:
    """The body of a request that survives close().

    Glance closes it, which breaks the next request of the same connection.
    """

    def __init__(self, body: Any) -> None:
        """Wrap the body."""
        self._body = body

    def __getattr__(self, name: str) -> Any:
        """Return what the body has."""
        return getattr(self._body, name)

    def __iter__(self) -> Any:
        """Return the lines."""
        return iter(self._body)

    def close(self) -> None:
        """Leave it open."""


class Server(wsgi.Server):
    """A server on a socket that somebody else has opened."""

    def __init__(self, application: Application, descriptor: int) -> None:
        """Use as few threads as there are calls at once in the tests."""
        self._given = socket.socket(fileno=descriptor)
        # Else the second part of an answer waits 40 ms until the client has confirmed the first.
        self._given.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        address = self._given.getsockname()
        super().__init__(address, application, numthreads=8, max=24, timeout=75)

    def bind(self, family: int, type: int, proto: int = 0) -> socket.socket:
        """Return the socket that is there."""
        self.socket = self._given
        return self._given


def logged(service: str, application: Application) -> Application:
    """Return the application with an access log, which tells whose calls came and how many."""
    log = (LOGS / 'access.log').open('a', buffering=1)

    def called(request: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request['wsgi.input'] = Input(request['wsgi.input'])
        what = f'{request["REQUEST_METHOD"]} {request["REQUEST_URI"]}'
        began = time.time()
        try:
            return application(request, start_response)
        finally:
            seconds = time.time() - began
            agent = request.get('HTTP_USER_AGENT', '-')
            log.write(f'{began:.3f} {service} {seconds:.3f} {what} {agent}\n')

    return called


def serve(service: str) -> None:
    """Serve on a socket that is open, until SIGTERM."""
    setproctitle(f'openstack: {service} of {HOME}')
    faulthandler.register(signal.SIGUSR1)  # prints where every thread is
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    began = time.monotonic()
    gc.disable()  # nothing to collect in what is imported
    application = getattr(applications, service)()
    # The service has changed how it reacts to signals.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    server = Server(logged(service, application), DESCRIPTOR)
    server.prepare()
    gc.freeze()
    gc.enable()
    cpu = sum(os.times()[:4])
    print(f'ready after {time.monotonic() - began:.1f} s, {cpu:.1f} CPU-seconds', flush=True)
    server.serve()
