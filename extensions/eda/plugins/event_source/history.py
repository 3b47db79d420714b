# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Events of what is changed in the cloud of this host, and by whom: the history, as it grows."""

from __future__ import annotations

DOCUMENTATION = r"""
short_description: Events of what is changed in the cloud of this host
description:
  - An ansible-rulebook event source plugin that follows the history of the cloud, which
    hanok.cloud.history_info returns. Each change is one event, after it has ended.
  - An event is delivered at least once. What was delivered is kept in O(state_file), so that a
    rulebook that was stopped, or killed, goes on where it was. If it was killed between the
    delivery and the note of it, the event comes again, with the same C(meta.uuid).
  - A change that was killed has no end, and no event; the one that completes it has one.
  - It reads the record of the cloud and never writes to it. Only root may read it.
options:
  state_file:
    description:
      - File in which it notes what was delivered. Each rulebook needs one of its own; its directory
        has to exist.
    type: str
    required: true
  record:
    description: Path of the record.
    type: str
    default: /var/lib/hanok/hanok.db
  first:
    description:
      - Where it begins if there is no O(state_file) yet, with what happens from now on, or with
        the oldest change that is kept.
    type: str
    choices: [now, oldest]
    default: now
  interval:
    description: Seconds between two looks at the record.
    type: float
    default: 1
  feedback:
    description:
      - Whether a change counts as delivered only when the rule engine says so. It needs a
        C(name) of the source, and C(--persistence-id). Without it, it counts when the engine has
        taken it.
    type: bool
    default: false
"""

EXAMPLES = r"""
- hanok.cloud.history:
    state_file: /var/lib/hanok-events/web.json
"""

import asyncio
import json
import os
import sqlite3
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RECORD = '/var/lib/hanok/hanok.db'
# The words of history_info, where those of the table are others.
WORDS = {'id': 'number', 'uuid': 'id', 'actor': 'changed_by'}
BATCH = 200
_NEW = 'SELECT * FROM history WHERE id > ? ORDER BY id LIMIT ?'
_OPEN = 'SELECT * FROM history WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id'
_BEGAN = 'SELECT began_at FROM history WHERE id = ?'
_NEWEST = 'SELECT id, began_at FROM history ORDER BY id DESC LIMIT 1'
_LAST_NUMBER = "SELECT seq FROM sqlite_sequence WHERE name = 'history'"
Row = dict[str, Any]


class SourceError(Exception):
    """For the user: which option, what is wrong, and the way out."""


@dataclass
class Place:
    """How far it came. ``last``: the newest change that was seen, and when that began.

    ``unended``: changes up to that one which had not ended.
    """

    last: int = 0
    began_at: str | None = None
    unended: list[int] = field(default_factory=list)

    def pass_by(self, row: Row) -> None:
        """Note a change that was delivered, or has not ended."""
        number = row['id']
        if row['result'] is not None:
            self.unended = [other for other in self.unended if other != number]
        elif number not in self.unended:
            self.unended.append(number)
        if number > self.last:
            self.last, self.began_at = number, row['began_at']


class History:
    """The history in the record, and what of it was delivered."""

    def __init__(self, record: str, state_file: str, first: str) -> None:
        """The options of the source."""
        self.record, self.first = Path(record), first
        self.state_file = Path(state_file)
        self.place = self._kept()

    def _kept(self) -> Place | None:
        try:
            kept = json.loads(self.state_file.read_text('utf-8'))
            return Place(kept['last'], kept['began_at'], kept['unended'])
        except FileNotFoundError:
            if not self.state_file.parent.is_dir():
                raise SourceError(
                    f'state_file: {self.state_file.parent} is no directory; create it'
                ) from None
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SourceError(
                f'state_file: {self.state_file} cannot be read ({error}); correct it, or remove it '
                'to begin anew'
            ) from error

    def pass_by(self, row: Row) -> None:
        """Note a change that was delivered, or has not ended."""
        if self.place is not None:
            self.place.pass_by(row)
            self._keep(self.place)

    def _keep(self, place: Place) -> None:
        """Write how far it came, so that a crash leaves the old text or the new one."""
        new = self.state_file.with_name(f'.{self.state_file.name}.new')
        with new.open('w', encoding='utf-8') as file:
            json.dump(vars(place), file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.state_file)

    def look(self) -> list[Row]:
        """What is new or had not ended, the oldest first; nothing while there is no record."""
        if not self.record.exists():
            self.place = self.place or Place()  # all of one that comes later is new
            return []
        try:
            sql = sqlite3.connect(f'{self.record.absolute().as_uri()}?mode=ro', uri=True)
            try:
                sql.row_factory = sqlite3.Row
                return [dict(row) for row in self._rows(sql)]
            finally:
                sql.close()
        except sqlite3.DatabaseError as error:
            if 'locked' in str(error):
                return []
            raise SourceError(
                f'record: {self.record} cannot be read ({error}); run ansible-rulebook as root, '
                'with a record of this version'
            ) from error

    def _rows(self, sql: sqlite3.Connection) -> list[sqlite3.Row]:
        sql.execute('BEGIN')  # all of it from one state
        if self.place is None:
            self.place = self._beginning(sql)
            self._keep(self.place)
        elif self._is_another(sql, self.place):
            self.place = Place()
        waiting = sql.execute(_OPEN, [json.dumps(self.place.unended)]).fetchall()
        # Those that are too old are no longer there.
        self.place.unended = [row['id'] for row in waiting]
        new = sql.execute(_NEW, [self.place.last, BATCH]).fetchall()
        return [row for row in waiting if row['result'] is not None] + new

    def _beginning(self, sql: sqlite3.Connection) -> Place:
        newest = sql.execute(_NEWEST).fetchone() if self.first == 'now' else None
        return Place(newest['id'], newest['began_at']) if newest else Place()

    def _is_another(self, sql: sqlite3.Connection, place: Place) -> bool:
        """Whether the record is a new one, whose numbers begin anew."""
        (last,) = sql.execute(_LAST_NUMBER).fetchone() or (0,)
        began = sql.execute(_BEGAN, [place.last]).fetchone()
        return bool(last < place.last or (began and began[0] != place.began_at))


def event(row: Row) -> dict[str, Any]:
    """A change as an event, in the words of history_info, with an id that it always has."""
    change = {WORDS.get(name, name): value for name, value in row.items()}
    for side in ('before', 'after'):
        change[side] = None if change[side] is None else json.loads(change[side])
    identity = uuid.uuid5(uuid.NAMESPACE_OID, f'hanok.cloud.history:{row["began_at"]}:{row["id"]}')
    return {'history': change, 'meta': {'uuid': str(identity)}}


async def deliver(queue: Any, happened: dict[str, Any], feedback: Any) -> None:
    """Put an event on the queue, and wait until it was taken from there."""
    await queue.put(happened)
    if feedback is not None:
        await feedback.get()
        return
    inner = getattr(queue, 'queue', queue)  # of ansible-rulebook: one behind filters
    while not inner.empty():
        await asyncio.sleep(0.01)


async def main(queue: Any, args: dict[str, Any]) -> None:
    """Follow the history until ansible-rulebook ends."""
    history = history_of(args)
    interval, feedback = float(args.get('interval', 1)), args.get('eda_feedback_queue')
    while True:
        rows = await asyncio.to_thread(history.look)
        for row in rows:
            if row['result'] is not None:
                await deliver(queue, event(row), feedback)
            await asyncio.to_thread(history.pass_by, row)
        if len(rows) < BATCH:
            await asyncio.sleep(interval)


def history_of(args: dict[str, Any]) -> History:
    """The history by the options of the source."""
    if not args.get('state_file'):
        raise SourceError('state_file is missing; name a file that keeps what was delivered')
    first = args.get('first', 'now')
    if first not in ('now', 'oldest'):
        raise SourceError(f'first: {first} is neither now nor oldest')
    return History(args.get('record', RECORD), args['state_file'], first)
