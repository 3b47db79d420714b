# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Health of balancer members from "show stat" of HAProxy.

Source: HAProxy 2.6 management guide, section 9.1, "CSV format".
"""

from __future__ import annotations

import csv
import io
from typing import Any, Collection, Dict, Iterable, List, Mapping, Sequence, Tuple

from ..._model.guest import printable_line
from ..._model.lb import ERROR, ONLINE, UNKNOWN, MemberHealth

Row = Dict[str, str]
_MOST_REASON = 200  # characters
_BACKENDS = 'members_'
_REQUIRED = {'pxname', 'svname', 'status'}


def health(text: str | None, members: Iterable[str]) -> Tuple[MemberHealth, ...]:
    """The health of each member by the output of "show stat"; down in one backend is down."""
    rows: Dict[str, List[Row]] = {}
    for row in _rows(text or ''):
        rows.setdefault(row['svname'], []).append(row)
    return tuple(_member(member, rows.get(member, [])) for member in members)


def has_connections(text: str | None, members: Collection[Tuple[str, str]]) -> bool:
    """Whether any of some members (backend, server) has one, by the output of "show stat"."""
    return any(
        row.get('scur', '0') != '0'
        for row in _rows(text or '')
        if (row['pxname'], row['svname']) in members
    )


def _rows(text: str) -> List[Row]:
    """The well-formed rows of servers."""
    lines = io.StringIO(text.removeprefix('# '))
    try:
        rows = [_texts(row) for row in csv.DictReader(lines)]
    except csv.Error:
        return []
    complete = [row for row in rows if _REQUIRED.issubset(row)]
    return [row for row in complete if row['pxname'].startswith(_BACKENDS)]


def _texts(row: Mapping[Any, Any]) -> Row:
    """The columns with text: a short or long line of CSV gives None as value or key."""
    texts: Row = {}
    for key, value in row.items():
        if isinstance(key, str) and isinstance(value, str):
            texts[key] = value
    return texts


def _member(name: str, rows: Sequence[Row]) -> MemberHealth:
    if not rows:
        return MemberHealth(name, UNKNOWN, 'not reported by the load balancer')
    found = [MemberHealth(name, _status(row), _reason(row)) for row in rows]
    for member in found:
        if member.status != ONLINE:
            return member
    return found[0]


def _status(row: Row) -> str:
    """By the first word: "UP 1/2" is up, with one failed check."""
    word = row['status'].partition(' ')[0]
    if word == 'DOWN':
        return ERROR
    if word == 'UP' and not _is_unchecked(row):
        return ONLINE
    return UNKNOWN


def _is_unchecked(row: Row) -> bool:
    """Whether there was no check yet; HAProxy sends requests to such a member, and says UP.

    A check in progress is marked by an asterisk.
    """
    status = row.get('check_status', '')
    return status.removeprefix('* ') == 'INI'


def _reason(row: Row) -> str:
    """The result of the last check, as HAProxy describes it."""
    if _is_unchecked(row):
        return 'not checked yet'
    texts = [row.get(column, '') for column in ('check_desc', 'last_chk', 'check_code')]
    distinct = dict.fromkeys(filter(None, texts))
    return printable_line(': '.join(distinct), _MOST_REASON)
