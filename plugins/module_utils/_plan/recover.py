# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of the recovery of the record."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .._model.change import Draft, Plan
from .._model.effect import COMPLETES_INTERRUPTED_RUN
from .._model.kinds import Verb
from .._model.record_state import INTERRUPTED, RecordState, RecoverRequest


@dataclass(frozen=True)
class ObservedRecord:
    """The current state of the record, and the rebuilt one; None if it exists."""

    current: RecordState
    rebuilt: RecordState | None = None


def plan(request: RecoverRequest, observed: ObservedRecord) -> Plan[RecordState]:
    """Rebuild the record, or complete an interrupted recovery; an intact one is left unchanged."""
    draft = Draft()
    if observed.current.state == 'whole':
        return draft.finish([observed.current])
    rebuilt = observed.rebuilt or replace(observed.current, state='whole')
    why = f'it is {observed.current.state}'
    if observed.current.state == INTERRUPTED:
        why = COMPLETES_INTERRUPTED_RUN
    draft.notes.extend(rebuilt.lost)
    return draft.finish([draft.add('record', Verb.CREATE, observed.current, rebuilt, why=why)])
