# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Requests side by side: a cloud answers many of them at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import List, TypeVar

from ..._cloud import CloudError, Outcome, Outcomes
from ..._model.change import Change, Changes

THREADS = 16
Result = TypeVar('Result')


def together(calls: Sequence[Callable[[], Result]]) -> List[Result]:
    """Return what the calls return. Raises what the first of them raises."""
    if len(calls) < 2:
        return [call() for call in calls]
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda call: call(), calls))


def each(changes: Changes, step: Callable[[Change], object]) -> Outcomes:
    """Apply a step to each of some changes, which do not depend on each other."""
    return together([partial(_outcome, change, step) for change in changes])


def _outcome(change: Change, step: Callable[[Change], object]) -> Outcome:
    started = time.monotonic()
    error = None
    try:
        step(change)
    except CloudError as failure:
        error = failure
    return Outcome(change, error, time.monotonic() - started)
