# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where containers have volumes: in files of their own, of which they may have made anything."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..._cloud import CloudError
from ..host.guest_files import folder_problem
from ..record.database import Query
from ..record.host import Host
from .pools import pool_of
from .volume_files import files_of

if TYPE_CHECKING:
    from .row_types import MountedVolume

_VOLUMES: Query[MountedVolume] = Query("""SELECT v.uuid, v.name, v.mount_point
  FROM volume v JOIN server s ON s.id = v.server_id WHERE s.name = ? AND v.mount_point <> ''""")


def problem_in(host: Host, server: str, path: str) -> str:
    """Why a container cannot have a volume at a path; empty: it can, or its files are not seen."""
    uuid = host.record.value('SELECT uuid FROM server WHERE name = ?', server)
    if uuid is None or host.only_looks:
        return ''
    root = host.settings.path('servers', uuid, 'root')
    problem = _problem(host, root, host.record.rows(_VOLUMES, server), path)
    return problem and f'{path}: in container {server}, {problem}'


def check(host: Host, server: str, root: str, volumes: Iterable[MountedVolume]) -> None:
    """Raise CloudError if a container cannot start for what is where it has a volume."""
    found = sorted(volumes, key=lambda row: row['mount_point'])
    for row in found:
        problem = _problem(host, root, found, row['mount_point'])
        if problem:
            raise CloudError(
                f'container {server} cannot have volume {row["name"]} at its mount_point '
                f'{row["mount_point"]}: there, {problem}; or detach the volume (volume: state: '
                'detached)'
            )


def _problem(host: Host, root: str, volumes: Iterable[MountedVolume], path: str) -> str:
    """Why there can be no folder at a path, which may be in one of the volumes."""
    above, folder = '', root
    for row in volumes:
        place = row['mount_point']
        if path.startswith(f'{place}/') and len(place) > len(above):
            above, folder = place, files_of(pool_of(host).files(row['uuid']))
    if not os.path.isdir(folder):
        return ''
    problem = folder_problem(folder, path[len(above) :])
    return problem and f'{above}{problem}'
