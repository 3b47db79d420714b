# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The projects in the record, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator

from ..._model.access import ADMIN
from .access import access
from .database import Query
from .errors import translating

if TYPE_CHECKING:
    from .host import Host
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
            record.project = row['project']
            record.sql.execute('UPDATE temp.opened SET project = ?', (record.project,))
            vars(host).pop('locks', None)  # they are of a project
            found = access(host)
            if found is None or found.role == ADMIN:
                yield record.project
