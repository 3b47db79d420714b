# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The deletion of servers."""

from __future__ import annotations

from .._model.change import Draft
from .._model.checks import join_names
from .._model.effect import COMPLETES_INTERRUPTED_RUN
from .._model.kinds import Verb
from .._model.server import Server
from .._model.server_request import ServerRequest
from .._model.status import TaskState
from .protection import check_protection


def plan_server_deletion(server: Server, request: ServerRequest, draft: Draft) -> None:
    """Delete a server, unless it is protected, or has snapshots that are to be kept."""
    check_protection('server', server, request.options, draft)
    was_interrupted = server.unfinished == TaskState.DELETING
    why = COMPLETES_INTERRUPTED_RUN if was_interrupted else ''
    if server.snapshots and not was_interrupted:
        why = f'with its snapshots {join_names(server.snapshots)}'
        if not request.delete_snapshots:
            _refuse_snapshots(server, draft)
    draft.add('server', Verb.DELETE, server, None, why=why)


def _refuse_snapshots(server: Server, draft: Draft) -> None:
    draft.refuse(
        'delete_snapshots',
        f'server {server.name} has snapshots ({join_names(server.snapshots)}), which are deleted '
        'with it; set delete_snapshots: true to allow that',
        name=server.name,
    )
