# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The record: what is there, and what it would be rebuilt as -> what to do."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .._model.change import COMPLETES_INTERRUPTED_RUN, Draft, Plan
from .._model.recovery import INTERRUPTED, RecordState, RecoverRequest


@dataclass(frozen=True)
class ObservedRecord:
    """The record as it is, and as it would be rebuilt; None when it is there."""

    current: RecordState
    rebuilt: RecordState | None = None


def plan(request: RecoverRequest, observed: ObservedRecord) -> Plan:
    """A record that is whole stays as it is."""
    draft = Draft()
    if observed.current.state == 'whole':
        draft.result.append(observed.current)
        return draft.finish()
    rebuilt, why = (
        observed.rebuilt or replace(observed.current, state='whole'),
        COMPLETES_INTERRUPTED_RUN
        if observed.current.state == INTERRUPTED
        else f'it is {observed.current.state}',
    )
    draft.notes.extend(rebuilt.lost)
    draft.result.append(draft.add('record', 'create', observed.current, rebuilt, why=why))
    return draft.finish()
