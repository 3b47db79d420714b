# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The part of the contract that a cloud may lack."""

from __future__ import annotations

from typing import Callable, Protocol, Sequence, Tuple

from .._model.change import Changes
from .._model.history import HistoryEntry, HistoryRequest, Origin
from .._model.record_state import RecordState
from . import Outcomes


class Upkeep(Protocol):
    """What a cloud needs for itself, whatever is requested (firewall rules, bridges, routes)."""

    def changes(self) -> Changes:
        """Return the changes that repair it; their verbs are methods of this object."""

    def load(self, changes: Changes) -> Outcomes:
        """Restore it."""


class Repairs(Protocol):
    """Repairs of servers."""

    def repair(self, changes: Changes) -> Outcomes:
        """Redefine machines as recorded."""


class Records(Protocol):
    """The record of a cloud, which can be rebuilt from its host; there is one."""

    def list(self) -> Tuple[RecordState, ...]:
        """Return the state of the record."""

    def rebuilt(self) -> RecordState:
        """Return the state that the record would have after a rebuild."""

    def create(self, changes: Changes) -> Outcomes:
        """Rebuild the record; a rebuild that was interrupted is completed."""


class History(Protocol):
    """What was changed in a cloud, by whom, and how it ended."""

    def list(self, wanted: HistoryRequest) -> Sequence[HistoryEntry]:
        """List changes, the latest first."""

    def keep(
        self,
        origin: Origin,
        changes: Changes,
        apply: Callable[[Changes], Outcomes],
    ) -> Outcomes:
        """Apply changes; keep each of them, when it begins, and how it ended.

        One that neither ended nor failed, because the task was killed, stays without a result.
        """
