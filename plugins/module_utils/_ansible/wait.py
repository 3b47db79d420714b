# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Waiting for conditions of items: the only place of the edge that polls a cloud."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Tuple

from .._cloud import TimedOut
from .._cloud.several import Several, deleted_meanwhile
from .._model.change import Item
from .steps import step
from .things import Thing

Predicate = Callable[[Thing], str]


@dataclass(frozen=True)
class Condition:
    """A condition that items of a kind do not meet yet, or that only the cloud can check.

    ``name``: in messages. ``unmet`` gets names of items and the seconds that are left, and returns
    why items do not meet it, by name; those that meet it have no reason, or an empty one. It raises
    CloudError when waiting longer is futile. ``last_seen`` returns what to say about items when the
    time is over, by name.
    """

    name: str
    kind: str
    items: Tuple[str, ...]
    unmet: Callable[[Sequence[str], float], Mapping[str, str]]
    last_seen: Callable[[Sequence[str]], Mapping[str, str]] = lambda _names: {}


def busy(item: Item) -> str:
    """Return the task that the cloud, for whomever, has in progress for an item; else empty."""
    state = getattr(item, 'task_state', None)
    if not state:
        return ''
    return f'its task_state is {state}'


def listed(
    name: str,
    kind: str,
    items: Sequence[Thing],
    predicate: Predicate[Thing],
    reload: Callable[[Sequence[Thing]], Sequence[Thing]],
) -> Condition | None:
    """Return a condition of items as they are listed; None if all of them meet it.

    ``predicate`` returns why an item does not meet it.
    """
    pending = {item.name: item for item in items if predicate(item)}
    if not pending:
        return None

    def unmet(names: Sequence[str], seconds: float) -> Mapping[str, str]:
        wanted = [pending[name] for name in names]
        found = {item.name: item for item in reload(wanted)}
        missing = set(names) - set(found)
        if missing:
            raise deleted_meanwhile(kind, missing, name)
        return {name: predicate(found[name]) for name in names}

    return Condition(name, kind, tuple(pending), unmet)


def ready(
    kind: str,
    items: Sequence[Thing],
    reload: Callable[[Sequence[Thing]], Sequence[Thing]],
) -> Condition | None:
    """Return the condition that the cloud has finished with the items; None if it has."""
    return listed('ready', kind, items, busy, reload)


def wait_for_all(
    conditions: Sequence[Condition | None],
    timeout: int,
    interval: float,
) -> List[Dict[str, Any]]:
    """Wait for one condition after the other, in ``timeout`` seconds for all; return the steps."""
    steps = []
    deadline = time.monotonic() + timeout
    for condition in conditions:
        if condition is None:
            continue
        started = time.monotonic()
        waited = wait_until_met(condition, deadline, timeout, interval)
        seconds = time.monotonic() - started
        steps.append(step(waited, '', seconds))
    return steps


def wait_until_met(
    condition: Condition,
    deadline: float,
    timeout: int,
    interval: float,
) -> str:
    """Poll until all items meet a condition; return what was waited for.

    ``deadline``: monotonic; ``timeout``: the seconds until then, for the message. ``interval``: the
    seconds between two checks. Raises an error with the reason for each item that does not.
    """
    pending: Sequence[str] = condition.items
    while True:
        left = deadline - time.monotonic()
        reasons = condition.unmet(pending, left)
        pending = [name for name in pending if reasons.get(name)]
        if not pending:
            items = ', '.join(condition.items)
            return f'waited for {condition.name} of {items}'
        if time.monotonic() > deadline:
            raise Several(_timed_out(condition, pending, timeout, reasons))
        time.sleep(interval)


def _timed_out(
    condition: Condition, names: Sequence[str], timeout: int, reasons: Mapping[str, str]
) -> List[TimedOut]:
    seen = condition.last_seen(names)
    errors = []
    for name in names:
        reason = reasons[name] + seen.get(name, '')
        text = f'timed out after {timeout} s (wait_timeout) waiting for {condition.name}: {reason}'
        kind = condition.kind
        errors.append(TimedOut(f'{kind} {name}: {text}', 'wait_timeout', kind, name))
    return errors
