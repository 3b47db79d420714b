# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a change changes, as results, diffs and the history show it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Dict, Tuple

from .change import Change

_GENERATED = ('id', 'created_by', 'created_at')  # set by the cloud, never requested
Side = Mapping[str, Any]


def sides(change: Change) -> Tuple[Side | None, Side | None]:
    """Return what is before and after a change; None: nothing.

    Of an update they hold only what differs; of what is created or deleted, only the values that
    are not empty.
    """
    before = change.before.public() if change.before else None
    after = change.after.public() if change.after else None
    return _side(before, after), _side(after, before)


def _side(side: Side | None, other: Side | None) -> Side | None:
    if side is None:
        return None
    if other is None:
        return _filled(side)
    return differing(side, other)


def differing(one: Side, other: Side) -> Dict[str, Any]:
    """The values that differ from others, by option."""
    return {
        option: value
        for option, value in one.items()
        if option not in other or value != other[option]
    }


def _filled(one: Side) -> Dict[str, Any]:
    return {
        option: value
        for option, value in one.items()
        if value not in (None, '', [], {}) and option not in _GENERATED
    }
