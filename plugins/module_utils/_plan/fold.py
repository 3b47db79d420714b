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
    after: Dict[str, Thing] = {}
    for name, item in existing.items():
        settled = Draft().settled(kind, item)
        if settled is not None:
            after[name] = settled
    for change in changes:
        if change.kind != kind:
            continue
        name = change.name
        current = after.pop(name, None)
        if not _begins_at(change, current):
            raise ValueError(f'{kind} {name}: {change} does not begin at {current}')
        if change.after is not None:
            after[name] = cast('Thing', change.after)
    return after


def _begins_at(change: Change, current: Any) -> bool:
    """Whether a change begins at the current state; a creation may complete an earlier one."""
    if change.verb == Verb.CREATE:
        is_free = current is None or current.unfinished == TaskState.CREATING
        return change.before is None and is_free
    if current is None:
        return False
    return bool(_idle(current) == _idle(change.before))


def _idle(thing: Any) -> Any:
    """A resource of which nothing is unfinished."""
    if not hasattr(thing, 'unfinished'):
        return thing
    return replace(thing, unfinished=None)
