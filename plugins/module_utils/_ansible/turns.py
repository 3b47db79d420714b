# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Turns: servers are interrupted a few at a time, and each has to serve again before the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Dict, List, NamedTuple, Tuple

from .._cloud import Cloud, CloudError, Outcomes, Unsupported
from .._model.change import Changes, Plan
from .._model.lb import NO_MONITOR, ONLINE, Lb, MemberHealth
from .things import Thing
from .wait import Condition

Steps = List[Dict[str, Any]]


class Turned(NamedTuple):
    """What came of turns: outcomes, the steps of waiting, and what ended it before the last one."""

    outcomes: Outcomes
    waited: Steps
    error: CloudError | None = None
    note: str = ''


def apply_in_turn(
    plan: Plan[Thing],
    apply: Callable[[Changes], Outcomes],
    wait: Callable[[Tuple[str, ...]], Steps],
) -> Turned:
    """Apply what interrupts nobody, then turn by turn; each but the last is waited for here.

    What fails, or is not ready in time, is the last one: the servers of later turns still serve.
    """
    interrupted = {name for names in plan.turns for name in names}
    outcomes = list(apply([change for change in plan.changes if change.name not in interrupted]))
    waited: Steps = []
    for number, names in enumerate(plan.turns, 1):
        done = apply([change for change in plan.changes if change.name in names])
        outcomes += done
        left = [name for later in plan.turns[number:] for name in later]
        if not left:
            break
        note = f'not changed yet: server {", ".join(left)}; they keep serving as they are'
        if any(outcome.error for outcome in done):
            return Turned(outcomes, waited, note=note)
        try:
            waited += wait(names)
        except CloudError as error:
            return Turned(outcomes, waited, error, note)
    return Turned(outcomes, waited)


def healthy(cloud: Cloud, names: Sequence[str]) -> Condition | None:
    """Return the condition that servers are healthy in their load balancers; None without one.

    A load balancer without a health check does not tell.
    """
    checked = tuple(name for name in names if name in _healths(cloud))
    if not checked:
        return None

    def unmet(pending: Sequence[str], seconds: float) -> Mapping[str, str]:
        found = _healths(cloud)
        return {name: '; '.join(found.get(name, ())) for name in pending}

    return Condition('healthy in its load balancers', 'server', checked, unmet)


def _healths(cloud: Cloud) -> Dict[str, List[str]]:
    """Why members of load balancers with a health check are not healthy, by the name of each."""
    found: Dict[str, List[str]] = {}
    for lb in _lbs(cloud):
        for member in lb.health:
            if member.status == NO_MONITOR:
                continue
            reasons = found.setdefault(member.name, [])
            if member.status != ONLINE:
                reasons.append(_reason(lb, member))
    return found


def _lbs(cloud: Cloud) -> Sequence[Lb]:
    with suppress(Unsupported):
        return cloud.lbs.list()
    return ()


def _reason(lb: Lb, member: MemberHealth) -> str:
    return f'it is {member.status} in load balancer {lb.name} ({member.reason})'
