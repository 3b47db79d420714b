# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Applies changes: imported when there are any."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from itertools import groupby
from typing import List

from .._cloud import Cloud, CloudError, Outcome
from .._model.change import Change
from .._model.history import Origin
from .operations import Operation, Operations, operation


def execute(
    cloud: Cloud, others: Operations, changes: Sequence[Change], origin: Origin
) -> List[Outcome]:
    """Apply the changes, adjacent ones of one kind and verb in one call; keep their history.

    After a failure the later changes of the same item are skipped; those of others are applied.
    """
    history = cloud.history
    outcomes: List[Outcome] = []
    for (kind, verb), some in groupby(changes, key=lambda change: (change.kind, change.verb)):
        failed = {
            (outcome.change.kind, outcome.change.name) for outcome in outcomes if outcome.error
        }
        remaining = [change for change in some if (change.kind, change.name) not in failed]
        apply = others.get((kind, verb)) or operation(cloud, kind, verb)
        if history:
            apply = partial(history.keep, origin, apply=apply)
        outcomes += _timed(apply, remaining)
    return outcomes


def _timed(apply: Operation, changes: Sequence[Change]) -> List[Outcome]:
    """Apply changes in one call; outcomes without seconds of their own get those of the call.

    An error of the call becomes the outcome of each change, so that earlier changes are reported.
    """
    started = time.monotonic()
    try:
        outcomes = apply(changes)
    except CloudError as error:
        outcomes = [Outcome(change, error) for change in changes]
    seconds = time.monotonic() - started
    return [
        outcome._replace(seconds=seconds) if outcome.seconds is None else outcome
        for outcome in outcomes
    ]
