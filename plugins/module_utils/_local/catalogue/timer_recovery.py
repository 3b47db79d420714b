# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The timers of a record that is rebuilt.

The export has the schedules. A timer alone does not say what it is for: it is removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterable, List, Mapping

from ..record.database import Query
from ..record.host import Host
from .timer_writer import TimerWriter
from .timers import Timers

if TYPE_CHECKING:
    from ..record.rows import ScheduleRow

_ALL: Query[ScheduleRow] = Query('SELECT * FROM main.schedule')


def lost_schedules(host: Host, rows: Iterable[Mapping[str, object]]) -> List[str]:
    """Report the schedules that are not among rows, and have timers."""
    known = {(str(row['project']), str(row['name'])) for row in rows}
    return [
        f'schedule {name} (project {project}): what it did is unknown; its timer is removed'
        for project, name in sorted(set(TimerWriter(host).existing()) - known)
    ]


def restore_timers(host: Host) -> None:
    """Write the timers of all projects, and remove those of no schedule.

    The host may be another one than before, which has none yet.
    """
    timers, writer = Timers(), TimerWriter(host)
    texts = {(row['project'], row['name']): row['on_calendar'] for row in host.record.rows(_ALL)}
    for lost in set(writer.existing()) - set(texts):
        writer.remove(*lost)
    if timers.obstacle():
        return
    for (project, name), text in texts.items():
        if not (timers.has_service() and timers.is_written(project, name, text)):
            writer.write(project, name, text)
            writer.enable(project, name)
