# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the planners share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable

from .._model.change import AGAIN, Draft, Table
from .._model.firewall import Firewall
from .._model.request import Request


def keep_one(kind: str, request: Request, now: Any | None, table: Table, make: Callable[[], Any], draft: Draft) -> None:
    """Make, keep or delete one thing; what an earlier run left half done is finished first."""
    if request.state == 'absent':
        if now is not None:
            delete(kind, now, draft)
        return
    if now is not None and getattr(now, 'task_state', None) == 'deleting':
        now = draft.step(kind, 'delete', now, None, why=AGAIN)
    if now is None:
        now = draft.step(kind, 'create', None, make())
    elif getattr(now, 'task_state', None) == 'creating':
        now = draft.step(kind, 'create', None, replace(now, task_state=None, **request.options), why=AGAIN)
    else:
        now = draft.update(kind, now, request.options, table)
    draft.result.append(now)


def delete(kind: str, now: Any, draft: Draft) -> None:
    """Delete a thing that nothing uses."""
    if getattr(now, 'used_by', ()):
        draft.refused.append(f'{kind} {now.name} is used by {", ".join(now.used_by)}; delete or change those first')
    draft.step(kind, 'delete', now, None, why=AGAIN if getattr(now, 'task_state', None) == 'deleting' else '')


def mend(firewall: Firewall, draft: Draft) -> None:
    """Write the projections again that are not as the record says."""
    if firewall.faults:
        draft.step('firewall', 'load', firewall, replace(firewall, faults=()), why='; '.join(firewall.faults))
