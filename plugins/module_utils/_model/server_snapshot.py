# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Snapshots of servers: their disks at one instant, with or without the memory of the guest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Dict, List

from .change import AFTER_APPLY, plain_fields
from .effect import Table, fixed, live
from .problem import Problem, invalid
from .request import Request
from .snapshot import own_name, owned_name_problems, owner_of, status_of
from .status import TaskState

if TYPE_CHECKING:
    from .server import Server


@dataclass(frozen=True)
class ServerSnapshot:
    """A snapshot. ``name``: see ``full_name``. ``memory``: it has the memory of the guest.

    ``volumes``: the sizes (GB) of the volumes in it, by name. ``hardware``: of the machine, if its
    memory is in it. ``parent``: the snapshot that the server had come from. ``current``: the server
    has come from this one. ``size``: bytes that its deletion frees; ``changed_since``: bytes of the
    disks that have been written since then; None: not known.
    """

    name: str
    memory: bool = False
    description: str = ''
    labels: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, int] = field(default_factory=dict)
    hardware: Mapping[str, Any] | None = None
    parent: str | None = None
    current: bool = False
    # A guest that runs changes these all the time, and no plan follows from them.
    size: int | str | None = field(default=AFTER_APPLY, compare=False)
    changed_since: int | str | None = field(default=AFTER_APPLY, compare=False)
    id: str = AFTER_APPLY
    task_state: TaskState | None = None
    unfinished: TaskState | None = None
    created_by: str = AFTER_APPLY
    created_at: str = AFTER_APPLY

    @property
    def server(self) -> str:
        """The server that it is of."""
        return owner_of(self.name)

    @property
    def status(self) -> str:
        """The status, as in Cinder."""
        return status_of(self.task_state, self.unfinished)

    def completed(self) -> ServerSnapshot:
        """The snapshot when what was begun with it is done, unless that is its deletion."""
        return replace(self, task_state=None, unfinished=None)

    def public(self) -> Dict[str, Any]:
        """The snapshot for the result of a module."""
        fields = plain_fields(self, 'hardware')
        return {**fields, 'name': own_name(self.name), 'server': self.server, 'status': self.status}


@dataclass(frozen=True)
class ServerSnapshotRequest(Request):
    """The requested state. ``name``: see ``full_name``. ``memory``: None if it was left out."""

    server: str = ''
    memory: bool | None = None

    def problems(self) -> List[Problem]:
        """What is invalid in the request, regardless of what exists."""
        problems = super().problems()
        if self.state == 'absent' and self.memory is not None:
            problems.append(invalid('memory', 'it requires state: present or restored'))
        return problems

    def _name_problems(self) -> List[Problem]:
        return owned_name_problems('server', self.server, self.name)


def hardware_of(server: Server) -> Dict[str, Any]:
    """What of a machine has to be the same for its memory to be restored."""
    return {
        'vcpus': server.vcpus,
        'memory': server.memory,
        'max_vcpus': server.max_vcpus,
        'max_memory': server.max_memory,
        'guest_agent': server.guest_agent,
        'hardware': server.hardware and server.hardware.shown(server.most_vcpus),
        'networks': [nic.mac for nic in server.networks],
    }


TABLE: Table = {
    'memory': fixed('delete the snapshot, and create another one'),
    'description': live,
    'labels': live,
}
