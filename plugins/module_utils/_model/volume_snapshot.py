# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Snapshots of volumes: the disk of one volume at an instant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List

from .change import AFTER_APPLY, plain_fields
from .effect import Table, live
from .problem import Problem, invalid
from .request import Request
from .root_volume import root_server
from .snapshot import own_name, owned_name_problems, owner_of, status_of
from .status import TaskState


@dataclass(frozen=True)
class VolumeSnapshot:
    """A snapshot. ``name``: that of the volume, a slash, its own. ``size``: in GB, of then."""

    name: str
    size: int = 0
    description: str = ''
    labels: Mapping[str, str] = field(default_factory=dict)
    id: str = AFTER_APPLY
    task_state: TaskState | None = None
    unfinished: TaskState | None = None
    created_by: str = AFTER_APPLY
    created_at: str = AFTER_APPLY

    @property
    def volume(self) -> str:
        """The volume that it is of."""
        return owner_of(self.name)

    @property
    def status(self) -> str:
        """The status, as in Cinder."""
        return status_of(self.task_state, self.unfinished)

    def completed(self) -> VolumeSnapshot:
        """The snapshot when what was begun with it is done, unless that is its deletion."""
        return replace(self, task_state=None, unfinished=None)

    def public(self) -> Dict[str, Any]:
        """The snapshot for the result of a module."""
        fields = plain_fields(self)
        return {**fields, 'name': own_name(self.name), 'volume': self.volume, 'status': self.status}


@dataclass(frozen=True)
class VolumeSnapshotRequest(Request):
    """The requested state. ``name``: that of the volume, a slash, its own."""

    volume: str = ''

    def problems(self) -> List[Problem]:
        """What is invalid in the request, regardless of what exists."""
        problems = super().problems()
        server = root_server(self.volume)
        if server:
            problems.append(
                invalid(
                    'volume',
                    f'{self.volume} is a root volume; make a snapshot of its server '
                    f'(server_snapshot: server: {server})',
                )
            )
        return problems

    def _name_problems(self) -> List[Problem]:
        return owned_name_problems('volume', self.volume, self.name)


TABLE: Table = {'description': live, 'labels': live}
