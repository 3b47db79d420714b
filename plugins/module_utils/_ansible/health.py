# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether servers serve again: they are healthy in their load balancers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Dict, List, Tuple

from .._cloud import Cloud, Unsupported
from .._model.lb import ONLINE, MemberHealth
from .wait import Condition

Members = Mapping[str, MemberHealth]


def healthy(cloud: Cloud, names: Sequence[str]) -> Condition | None:
    """Return the condition that servers are healthy in their load balancers; None without one.

    It is about load balancers with a health check that another member serves: the next one to be
    interrupted. Where none is healthy, as before a service is installed, there is nothing to keep.
    """
    found = _members(cloud)
    awaited = {
        (lb, name)
        for lb, members in found.items()
        for name in members.keys() & names
        if _is_served_by_others(members, name)
    }
    if not awaited:
        return None

    def unmet(pending: Sequence[str], seconds: float) -> Mapping[str, str]:
        reasons: Dict[str, List[str]] = {name: [] for name in pending}
        for lb, member in _unhealthy(_members(cloud), awaited):
            if member.name in reasons:
                text = f'it is {member.status} in load balancer {lb} ({member.reason})'
                reasons[member.name].append(text)
        return {name: '; '.join(texts) for name, texts in reasons.items()}

    checked = tuple(dict.fromkeys(name for _lb, name in sorted(awaited)))
    return Condition('healthy in its load balancers', 'server', checked, unmet)


def _unhealthy(
    found: Mapping[str, Members], awaited: Iterable[Tuple[str, str]]
) -> Iterator[Tuple[str, MemberHealth]]:
    """Yield those of some members (load balancer, server) that are not healthy."""
    for lb, name in sorted(awaited):
        member = found.get(lb, {}).get(name)
        if member and member.status != ONLINE:
            yield lb, member


def _is_served_by_others(members: Members, name: str) -> bool:
    return any(member.status == ONLINE for member in members.values() if member.name != name)


def _members(cloud: Cloud) -> Dict[str, Members]:
    """The members of load balancers, which may have a health check, by their names."""
    found: Dict[str, Members] = {}
    with suppress(Unsupported):
        for lb in cloud.lbs.list():
            found[lb.name] = {member.name: member for member in lb.health}
    return found
