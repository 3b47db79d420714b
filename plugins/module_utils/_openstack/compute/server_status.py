# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The states of servers (nova/compute, vm_states and task_states) in the words of the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..._model.status import POWER, Status, TaskState
from ..api.api import Raw

DELETING = ('deleting', 'soft-deleting')
RESIZED = 'resized'
_SHUTDOWN = 4  # nova/compute/power_state
# By vm_state, because Nova computes status from both: REBOOT and MIGRATING are active, REBUILD and
# RESIZE active or stopped, REVERT_RESIZE is resized, all of them with a task_state.
_STATUSES: Mapping[str, Status] = {
    'active': Status.ACTIVE,
    'building': Status.BUILD,
    'paused': Status.PAUSED,
    'suspended': Status.SUSPENDED,
    'stopped': Status.SHUTOFF,
    'rescued': Status.RESCUE,
    RESIZED: Status.VERIFY_RESIZE,
    'shelved': Status.SHELVED,
    'shelved_offloaded': Status.SHELVED_OFFLOADED,
    'error': Status.ERROR,
}
# What the model has other words for, or none: snapshots leave a server as it is, and so on.
_TASK_STATES: Mapping[str, TaskState] = {
    'soft-deleting': TaskState.DELETING,
    'unpausing': TaskState.RESUMING,
    'reboot_pending': TaskState.REBOOTING,
    'reboot_pending_hard': TaskState.REBOOTING_HARD,
    'image_snapshot': TaskState.UPLOADING,
    'image_snapshot_pending': TaskState.UPLOADING,
    'image_pending_upload': TaskState.UPLOADING,
    'image_uploading': TaskState.UPLOADING,
    'image_backup': TaskState.BACKING_UP,
    'shelving_image_pending_upload': TaskState.SHELVING,
    'shelving_image_uploading': TaskState.SHELVING,
    'shelving_offloading': TaskState.SHELVING,
}
_KNOWN = {state.value for state in TaskState}
# The power after a task, where it is another one than before.
_POWERS: Mapping[str, str] = {
    'powering-on': 'started',
    'powering-off': 'stopped',
    'pausing': 'paused',
    'unpausing': 'started',
    'suspending': 'stopped',
    'resuming': 'started',
    'rescuing': 'started',
    'unrescuing': 'started',
}


class State(NamedTuple):
    """The state of a server. ``power``: the one that it will have when the task is done."""

    status: Status
    power: str
    task_state: TaskState | None


def state_of(raw: Raw) -> State:
    """Return the state of a server; what Nova is doing with it is its task state."""
    task = raw['OS-EXT-STS:task_state'] or ''
    # A word that a later Nova has is shown as a server that one can only delete.
    status = _STATUSES.get(raw['OS-EXT-STS:vm_state'], Status.ERROR)
    power = _POWERS.get(task) or POWER.get(status) or _power_of(raw, status)
    task_state = _task_state(task)
    if status == Status.BUILD and task_state is None:
        task_state = TaskState.CREATING  # before Nova has scheduled it
    return State(status, power, task_state)


def _power_of(raw: Raw, status: Status) -> str:
    """The power in a status that does not tell it: a stopped server that is resized stays so."""
    is_off = status == Status.VERIFY_RESIZE and raw.get('OS-EXT-STS:power_state') == _SHUTDOWN
    return 'stopped' if is_off else 'started'


def _task_state(task: str) -> TaskState | None:
    if task in _KNOWN:
        return TaskState(task)
    return _TASK_STATES.get(task, TaskState.UPDATING) if task else None


def is_deleting(raw: Raw) -> bool:
    """Return whether Nova is deleting a server."""
    return raw['OS-EXT-STS:task_state'] in DELETING


def fault_of(raw: Raw) -> str:
    """Return what Nova says about a server in the status ERROR."""
    text = str(raw.get('fault', {}).get('message', 'Nova gives no reason'))
    return ''.join(filter(str.isprintable, text))


def never_ran(raw: Raw) -> bool:
    """Return whether a server failed before it ran, so that nothing is lost with it."""
    return raw['OS-EXT-STS:vm_state'] == 'error' and not raw['OS-SRV-USG:launched_at']
