# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes the history, in the transactions of the changes that it is about."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Dict, Tuple

from ..._cloud import Outcomes
from ..._model.change import AFTER_APPLY, Change, Changes
from ..._model.history import OK, Origin, utc
from ..._model.kinds import Verb
from ..._model.sides import sides
from .database import table_of
from .tables import TABLES

if TYPE_CHECKING:
    from .record import Record

MAX_TEXT = 1000  # characters that are kept of each option, reason and error
_IDENTITY = 'SELECT uuid, name FROM {} WHERE name = ?'
# One without a name is called like its address, which its change does not know yet.
_FLOATING_IP = f"""SELECT uuid, coalesce(name, address) AS name FROM floating_ip
  WHERE ?1 IN (name, address, '{AFTER_APPLY}') ORDER BY id DESC LIMIT 1"""


class Journal:
    """The rows of the history of changes that are being applied.

    The first transaction that a change makes writes its row, and the one that ends the change how
    it ended: RecordWriter.transaction writes, as its last step, all that is not written yet.
    """

    def __init__(
        self,
        record: Record,
        origin: Origin,
        changes: Changes,
        days: int,
    ) -> None:
        """``days``: how long rows are kept."""
        began = datetime.now(timezone.utc)
        self.record = record
        self._oldest = utc(began - timedelta(days=days))
        self._rows = {_key(change): _Row(record, origin, change, utc(began)) for change in changes}

    @property
    def is_written(self) -> bool:
        """Whether the record has all that is known."""
        return all(row.is_written for row in self._rows.values())

    def end(self, outcomes: Outcomes) -> None:
        """Note how changes ended."""
        for outcome in outcomes:
            self._rows[_key(outcome.change)].end(outcome.error, outcome.seconds)

    def fail(self, error: Exception) -> None:
        """Note that all changes ended with an error."""
        for row in self._rows.values():
            row.end(error, None)

    @contextmanager
    def written(self) -> Iterator[None]:
        """Write what is not written yet, in the transaction that is about to be committed.

        If that fails, the next transaction writes it.
        """
        pending = [row for row in self._rows.values() if not row.is_written]
        states = [(row.id, dict(row.values)) for row in pending]
        try:
            for row in pending:
                row.write(self._oldest)
            yield
        except BaseException:
            for row, (row.id, row.values) in zip(pending, states):
                row.is_written = False
            raise


class _Row:
    """The row of one change. ``id``: in the table; None until it is inserted."""

    def __init__(
        self,
        record: Record,
        origin: Origin,
        change: Change,
        began_at: str,
    ) -> None:
        self.record = record
        self.change = change
        self.started = time.monotonic()
        self.id: int | None = None
        self.is_written = False
        before, after = sides(change)
        self.values: Dict[str, Any] = {
            'project': record.project,
            'began_at': began_at,
            'actor': record.actor,
            'job': origin.job,
            'module': origin.module,
            'kind': change.kind,
            'name': change.name,
            'uuid': _known_id(change),
            'verb': change.verb.value,
            'before': _bounded_json(before),
            'after': _bounded_json(after),
            'why': _bounded(change.why),
        }

    def end(self, error: Exception | None, seconds: float | None) -> None:
        """Note how the change ended; the first success may be followed by an error."""
        result = getattr(error, 'code', 'defect') if error else OK
        if self.values.get('result') == result:
            return
        self.is_written = False
        self.values.update(
            ended_at=utc(datetime.now(timezone.utc)),
            seconds=round(time.monotonic() - self.started if seconds is None else seconds, 3),
            result=result,
            error=_bounded(str(error)) if error else None,
        )

    def write(self, oldest: str) -> None:
        """Insert or update the row; an insert deletes rows that are older than what is kept."""
        if self.values['uuid'] is None and self.values.get('result', OK) == OK:
            self._identify()
        if self.id is None:
            self.id = self.record.execute_insert('INSERT', 'main.history', self.values)
            self.record.sql.execute('DELETE FROM main.history WHERE began_at < ?', (oldest,))
        else:
            self.record.writer.update_row('history', self.id, self.values)
        self.is_written = True

    def _identify(self) -> None:
        """Find the id that the record has given to what this task creates."""
        table = table_of(self.change.kind)
        if table in TABLES:
            query = _FLOATING_IP if table == 'floating_ip' else _IDENTITY.format(table)
            for row in self.record.fetch(query, self.change.name):
                self.values.update(uuid=row['uuid'], name=row['name'])


def _key(change: Change) -> Tuple[str, str, Verb]:
    return change.kind, change.name, change.verb


def _known_id(change: Change) -> str | None:
    return None if change.id == AFTER_APPLY else change.id


def _bounded_json(side: Mapping[str, Any] | None) -> str | None:
    """One side of a change as JSON; values that are too long are text that is cut."""
    if side is None:
        return None
    return json.dumps({option: _bounded_value(value) for option, value in side.items()})


def _bounded_value(value: object) -> object:
    text = value if isinstance(value, str) else json.dumps(value)
    return value if len(text) <= MAX_TEXT else _bounded(text)


def _bounded(text: str) -> str:
    if len(text) <= MAX_TEXT:
        return text
    return f'{text[:MAX_TEXT]}... ({len(text)} characters)'
