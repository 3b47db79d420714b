# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Health of balancer members from "show stat" of HAProxy.

Source: HAProxy 2.6 management guide, section 9.1, "CSV format".
"""

from __future__ import annotations

import csv
import io
from typing import Any, Dict, Iterable, List, Tuple

from ..._model.guest import printable_line
from ..._model.lb import ERROR, NO_MONITOR, ONLINE, UNKNOWN, MemberHealth

_MOST_REASON = 200  # characters
_BACKENDS = 'members_'
_REQUIRED = {'pxname', 'svname', 'status'}


def unchecked(members: Iterable[str]) -> Tuple[MemberHealth, ...]:
    """The health of members without a health check."""
    return tuple(MemberHealth(member, NO_MONITOR) for member in members)


def health(text: str | None, members: Iterable[str]) -> Tuple[MemberHealth, ...]:
    """The health of each member by the output of "show stat"; down in one backend is down."""
    rows: Dict[str, List[Dict[str, str]]] = {}
    for row in _rows(text or ''):
        rows.setdefault(row['svname'], []).append(row)
    return tuple(_member(member, rows.get(member, [])) for member in members)


def _rows(text: str) -> Iterable[Dict[str, str]]:
    """The well-formed rows of servers."""
    reader = csv.DictReader(io.StringIO(text.removeprefix('# ')))
    try:
        rows = [_texts(row) for row in reader]
    except csv.Error:
        return []
    return [row for row in rows if set(row) >= _REQUIRED and row['pxname'].startswith(_BACKENDS)]


def _texts(row: Dict[Any, Any]) -> Dict[str, str]:
    """The columns with text: a short or long line of CSV gives None as value or key."""
    return {
        key: value for key, value in row.items() if isinstance(key, str) and isinstance(value, str)
    }


def _member(name: str, rows: List[Dict[str, str]]) -> MemberHealth:
    if not rows:
        return MemberHealth(name, UNKNOWN, 'not reported by the load balancer')
    states = [(_status(row), _reason(row)) for row in rows]
    not_online = [state for state in states if state[0] != ONLINE]
    status, reason = not_online[0] if not_online else states[0]
    return MemberHealth(name, status, reason)


def _status(row: Dict[str, str]) -> str:
    """By the first word: "UP 1/2" is up, with one failed check."""
    status = {'UP': ONLINE, 'DOWN': ERROR}.get(row['status'].partition(' ')[0], UNKNOWN)
    return UNKNOWN if status == ONLINE and _is_unchecked(row) else status


def _is_unchecked(row: Dict[str, str]) -> bool:
    """Whether there was no check yet; HAProxy sends requests to such a member, and says UP.

    A check in progress is marked by an asterisk.
    """
    return row.get('check_status', '').removeprefix('* ') == 'INI'


def _reason(row: Dict[str, str]) -> str:
    """The result of the last check, as HAProxy describes it."""
    if _is_unchecked(row):
        return 'not checked yet'
    texts = [row.get(column, '') for column in ('check_desc', 'last_chk', 'check_code')]
    return printable_line(': '.join(dict.fromkeys(text for text in texts if text)), _MOST_REASON)
