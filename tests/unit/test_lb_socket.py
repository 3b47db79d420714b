# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Responses at the socket of a balancer are limited in time and size, whoever sends them."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._local.balancer import haproxy_socket


@contextlib.contextmanager
def served(folder: Path, respond: Callable[[socket.socket], None]) -> Iterator[None]:
    """A server at the socket of a balancer."""
    (folder / 'run').mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / 'run' / 'admin.sock'))
        listener.listen()

        def serve() -> None:
            stream, _address = listener.accept()
            with stream, contextlib.suppress(OSError):
                respond(stream)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


def slow(stream: socket.socket) -> None:
    """Send a byte now and then, as long as the client is connected."""
    stream.settimeout(0.2)
    while True:
        stream.sendall(b'.')
        with contextlib.suppress(TimeoutError):
            stream.recv(65536)
        threading.Event().wait(0.2)


def endless(stream: socket.socket) -> None:
    """Send without end."""
    while True:
        stream.sendall(bytes(65536))


def test_a_response(tmp_path: Path) -> None:
    """Returned as it was sent, with invalid UTF-8 replaced."""

    def respond(stream: socket.socket) -> None:
        assert stream.makefile('rb').read() == b'show info\n'
        stream.sendall(b'1\n\xff')

    with served(tmp_path, respond):
        assert haproxy_socket.query(str(tmp_path), 'show info') == '1\n\ufffd'


@pytest.mark.parametrize('respond', [slow, endless])
def test_limits(
    respond: Callable[[socket.socket], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A response over a limit is none."""
    monkeypatch.setattr(haproxy_socket, '_TIMEOUT', 1)
    with served(tmp_path, respond):
        assert haproxy_socket.query(str(tmp_path), 'show info') is None


def test_no_socket(tmp_path: Path) -> None:
    """Without a socket there is no response."""
    assert haproxy_socket.query(str(tmp_path), 'show info') is None
