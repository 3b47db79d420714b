# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The record: one SQLite file that holds the desired state of the cloud."""

from __future__ import annotations

import json
import os
import sqlite3
from functools import cached_property
from typing import TYPE_CHECKING, Any, Dict, List, Tuple

from ..._cloud import CloudError
from ..._model.change import AFTER_APPLY, Change
from ..._model.checks import DEFAULT_GROUP, DEFAULT_PROJECT
from .database import LOST, RECOVER, SECRET, VERSION, Damaged, Database, table_of

if TYPE_CHECKING:
    from .journal import Journal
    from .record_writer import RecordWriter
    from .row_types import Described


class Record(Database):
    """The record, read-only until its writer opens it; without a file it is an empty cloud."""

    def __init__(
        self,
        folder: str,
        actor: str,
        lost: bool = False,
        project: str = DEFAULT_PROJECT,
    ) -> None:
        """Open the record of a state folder for reading the rows of a project.

        ``lost``: it is to be rebuilt, and an existing file is ignored.
        """
        super().__init__(os.path.join(folder, 'hanok.db'))
        self.folder = folder
        self.actor = actor
        self.project = project
        self.export_path = os.path.join(folder, 'hanok.json')
        self.writable = False
        self.is_opened_first = True  # nothing of the project is on record
        self.journal: Journal | None = None  # of the changes that are being applied
        self._open(lost)
        self.open_project(self.project)

    def _open(self, lost: bool) -> None:
        if os.path.exists(self.path) and not lost:
            self.connect(f'file:{self.path}?mode=ro')
            self.check_version()
            self.is_opened_first = self.is_new_project()
            self._complete_copy()
            return
        if os.path.exists(self.export_path) and not lost:
            raise CloudError(
                f'the record {self.path} does not exist, but its export does; {RECOVER}, '
                f'or move {self.export_path} away to start with an empty cloud'
            )
        self.connect(':memory:')
        self.migrate()
        self.add_project()

    def _complete_copy(self) -> None:
        """Migrate an older record, and add a new project, in memory: only writers change files."""
        if self.version == VERSION and not self.is_new_project():
            return
        older = self.sql
        self.connect(':memory:')
        try:
            older.backup(self.sql)
        except sqlite3.Error as error:
            raise self.access_error(error) from error
        finally:
            older.close()
        self.version = self.value('PRAGMA user_version')
        self.migrate()
        self.add_project()

    def is_new_project(self) -> bool:
        """Whether the project is not on record yet."""
        query = 'SELECT 1 FROM main.security_group WHERE project = ? AND name = ?'
        return self.value(query, self.project, DEFAULT_GROUP) is None

    def add_project(self) -> None:
        """Add the security group that every project has, unless it exists."""
        if self.is_new_project():
            from .creation import add_default_group

            add_default_group(self, self.project)

    def meta(self) -> Dict[str, Any]:
        """Return the facts about the record itself, by key."""
        return {row['key']: row['value'] for row in self.fetch('SELECT key, value FROM meta')}

    def secret(self) -> str:
        """Return the key of the hashes in this record."""
        found = self.value('SELECT value FROM meta WHERE key = ?', SECRET)
        if not isinstance(found, str) or not found:
            raise Damaged(f'the record {self.path} is damaged: it has no meta.{SECRET}; {RECOVER}')
        return found

    def lost_items(self) -> List[str] | None:
        """Return what a rebuild could not recover; None unless the rebuild is unfinished."""
        text = self.value('SELECT value FROM meta WHERE key = ?', LOST)
        try:
            return None if text is None else [str(sentence) for sentence in json.loads(text)]
        except (ValueError, TypeError) as error:
            raise Damaged(
                f'the record {self.path} contains data that hanok.cloud does not write: '
                f'meta.{LOST}: {error}; {RECOVER}'
            ) from error

    def find(self, table: str, name: str | None) -> int | None:
        """Return the id of the row with this name; None if there is none."""
        row: int | None = self.value(f'SELECT id FROM {table} WHERE name = ?', name)
        return row

    def row_of(self, change: Change) -> int | None:
        """Return the row of what a change begins at; None if it was deleted meanwhile.

        It is found by the id that was observed: another one may have the name by now. What this run
        creates has no id yet, and the lock of its name.
        """
        table = table_of(change.kind)
        if change.id in (None, AFTER_APPLY):
            return self.find(table, change.name)
        row: int | None = self.value(f'SELECT id FROM {table} WHERE uuid = ?', change.id)
        return row

    @cached_property
    def writer(self) -> RecordWriter:
        """What writes the record; a run that changes nothing does not load it."""
        from .record_writer import RecordWriter

        return RecordWriter(self)


def split_names(text: str | None) -> Tuple[str, ...]:
    """Return the names that group_concat joined, sorted; empty for NULL."""
    return tuple(sorted(text.split(','))) if text else ()


def description_columns(resource: Described) -> Dict[str, str]:
    """Return the columns description and labels of a resource."""
    return {'description': resource.description, 'labels': json.dumps(dict(resource.labels))}
