# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Queries at the admin socket of HAProxy, limited in time and size."""

from __future__ import annotations

import socket
import time

from . import containers, lb_files

_TIMEOUT = 3  # seconds for a response
_MOST_RESPONSE = 1 << 20  # bytes of a response


def query(folder: str, command: str) -> str | None:
    """The response of HAProxy to a command; None without one, or when a limit is exceeded."""
    try:
        with socket.socket(socket.AF_UNIX) as stream:
            stream.settimeout(_TIMEOUT)
            containers.connect(stream, lb_files.socket_path(folder))
            stream.sendall(command.encode() + b'\n')
            stream.shutdown(socket.SHUT_WR)
            response = _receive(stream)
    except OSError:
        return None
    return None if response is None else response.decode(errors='replace')


def _receive(stream: socket.socket) -> bytes | None:
    deadline = time.monotonic() + _TIMEOUT
    response = b''
    while len(response) <= _MOST_RESPONSE and time.monotonic() < deadline:
        part = stream.recv(65536)
        if not part:
            return response
        response += part
    return None
