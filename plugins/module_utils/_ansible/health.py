# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether servers serve again: they are healthy in their load balancers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Dict, List

from .._cloud import Cloud, Unsupported
from .._model.lb import NO_MONITOR, ONLINE, Lb, MemberHealth
from .wait import Condition


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
