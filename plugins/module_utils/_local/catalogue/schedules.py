# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Schedules: rows of the record, and timers of systemd that follow from them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Dict, List, Tuple

from ..._cloud import Outcome, Outcomes
from ..._model.change import Change, Changes
from ..._model.schedule import OPTIONS, Schedule
from ..record.database import Query
from ..record.host import Host
from ..record.record import description_columns
from .timers import Timers

if TYPE_CHECKING:
    from ..record.rows import ScheduleRow

_LIST: Query[ScheduleRow] = Query("""SELECT * FROM schedule
  WHERE ?1 IS NULL OR name IN (SELECT value FROM json_each(?1)) ORDER BY name""")


class LocalSchedules:
    """Schedules of the local cloud."""

    def __init__(self, host: Host) -> None:
        """Keep the schedules of this host."""
        self.host = host
        self.timers = Timers()

    def obstacle(self) -> str:
        """Return why this host cannot run schedules; empty if it can."""
        return self.timers.obstacle()

    def next_run(self, on_calendar: str) -> str | None:
        """Return when it is the time of a calendar expression; None if never again."""
        return self.timers.next_run(on_calendar)

    def list(self, names: Iterable[str] | None = None) -> Tuple[Schedule, ...]:
        """List all, or those with these names."""
        rows = tuple(self.host.record.named(_LIST, names))
        can_run = not self.obstacle()
        texts = [row['on_calendar'] for row in rows] if can_run else []
        times = self.timers.next_runs(texts)
        has_service = bool(rows) and can_run and self.timers.has_service()
        return tuple(self._schedule(row, has_service, times) for row in rows)

    def _schedule(
        self, row: ScheduleRow, has_service: bool, times: Mapping[str, str | None]
    ) -> Schedule:
        text = row['on_calendar']
        return Schedule(
            row['name'],
            row['action'],
            text,
            tuple(json.loads(row['servers'])),
            json.loads(row['server_labels']),
            **json.loads(row['options']),
            description=row['description'],
            labels=json.loads(row['labels']),
            has_timer=has_service and self.timers.is_written(row['project'], row['name'], text),
            next_run_at=times.get(text),
            id=row['uuid'],
            created_by=row['created_by'],
            created_at=row['created_at'],
        )

    def create(self, changes: Changes) -> Outcomes:
        """Create schedules."""
        writer = self.host.record.writer
        with writer.transaction():
            for change in changes:
                values = {'name': change.name, **_columns(change.new(Schedule))}
                writer.insert_row('schedule', values)
        return self._timed([Outcome(change) for change in changes])

    def update(self, changes: Changes) -> Outcomes:
        """Update schedules, and write timers that are not as recorded."""
        writer = self.host.record.writer

        def update(change: Change, row: int) -> None:
            # No more than changes: a server may have been renamed since the plan.
            known = _columns(change.old(Schedule)).items()
            columns = dict(_columns(change.new(Schedule)).items() - known)
            if columns:
                writer.update_row('schedule', row, columns)

        return self._timed(writer.change(changes, update))

    def delete(self, changes: Changes) -> Outcomes:
        """Delete schedules: the timers first, so that none is left without its schedule."""
        from .timer_writer import TimerWriter

        timers, project = TimerWriter(self.host), self.host.record.project
        outcomes = self.host.work.for_each(
            changes, lambda change: timers.remove(project, change.name)
        )
        return self.host.work.finish(outcomes, 'DELETE FROM main.schedule WHERE id = ?')

    def _timed(self, outcomes: Outcomes) -> Outcomes:
        from .timer_writer import TimerWriter

        timers, project = TimerWriter(self.host), self.host.record.project

        def write(change: Change) -> None:
            schedule = change.new(Schedule)
            timers.write(project, schedule.name, schedule.on_calendar)

        def enable(change: Change) -> None:
            timers.enable(project, change.name)

        # A run that is killed before the end of its history is completed by the next one.
        finished = self.host.work.finish(self.host.work.then_each(outcomes, write))
        return self.host.work.then_each(finished, enable)


def _columns(schedule: Schedule) -> Dict[str, str]:
    options: List[str] = [one for one in OPTIONS if getattr(schedule, one) is not None]
    return {
        'action': schedule.action,
        'on_calendar': schedule.on_calendar,
        'servers': json.dumps(schedule.servers),
        'server_labels': json.dumps(schedule.server_labels),
        'options': json.dumps({one: getattr(schedule, one) for one in options}),
        **description_columns(schedule),
    }
