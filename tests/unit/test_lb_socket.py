# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a balancer answers at its socket: whoever answers there, a task does not wait for ever, nor read without end."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._local import lbs


@contextlib.contextmanager
def answering(folder: Path, answer: Callable[[socket.socket], None]) -> Iterator[None]:
    """Somebody who answers at the socket of a balancer."""
    (folder / 'run').mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / 'run' / 'admin.sock'))
        listener.listen()

        def serve() -> None:
            stream, _address = listener.accept()
            with stream, contextlib.suppress(OSError):
                answer(stream)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


def slow(stream: socket.socket) -> None:
    """A byte now and then, as long as somebody listens."""
    stream.settimeout(0.2)
    while True:
        stream.sendall(b'.')
        with contextlib.suppress(TimeoutError):
            stream.recv(65536)
        threading.Event().wait(0.2)  # this is what the slow one does; nothing waits for it


def endless(stream: socket.socket) -> None:
    """More than anybody wants."""
    while True:
        stream.sendall(bytes(65536))


def test_an_answer(tmp_path: Path) -> None:
    """As it was sent, and what is no text is replaced."""

    def answer(stream: socket.socket) -> None:
        assert stream.makefile('rb').read() == b'show info\n'
        stream.sendall(b'1\n\xff')

    with answering(tmp_path, answer):
        assert lbs.ask(str(tmp_path), 'show info') == '1\n\ufffd'


@pytest.mark.parametrize('answer', [slow, endless])
def test_no_end(
    answer: Callable[[socket.socket], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no answer."""
    monkeypatch.setattr(lbs, '_SECONDS', 1)
    with answering(tmp_path, answer):
        assert lbs.ask(str(tmp_path), 'show info') is None


def test_nobody(tmp_path: Path) -> None:
    """Neither a socket, nor somebody behind one."""
    assert lbs.ask(str(tmp_path), 'show info') is None
