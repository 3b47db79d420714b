# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The words of the life cycle: statuses and task states, and what follows from them alone.

What the verbs do is in lifecycle.py, which only plans with changes need.
"""

from __future__ import annotations

from enum import Enum
from typing import Mapping, Protocol


class Word(str, Enum):
    """A word that is recorded and shown as it is."""

    def __str__(self) -> str:
        """Return the word."""
        return str(self.value)


class Status(Word):
    """The status of a server, as in Nova; UNMANAGED: its machine differs from the record."""

    BUILD = 'BUILD'
    ACTIVE = 'ACTIVE'
    SHUTOFF = 'SHUTOFF'
    PAUSED = 'PAUSED'
    SUSPENDED = 'SUSPENDED'
    RESCUE = 'RESCUE'
    SHELVED = 'SHELVED'
    SHELVED_OFFLOADED = 'SHELVED_OFFLOADED'
    VERIFY_RESIZE = 'VERIFY_RESIZE'
    ERROR = 'ERROR'
    UNMANAGED = 'UNMANAGED'


class VolumeStatus(Word):
    """The status of a volume, as in Cinder."""

    CREATING = 'creating'
    AVAILABLE = 'available'
    IN_USE = 'in-use'
    RESERVED = 'reserved'
    ATTACHING = 'attaching'
    DETACHING = 'detaching'
    EXTENDING = 'extending'
    BACKING_UP = 'backing-up'
    UPLOADING = 'uploading'
    DELETING = 'deleting'
    ERROR = 'error'


class TaskState(Word):
    """What a run has begun to do with a resource.

    An item has it as ``task_state`` while a run is working on it: that is shown, and awaited. It
    has it as ``unfinished`` if no run is: the next task completes it.
    """

    CREATING = 'creating'
    SCHEDULING = 'scheduling'
    BLOCK_DEVICE_MAPPING = 'block_device_mapping'
    NETWORKING = 'networking'
    SPAWNING = 'spawning'
    UPDATING = 'updating'
    REPAIRING = 'repairing'
    PAUSING = 'pausing'
    RESUMING = 'resuming'
    POWERING_ON = 'powering-on'
    POWERING_OFF = 'powering-off'
    REBOOTING = 'rebooting'
    REBOOT_STARTED = 'reboot_started'
    REBOOTING_HARD = 'rebooting_hard'
    REBOOT_STARTED_HARD = 'reboot_started_hard'
    SHELVING = 'shelving'
    UNSHELVING = 'unshelving'
    RESIZE_PREP = 'resize_prep'
    RESIZE_MIGRATING = 'resize_migrating'
    RESIZE_MIGRATED = 'resize_migrated'
    RESIZE_FINISH = 'resize_finish'
    RESIZE_CONFIRMING = 'resize_confirming'
    RESIZE_REVERTING = 'resize_reverting'
    REBUILDING = 'rebuilding'
    RESCUING = 'rescuing'
    UNRESCUING = 'unrescuing'
    ATTACHING = 'attaching'
    DETACHING = 'detaching'
    EXTENDING = 'extending'
    BACKING_UP = 'backing-up'
    UPLOADING = 'uploading'
    RESTORING = 'restoring'
    DELETING = 'deleting'


STEADY = (Status.ACTIVE, Status.SHUTOFF, Status.PAUSED)
HELD = (*STEADY, Status.SUSPENDED)
BUILDING = (
    TaskState.CREATING,
    TaskState.SCHEDULING,
    TaskState.BLOCK_DEVICE_MAPPING,
    TaskState.NETWORKING,
    TaskState.SPAWNING,
)
RESIZING = (
    TaskState.RESIZE_PREP,
    TaskState.RESIZE_MIGRATING,
    TaskState.RESIZE_MIGRATED,
    TaskState.RESIZE_FINISH,
)
# The power of a server in a status; one in another status may have any.
POWER: Mapping[Status, str] = {
    Status.ACTIVE: 'started',
    Status.SHUTOFF: 'stopped',
    Status.PAUSED: 'paused',
    Status.SUSPENDED: 'stopped',
    Status.RESCUE: 'started',
    Status.SHELVED: 'stopped',
    Status.SHELVED_OFFLOADED: 'stopped',
}
STATUS_OF_POWER = {'started': Status.ACTIVE, 'stopped': Status.SHUTOFF, 'paused': Status.PAUSED}
# In these, memory and CPU are held, or at least not given back.
_BILLED = (*HELD, Status.RESCUE, Status.SHELVED)
_NOT_BILLED = (
    *BUILDING,
    *RESIZING,
    TaskState.RESIZE_CONFIRMING,
    TaskState.RESIZE_REVERTING,
    TaskState.UNSHELVING,
    TaskState.DELETING,
)


def is_billable(status: Status, task_state: TaskState | None) -> bool:
    """Whether a server counts for billing."""
    return status in _BILLED and task_state not in _NOT_BILLED


class Worked(Protocol):
    """What runs work on for more than a moment: both are None if nobody does, or has to."""

    @property
    def task_state(self) -> TaskState | None:
        """What a run is doing with it."""

    @property
    def unfinished(self) -> TaskState | None:
        """What an earlier run left unfinished."""


def is_leaving(item: Worked) -> bool:
    """Whether the deletion of an item has begun."""
    return TaskState.DELETING in (item.task_state, item.unfinished)


def is_incomplete(item: Worked) -> bool:
    """Whether a run has to complete an item, or another run is deleting it."""
    return item.unfinished is not None or is_leaving(item)
