# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The projects in the record, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, Iterable, Iterator, List

from ..._model.access import ADMIN
from .access import access
from .database import Query
from .errors import translating

if TYPE_CHECKING:
    from .host import Host
    from .record import Record
    from .row_types import ProjectName

# Each project has at least its security group default.
_PROJECTS: Query[ProjectName] = Query(
    'SELECT DISTINCT project FROM main.security_group ORDER BY project'
)


def each_project(host: Host) -> Iterator[str]:
    """Yield the names of all projects of which the user is an admin.

    The record shows the rows of each meanwhile.
    """
    record = host.record
    with translating():
        for row in record.rows(_PROJECTS):
            _show(record, row['project'])
            vars(host).pop('locks', None)  # they are of a project
            found = access(host)
            if found is None or found.role == ADMIN:
                yield record.project


def each_named(record: Record, names: Iterable[str]) -> Iterator[List[str]]:
    """Yield the names of servers of each project, those of others without their PROJECT/.

    The record shows the rows of that project meanwhile; the locks that are held stay.
    """
    own = record.project
    found: Dict[str, List[str]] = {}
    for name in names:
        project, _slash, server = name.rpartition('/')
        found.setdefault(project or own, []).append(server)
    try:
        for project, servers in found.items():
            _show(record, project)
            yield servers
    finally:
        _show(record, own)


def _show(record: Record, project: str) -> None:
    record.project = project
    record.sql.execute('UPDATE temp.opened SET project = ?', (project,))
