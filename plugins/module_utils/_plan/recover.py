# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The record: what is there, and what it would be rebuilt as -> what to do."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .._model.change import AGAIN, Draft, Plan
from .._model.recovery import INTERRUPTED, RecordState, RecoverRequest


@dataclass(frozen=True)
class RecordSeen:
    """The record as it is, and as it would be rebuilt; None when it is there."""

    now: RecordState
    rebuilt: RecordState | None = None


def plan(request: RecoverRequest, seen: RecordSeen) -> Plan:
    """A record that is whole stays as it is."""
    draft = Draft()
    if seen.now.state == 'whole':
        draft.result.append(seen.now)
        return draft.done()
    rebuilt, why = (
        seen.rebuilt or replace(seen.now, state='whole'),
        AGAIN if seen.now.state == INTERRUPTED else f'it is {seen.now.state}',
    )
    draft.notes.extend(rebuilt.lost)
    draft.result.append(draft.step('record', 'create', seen.now, rebuilt, why=why))
    return draft.done()
