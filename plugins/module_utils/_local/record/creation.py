# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Create the file of the record, empty or with the rows of a lost one."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import uuid
from typing import Any, Dict, Iterable, Mapping

from ..._cloud import CloudError
from .database import Database, Rows, is_inaccessible
from .definition import DEFAULT_GROUP_COLUMNS, columns_of
from .schema import RULE_CONVERSIONS, WITHOUT_UUID, set_uuid
from .tables import TABLES

_EXPORT_EDITED = 'the export was edited by hand'
_DAMAGED = '.damaged'


def create(path: str, rows: Rows | None = None) -> None:
    """Create the file under another name and rename it: readers never find one without tables.

    The caller holds the lock of the record.
    """
    database = Database(path)
    try:
        _create(database, rows)
    except sqlite3.Error as error:
        raise database.access_error(error) from error


def add_default_group(database: Database, project: str) -> None:
    """Insert the default security group of a new project.

    Its id is not random: until a task changes something, every task adds it in memory. A group that
    nothing uses does not change the rules, so their revision stays.
    """
    record = database.value("SELECT value FROM meta WHERE key = 'record'")
    group = {
        **DEFAULT_GROUP_COLUMNS,
        'project': project,
        'uuid': str(uuid.uuid5(uuid.NAMESPACE_OID, f'{record} {project}')),
    }
    database.execute_insert('INSERT', 'main.security_group', group)
    database.sql.execute("UPDATE meta SET value = value - 1 WHERE key = 'revision'")


def move_damaged(path: str) -> None:
    """Rename a damaged record and its log, if they exist."""
    for suffix in ('-wal', '-shm', ''):
        with contextlib.suppress(FileNotFoundError):
            os.replace(path + suffix, path + _DAMAGED + suffix)


def _damaged_history(path: str) -> Iterable[Dict[str, Any]]:
    """What can be read, from both ends, of the history of a damaged record that was renamed."""
    found: Dict[Any, Dict[str, Any]] = {}
    for order in ('DESC', 'ASC'):
        with (
            contextlib.suppress(sqlite3.Error, UnicodeDecodeError),
            contextlib.closing(
                sqlite3.connect(f'file:{path}{_DAMAGED}?mode=ro', uri=True)
            ) as damaged,
        ):
            damaged.row_factory = sqlite3.Row
            for row in damaged.execute(f'SELECT * FROM history ORDER BY id {order}'):
                found[row['id']] = dict(row)
    return found.values()


def _create(database: Database, rows: Rows | None) -> None:
    path = database.path
    new = database.path + '.new'
    # SQLite would replay the log of a removed record into the new one
    # (sqlite.org/howtocorrupt.html, section 1.4).
    for leftover in (new, new + '-wal', new + '-shm', path + '-wal', path + '-shm'):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(leftover)
    os.close(os.open(new, os.O_CREAT | os.O_EXCL, 0o600))
    database.connect(new)
    database.sql.execute('PRAGMA journal_mode = WAL')
    database.migrate()
    if rows is not None:
        fill(database, rows)
        _fill_history(database)
    database.sql.close()
    os.rename(new, path)


def fill(database: Database, rows: Rows) -> None:
    """Insert rows into new tables. Missing columns get their defaults. Raises CloudError."""
    database.sql.executescript('BEGIN IMMEDIATE; DELETE FROM security_group;')
    # Referring rows are inserted before the rows they refer to: a trigger rejects new references to
    # rows that were being deleted when the record was lost. Foreign keys are checked at the end.
    for table in ('meta', *reversed(TABLES)):
        for row in rows.get(table, ()):
            _fill_row(database, table, row)
    for statement in RULE_CONVERSIONS:
        database.sql.execute(statement)
    broken = database.fetch('PRAGMA foreign_key_check')
    if broken:
        tables = ', '.join(sorted({row['table'] for row in broken}))
        raise CloudError(f'the rows of {tables} refer to rows that do not exist; {_EXPORT_EDITED}')
    database.sql.execute("UPDATE meta SET value = value + 1 WHERE key IN ('revision', 'metadata')")
    database.sql.execute('COMMIT')


def _fill_row(database: Database, table: str, row: Mapping[str, object]) -> None:
    columns = columns_of(table) if table in TABLES else ('key', 'value')
    known = {column: value for column, value in row.items() if column in columns}
    new = _insert(database, table, known)
    if table in WITHOUT_UUID and 'uuid' not in known:
        database.sql.execute(f'{set_uuid(table)} WHERE id = ?', (new,))


def _fill_history(database: Database) -> None:
    """Insert the history of the damaged record; rows that the table rejects are damaged, too."""
    database.sql.execute('BEGIN IMMEDIATE')
    for row in _damaged_history(database.path):
        try:
            database.execute_insert('INSERT', 'history', row)
        except sqlite3.Error as error:
            if is_inaccessible(error):
                raise
    database.sql.execute('COMMIT')


def _insert(database: Database, table: str, values: Mapping[str, object]) -> int:
    statement = 'INSERT OR REPLACE' if table == 'meta' else 'INSERT'
    try:
        return database.execute_insert(statement, table, values)
    except (sqlite3.Error, OverflowError, ValueError) as error:
        if is_inaccessible(error):
            raise database.access_error(error) from error
        raise CloudError(
            f'a row of {table} cannot be inserted: {error}; '
            f'{_EXPORT_EDITED}, or has another version'
        ) from error
