# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The servers that schedules name."""

from __future__ import annotations

from ..record.record import Record

# Sorted, as a task has them. The view has the schedules of the project only.
_RENAMED = """UPDATE main.schedule
  SET servers = (SELECT json_group_array(name) FROM
    (SELECT DISTINCT iif(value = :old, :new, value) AS name FROM json_each(servers) ORDER BY name))
  WHERE id IN (SELECT id FROM schedule)
    AND :old IN (SELECT value FROM json_each(main.schedule.servers))"""


def rename_server(record: Record, old: str, new: str) -> None:
    """Let the schedules of the project that name a server follow it."""
    record.sql.execute(_RENAMED, {'old': old, 'new': new})
