# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers that an earlier run left unfinished, or whose machine was altered by hand."""

from __future__ import annotations

from dataclasses import replace

from .._model.change import Draft
from .._model.effect import COMPLETES_INTERRUPTED_RUN, LIVE, POWER_OFF
from .._model.kinds import Verb
from .._model.lifecycle import SERVER
from .._model.server import DISK_MISSING, Server
from .._model.server_request import ServerRequest
from .._model.status import Status, TaskState
from .server_creation import check_first_boot, complete_creation
from .server_observations import ObservedServers
from .server_state import RESTORE_INTERRUPTED

# What completes an action that was interrupted. The others (see complete_action) need no verb of
# their own.
_VERBS = {
    state: verb
    for verb in (
        Verb.STOP,
        Verb.PAUSE,
        Verb.RESUME,
        Verb.SHELVE,
        Verb.UNSHELVE,
        Verb.RESIZE,
        Verb.CONFIRM_RESIZE,
        Verb.REVERT_RESIZE,
        Verb.REBUILD,
        Verb.RESCUE,
        Verb.UNRESCUE,
    )
    for state in SERVER[verb].task_states
}


def complete_earlier_run(
    current: Server, request: ServerRequest, observed: ObservedServers, draft: Draft
) -> Server:
    """Complete what was begun with a server, and redefine its machine if that is requested."""
    if current.unfinished == TaskState.RESTORING:
        return complete_action(current, draft, request.force)
    if current.unfinished == TaskState.CREATING:
        current = complete_creation(current, request, observed, draft)
    if current.status == Status.UNMANAGED or current.unfinished == TaskState.REPAIRING:
        current = _repair(current, request, observed, draft)
    if current.unfinished == TaskState.POWERING_OFF and request.force:
        after = current.completed()
        return draft.add('server', Verb.POWER_OFF, current, after, why=COMPLETES_INTERRUPTED_RUN)
    if current.unfinished in _VERBS:
        return complete_action(current, draft, request.force)
    return current


def complete_action(current: Server, draft: Draft, force: bool) -> Server:
    """Complete what was begun with a server that exists, by the verb that began it.

    A start, a reboot, a rename or an update is completed by an update: that starts a server which
    is to run. ``force``: a guest is powered off where it would be shut down.
    The restore of a snapshot is not a change of the server.
    """
    if current.unfinished == TaskState.RESTORING:
        text = f'server {current.name} is unfinished ({current.unfinished}): {RESTORE_INTERRUPTED}'
        draft.refuse('name', text, name=current.name)
        return current.completed()
    verb = _VERBS.get(current.unfinished, Verb.UPDATE) if current.unfinished else Verb.UPDATE
    after = current.completed()
    if verb == Verb.REBUILD:
        after = replace(after, snapshots=())  # as its task allowed
    effect = POWER_OFF if force else LIVE
    return draft.add('server', verb, current, after, effect, why=COMPLETES_INTERRUPTED_RUN)


def complete_for_action(current: Server, force: bool, draft: Draft) -> Server:
    """Complete what was begun with a server, unless that needs what only its own task says."""
    if current.unfinished in (TaskState.CREATING, TaskState.REPAIRING, TaskState.DELETING):
        draft.refuse(
            'name',
            f'server {current.name}: {current.unfinished} was not completed; run the task of the '
            'module server again that did it',
            name=current.name,
        )
        return current.completed()
    return complete_action(current, draft, force) if current.unfinished else current


def _repair(
    current: Server, request: ServerRequest, observed: ObservedServers, draft: Draft
) -> Server:
    """Redefine an altered machine as recorded, if requested; a missing disk cannot be restored."""
    faults = '; '.join(current.faults)
    was_interrupted = current.unfinished == TaskState.REPAIRING
    if DISK_MISSING in current.faults:
        draft.refuse(
            'state',
            f'server {current.name} is UNMANAGED: {faults}, with all data on it; delete the server '
            '(state: absent) and re-create it',
            name=current.name,
        )
    elif not request.repair and not was_interrupted:
        draft.refuse(
            'repair',
            f'server {current.name} is UNMANAGED: {faults}; set repair: true to redefine its '
            'machine as recorded, or state: absent to delete it',
            name=current.name,
        )
    else:
        check_first_boot(current, request, observed, draft)
    after = replace(
        current.powered(current.power), task_state=None, unfinished=None, faults=(), seeded=True
    )
    why = COMPLETES_INTERRUPTED_RUN if was_interrupted else faults
    return draft.add('server', Verb.REPAIR, current, after, why=why)
