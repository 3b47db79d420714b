# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The SQLite database of the record: opening, reading and migrating it."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, List, TypeVar

from ..._cloud import CloudError

# Keys in the table meta. The secret is in the record only: hashes in an export cannot be guessed.
LOST = 'lost'
SECRET = 'secret'  # noqa: S105 (a key, not a password)
RECOVER = 'the playbook hanok.cloud.recover rebuilds it'
VERSION = 8  # of the tables in tables.py, of the columns in rows.py

# Messages of SQLite when the file itself is intact (sqlite.org/rescode.html).
_INACCESSIBLE = re.compile('is full|is locked|unable to open|disk I/O|readonly')

# The tables of resources, whose rows belong to projects.
_OF_PROJECTS = """SELECT t.name FROM main.sqlite_master t, pragma_table_info(t.name) c
  WHERE t.type = 'table' AND c.name = 'created_by'"""
# What others share is seen, too, but no image that is being created or deleted. Of those with one
# name that of the project is seen, else the oldest.
_VISIBLE = """(i.visibility = 'public' OR i.visibility = 'shared'
  AND (SELECT project FROM opened) IN (SELECT value FROM json_each(i.shared_with)))"""
_SEEN = {'image': f'i.task_state IS NULL AND {_VISIBLE}', 'flavor': _VISIBLE}
_OR_SEEN = """OR {1} AND NOT EXISTS (SELECT 1 FROM main.{0} o WHERE o.name = i.name AND o.id <> i.id
    AND (o.project = (SELECT project FROM opened) OR o.id < i.id AND {2}))"""
Rows = Mapping[str, Sequence[Mapping[str, Any]]]  # by table
Row = TypeVar('Row')


class Query(str, Generic[Row]):
    """A query with the type of its rows, for mypy: ``_LIST: Query[SomeRow] = Query('SELECT ...')``.

    The rows are those of sqlite3, with access by name only. The types, in rows.py and in
    row_types.py of a wing, are not imported; tests/unit/test_rows.py compares them with the rows.
    """

    __slots__ = ()


class NewerVersion(CloudError):
    """The record or its export was written by a newer version of the collection."""


class Damaged(CloudError):
    """The file is not a record, or not a complete one.

    Temporary errors of access, such as a full disk or another writer, are not Damaged.
    """


class Database:
    """A database with the tables of the record; ``path`` is that of the record, for messages."""

    def __init__(self, path: str) -> None:
        """Prepare to connect."""
        self.path = path

    def connect(self, path: str) -> None:
        """Open a database. Raises CloudError."""
        try:
            self.sql = sqlite3.connect(
                path, uri=True, isolation_level=None, timeout=30, check_same_thread=False
            )
            self.sql.row_factory = sqlite3.Row
            self.version = self.sql.execute('PRAGMA user_version').fetchone()[0]
        except sqlite3.Error as error:
            raise self.access_error(error) from error

    def access_error(self, error: Exception) -> CloudError:
        """Return the error to raise: Damaged, or that the file is temporarily inaccessible."""
        if is_inaccessible(error):
            return CloudError(
                f'the record {self.path} cannot be accessed: {error}; '
                'check for a full or read-only disk or another writer'
            )
        return Damaged(f'the record {self.path} cannot be read: {error}; {RECOVER}')

    def check_version(self) -> None:
        if self.version <= 0:
            raise Damaged(
                f'the record {self.path} is damaged: its version is {self.version}; {RECOVER}'
            )
        if self.version > VERSION:
            raise NewerVersion(
                f'the record {self.path} has version {self.version}, '
                f'this hanok.cloud supports {VERSION}: update the collection'
            )

    def migrate(self) -> None:
        """Create or update the tables of the open database, in one transaction."""
        if self.version < VERSION:
            from .schema import migrate

            migrate(self)

    def open_project(self, project: str) -> None:
        """Create a view of the rows of a project for each table, in front of the table.

        What does not name the schema (main) reads the view, and cannot write. The plus keeps SQLite
        from preferring the index of the project to all others.
        """
        self.sql.execute('CREATE TEMP TABLE opened AS SELECT ?1 AS project', (project,))
        for (table,) in self.fetch(_OF_PROJECTS):
            seen = _SEEN.get(table)
            others = _OR_SEEN.format(table, seen, seen.replace('i.', 'o.')) if seen else ''
            self.sql.execute(
                f'CREATE TEMP VIEW {table} AS SELECT * FROM main.{table} i '
                f'WHERE +i.project = (SELECT project FROM opened) {others}'
            )

    def rows(self, query: Query[Row], *values: object) -> List[Row]:
        """Return the rows of a query."""
        found: List[Any] = self.fetch(query, *values)
        return found

    def fetch(self, query: str, *values: object) -> List[sqlite3.Row]:
        """Return the rows of a query of any table or of a PRAGMA."""
        try:
            return self.sql.execute(query, values).fetchall()
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise self.access_error(error) from error

    def named(self, query: Query[Row], names: Iterable[str] | None) -> List[Row]:
        """Return the rows of a query whose ``?1`` is a JSON list of names, or null for all."""
        return self.rows(query, None if names is None else json.dumps(sorted(set(names))))

    def value(self, query: str, *values: object) -> Any:
        """Return the first column of the first row; None if there is none."""
        rows = self.fetch(query, *values)
        return rows[0][0] if rows else None

    def execute_insert(self, statement: str, table: str, values: Mapping[str, object]) -> int:
        """Execute INSERT, or another statement that starts like it; return the id of the row."""
        columns = ', '.join(values)
        marks = ', '.join('?' * len(values))
        cursor = self.sql.execute(
            f'{statement} INTO {table} ({columns}) VALUES ({marks})', list(values.values())
        )
        return int(cursor.lastrowid or 0)


def is_inaccessible(error: Exception) -> bool:
    """Whether an error of SQLite does not come from damage of the file."""
    return bool(_INACCESSIBLE.search(str(error)))


def table_of(kind: str) -> str:
    """The table of a kind of items."""
    return 'balancer' if kind == 'lb' else kind
