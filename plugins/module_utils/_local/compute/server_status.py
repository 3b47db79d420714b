# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The status of a server of this host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._model.server import Server
from ..._model.status import STATUS_OF_POWER, Status, TaskState

if TYPE_CHECKING:
    from ..host.hypervisor import Machine


def status_of(server: Server, machine: Machine | None) -> Status:
    """The status in the words of Nova; ERROR: what was begun with the server did not end well."""
    if server.unfinished:
        return Status.ERROR
    if server.task_state == TaskState.CREATING:
        return Status.BUILD
    if server.faults:
        return Status.UNMANAGED
    if server.task_state and machine:
        # The status is that of before the task, and the power that of after it.
        return STATUS_OF_POWER[machine.power]
    return STATUS_OF_POWER[server.power]
