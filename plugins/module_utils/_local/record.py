# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The record: one SQLite file that says what should be."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Dict, List, Tuple

from .._cloud import CloudError

LOST = 'lost'  # the key in meta
_SECRET = 'secret'  # noqa: S105 (the key in meta; it is nowhere but in the record: who has an export cannot guess by its hashes)
RECOVER = 'the playbook hanok.cloud.recover rebuilds it'
VERSION = 4  # of the tables; schema.py has them, and is read by those only who make them


# What SQLite says where nothing is wrong with the file (sqlite.org/rescode.html).
_OUT_OF_REACH = re.compile('is full|is locked|unable to open|disk I/O|readonly')


class NewerVersion(CloudError):
    """A newer version of the collection has written here."""


class Damaged(CloudError):
    """What is there is no record, or not a whole one. A record that only cannot be reached now (a full disk, somebody who writes) is none of these."""


class Record:
    """Read-only until ``write`` is called; writers write in short transactions and do no I/O inside. No file yet is an empty cloud."""

    def __init__(self, folder: str, actor: str, lost: bool = False) -> None:
        """Open the record of a state folder for reading. ``lost``: what is there is not looked at; it is to be rebuilt."""
        self.folder, self.actor = folder, actor
        self.path, self.export_path = (
            os.path.join(folder, 'hanok.db'),
            os.path.join(folder, 'hanok.json'),
        )
        self.writable = False
        if os.path.exists(self.path) and not lost:
            self._open(f'file:{self.path}?mode=ro')
            self._check_version()
            self._read_older()
            return
        if os.path.exists(self.export_path) and not lost:
            raise CloudError(
                f'the record {self.path} is gone, and its export is there; {RECOVER}, or move {self.export_path} away to begin anew'
            )
        self._open(':memory:')
        self._migrate()

    def _open(self, path: str) -> None:
        try:
            self.sql = sqlite3.connect(
                path, uri=True, isolation_level=None, timeout=30, check_same_thread=False
            )
            self.sql.row_factory = sqlite3.Row
            self.version = self.sql.execute('PRAGMA user_version').fetchone()[0]
        except sqlite3.Error as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> CloudError:
        """What to say of an error of reading: SQLite names what it meets in the file otherwise than what it meets on the way there."""
        if _OUT_OF_REACH.search(str(error)):
            return CloudError(
                f'the record {self.path} cannot be reached: {error}; is the disk full, or does somebody else write in it? Run again after that'
            )
        return Damaged(f'the record {self.path} cannot be read: {error}; {RECOVER}')

    def _check_version(self) -> None:
        if self.version <= 0:
            raise Damaged(f'the record {self.path} is damaged: it holds no tables; {RECOVER}')
        if self.version > VERSION:
            raise NewerVersion(
                f'the record {self.path} is of version {self.version}, this hanok.cloud knows {VERSION}: update the collection'
            )

    def check_integrity(self) -> None:
        """What this run has not read may be damaged: nothing is changed in such a record."""
        found = self.rows('PRAGMA quick_check(1)')[0][0]
        if found != 'ok':
            raise Damaged(
                f'the record {self.path} is damaged: {" ".join(str(found).split())}; {RECOVER}'
            )

    def _read_older(self) -> None:
        """A record of an older version is read as it will be: a copy in memory is brought up to date, the file itself only by a writer."""
        if self.version < VERSION:
            older = self.sql
            self._open(':memory:')
            try:
                older.backup(self.sql)
            except sqlite3.Error as error:
                raise self._unreadable(error) from error
            finally:
                older.close()
            self.version = self.value('PRAGMA user_version')
            self._migrate()

    def _migrate(self) -> None:
        from .schema import VERSIONS

        try:
            for number in range(self.version, VERSION):
                self.sql.executescript(
                    f'BEGIN IMMEDIATE; {VERSIONS[number]} PRAGMA user_version = {number + 1}; COMMIT;'
                )
        except sqlite3.Error as error:
            raise self._unreadable(error) from error

    def write(self) -> None:
        """Open for writing: made under another name and renamed, so that no reader meets a record without tables.

        The caller holds a lock under which nobody else does this.
        """
        if self.writable:
            return
        os.makedirs(self.folder, 0o711, exist_ok=True)
        self.sql.close()
        if not os.path.exists(self.path):
            self._made()
        self._open(f'file:{self.path}?mode=rw')
        self._check_version()
        self.check_integrity()
        self._migrate()
        self.sql.executescript('PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL;')
        self.writable = True

    def _made(self, rows: Mapping[str, Sequence[Mapping[str, Any]]] | None = None) -> None:
        try:
            self._make(rows)
        except sqlite3.Error as error:
            raise self._unreadable(error) from error

    def _make(self, rows: Mapping[str, Sequence[Mapping[str, Any]]] | None = None) -> None:
        part = self.path + '.new'
        # The log of a record that somebody removed: SQLite would replay it into the new one
        # (sqlite.org/howtocorrupt.html, section 1.4).
        for leftover in (
            part,
            part + '-wal',
            part + '-shm',
            self.path + '-wal',
            self.path + '-shm',
        ):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(leftover)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL, 0o600))
        self._open(part)
        self.sql.execute('PRAGMA journal_mode = WAL')
        self._migrate()
        if rows is not None:
            self._fill(rows)
        self.sql.close()
        os.rename(part, self.path)

    def _fill(self, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Put rows into new tables. Columns that a row does not have get what the table says. Raises CloudError when they do not fit together."""
        from .schema import TABLES

        self.sql.executescript('BEGIN IMMEDIATE; DELETE FROM security_group;')
        # What refers to something goes first: nothing new may refer to what was being deleted when
        # the record was lost. Foreign keys are looked at in the end.
        for table in ('meta', *reversed(TABLES)):
            columns = {row['name'] for row in self.rows(f'PRAGMA table_info({table})')}
            for row in rows.get(table, ()):
                self._restore(
                    table, {column: value for column, value in row.items() if column in columns}
                )
        broken = self.rows('PRAGMA foreign_key_check')
        if broken:
            raise CloudError(
                f'the rows of {", ".join(sorted({row["table"] for row in broken}))} refer to what is not there; the export was altered by hand'
            )
        self.sql.execute("UPDATE meta SET value = value + 1 WHERE key IN ('revision', 'metadata')")
        self.sql.execute('COMMIT')

    def _restore(self, table: str, values: Mapping[str, Any]) -> None:
        try:
            self._put('INSERT OR REPLACE' if table == 'meta' else 'INSERT', table, values)
        except (sqlite3.Error, OverflowError, ValueError) as error:
            if _OUT_OF_REACH.search(str(error)):
                raise self._unreadable(error) from error
            raise CloudError(
                f'a row of {table} does not fit: {error}; the export was altered by hand, or is not of this version'
            ) from error

    def rebuild(self, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Make the record anew with these rows. A damaged one is kept beside it. The caller holds the lock of the record."""
        os.makedirs(self.folder, 0o711, exist_ok=True)
        self.sql.close()
        for suffix in ('-wal', '-shm', ''):
            with contextlib.suppress(FileNotFoundError):
                os.replace(self.path + suffix, f'{self.path}.damaged{suffix}')
        self._made(rows)
        self.write()

    def rows(self, query: str, *values: Any) -> List[sqlite3.Row]:
        """The rows of a query."""
        try:
            return self.sql.execute(query, values).fetchall()
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise self._unreadable(error) from error

    def named(self, query: str, names: Iterable[str] | None) -> List[sqlite3.Row]:
        """The rows of a query whose ``?1`` is a JSON list of names, or null for all."""
        return self.rows(query, None if names is None else json.dumps(sorted(set(names))))

    def value(self, query: str, *values: Any) -> Any:
        """The first column of the first row."""
        rows = self.rows(query, *values)
        return rows[0][0] if rows else None

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or nothing. What the tables refuse becomes a CloudError.

        The export is written before the end: a run that is killed leaves one that is never older
        than the record, and no other run writes it meanwhile.
        """
        try:
            self.sql.execute('BEGIN IMMEDIATE')
            yield self.sql
            self.export()
            self.sql.execute('COMMIT')
        except BaseException as error:
            if self.sql.in_transaction:
                self.sql.execute('ROLLBACK')
            if isinstance(error, sqlite3.IntegrityError):
                raise CloudError(
                    f'the record refuses: {error}; another task changed it meanwhile; run the task again'
                ) from error
            if isinstance(error, sqlite3.Error):
                raise CloudError(
                    f'the record {self.path} cannot be written: {error}; nothing of this was recorded'
                ) from error
            raise

    def secret(self) -> str:
        """The key of hashes that this record keeps."""
        found = self.value('SELECT value FROM meta WHERE key = ?', _SECRET)
        if not isinstance(found, str) or not found:
            raise Damaged(f'the record {self.path} is damaged: it has no meta.{_SECRET}; {RECOVER}')
        return found

    def lost_items(self) -> List[str] | None:
        """What could not be brought back when the record was rebuilt, as long as that is not finished."""
        text = self.value('SELECT value FROM meta WHERE key = ?', LOST)
        try:
            return None if text is None else [str(sentence) for sentence in json.loads(text)]
        except (ValueError, TypeError) as error:
            raise Damaged(
                f'the record {self.path} contains data that hanok.cloud does not write: meta.{LOST}: {error}; {RECOVER}'
            ) from error

    def insert(self, table: str, values: Dict[str, Any]) -> int:
        """Add a row; its id."""
        return self._put('INSERT', table, {'created_by': self.actor, **values})

    def _put(self, how: str, table: str, values: Mapping[str, Any]) -> int:
        marks = ', '.join('?' * len(values))
        return int(
            self.sql.execute(
                f'{how} INTO {table} ({", ".join(values)}) VALUES ({marks})', list(values.values())
            ).lastrowid
            or 0
        )

    def update(self, table: str, row: int, values: Dict[str, Any]) -> None:
        """Change columns of one row."""
        marks = ', '.join(f'{column} = ?' for column in values)
        self.sql.execute(f'UPDATE {table} SET {marks} WHERE id = ?', [*values.values(), row])

    def update_named(self, table: str, name: str, values: Dict[str, Any]) -> None:
        """Change columns of the row of this name."""
        self.update(table, self.value(f'SELECT id FROM {table} WHERE name = ?', name), values)

    def begin_deletion(self, table: str, names: Iterable[str], user: str, column: str) -> None:
        """Mark rows as being deleted, after which nothing new may refer to them; what somebody began to use since it was planned is not begun."""
        with self.transaction() as sql:
            for name in names:
                free = f'NOT EXISTS (SELECT 1 FROM {user} WHERE {column} = {table}.id)'
                if not sql.execute(
                    f"UPDATE {table} SET task_state = 'deleting' WHERE name = ? AND {free}", (name,)
                ).rowcount:
                    raise CloudError(
                        f'{table} {name} is in use by a {user} now; run the task again to see which'
                    )

    def export(self) -> None:
        """Write all rows as JSON beside the record, replaced whole: with the domains' metadata and the disks enough to rebuild it."""
        from .schema import TABLES

        tables: Dict[str, Sequence[Dict[str, Any]]] = {
            'meta': [dict(row) for row in self.rows('SELECT * FROM meta WHERE key <> ?', _SECRET)]
        }
        for table in TABLES:
            tables[table] = [dict(row) for row in self.rows(f'SELECT * FROM {table} ORDER BY id')]
        try:
            write_atomically(self.export_path, json.dumps({'version': VERSION, **tables}))
        except OSError as error:
            raise CloudError(
                f'the export of the record cannot be written: {error}; nothing of this was recorded'
            ) from error


def split_names(text: str | None) -> Tuple[str, ...]:
    """The names that group_concat has put together, in order; none when it found none."""
    return tuple(sorted(text.split(','))) if text else ()


def description_columns(thing: Any) -> Dict[str, Any]:
    """The columns of what a user says about a thing."""
    return {'description': thing.description, 'labels': json.dumps(dict(thing.labels))}


def read_file(path: str) -> str | None:
    """What a file holds; None when there is none. What is no text in it is none of ours: it compares as different, and is written anew."""
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            return file.read()
    except FileNotFoundError:
        return None


def write_atomically(path: str, text: str, mode: int = 0o600) -> None:
    """Replace a file whole: a reader meets the old text or the new, and what a crash leaves beside it the next writer replaces.

    The caller holds a lock under which nobody else writes this file.
    """
    part = path + '.part'
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    descriptor = os.open(part, flags, mode)
    with open(descriptor, 'w', encoding='utf-8') as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
