# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Waits for what a cloud does after it answered: one list for all that is waited for."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import Dict, List, Union

from ..._cloud import CloudError, Outcome, Outcomes, TimedOut
from .api import Api

_FIRST = 0.5  # seconds between the first two lists
_LAST = 3.0  # seconds between two lists, at most
# Why an item is not ready: empty if it is, an error if it will never be.
Reason = Union[str, CloudError]
Reasons = Callable[[Collection[str]], Mapping[str, Reason]]


def await_all(api: Api, outcomes: Outcomes, reasons: Reasons) -> Outcomes:
    """Wait until the items of the changes that succeeded are ready, or the time of the task ends.

    Return the outcomes, with the errors of those that will not be, or are not in time.
    """
    pending = {outcome.change.name for outcome in outcomes if not outcome.error}
    errors: Dict[str, CloudError] = {}
    pause = _FIRST
    while pending:
        found = reasons(pending)
        errors.update(_futile(found))
        waiting = {name for name in pending if found.get(name)}
        pending = waiting - set(errors)
        if not pending:
            break
        if time.monotonic() > api.deadline:
            for name in pending:
                errors[name] = _timed_out(api, str(found[name]))
            break
        time.sleep(pause)
        pause = min(pause * 1.5, _LAST)
    api.forget()
    return with_errors(outcomes, errors)


def _futile(found: Mapping[str, Reason]) -> Dict[str, CloudError]:
    """The errors of the items that will never be ready."""
    return {name: why for name, why in found.items() if isinstance(why, CloudError)}


def with_errors(outcomes: Outcomes, errors: Mapping[str, CloudError | None]) -> Outcomes:
    """Return outcomes with errors by name; one that has an error keeps it."""
    found: List[Outcome] = []
    for outcome in outcomes:
        error = outcome.error or errors.get(outcome.change.name)
        found.append(outcome._replace(error=error))
    return found


def await_one(api: Api, reason: Callable[[], str]) -> None:
    """Wait until there is no reason left. Raises TimedOut with it when the time of the task ends.

    ``reason`` raises CloudError when waiting is futile.
    """
    pause = _FIRST
    while True:
        why = reason()
        if not why:
            break
        if time.monotonic() > api.deadline:
            raise _timed_out(api, why)
        time.sleep(pause)
        pause = min(pause * 1.5, _LAST)
    api.forget()


def _timed_out(api: Api, why: str) -> TimedOut:
    text = f'timed out after {api.timeout} s (wait_timeout): {why}'
    return TimedOut(text, 'wait_timeout')
