# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of root volumes, which are created and deleted with their servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Sequence

from .._model.change import Draft
from .._model.kinds import Verb
from .._model.root_volume import root_server
from .._model.status import TaskState
from .._model.volume import DISK_MISSING, Volume
from .._model.volume_effects import TABLE
from .._model.volume_request import VolumeRequest
from .._model.volume_servers import joining, leaving
from .volume_attachment import check_server

if TYPE_CHECKING:
    from .volume import ObservedVolumes


def plan_root(
    request: VolumeRequest,
    current: Volume | None,
    observed: ObservedVolumes,
    draft: Draft,
) -> Sequence[Volume]:
    """Grow or describe the root volume of a server."""
    updated = _updated(request, current, draft)
    if current is None or updated is None:
        return ()
    if updated is not current and not current.unfinished:
        check_server(observed.servers.get(current.server or ''), Verb.UPDATE, draft)
    return [updated]


def _updated(request: VolumeRequest, current: Volume | None, draft: Draft) -> Volume | None:
    """Grow or describe the root volume of a server; all else is done with the server."""
    if current is None:
        if request.state != 'absent':
            draft.miss(
                'name',
                f'volume {request.name} does not exist; a root volume is created with its server: '
                f'create the server {root_server(request.name)} first',
            )
        return None
    reason = _refusal(request, current)
    if reason:
        text = f'volume {current.name} is the root volume of {current.server}: {reason}'
        draft.refuse('state', text)
        return None
    updated: Volume = draft.update('volume', current, request.options, TABLE)
    return updated


def _refusal(request: VolumeRequest, current: Volume) -> str:
    """Why a state is not possible for a root volume; empty: it is."""
    if request.options.get('delete_protection'):
        return 'protect that (server: delete_protection: true)'
    if request.state == 'absent':
        return 'it is deleted with its server (server: state: absent)'
    if current.disk_missing:
        return f'{DISK_MISSING}; delete the server and re-create it'
    if joining(request, current):
        return 'it cannot be attached to another server; create an image of its server'
    if leaving(request, current):
        return 'it cannot be detached; create an image of its server'
    if current.unfinished not in (None, TaskState.EXTENDING):
        return (
            f'the server is unfinished ({current.unfinished}); run the task that creates or '
            'deletes it again'
        )
    return ''
