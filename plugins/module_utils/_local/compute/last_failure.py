# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why the last change of a server was not completed."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ..._cloud import CloudError
from ..record.database import Query
from ..record.record import Record

if TYPE_CHECKING:
    from ..record.rows import HistoryRow

_LAST_CHANGE: Query[HistoryRow] = Query("""SELECT * FROM history
  WHERE project = ? AND kind = 'server' AND name = ? ORDER BY id DESC LIMIT 1""")


def last_failure(record: Record, name: str) -> str:
    """Why the last change of a server was not completed, as far as the history knows."""
    with suppress(CloudError):  # a damaged history
        for change in record.rows(_LAST_CHANGE, record.project, name):
            if change['result'] is None:
                return f'the run that began it at {change["began_at"]} was interrupted'
            return change['error'] or ''
    return ''
