# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""For how long servers were billable, by the history of their changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, Dict, List, NamedTuple

from .history import OK, HistoryEntry, utc
from .kinds import Verb

_FORM = '%Y-%m-%dT%H:%M:%SZ'


class Period(NamedTuple):
    """A period, in the form of the record."""

    since: str
    until: str


class Usage(NamedTuple):
    """How many hours of a period a server was billable. ``is_deleted``: it no longer exists."""

    name: str
    id: str
    hours: float
    is_deleted: bool

    def public(self, period: Period) -> Dict[str, Any]:
        """The usage for the result of a module."""
        return {
            'name': self.name,
            'id': self.id,
            'hours': round(self.hours, 4),
            'from': period.since,
            'to': period.until,
            'deleted': self.is_deleted,
        }


class Span(NamedTuple):
    """From a moment on a server is billable, or it is not."""

    moment: str
    is_billable: bool


def usage_of(
    entries: Iterable[HistoryEntry], servers: Iterable[Mapping[str, Any]], period: Period
) -> List[Usage]:
    """Return the usage of the servers of a history, and of those of today.

    ``entries``: changes of servers, the latest first. ``servers``: as results show them. What was
    done by hand, or by the guest, is in no history. Of a server whose creation is not in it
    (the history is kept for a time that the operator sets) the first change tells what it was.
    """
    histories: Dict[str, List[HistoryEntry]] = {}
    for entry in entries:
        if entry.id and entry.result == OK:
            histories.setdefault(entry.id, []).insert(0, entry)
    today = {server['id']: server for server in servers}
    found = []
    for identity in dict.fromkeys([*histories, *today]):
        history = histories.get(identity, [])
        server = today.get(identity)
        spans = _spans(history, server)
        hours = _hours(spans, period)
        name = server['name'] if server else history[-1].name
        if hours or server:
            found.append(Usage(name, identity, hours, server is None))
    return sorted(found, key=lambda usage: (usage.name, usage.id))


def _spans(history: Sequence[HistoryEntry], server: Mapping[str, Any] | None) -> List[Span]:
    spans: List[Span] = []
    for entry in history:
        before = _billable(entry.before)
        after = False if entry.verb == Verb.DELETE else _billable(entry.after)
        if not spans and before is not None:
            spans.append(Span('', before))
        if after is not None:
            spans.append(Span(entry.ended_at or entry.began_at, after))
    if not spans and server is not None:
        spans.append(Span(server['created_at'], bool(server['billable'])))
    return spans


def _billable(side: Mapping[str, Any] | None) -> bool | None:
    """Whether one side of a change is billable; None: it does not tell."""
    return None if side is None else side.get('billable')


def _hours(spans: Sequence[Span], period: Period) -> float:
    """The hours of a period in which a server was billable."""
    ends = [span.moment for span in spans[1:]] + [period.until]
    seconds = 0.0
    for span, end in zip(spans, ends):
        start = max(span.moment, period.since)
        stop = min(end, period.until)
        if span.is_billable and start < stop:
            seconds += (_time(stop) - _time(start)).total_seconds()
    return seconds / 3600


def _time(moment: str) -> datetime:
    return datetime.strptime(moment, _FORM).replace(tzinfo=timezone.utc)


def now() -> str:
    """The current time in the form of the record."""
    return utc(datetime.now(timezone.utc))
