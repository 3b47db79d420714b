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


def _becomes(after: Word | None, *task_states: TaskState, of: Iterable[Word]) -> Transition:
    """A verb that leads to the same status from all that allow it."""
    return Transition(task_states, dict.fromkeys(of, after))


def _stays(*task_states: TaskState, of: Iterable[Word]) -> Transition:
    """A verb that leaves each status that allows it."""
    return Transition(task_states, {status: status for status in of})


_PUT_AWAY = (Status.SHELVED, Status.SHELVED_OFFLOADED)
_ON_OR_OFF = (Status.ACTIVE, Status.SHUTOFF)
SERVER: Mapping[Verb, Transition] = {
    Verb.CREATE: _stays(*BUILDING, of=()),
    Verb.UPDATE: _stays(
        TaskState.UPDATING,
        of=STEADY,
    ),
    Verb.START: _becomes(
        Status.ACTIVE,
        TaskState.POWERING_ON,
        of=(Status.SHUTOFF,),
    ),
    Verb.STOP: _becomes(
        Status.SHUTOFF,
        TaskState.POWERING_OFF,
        of=(Status.ACTIVE,),
    ),
    Verb.POWER_OFF: _becomes(
        Status.SHUTOFF,
        TaskState.POWERING_OFF,
        of=(Status.ACTIVE, Status.PAUSED),
    ),
    Verb.PAUSE: _becomes(
        Status.PAUSED,
        TaskState.PAUSING,
        of=(Status.ACTIVE,),
    ),
    Verb.RESUME: _becomes(
        Status.ACTIVE,
        TaskState.RESUMING,
        of=(Status.PAUSED, Status.SUSPENDED),
    ),
    Verb.ATTACH: _stays(of=STEADY),
    Verb.DETACH: _stays(of=(*STEADY, *_PUT_AWAY)),
    Verb.SNAPSHOT: _stays(of=STEADY),
    Verb.RESTORE: _becomes(
        None,
        TaskState.RESTORING,
        of=STEADY,
    ),
    Verb.REBOOT: _stays(
        TaskState.REBOOTING,
        TaskState.REBOOT_STARTED,
        of=(Status.ACTIVE,),
    ),
    Verb.HARD_REBOOT: _becomes(
        Status.ACTIVE,
        TaskState.REBOOTING_HARD,
        TaskState.REBOOT_STARTED_HARD,
        of=(*HELD, Status.ERROR),
    ),
    Verb.SHELVE: _becomes(
        Status.SHELVED_OFFLOADED,
        TaskState.SHELVING,
        of=_ON_OR_OFF,
    ),
    Verb.UNSHELVE: _becomes(
        Status.ACTIVE,
        TaskState.UNSHELVING,
        of=_PUT_AWAY,
    ),
    Verb.RESIZE: _becomes(
        Status.VERIFY_RESIZE,
        *RESIZING,
        of=_ON_OR_OFF,
    ),
    Verb.CONFIRM_RESIZE: _becomes(
        None,
        TaskState.RESIZE_CONFIRMING,
        of=(Status.VERIFY_RESIZE,),
    ),
    Verb.REVERT_RESIZE: _becomes(
        None,
        TaskState.RESIZE_REVERTING,
        of=(Status.VERIFY_RESIZE,),
    ),
    Verb.REBUILD: _stays(
        TaskState.REBUILDING,
        of=_ON_OR_OFF,
    ),
    Verb.RESCUE: _becomes(
        Status.RESCUE,
        TaskState.RESCUING,
        of=_ON_OR_OFF,
    ),
    Verb.UNRESCUE: _becomes(
        Status.ACTIVE,
        TaskState.UNRESCUING,
        of=(Status.RESCUE,),
    ),
    Verb.RENAME: _stays(of=HELD),
    Verb.REPAIR: _becomes(
        None,
        TaskState.REPAIRING,
        of=(Status.UNMANAGED,),
    ),
    Verb.DELETE: _becomes(
        None,
        TaskState.DELETING,
        of=Status,
    ),
}
_IDLE = (VolumeStatus.AVAILABLE, VolumeStatus.IN_USE)
_DETACHED: Mapping[Word, Word] = {
    VolumeStatus.IN_USE: VolumeStatus.AVAILABLE,
    VolumeStatus.RESERVED: VolumeStatus.AVAILABLE,
    VolumeStatus.ERROR: VolumeStatus.ERROR,
}
VOLUME: Mapping[Verb, Transition] = {
    Verb.CREATE: _stays(TaskState.CREATING, of=()),
    Verb.UPDATE: _stays(TaskState.EXTENDING, of=_IDLE),
    # In use: by servers that read it, beside others.
    Verb.ATTACH: _becomes(
        VolumeStatus.IN_USE,
        TaskState.ATTACHING,
        of=_IDLE,
    ),
    Verb.DETACH: Transition((TaskState.DETACHING,), _DETACHED),
    Verb.BACK_UP: _stays(TaskState.BACKING_UP, of=_IDLE),
    Verb.UPLOAD: _stays(TaskState.UPLOADING, of=_IDLE),
    Verb.DELETE: _becomes(
        None,
        TaskState.DELETING,
        of=(VolumeStatus.AVAILABLE, VolumeStatus.ERROR),
    ),
}
TABLES = {'server': SERVER, 'volume': VOLUME}
# What is done with a server as a whole: operations that a cloud offers as one (Servers.act).
ACTIONS = frozenset(SERVER) - {
    Verb.CREATE,
    Verb.UPDATE,
    Verb.ATTACH,
    Verb.DETACH,
    Verb.SNAPSHOT,
    Verb.RESTORE,
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


def refusal(
    kind: str,
    name: str,
    status: Word,
    verb: Verb,
) -> str:
    """Why a verb is not possible, and what is."""
    if status == Status.PAUSED and verb in (Verb.STOP, Verb.SHELVE):
        return (
            f'server {name} is PAUSED, and a paused guest cannot shut down; start it (state: '
            'started), or power it off with force: true'
        )
    verbs = [other.infinitive for other in possible(kind, status) if other != Verb.UPDATE]
    return f'{kind} {name} is {status}; possible: {", ".join(verbs) or "nothing until that ends"}'
