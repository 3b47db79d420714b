# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The record: what is there, and what it would be rebuilt as -> what to do."""

from __future__ import annotations

from dataclasses import dataclass

from .._model.change import Draft, Plan
from .._model.recovery import RecordState, RecoverRequest


@dataclass(frozen=True)
class RecordSeen:
    """The record as it is, and as it would be; None when it is whole."""

    now: RecordState
    rebuilt: RecordState | None = None


def plan(request: RecoverRequest, seen: RecordSeen) -> Plan:
    """A record that is whole stays as it is."""
    draft = Draft()
    if seen.rebuilt is None:
        draft.result.append(seen.now)
        return draft.done()
    draft.notes.extend(seen.rebuilt.lost)
    draft.result.append(draft.step('record', 'create', seen.now, seen.rebuilt, why=f'it is {seen.now.state}'))
    return draft.done()
