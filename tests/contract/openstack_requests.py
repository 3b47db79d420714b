# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What happens to the requests of tasks to an OpenStack: they are counted, or answers are lost."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest
from requests import ConnectionError as NoConnection
from requests import PreparedRequest, Session

from ansible_collections.hanok.cloud.plugins.module_utils._openstack.api import api

OPEN_REGION = api.open_region  # before the suite signs in once for all tasks
Send = Callable[[Session, PreparedRequest], Any]


@contextmanager
def _patched(sending: Callable[[PreparedRequest, Callable[[], Any]], Any]) -> Iterator[None]:
    """Let ``sending`` send all requests; it has the request, and what sends it."""
    send = Session.send

    def patched(session: Session, request: PreparedRequest, **options: Any) -> Any:
        return sending(request, lambda: send(session, request, **options))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, 'send', patched)
        yield


@contextmanager
def counted() -> Iterator[list[str]]:
    """Fill a list with the requests of tasks; each task signs in."""
    found: list[str] = []

    def sending(request: PreparedRequest, send: Callable[[], Any]) -> Any:
        found.append(f'{request.method} {request.url}')
        return send()

    with _patched(sending), pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, 'open_region', OPEN_REGION)
        yield found


@contextmanager
def lost_answer(number: int = 1) -> Iterator[list[str]]:
    """Lose the answer to a request that changes something, by number; the list has that request."""
    lost: list[str] = []
    sent = itertools.count(1)

    def sending(request: PreparedRequest, send: Callable[[], Any]) -> Any:
        answer = send()
        if _is_change(request) and next(sent) == number:
            lost.append(f'{request.method} {request.url}')
            raise NoConnection('Connection aborted', request=request)
        return answer

    with _patched(sending):
        yield lost


def _is_change(request: PreparedRequest) -> bool:
    return request.method != 'GET' and 'auth/tokens' not in str(request.url)


def killed(task: Callable[[], object], number: int, is_sent: bool) -> bool:
    """Run a task in a process that is killed at its request that changes something, by number.

    ``is_sent``: the request reaches the service, the answer does not reach the task. Return False
    if the task has fewer of them, and ended.
    """
    child = os.fork()
    if not child:
        _run_until_killed(task, number, is_sent)
    _pid, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def _run_until_killed(task: Callable[[], object], number: int, is_sent: bool) -> NoReturn:
    sent = itertools.count(1)

    def sending(request: PreparedRequest, send: Callable[[], Any]) -> Any:
        if not _is_change(request) or next(sent) != number:
            return send()
        if is_sent:
            send()
        os.kill(os.getpid(), signal.SIGKILL)
        return None

    with _patched(sending):
        api.open_region = OPEN_REGION  # connections are not shared with the other process
        try:
            task()
        finally:
            os._exit(0)
