# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The life cycle of servers and volumes as tables, in the words of Nova and Cinder.

Plans and the tables of the documents read them. Some words (status.py) are of clouds that do more
than the local one, and some verbs (LATER) no module offers yet.
"""

from __future__ import annotations

from typing import Iterable, Mapping, NamedTuple, Tuple

from .kinds import Verb
from .status import BUILDING, HELD, RESIZING, STEADY, Status, TaskState, VolumeStatus, Word


class Transition(NamedTuple):
    """What a verb does: the task states while it is under way, and the status after it.

    ``after``: by the statuses that allow the verb; None: the status that the resource had before it
    came into this one (by the power of a server), or none, because the resource is gone.
    """

    task_states: Tuple[TaskState, ...]
    after: Mapping[Word, Word | None]


def _unchanged(*statuses: Word) -> Mapping[Word, Word | None]:
    return {status: status for status in statuses}


def _to(after: Word | None, before: Iterable[Word]) -> Mapping[Word, Word | None]:
    return dict.fromkeys(before, after)


_PUT_AWAY = (Status.SHELVED, Status.SHELVED_OFFLOADED)
_ON_OR_OFF = (Status.ACTIVE, Status.SHUTOFF)
_REBOOTING_HARD = (TaskState.REBOOTING_HARD, TaskState.REBOOT_STARTED_HARD)
SERVER: Mapping[Verb, Transition] = {
    Verb.CREATE: Transition(BUILDING, {}),
    Verb.UPDATE: Transition((TaskState.UPDATING,), _unchanged(*STEADY)),
    Verb.START: Transition((TaskState.POWERING_ON,), {Status.SHUTOFF: Status.ACTIVE}),
    Verb.STOP: Transition((TaskState.POWERING_OFF,), {Status.ACTIVE: Status.SHUTOFF}),
    Verb.POWER_OFF: Transition(
        (TaskState.POWERING_OFF,), _to(Status.SHUTOFF, (Status.ACTIVE, Status.PAUSED))
    ),
    Verb.PAUSE: Transition((TaskState.PAUSING,), {Status.ACTIVE: Status.PAUSED}),
    Verb.RESUME: Transition(
        (TaskState.RESUMING,), _to(Status.ACTIVE, (Status.PAUSED, Status.SUSPENDED))
    ),
    Verb.ATTACH: Transition((), _unchanged(*STEADY)),
    Verb.DETACH: Transition((), _unchanged(*STEADY, *_PUT_AWAY)),
    Verb.SNAPSHOT: Transition((), _unchanged(*STEADY)),
    Verb.RESTORE: Transition((TaskState.RESTORING,), _to(None, STEADY)),
    Verb.REBOOT: Transition(
        (TaskState.REBOOTING, TaskState.REBOOT_STARTED), _unchanged(Status.ACTIVE)
    ),
    Verb.HARD_REBOOT: Transition(_REBOOTING_HARD, _to(Status.ACTIVE, (*HELD, Status.ERROR))),
    Verb.SHELVE: Transition((TaskState.SHELVING,), _to(Status.SHELVED_OFFLOADED, _ON_OR_OFF)),
    Verb.UNSHELVE: Transition((TaskState.UNSHELVING,), _to(Status.ACTIVE, _PUT_AWAY)),
    Verb.RESIZE: Transition(RESIZING, _to(Status.VERIFY_RESIZE, _ON_OR_OFF)),
    Verb.CONFIRM_RESIZE: Transition((TaskState.RESIZE_CONFIRMING,), {Status.VERIFY_RESIZE: None}),
    Verb.REVERT_RESIZE: Transition((TaskState.RESIZE_REVERTING,), {Status.VERIFY_RESIZE: None}),
    Verb.REBUILD: Transition((TaskState.REBUILDING,), _unchanged(*_ON_OR_OFF)),
    Verb.RESCUE: Transition((TaskState.RESCUING,), _to(Status.RESCUE, _ON_OR_OFF)),
    Verb.UNRESCUE: Transition((TaskState.UNRESCUING,), {Status.RESCUE: Status.ACTIVE}),
    Verb.RENAME: Transition((), _unchanged(*HELD)),
    Verb.REPAIR: Transition((TaskState.REPAIRING,), {Status.UNMANAGED: None}),
    Verb.DELETE: Transition((TaskState.DELETING,), _to(None, Status)),
}
_IDLE = (VolumeStatus.AVAILABLE, VolumeStatus.IN_USE)
VOLUME: Mapping[Verb, Transition] = {
    Verb.CREATE: Transition((TaskState.CREATING,), {}),
    Verb.UPDATE: Transition((TaskState.EXTENDING,), _unchanged(*_IDLE)),
    Verb.ATTACH: Transition((TaskState.ATTACHING,), {VolumeStatus.AVAILABLE: VolumeStatus.IN_USE}),
    Verb.DETACH: Transition(
        (TaskState.DETACHING,),
        {
            **_to(VolumeStatus.AVAILABLE, (VolumeStatus.IN_USE, VolumeStatus.RESERVED)),
            VolumeStatus.ERROR: VolumeStatus.ERROR,
        },
    ),
    Verb.BACK_UP: Transition((TaskState.BACKING_UP,), _unchanged(*_IDLE)),
    Verb.UPLOAD: Transition((TaskState.UPLOADING,), _unchanged(*_IDLE)),
    Verb.DELETE: Transition(
        (TaskState.DELETING,), _to(None, (VolumeStatus.AVAILABLE, VolumeStatus.ERROR))
    ),
}
TABLES = {'server': SERVER, 'volume': VOLUME}
# What is done with a server as a whole: operations that a cloud offers as one (Servers.act).
ACTIONS = frozenset(SERVER) - {
    Verb.CREATE,
    Verb.UPDATE,
    Verb.ATTACH,
    Verb.DETACH,
    Verb.REPAIR,
    Verb.DELETE,
}
LATER = frozenset({Verb.BACK_UP, Verb.UPLOAD})  # no module offers these yet


def is_allowed(kind: str, status: Word, verb: Verb) -> bool:
    """Whether a verb is possible in a status."""
    return verb in TABLES[kind] and status in TABLES[kind][verb].after


def next_status(kind: str, status: Word, verb: Verb) -> Word | None:
    """The status after a verb that is possible; None: see Transition."""
    return TABLES[kind][verb].after[status]


def possible(kind: str, status: Word) -> Tuple[Verb, ...]:
    """The verbs that are possible in a status."""
    return tuple(verb for verb in TABLES[kind] if is_allowed(kind, status, verb))


def status_after(task_state: TaskState | None) -> Status | None:
    """The status of a server after what is under way; None: by its power."""
    for verb, transition in SERVER.items():
        if task_state in transition.task_states:
            return leads_to(verb)
    return None


def leads_to(verb: Verb) -> Status | None:
    """The status of a server after a verb, if it is the same from wherever that is possible."""
    statuses = set(SERVER[verb].after.values())
    if len(statuses) != 1:
        return None
    (status,) = statuses
    return Status(status) if status else None


def refusal(kind: str, name: str, status: Word, verb: Verb) -> str:
    """Why a verb is not possible, and what is."""
    if status == Status.PAUSED and verb in (Verb.STOP, Verb.SHELVE):
        return (
            f'server {name} is PAUSED, and a paused guest cannot shut down; start it (state: '
            'started), or power it off with force: true'
        )
    verbs = [other.infinitive for other in possible(kind, status) if other != Verb.UPDATE]
    return f'{kind} {name} is {status}; possible: {", ".join(verbs) or "nothing until that ends"}'
