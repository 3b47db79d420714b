# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans applied to what is observed, without a cloud."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Dict, TypeVar, cast

from .._model.change import Change, Draft
from .._model.kinds import Verb
from .._model.status import TaskState

Thing = TypeVar('Thing')


def fold(kind: str, changes: Iterable[Change], existing: Mapping[str, Thing]) -> Dict[str, Thing]:
    """Return the resources of one kind after the changes, by the names that they have in a plan.

    What only a run can know stays AFTER_APPLY. What another run is working on is as that will leave
    it. Raises ValueError for a change that does not begin where the previous one of its resource
    ended.
    """
    settled = {name: Draft().settled(kind, item) for name, item in existing.items()}
    after = {name: item for name, item in settled.items() if item is not None}
    for change in changes:
        if change.kind != kind:
            continue
        current = after.pop(change.name, None)
        if not _begins_at(change, current):
            raise ValueError(f'{kind} {change.name}: {change} does not begin at {current}')
        if change.after is not None:
            after[change.name] = cast('Thing', change.after)
    return after


def _begins_at(change: Change, current: Any) -> bool:
    """Whether a change begins at the current state; a creation may complete an earlier one."""
    if change.verb == Verb.CREATE:
        is_free = current is None or current.unfinished == TaskState.CREATING
        return change.before is None and is_free
    return bool(current is not None and _idle(current) == _idle(change.before))


def _idle(thing: Any) -> Any:
    """A resource of which nothing is unfinished."""
    return replace(thing, unfinished=None) if hasattr(thing, 'unfinished') else thing
