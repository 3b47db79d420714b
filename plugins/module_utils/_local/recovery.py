# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Observe the record of this host, and rebuild it when it is lost."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import List, Tuple

from .._cloud import CloudError, Names, Observed, Outcome, Outcomes
from .._model.change import Changes
from .._model.record_state import INTERRUPTED, RecordState
from .._model.recovery import planned_state, rebuild_rows
from .._model.recovery_rows import Rows
from .._model.secret import NO_SECRETS
from .catalogue.timer_recovery import lost_schedules, restore_timers
from .cloud import LocalCloud, this_host
from .projections import LocalProjections
from .record.database import LOST, Damaged
from .record.errors import at_boundary, translating
from .record.host import Host
from .record.integrity import check_integrity
from .record.record import Record
from .record.tables import TABLES
from .remains import FOREIGN_DATA, find_remains, has_remains
from .storage.pools import pool_of
from .storage.volume_places import type_of


class LocalRecovery(LocalCloud):
    """This host without the record that it lost, which is the only thing to use of it."""

    def __init__(self, project: str, actor: str, timeout: int) -> None:
        """``actor``: who runs the task. ``timeout``: seconds to wait for other writers."""
        self.host = this_host(project, actor, timeout, lost=True)
        self.secrets = NO_SECRETS

    @property
    def records(self) -> LocalRecords:
        """The record."""
        return at_boundary(LocalRecords(self.host))

    @contextmanager
    def locked(self, observe: Callable[[], Tuple[Observed, Names]]) -> Iterator[Observed]:
        """Hold the lock of the record."""
        if self.host.only_looks:
            from .record.looking import only_root

            raise only_root()
        with translating(), self.host.locks.projection('record'):
            yield observe()[0]

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        """Close what is open: the state of the record already reports its damage."""
        self.host.close()


class LocalRecords:
    """The record of this host."""

    def __init__(self, host: Host) -> None:
        """``host``: its own record is empty."""
        self.host = host

    def list(self) -> Tuple[RecordState, ...]:
        """Return the state of the record.

        A host without a record and without remains of a cloud has nothing to rebuild.
        """
        if not os.path.exists(self.host.record.path):
            is_lost = has_remains(find_remains(self.host))
            return (RecordState(state='missing' if is_lost else 'whole'),)
        try:
            return (self._existing(),)
        except Damaged:
            return (RecordState(state='damaged'),)

    def _existing(self) -> RecordState:
        """Return the state of the existing record. Raises Damaged."""
        record = Record(self.host.settings.state, self.host.record.actor)
        try:
            check_integrity(record)
            rows = {}
            for table in TABLES:
                count = record.value(f'SELECT count(*) FROM main.{table}')
                if count:
                    rows[table] = count
            lost = record.lost_items()
            if lost is None:
                return RecordState(rows=rows)
            return RecordState(state=INTERRUPTED, rows=rows, lost=tuple(lost))
        finally:
            record.sql.close()

    def rebuilt(self) -> RecordState:
        """Return the state that the record would have after a rebuild."""
        rows, lost = self._rebuilt_rows()
        return planned_state(lost, rows)

    def _rebuilt_rows(self) -> Tuple[Rows, List[str]]:
        remains = find_remains(self.host)
        try:
            rows, lost = rebuild_rows(remains)
            _add_volume_types(self.host, rows)
            return rows, [*lost, *lost_schedules(self.host, rows.get('schedule', ()))]
        except FOREIGN_DATA as error:
            raise CloudError(
                f'the export {self.host.record.export_path} contains data that hanok.cloud does '
                f'not write ({type(error).__name__}: {error}); move it away to rebuild the record '
                'from machines and disks only'
            ) from error

    def create(self, changes: Changes) -> Outcomes:
        """Rebuild the record and all of its projections.

        Until that is done the record is marked as unfinished, with what could not be recovered.
        """
        if changes[0].old(RecordState).state == INTERRUPTED:
            self.host.record.writer.open()
        else:
            rows, lost = self._rebuilt_rows()
            mark = {'key': LOST, 'value': json.dumps(lost)}
            self.host.record.writer.rebuild({**rows, 'meta': [*rows.get('meta', ()), mark]})
        projections = LocalProjections(self.host)
        projections.apply()
        projections.write_metadata()
        restore_timers(self.host)
        with self.host.record.writer.transaction() as sql:
            sql.execute('DELETE FROM meta WHERE key = ?', (LOST,))
        return [Outcome(change) for change in changes]


def _add_volume_types(host: Host, rows: Rows) -> None:
    """Add where the disks of volumes are that were found by their files."""
    pool = pool_of(host)
    for row in rows.get('volume', ()):
        if not row.get('bootable'):
            of_kind = pool.files if row.get('file_system') else pool.volume
            found = type_of(host.settings, of_kind(str(row['uuid'])))
            row.setdefault('volume_type', found)
