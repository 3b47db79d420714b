# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Functions that the plans of several kinds of resources use."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable, Tuple, cast

from .._model.change import Draft, Thing
from .._model.effect import COMPLETES_INTERRUPTED_RUN, Table
from .._model.kinds import Verb
from .._model.status import TaskState

if TYPE_CHECKING:
    from .._model.request import Request


def plan_one(
    kind: str,
    request: Request,
    current: Thing | None,
    table: Table,
    create: Callable[[], Thing],
    draft: Draft,
) -> Tuple[Thing, ...]:
    """Create, update or delete one resource, after completing an interrupted run.

    Return what there will be of it.
    """
    unfinished = getattr(current, 'unfinished', None)
    if request.state == 'absent':
        if current is not None:
            plan_delete(kind, current, draft)
        return ()
    if current is not None and unfinished == TaskState.DELETING:
        current = draft.add(kind, Verb.DELETE, current, None, why=COMPLETES_INTERRUPTED_RUN)
    if current is None:
        current = draft.add(kind, Verb.CREATE, None, create())
    elif unfinished == TaskState.CREATING:
        current = draft.add(
            kind,
            Verb.CREATE,
            None,
            cast('Thing', replace(cast('Any', current).completed(), **request.options)),
            why=COMPLETES_INTERRUPTED_RUN,
        )
    else:
        current = draft.update(kind, current, request.options, table)
    return (current,)


def plan_delete(kind: str, current: Any, draft: Draft) -> None:
    """Delete a resource that is not in use."""
    if getattr(current, 'used_by', ()):
        draft.refuse(
            'state',
            f'{kind} {current.name} is used by {", ".join(current.used_by)}; delete or change '
            'those first',
            name=current.name,
        )
    was_interrupted = getattr(current, 'unfinished', None) == TaskState.DELETING
    why = COMPLETES_INTERRUPTED_RUN if was_interrupted else ''
    draft.add(kind, Verb.DELETE, current, None, why=why)
