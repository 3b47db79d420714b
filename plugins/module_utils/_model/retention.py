# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which backups are kept, in the words of restic: the newest ones, and those of days and weeks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Dict, FrozenSet, List, NamedTuple, Set


class Dated(NamedTuple):
    """A backup, and when it was made: as in 2026-01-31T09:00:00Z."""

    name: str
    created_at: str


def _week(made: Dated) -> str:
    return '{}-{}'.format(*date(*map(int, made.created_at[:10].split('-'))).isocalendar()[:2])


# What two backups have in common of which a rule keeps one: the newest.
_PERIODS: Mapping[str, Callable[[Dated], str]] = {
    'keep_last': lambda made: made.name,
    'keep_daily': lambda made: made.created_at[:10],
    'keep_weekly': _week,
}


def expired(backups: Sequence[Dated], keep: Mapping[str, int]) -> List[str]:
    """The names of backups that no rule keeps, the oldest first.

    ``keep``: by rule, of how many periods (days and ISO weeks of UTC) that have a backup the newest
    one is kept; without any, all are. Each rule looks at all backups.
    """
    if not keep:
        return []
    newest_first = sorted(backups, key=lambda made: (made.created_at, made.name), reverse=True)
    kept: Set[str] = set()
    for rule, number in keep.items():
        kept |= _kept(newest_first, _PERIODS[rule], number)
    return [made.name for made in reversed(newest_first) if made.name not in kept]


def _kept(
    newest_first: Sequence[Dated], period: Callable[[Dated], str], number: int
) -> FrozenSet[str]:
    found: Dict[str, str] = {}
    for made in newest_first:
        found.setdefault(period(made), made.name)
    return frozenset([*found.values()][:number])
