# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The status of a server of this host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Mapping

from ..._model.server import Server
from ..._model.status import BUILDING, STATUS_OF_POWER, Status, TaskState

if TYPE_CHECKING:
    from ..host.hypervisor import Machine

SHELVED = 'shelved'  # a recorded power
# While these are in progress, the record has what follows already.
_BEFORE: Mapping[TaskState, Status] = {
    TaskState.UNSHELVING: Status.SHELVED_OFFLOADED,
    TaskState.UNRESCUING: Status.RESCUE,
    TaskState.RESIZE_CONFIRMING: Status.VERIFY_RESIZE,
    TaskState.RESIZE_REVERTING: Status.VERIFY_RESIZE,
}


def status_of(server: Server, machine: Machine | None, recorded: str = '') -> Status:
    """The status in the words of Nova; ERROR: what was begun with the server did not end well.

    ``recorded``: the recorded power.
    """
    if server.unfinished:
        return Status.ERROR
    if server.task_state in BUILDING:
        return Status.BUILD
    if server.faults:
        return Status.UNMANAGED
    if server.task_state and server.task_state in _BEFORE:
        return _BEFORE[server.task_state]
    if server.task_state and machine:
        # The status is that of before the task, and the power that of after it.
        return STATUS_OF_POWER[machine.power]
    return _settled_status(server, recorded)


def _settled_status(server: Server, recorded: str) -> Status:
    if server.rescue_image:
        return Status.RESCUE
    if server.resized_from:
        return Status.VERIFY_RESIZE
    if recorded == SHELVED and server.power == 'stopped':
        return Status.SHELVED_OFFLOADED
    return STATUS_OF_POWER[server.power]


def recorded_power(server: Server) -> str:
    """The power to record for a status: what its machine shall do at the next occasion."""
    return SHELVED if server.status == Status.SHELVED_OFFLOADED else server.power
