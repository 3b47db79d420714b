# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Mapping, Tuple

from .change import AFTER_APPLY, plain_fields
from .checks import reference_problems, size_problems
from .effect import FIXED, LIVE, Effect, Table, live
from .problem import Problem, invalid
from .request import Request
from .status import TaskState, VolumeStatus

MAX_VOLUMES = 15  # of a server, besides the root volume
ROOT = '/root'  # the end of names that users cannot give
STATES = ('present', 'attached', 'detached', 'absent')
SOURCES = ('image', 'source_volume', 'snapshot')  # what a volume can be a copy of


@dataclass(frozen=True)
class Volume:
    """A disk. ``size`` in GB (2^30 bytes). ``bootable``: the root volume of its server.

    ``device``: its path in a guest with udev. ``disk_missing``: its file no longer exists.
    ``server_snapshots``: the snapshots of its server that it is part of. ``cloud_status``: what the
    cloud reports, if no run, and nothing else here, is the reason. ``source``: what it was copied
    from (SOURCES), a colon and its name then; None: it was blank.
    ``snapshots``: the names of its own.
    """

    name: str
    size: int = 0
    server: str | None = None
    description: str = ''
    labels: Mapping[str, str] = field(default_factory=dict)
    id: str = AFTER_APPLY
    serial: str = AFTER_APPLY
    device: str = AFTER_APPLY
    task_state: TaskState | None = None
    unfinished: TaskState | None = None
    created_by: str = AFTER_APPLY
    created_at: str = AFTER_APPLY
    disk_missing: bool = False
    bootable: bool = False
    server_snapshots: Tuple[str, ...] = ()
    cloud_status: VolumeStatus | None = None
    source: str | None = None
    snapshots: Tuple[str, ...] = ()
    delete_protection: bool = False

    @property
    def status(self) -> VolumeStatus:
        """The status, as in Cinder, which has one for most task states."""
        if self.unfinished or self.disk_missing:
            return VolumeStatus.ERROR
        if self.task_state and self.task_state != TaskState.UPDATING:
            return VolumeStatus(self.task_state.value)
        if self.cloud_status:
            return self.cloud_status
        return VolumeStatus.IN_USE if self.server else VolumeStatus.AVAILABLE

    def completed(self) -> Volume:
        """The volume when what was begun with it is done, unless that is its deletion."""
        is_detached = TaskState.DETACHING in (self.task_state, self.unfinished)
        server = None if is_detached else self.server
        return replace(self, task_state=None, unfinished=None, server=server)

    def public(self) -> Dict[str, Any]:
        """The volume for the result of a module."""
        return {**plain_fields(self, 'disk_missing', 'cloud_status'), 'status': self.status.value}


@dataclass(frozen=True)
class VolumeRequest(Request):
    """The requested state."""

    server: str | None = None
    force: bool = False

    def problems(self) -> List[Problem]:
        """What is invalid in the request, regardless of what exists."""
        problems = super().problems() + size_problems(self.options.get('size'), 'size')
        if self.server is not None:
            problems += reference_problems(self.server, 'server')
        if self.state == 'attached' and self.server is None:
            problems.append(invalid('server', 'specify the server to attach it to'))
        if self.state in ('present', 'absent') and self.server is not None:
            problems.append(
                invalid('server', f'it requires state: attached or detached, not {self.state}')
            )
        return problems + self._source_problems()

    def _source_problems(self) -> List[Problem]:
        kind, _colon, name = self.options.get('source', '').partition(':')
        if not kind:
            return []
        if self.state == 'absent':
            return [invalid(kind, 'it is for new volumes, not for state: absent; omit it')]
        if kind == 'source_volume' and name == self.name:
            return [invalid(kind, f'{name} cannot be a copy of itself; use another name')]
        return reference_problems(name, kind)

    def _name_problems(self) -> List[Problem]:
        if root_server(self.name):
            return reference_problems(self.name, 'name')
        return super()._name_problems()


def root_server(name: str) -> str:
    """The server whose root volume has this name; empty for the name of another volume."""
    return name[: -len(ROOT)] if name.endswith(ROOT) else ''


def _size(before: int, after: int, current: Volume) -> Effect:
    if after < before:
        return Effect(FIXED, 'a volume cannot shrink; create a new one')
    return Effect(LIVE)


def _source(before: str | None, after: str, current: Volume) -> Effect:
    why = 'a volume keeps what it was created with; delete and re-create it, or use another name'
    return Effect(FIXED, why, after.partition(':')[0])


TABLE: Table = {
    'size': _size,
    'source': _source,
    'delete_protection': live,
    'description': live,
    'labels': live,
}
