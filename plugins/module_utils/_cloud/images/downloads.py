# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Downloads by http or https only, within a time limit however slowly a server sends."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any

from .. import CloudError, Invalid, TimedOut

_READ_TIMEOUT = 60.0  # seconds without a byte
_MOST_CHECKSUMS = 1 << 20  # bytes of a checksum file


class _TimedOut(BaseException):
    """The time limit is exceeded. A BaseException, so that no handler on the way catches it."""


@contextlib.contextmanager
def opened(url: str, what: str, seconds: float) -> Iterator[Any]:
    """Open a URL; the response must be read within so many seconds. Raises CloudError.

    ``what``: names the option and as much of the URL as may be shown.
    """
    from http.client import HTTPException
    from urllib.error import URLError

    read_timeout = min(_READ_TIMEOUT, max(1.0, seconds))
    try:
        with _time_limit(seconds), _opener().open(url, timeout=read_timeout) as response:
            yield response
    except (_TimedOut, TimedOut):  # the second from who reads, if it notices first
        raise TimedOut(
            f'{what}: the download timed out (wait_timeout); no image was created',
            'url',
        ) from None
    except (URLError, OSError) as error:
        raise CloudError(
            f'{what} cannot be fetched: {error}',
            'url',
        ) from error
    except (HTTPException, ValueError) as error:  # their messages may contain the full URL
        raise CloudError(
            f'{what} cannot be fetched: {type(error).__name__}',
            'url',
        ) from error


def checksum_file(url: str, what: str, seconds: float) -> str:
    """The text of a checksum file. Raises CloudError."""
    with opened(url, what, seconds) as response:
        data: bytes = response.read(_MOST_CHECKSUMS + 1)
    if len(data) > _MOST_CHECKSUMS:
        raise Invalid(
            f'{what} is larger than {_MOST_CHECKSUMS} bytes: not a checksum file',
            'checksum',
        )
    return data.decode(errors='replace')


def _opener() -> Any:
    """An opener for http and https only, also after a redirect."""
    from urllib import request

    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler,
        request.HTTPHandler,
        request.HTTPSHandler,
        request.HTTPRedirectHandler,
        request.HTTPDefaultErrorHandler,
        request.HTTPErrorProcessor,
        request.UnknownHandler,
    ):
        opener.add_handler(handler())
    return opener


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Interrupt the body after so many seconds.

    By a signal: the timeout of a socket never expires while a server sends a byte now and then.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_signal: int, _frame: Any) -> None:
        raise _TimedOut

    previous = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, max(0.01, seconds))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
