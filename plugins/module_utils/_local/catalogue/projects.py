# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Projects: rows of the record, and what is in no row but exists as soon as something is in it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Dict, List, Mapping, Tuple

from ..._cloud import Busy, Outcome, Outcomes
from ..._model.change import Changes
from ..._model.checks import DEFAULT_PROJECT
from ..._model.project import Project
from ..record.access import access_in
from ..record.database import Query
from ..record.host import Host
from ..record.project_usage import usage
from ..record.record import description_columns

if TYPE_CHECKING:
    from ..record.rows import ProjectRow
    from .row_types import KnownProject

_DECLARED: Query[ProjectRow] = Query('SELECT * FROM main.project')
# Each project that something is in has at least its security group default.
_KNOWN: Query[KnownProject] = Query(
    'SELECT project AS name FROM main.security_group UNION SELECT name FROM main.project ORDER BY 1'
)


class LocalProjects:
    """Projects of the local cloud; the record is open for the one that is changed."""

    trusts_actor = True

    def __init__(self, host: Host) -> None:
        """Use the record and the settings of ``host``."""
        self.host = host
        self.record = host.record

    def list(self, names: Iterable[str] | None = None) -> Tuple[Project, ...]:
        """List all that the user may see, or those with these names."""
        wanted = None if names is None else set(names)
        rows = {row['name']: row for row in self.record.rows(_DECLARED)}
        known = [row['name'] for row in self.record.rows(_KNOWN)]
        found = [name for name in known if wanted is None or name in wanted]
        return tuple(
            self._project(name, rows.get(name))
            for name in found
            if self._exists(name, rows) and self._is_visible(name, rows.get(name))
        )

    def _is_visible(self, name: str, row: ProjectRow | None) -> bool:
        found = access_in(self.host, name, row['members'] if row else None)
        return found is None or not found.looking()

    def _exists(self, name: str, rows: Iterable[str]) -> bool:
        """Whether it is on record, not only opened by this task."""
        is_opened_only = name == self.record.project and self.record.is_opened_first
        return name in rows or name == DEFAULT_PROJECT or not is_opened_only

    def _project(self, name: str, row: ProjectRow | None) -> Project:
        used = usage(self.record, name)
        if row is None:
            return Project(name, used=used, id='', created_by='', created_at='')
        return Project(
            name,
            row['description'],
            json.loads(row['labels']),
            json.loads(row['quotas']),
            used,
            None if row['members'] is None else json.loads(row['members']),
            row['uuid'],
            row['created_by'],
            row['created_at'],
        )

    def request_problem(self, options: Mapping[str, object]) -> str:
        """Return nothing: who may is decided by the members, and all quotas are possible."""
        return ''

    def create(self, changes: Changes) -> Outcomes:
        """Declare projects."""
        return self.record.writer.create(changes, Project, _columns)

    def update(self, changes: Changes) -> Outcomes:
        """Update projects; what is over a quota stays."""
        return self.record.writer.update(changes, Project, _columns)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete projects, with the group that each of them has."""
        with self.record.writer.transaction() as sql:
            outcomes: List[Outcome] = []
            # A group that nothing uses does not change the rules, so their revision stays.
            revision = self.record.value("SELECT value FROM meta WHERE key = 'revision'")
            for change in changes:
                if Project(change.name, used=usage(self.record, change.name)).held():
                    raise Busy(
                        f'project {change.name} holds something by now; run the task again to see '
                        'what it is'
                    )
                sql.execute('DELETE FROM main.project WHERE name = ?', (change.name,))
                sql.execute('DELETE FROM main.security_group WHERE project = ?', (change.name,))
                outcomes.append(Outcome(change))
            sql.execute("UPDATE meta SET value = ? WHERE key = 'revision'", (revision,))
            return self.record.writer.end(outcomes)


def _columns(project: Project) -> Dict[str, str | None]:
    members = project.members
    return {
        'quotas': json.dumps(dict(project.quotas)),
        'members': None if members is None else json.dumps(dict(members)),
        **description_columns(project),
    }
