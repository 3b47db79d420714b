# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Init scripts: rows of the record."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Dict, Tuple

from ..._cloud import Outcomes
from ..._model.change import Changes
from ..._model.init_script import InitScript
from ..._model.status import TaskState
from ..record.database import Query
from ..record.record import Record, description_columns, split_names

if TYPE_CHECKING:
    from .row_types import ListedInitScript

_LIST: Query[ListedInitScript] = Query(f"""SELECT i.*, (SELECT group_concat(s.name) FROM server s
    WHERE s.init_script = i.name AND s.task_state = '{TaskState.CREATING}') AS used
  FROM init_script i WHERE ?1 IS NULL OR name IN (SELECT value FROM json_each(?1)) ORDER BY name""")


class LocalInitScripts:
    """Init scripts of the local cloud."""

    def __init__(self, record: Record) -> None:
        """Use this record."""
        self.record = record

    def list(self, names: Iterable[str] | None = None) -> Tuple[InitScript, ...]:
        """List all, or those with these names."""
        return tuple(
            InitScript(
                row['name'],
                row['content'],
                row['description'],
                json.loads(row['labels']),
                split_names(row['used']),
                row['uuid'],
                row['created_by'],
                row['created_at'],
            )
            for row in self.record.named(_LIST, names)
        )

    def create(self, changes: Changes) -> Outcomes:
        """Create scripts."""
        return self.record.writer.create(changes, InitScript, _columns)

    def update(self, changes: Changes) -> Outcomes:
        """Update scripts; servers created from now on use the new content."""
        return self.record.writer.update(changes, InitScript, _columns)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete scripts."""
        return self.record.writer.delete(changes, is_all=True)


def _columns(script: InitScript) -> Dict[str, str]:
    return {'content': script.content, **description_columns(script)}
