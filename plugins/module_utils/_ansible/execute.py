# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Applies changes: imported when there are any."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Tuple

from .._cloud import Cloud, CloudError, NoAnswer, Outcome, Outcomes
from .._model.change import Changes, Plan
from .._model.history import Origin
from .operations import Operation, Operations, operation
from .things import Thing

if TYPE_CHECKING:
    from .task import Applied


def execute(
    cloud: Cloud,
    others: Operations,
    origin: Origin,
    changes: Changes,
) -> Outcomes:
    """Apply the changes, adjacent ones of one kind and verb in one call; keep their history.

    After a failure the later changes of the same item are skipped; those of others are applied.
    """
    history = cloud.history
    outcomes: List[Outcome] = []
    for (kind, verb), some in groupby(changes, key=lambda change: (change.kind, change.verb)):
        failures = [outcome.change for outcome in outcomes if outcome.error]
        failed = {(change.kind, change.name) for change in failures}
        remaining = [change for change in some if (change.kind, change.name) not in failed]
        if not remaining:
            continue
        apply = others.get((kind, verb)) or operation(cloud, kind, verb)
        if history:
            apply = partial(history.keep, origin, apply=apply)
        outcomes += _timed(apply, remaining)
    return outcomes


class Turned(NamedTuple):
    """What came of turns: outcomes, the steps of waiting, and what ended it before the last one."""

    outcomes: Outcomes
    waited: List[Dict[str, Any]]
    error: CloudError | None = None
    note: str = ''


def apply_in_turn(
    plan: Plan[Thing],
    apply: Callable[[Changes], Outcomes],
    wait: Callable[[Sequence[str]], List[Dict[str, Any]]],
) -> Turned:
    """Apply what interrupts nobody, then turn by turn; each but the last is waited for here.

    What fails, or is not ready in time, ends it: the servers of later turns keep serving.
    """
    left = list(plan.turns)
    outcomes = list(apply(_changes_of(plan, None)))
    waited: List[Dict[str, Any]] = []
    while left:
        names = left.pop(0)
        done = apply(_changes_of(plan, names))
        outcomes += done
        if left and any(outcome.error for outcome in done):
            return Turned(outcomes, waited, note=_kept(left))
        try:
            waited += wait(names) if left else []
        except CloudError as error:
            return Turned(outcomes, waited, error, _kept(left))
    return Turned(outcomes, waited)


def _changes_of(plan: Plan[Thing], names: Sequence[str] | None) -> Changes:
    """The changes of one turn; None: those of what is in no turn."""
    if names is None:
        others = [name for turn in plan.turns for name in turn]
        return [change for change in plan.changes if change.name not in others]
    return [change for change in plan.changes if change.name in names]


def _kept(turns: Sequence[Sequence[str]]) -> str:
    names = [name for turn in turns for name in turn]
    return f'not changed yet: server {", ".join(names)}; they keep serving as they are'


def attempted(attempt: Callable[[], Applied[Thing]]) -> Applied[Thing]:
    """Make an attempt, and another one if an answer was lost: it looks what is left to be done."""
    first = attempt()
    if not any(map(_is_unanswered, first.outcomes)):
        return first
    try:
        second = attempt()
    except CloudError as error:
        return replace(first, error=error)
    return replace(second, outcomes=_of_both(first.outcomes, second.outcomes))


def _is_unanswered(outcome: Outcome) -> bool:
    """Whether it is not known if a change was made."""
    return isinstance(outcome.error, NoAnswer)


def _of_both(first: Outcomes, second: Outcomes) -> Outcomes:
    """The outcomes of two attempts: what the second had not to do, the first had done."""
    again = set(map(_about, second))
    outcomes: List[Outcome] = []
    for outcome in first:
        if not outcome.error:
            outcomes.append(outcome)
        elif _about(outcome) not in again:
            is_done = _is_unanswered(outcome)
            outcomes.append(outcome._replace(error=None) if is_done else outcome)
    return [*outcomes, *second]


def _about(outcome: Outcome) -> Tuple[str, str]:
    return (outcome.change.kind, outcome.change.name)


def _timed(apply: Operation, changes: Changes) -> Outcomes:
    """Apply changes in one call; outcomes without seconds of their own get those of the call.

    An error of the call becomes the outcome of each change, so that earlier changes are reported.
    """
    started = time.monotonic()
    try:
        outcomes = apply(changes)
    except CloudError as error:
        outcomes = [Outcome(change, error) for change in changes]
    seconds = time.monotonic() - started
    return [_with_seconds(outcome, seconds) for outcome in outcomes]


def _with_seconds(outcome: Outcome, seconds: float) -> Outcome:
    if outcome.seconds is None:
        return outcome._replace(seconds=seconds)
    return outcome
