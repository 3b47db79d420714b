# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Turns: what serves its clients is restarted and replaced a few at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, List

from .._model.change import Change, Plan
from .._model.effect import RESTART
from .._model.kinds import Verb
from .._model.server import Server
from .._model.status import Status

_INTERRUPTING = frozenset(
    {
        Verb.STOP,
        Verb.POWER_OFF,
        Verb.REBOOT,
        Verb.HARD_REBOOT,
        Verb.REBUILD,
        Verb.RESIZE,
        Verb.REVERT_RESIZE,
        Verb.DELETE,
    }
)


def in_turn(plan: Plan[Server], max_unavailable: int) -> Plan[Server]:
    """Return a plan in which at most so many servers are interrupted at a time.

    These come last, each with all of its changes.
    """
    changes: Dict[str, List[Change]] = {}
    for change in plan.changes:
        if change.kind == 'server':
            changes.setdefault(change.name, []).append(change)
    interrupted = [name for name, some in changes.items() if _is_interrupted(some)]
    starts = range(0, len(interrupted), max_unavailable)
    turns = tuple(tuple(interrupted[start : start + max_unavailable]) for start in starts)
    turn_of = {name: number for number, names in enumerate(turns, 1) for name in names}
    ordered = sorted(plan.changes, key=lambda change: turn_of.get(change.name, 0))
    return replace(plan, changes=tuple(ordered), turns=turns)


def _is_interrupted(changes: List[Change]) -> bool:
    """Whether a server runs before and after its changes, but not all the time."""
    before = changes[0].before
    after = changes[-1].after
    if not (isinstance(before, Server) and isinstance(after, Server)):
        return False
    if before.settled_status != Status.ACTIVE or after.power != 'started':
        return False
    return any(change.verb in _INTERRUPTING or change.effect == RESTART for change in changes)
