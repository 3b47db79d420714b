# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the user may do in projects: imported where the host or a project names somebody."""

from __future__ import annotations

import json

from ..._model.access import Access, access_of
from .host import Host


def access(host: Host) -> Access | None:
    """Return what the user may do in the project that is open; None: everything."""
    members = host.record.value('SELECT members FROM project')
    return access_in(host, host.record.project, members)


def access_in(host: Host, project: str, members: str | None) -> Access | None:
    """Return what the user may do in a project with these members."""
    known = None if members is None else json.loads(members)
    return access_of(host.record.actor, project, known, host.settings.admins)
