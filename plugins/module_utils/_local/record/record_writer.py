# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes the record: its rows in short transactions, with their export and their history."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Type

from ..._cloud import Busy, CloudError, Gone, Outcome, Outcomes
from ..._model.change import Change, Changes, Thing
from ..._model.status import TaskState
from .creation import create, move_damaged
from .database import Rows, table_of
from .export import export
from .integrity import check_integrity
from .project_usage import Within

if TYPE_CHECKING:
    from .record import Record


class RecordWriter:
    """Writes the record, once it is open; the rows of the changes of one call in one transaction.

    ``is_all``: that is all that the changes do, so that they end with it. ``columns``: of an item
    of the type ``kind``.
    """

    def __init__(self, record: Record) -> None:
        """Write ``record``."""
        self.record = record

    def open(self) -> None:
        """Open the record for writing, and create it if it does not exist.

        The caller holds the lock of the record.
        """
        record = self.record
        if record.writable:
            return
        os.makedirs(record.folder, 0o711, exist_ok=True)
        record.sql.close()
        if not os.path.exists(record.path):
            create(record.path)
        record.connect(f'file:{record.path}?mode=rw')
        record.check_version()
        check_integrity(record, has_history=False)
        record.migrate()
        record.sql.executescript('PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL;')
        if record.is_new_project():
            with self.transaction():
                record.add_project()
        record.is_opened_first = False
        record.open_project(record.project)
        record.writable = True

    def rebuild(self, rows: Rows) -> None:
        """Replace the record by one with these rows, and open it for writing.

        A damaged record is renamed. The caller holds the lock of the record.
        """
        os.makedirs(self.record.folder, 0o711, exist_ok=True)
        self.record.sql.close()
        move_damaged(self.record.path)
        create(self.record.path, rows)
        self.open()

    @contextmanager
    def transaction(self, exports: bool = True) -> Iterator[sqlite3.Connection]:
        """Run one transaction, without other I/O. Raises CloudError for what the tables reject.

        The export is written before the commit: it is never older than the record, even if the run
        is killed, and no other run writes it at the same time. ``exports``: False for what is not
        in it.
        """
        sql = self.record.sql
        journal = self.record.journal
        try:
            sql.execute('BEGIN IMMEDIATE')
            within = Within(self.record) if exports else None
            yield sql
            if within:
                within.check()
            with journal.written() if journal else nullcontext():
                if exports:
                    self.export()
                sql.execute('COMMIT')
        except BaseException as error:
            if sql.in_transaction:
                sql.execute('ROLLBACK')
            if isinstance(error, sqlite3.IntegrityError):
                raise Busy(
                    f'the record rejected the change: {error}; '
                    'another task changed it meanwhile; run the task again'
                ) from error
            if isinstance(error, sqlite3.Error):
                if 'malformed' in str(error):
                    raise self.record.access_error(error) from error
                raise CloudError(
                    f'the record {self.record.path} cannot be written: {error}; '
                    'nothing was recorded'
                ) from error
            raise

    def export(self) -> None:
        """Write all rows as JSON beside the record."""
        export(self.record, self.record.export_path)

    def write_history(self) -> None:
        """Write what the journal has noted, and nothing else."""
        with self.transaction(exports=False):
            pass

    def end(self, outcomes: Outcomes) -> Outcomes:
        """Note for the history how changes ended, in the transaction that ends them."""
        if self.record.journal:
            self.record.journal.end(outcomes)
        return outcomes

    def insert_row(self, table: str, values: Mapping[str, object]) -> int:
        """Insert a row; return its id."""
        owner = {'project': self.record.project, 'created_by': self.record.actor}
        return self.record.execute_insert('INSERT', f'main.{table}', {**owner, **values})

    def update_row(self, table: str, row: int, values: Mapping[str, object]) -> None:
        """Update columns of the row with this id."""
        marks = ', '.join(f'{column} = ?' for column in values)
        self.record.sql.execute(
            f'UPDATE main.{table} SET {marks} WHERE id = ?', [*values.values(), row]
        )

    def create(
        self,
        changes: Changes,
        kind: Type[Thing],
        columns: Callable[[Thing], Mapping[str, object]],
    ) -> Outcomes:
        """Insert the row of each change, which is all that they do."""
        with self.transaction():
            for change in changes:
                values = {'name': change.name, **columns(change.new(kind))}
                self.insert_row(table_of(change.kind), values)
            return self.end([Outcome(change) for change in changes])

    def change(
        self,
        changes: Changes,
        write: Callable[[Change, int], None],
        is_all: bool = False,
    ) -> Outcomes:
        """Write the row of each change."""
        outcomes = []
        with self.transaction():
            for change in changes:
                row = self.record.row_of(change)
                if row is not None:
                    write(change, row)
                outcomes.append(Outcome(change, Gone() if row is None else None))
            return self.end(outcomes) if is_all else outcomes

    def update(
        self,
        changes: Changes,
        kind: Type[Thing],
        columns: Callable[[Thing], Mapping[str, object]],
    ) -> Outcomes:
        """Update the row of each change, which is all that they do."""

        def update(change: Change, row: int) -> None:
            self.update_row(table_of(change.kind), row, columns(change.new(kind)))

        return self.change(changes, update, is_all=True)

    def set(self, changes: Changes, values: Mapping[str, object]) -> Outcomes:
        """Set the same columns of the row of each change."""
        return self.change(
            changes, lambda change, row: self.update_row(table_of(change.kind), row, values)
        )

    def delete(self, changes: Changes, is_all: bool = False) -> Outcomes:
        """Delete the row of each change."""

        def delete(change: Change, row: int) -> None:
            table = table_of(change.kind)
            self.record.sql.execute(f'DELETE FROM main.{table} WHERE id = ?', (row,))

        return self.change(changes, delete, is_all)

    def begin_deletion(self, changes: Changes, user: str, uses: str) -> Outcomes:
        """Mark rows as being deleted, so that no new row can refer to them.

        Raises CloudError if a row of ``user`` refers to one of them meanwhile. ``uses``: the
        condition for that, of its columns (s) and ?1, the id of what is deleted.
        """
        query = f'SELECT 1 FROM main.{user} s WHERE {uses}'

        def begin(change: Change, row: int) -> None:
            if self.record.value(query, row) is not None:
                raise Busy(
                    f'{change.kind} {change.name} is now in use by a {user}; '
                    'run the task again to see which one'
                )
            self.update_row(table_of(change.kind), row, {'task_state': TaskState.DELETING})

        return self.change(changes, begin)
