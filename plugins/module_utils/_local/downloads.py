# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is fetched by http or https: nothing else, in bounded time, however slowly a server says something."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any

from .._cloud import CloudError

_SILENCE = 60.0  # seconds without a byte
_MOST_SUMS = 1 << 20  # bytes of a file of checksums


class _Late(BaseException):
    """The time is over; no handler of errors on the way takes it for one of its own."""


@contextlib.contextmanager
def opened(url: str, what: str, seconds: float) -> Iterator[Any]:
    """Open a URL; all that is read of it must be read within so many seconds. Raises CloudError.

    what: names the option and as much of the URL as may be told.
    """
    from http.client import HTTPException
    from urllib.error import URLError

    try:
        with (
            _within(seconds),
            _opener().open(url, timeout=min(_SILENCE, max(1.0, seconds))) as response,
        ):
            yield response
    except _Late:
        raise CloudError(
            f'{what} cannot be fetched in the time (wait_timeout) that there is; no image was created'
        ) from None
    except (URLError, OSError) as error:
        raise CloudError(f'{what} cannot be fetched: {error}') from error
    except (HTTPException, ValueError) as error:  # their words may have all of the URL
        raise CloudError(f'{what} cannot be fetched: {type(error).__name__}') from error


def sums(url: str, what: str, seconds: float) -> str:
    """The text of a file of checksums. Raises CloudError."""
    with opened(url, what, seconds) as response:
        data: bytes = response.read(_MOST_SUMS + 1)
    if len(data) > _MOST_SUMS:
        raise CloudError(f'{what} has more than {_MOST_SUMS} bytes: it is no file of checksums')
    return data.decode(errors='replace')


def _opener() -> Any:
    """No other protocol than http and https, also after a redirect."""
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
def _within(seconds: float) -> Iterator[None]:
    """End what takes longer. By a signal: a server that says a byte now and then ends no wait of a socket."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_number: int, _frame: Any) -> None:
        raise _Late

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(0.01, seconds))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
