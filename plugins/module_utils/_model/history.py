# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The history of a cloud: what was changed, when, by whom, and how it ended."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, List, Mapping

from .change import plain_fields
from .problem import Problem, invalid

OK = 'ok'  # the result of a change that succeeded; that of others is the code of their error
MAX_LIMIT = 10_000
_AGE = re.compile(r'([0-9]{1,6})([smhdw])')
_UNITS = {'s': 'seconds', 'm': 'minutes', 'h': 'hours', 'd': 'days', 'w': 'weeks'}


@dataclass(frozen=True)
class Origin:
    """The task that makes changes: its module, and the AWX job that runs it."""

    module: str
    job: str | None = None


@dataclass(frozen=True)
class HistoryEntry:
    """One change. ``result``, ``ended_at`` and ``seconds`` are None until it ends."""

    began_at: str
    kind: str
    name: str
    verb: str
    changed_by: str
    module: str
    id: str | None = None
    job: str | None = None
    why: str = ''
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    ended_at: str | None = None
    seconds: float | None = None
    result: str | None = None
    error: str | None = None

    def public(self) -> Dict[str, Any]:
        """The change for the result of a module."""
        return plain_fields(self)


@dataclass(frozen=True)
class HistoryRequest:
    """The changes to list; None: any.

    ``since`` and ``until`` are times or ages, as users write them. ``limit``: None: all of them.
    """

    name: str | None = None
    kind: str | None = None
    changed_by: str | None = None
    since: str | None = None
    until: str | None = None
    unfinished: bool = False
    limit: int | None = 100

    def problems(self) -> List[Problem]:
        """Return what is invalid in it."""
        problems = [
            invalid(
                option,
                f'{value!r} is neither a time nor an age; use a form such as 2026-01-31, '
                '2026-01-31T09:00:00+01:00 or 7d (s, m, h, d or w)',
            )
            for option, value in (('since', self.since), ('until', self.until))
            if value is not None and timestamp(value) is None
        ]
        if not problems and self._is_reversed():
            text = f'{self.since} is later than until ({self.until}); exchange them'
            problems.append(invalid('since', text))
        if self.limit is not None and not 1 <= self.limit <= MAX_LIMIT:
            text = f'{self.limit} is out of range; use 1 to {MAX_LIMIT}'
            problems.append(invalid('limit', text))
        return problems

    def _is_reversed(self) -> bool:
        since, until = (text and timestamp(text) for text in (self.since, self.until))
        return bool(since and until and since > until)


def timestamp(text: str) -> str | None:
    """A time in the form of the record (UTC); None for text that is neither a time nor an age.

    A time without an offset is UTC. An age is a number of seconds, minutes, hours, days or weeks.
    """
    age = _AGE.fullmatch(text.strip())
    try:
        if age:
            return utc(datetime.now(timezone.utc) - timedelta(**{_UNITS[age[2]]: int(age[1])}))
        found = datetime.fromisoformat(re.sub('[zZ]\\Z', '+00:00', text.strip()))
        return utc(found if found.tzinfo else found.replace(tzinfo=timezone.utc))
    except (ValueError, OverflowError):
        return None


def utc(moment: datetime) -> str:
    """A time in the form of the record."""
    text = moment.astimezone(timezone.utc).isoformat(timespec='seconds')
    return text.replace('+00:00', 'Z')
