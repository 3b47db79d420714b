# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The power that a task requests for a server: what leads to it, before and after an update."""

from __future__ import annotations

from dataclasses import replace

from .._model.change import Draft
from .._model.container import lack
from .._model.effect import LIVE, POWER_OFF
from .._model.kinds import Verb
from .._model.lifecycle import is_allowed, leads_to, refusal
from .._model.server import Server
from .._model.server_request import STATUS_OF_STATE, ServerRequest
from .._model.status import POWER, Status, TaskState


def change_before_update(
    current: Server, request: ServerRequest, is_new: bool, draft: Draft
) -> Server:
    """Have a server run or stop before its update, as the state requires.

    A new server is not restarted: its creation starts it.
    """
    status = current.settled_status
    verb = _verb_before_update(status, request)
    is_restart = request.state == 'restarted' and verb in (Verb.STOP, Verb.POWER_OFF)
    if verb is None or (is_new and is_restart):
        return current
    return act(current, verb, draft)


def _verb_before_update(status: Status, request: ServerRequest) -> Verb | None:
    stop = Verb.POWER_OFF if request.force else Verb.STOP
    if request.state in ('stopped', 'restarted'):
        return None if status == Status.SHUTOFF else stop
    if request.state == 'shelved':
        return Verb.POWER_OFF if request.force and status == Status.PAUSED else None
    possible = (verb for verb in (Verb.RESUME, Verb.UNSHELVE) if is_allowed('server', status, verb))
    return next(possible, None)


def change_after_update(current: Server, request: ServerRequest, draft: Draft) -> Server:
    """Start, pause or shelve a server that is up to date, as the state requires."""
    target = STATUS_OF_STATE[request.state]
    if target in (Status.ACTIVE, Status.PAUSED):
        if current.settled_status not in (Status.ACTIVE, target):
            current = act(current, Verb.START, draft)
        if current.settled_status != target:
            current = act(current, Verb.PAUSE, draft)
    elif target == Status.SHELVED_OFFLOADED and current.settled_status != target:
        effect = POWER_OFF if request.force else LIVE
        current = act(current, Verb.SHELVE, draft, effect)
    return current


def act(
    current: Server,
    verb: Verb,
    draft: Draft,
    effect: str = LIVE,
) -> Server:
    """Change the status of a server by a verb that always leads to the same one, if allowed."""
    check_allowed(current, verb, draft)
    status = leads_to(verb) or current.status
    after = replace(current.powered(POWER[status]), status=status)
    if current.unfinished == TaskState.POWERING_ON:
        after = replace(after, unfinished=None)  # nothing is left of that
    return draft.add('server', verb, current, after, effect)


def check_allowed(
    current: Server,
    verb: Verb,
    draft: Draft,
    option: str = 'state',
) -> bool:
    """Refuse a verb that the status of a server does not allow; return whether it does."""
    status = current.settled_status
    text = lack(current.name, current.type, verb)
    if is_allowed('server', status, verb) and not text:
        return True
    text = text or refusal('server', current.name, status, verb)
    draft.refuse(option, text, name=current.name)
    return False
