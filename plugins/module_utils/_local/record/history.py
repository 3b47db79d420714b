# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The history of the local cloud: rows of the record that outlive what they are about."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..._cloud import CloudError, Outcomes
from ..._model.change import Changes
from ..._model.history import HistoryEntry, HistoryRequest, Origin, timestamp
from .database import Query
from .host import Host

if TYPE_CHECKING:
    from .rows import HistoryRow

_LIST: Query[HistoryRow] = (
    Query("""SELECT * FROM history WHERE project = ?1 AND (?2 IS NULL OR name = ?2)
  AND (?3 IS NULL OR kind = ?3) AND (?4 IS NULL OR actor = ?4)
  AND (?5 IS NULL OR began_at >= ?5) AND (?6 IS NULL OR began_at <= ?6)
  AND (NOT ?7 OR result IS NULL) ORDER BY id DESC LIMIT coalesce(?8, -1)""")
)
# Kinds whose changes write no row of their own.
_OUTSIDE = ('firewall', 'private_key', 'image_file')


class LocalHistory:
    """The history of the local cloud."""

    def __init__(self, host: Host) -> None:
        """Use the record and the settings of ``host``."""
        self.host = host
        self.record = host.record

    def list(self, wanted: HistoryRequest) -> Sequence[HistoryEntry]:
        """List changes, the latest first."""
        if self.host.only_looks:
            from .looking import for_root

            raise for_root('the history')
        since, until = (text and timestamp(text) for text in (wanted.since, wanted.until))
        found = self.record.rows(
            _LIST,
            self.record.project,
            wanted.name,
            wanted.kind,
            wanted.changed_by,
            since,
            until,
            wanted.unfinished,
            wanted.limit,
        )
        return [_entry(row) for row in found]

    def keep(
        self,
        origin: Origin,
        changes: Changes,
        apply: Callable[[Changes], Outcomes],
    ) -> Outcomes:
        """Apply changes, and record them and how they end.

        The transactions of the changes do that; what remains then is written in one of its own.
        """
        from .journal import Journal

        journal = Journal(self.record, origin, changes, self.host.settings.history_days)
        self.record.journal = journal
        try:
            if any(change.kind in _OUTSIDE for change in changes):
                self.record.writer.write_history()
            outcomes = apply(changes)
        except Exception as error:
            journal.fail(error)
            self._close()
            raise
        journal.end(outcomes)
        self._close()
        return outcomes

    def _close(self) -> None:
        """Write what no transaction of the changes has written.

        A failure is only a warning: the changes are done, or have failed for a reason of their own.
        """
        journal = self.record.journal
        try:
            if journal and not journal.is_written and self.record.writable:
                self.record.writer.write_history()
        except CloudError as error:
            self.host.notes.append(f'the history is incomplete: {error}')
        finally:
            self.record.journal = None


def _entry(row: HistoryRow) -> HistoryEntry:
    return HistoryEntry(
        began_at=row['began_at'],
        ended_at=row['ended_at'],
        seconds=row['seconds'],
        changed_by=row['actor'],
        job=row['job'],
        module=row['module'],
        kind=row['kind'],
        name=row['name'],
        id=row['uuid'],
        verb=row['verb'],
        before=_side(row['before']),
        after=_side(row['after']),
        why=row['why'],
        result=row['result'],
        error=row['error'],
    )


def _side(text: str | None) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = None if text is None else json.loads(text)
    return found
