# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes the rows of changes: those of one call in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, List, Type

from ..._cloud import Busy, Gone, Outcome
from ..._model.change import Change, Thing
from ..._model.status import TaskState
from .database import table_of

if TYPE_CHECKING:
    from .record import Record


class RecordWriter:
    """Writes rows in one transaction.

    ``is_all``: that is all that the changes do, so that they end with it. ``columns``: of an item
    of the type ``kind``.
    """

    def __init__(self, record: Record) -> None:
        """``record``: it is open for writing."""
        self.record = record

    def create(
        self,
        changes: Sequence[Change],
        kind: Type[Thing],
        columns: Callable[[Thing], Mapping[str, object]],
    ) -> List[Outcome]:
        """Insert the row of each change, which is all that they do."""
        with self.record.transaction():
            for change in changes:
                values = {'name': change.name, **columns(change.new(kind))}
                self.record.insert(table_of(change.kind), values)
            return self.record.end([Outcome(change) for change in changes])

    def change(
        self,
        changes: Sequence[Change],
        write: Callable[[Change, int], None],
        is_all: bool = False,
    ) -> List[Outcome]:
        """Write the row of each change."""
        outcomes = []
        with self.record.transaction():
            for change in changes:
                row = self.record.row_of(change)
                if row is not None:
                    write(change, row)
                outcomes.append(Outcome(change, Gone() if row is None else None))
            return self.record.end(outcomes) if is_all else outcomes

    def update(
        self,
        changes: Sequence[Change],
        kind: Type[Thing],
        columns: Callable[[Thing], Mapping[str, object]],
    ) -> List[Outcome]:
        """Update the row of each change, which is all that they do."""

        def update(change: Change, row: int) -> None:
            self.record.update(table_of(change.kind), row, columns(change.new(kind)))

        return self.change(changes, update, is_all=True)

    def set(self, changes: Sequence[Change], values: Mapping[str, object]) -> List[Outcome]:
        """Set the same columns of the row of each change."""
        return self.change(
            changes, lambda change, row: self.record.update(table_of(change.kind), row, values)
        )

    def delete(self, changes: Sequence[Change], is_all: bool = False) -> List[Outcome]:
        """Delete the row of each change."""

        def delete(change: Change, row: int) -> None:
            table = table_of(change.kind)
            self.record.sql.execute(f'DELETE FROM main.{table} WHERE id = ?', (row,))

        return self.change(changes, delete, is_all)

    def begin_deletion(self, changes: Sequence[Change], user: str, column: str) -> List[Outcome]:
        """Mark rows as being deleted, so that no new row can refer to them.

        Raises CloudError if a row of ``user`` refers to one of them by ``column`` meanwhile.
        """

        def begin(change: Change, row: int) -> None:
            if self.record.value(f'SELECT 1 FROM {user} WHERE {column} = ?', row) is not None:
                raise Busy(
                    f'{change.kind} {change.name} is now in use by a {user}; '
                    'run the task again to see which one'
                )
            self.record.update(table_of(change.kind), row, {'task_state': TaskState.DELETING})

        return self.change(changes, begin)
