# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What snapshots of servers are of: imported when one is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .._model.change import Draft
from .._model.server_type import CONTAINER
from .._model.status import Status

if TYPE_CHECKING:
    from .._model.server import Server
    from .._model.volume import Volume


def check_memory(server: Server, draft: Draft) -> None:
    """Refuse memory that nothing keeps."""
    if server.type == CONTAINER:
        draft.refuse(
            'memory',
            f'memory: server {server.name} is a container, whose memory nothing keeps; leave '
            'memory out, and its files are kept',
        )
    elif server.settled_status != Status.ACTIVE:
        draft.refuse(
            'memory',
            f'memory: server {server.name} is {server.settled_status}, and only a running guest '
            'has memory to keep; start the server, or leave memory out',
        )


def check_volumes(server: Server, volumes: Mapping[str, Volume], draft: Draft) -> None:
    """Refuse what would not be in the snapshot as a whole."""
    if server.type == CONTAINER and volumes:
        draft.refuse(
            'server',
            f'server {server.name} is a container with volumes ({", ".join(sorted(volumes))}), '
            'which have no snapshots; detach them first (volume: state: detached), or back up its '
            'other files (backup)',
        )
    for volume in volumes.values():
        if volume.unfinished:
            draft.refuse(
                'server',
                f'volume {volume.name} is unfinished ({volume.unfinished}); run its task again '
                'first',
            )
