# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What HAProxy says of the members of a balancer (HAProxy 2.6, management guide, section 9.1, "CSV format")."""

from __future__ import annotations

import csv
import io
from typing import Dict, Iterable, List, Tuple

from .._model.guest import printable_line
from .._model.lb import ERROR, NO_MONITOR, ONLINE, UNKNOWN, MemberHealth

_MOST_REASON = 200  # characters
_BACKENDS = 'members_'


def unchecked(members: Iterable[str]) -> Tuple[MemberHealth, ...]:
    """Of a balancer that checks nothing."""
    return tuple(MemberHealth(member, NO_MONITOR) for member in members)


def health(text: str | None, members: Iterable[str]) -> Tuple[MemberHealth, ...]:
    """The health of each member by the answer to "show stat"; one that is down behind one listener is down."""
    rows: Dict[str, List[Dict[str, str]]] = {}
    for row in _rows(text or ''):
        rows.setdefault(row['svname'], []).append(row)
    return tuple(_member(member, rows.get(member, [])) for member in members)


def _rows(text: str) -> Iterable[Dict[str, str]]:
    """The lines about servers, as far as they are of the form."""
    reader = csv.DictReader(io.StringIO(text.removeprefix('# ')))
    try:
        found = list(reader)
    except csv.Error:
        return []
    needed = {'pxname', 'svname', 'status'}
    return [
        {
            key: value
            for key, value in row.items()
            if isinstance(key, str) and isinstance(value, str)
        }
        for row in found
        if needed <= {key for key, value in row.items() if isinstance(value, str)}
        and row['pxname'].startswith(_BACKENDS)
    ]


def _member(name: str, rows: List[Dict[str, str]]) -> MemberHealth:
    if not rows:
        return MemberHealth(name, UNKNOWN, 'the balancer does not tell')
    states = [(_status(row['status']), _reason(row)) for row in rows]
    bad = [state for state in states if state[0] != ONLINE]
    status, reason = bad[0] if bad else states[0]
    return MemberHealth(name, status, reason)


def _status(words: str) -> str:
    """By the first word: "UP 1/2" is up, and on its way down."""
    return {'UP': ONLINE, 'DOWN': ERROR}.get(words.partition(' ')[0], UNKNOWN)


def _reason(row: Dict[str, str]) -> str:
    """What the last check found, in HAProxy's words."""
    words = [row.get(column, '') for column in ('check_desc', 'last_chk', 'check_code')]
    return printable_line(': '.join(dict.fromkeys(word for word in words if word)), _MOST_REASON)
