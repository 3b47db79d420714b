# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The usage of servers, for server_info: imported when it is requested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Dict, List

from .._cloud import Cloud, RefusedTask
from .._model.history import HistoryEntry, HistoryRequest, timestamp
from .._model.problem import invalid
from .._model.usage import Period, now, usage_of
from .clouds import supported

_BEGINNING = '1970-01-01T00:00:00Z'


def usage(
    cloud: Cloud, name: str | None, wanted: Mapping[str, Any], servers: Sequence[Dict[str, Any]]
) -> List[Dict[str, Any]]:
    """Return the usage of servers in a period, also of those that were deleted in it.

    ``name``: of a server or a group; None: all.
    """
    history = supported(cloud, cloud.history, 'usage')
    period = _period(wanted)
    entries = history.list(HistoryRequest(kind='server', until=period.until, limit=None))
    if name is not None:
        ids = {entry.id for entry in entries if name in _names(entry)}
        entries = [entry for entry in entries if entry.id in ids]
    return [one.public(period) for one in usage_of(entries, servers, period)]


def _names(entry: HistoryEntry) -> List[object]:
    """The names of a server, and of the group that it was created in."""
    sides = [side for side in (entry.before, entry.after) if side]
    return [entry.name, *(side.get('member_of') for side in sides)]


def _period(wanted: Mapping[str, Any]) -> Period:
    request = HistoryRequest(since=wanted['from'], until=wanted['to'])
    problems = request.problems()
    if problems:
        raise RefusedTask([invalid('usage', str(problem)) for problem in problems])
    since = wanted['from'] and timestamp(wanted['from'])
    until = wanted['to'] and timestamp(wanted['to'])
    current = now()
    return Period(since or _BEGINNING, min(until or current, current))
