# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, Mapping, Tuple

from .change import AFTER_APPLY, plain_fields
from .status import TaskState, VolumeStatus

DEFAULT_TYPE = 'default'  # of volumes: the own directory of a host
DISK_MISSING = 'its disk is missing, with all data on it'


@dataclass(frozen=True)
class Volume:
    """A disk. ``size`` in GB (2^30 bytes). ``bootable``: the root volume of its server.

    ``device``: its path in a guest with udev. ``disk_missing``: its file no longer exists.
    ``server_snapshots``: the snapshots of its server that it is part of. ``cloud_status``: what the
    cloud reports, if no run, and nothing else here, is the reason. ``source``: what it was copied
    from (SOURCES of volume_request.py), a colon and its name then; None: it was blank.
    ``snapshots``: the names of its own. ``unavailable``: why its disk cannot be reached, though it
    is not lost; empty: it can. ``filled``: whether partition and file system in the guest fill it,
    if a plan concerns that; results are without. ``limits``: of its type. ``file_system``: of a
    volume for containers, which no guest sees as a disk (``device``: None); ``mount_point``: where
    the container has it. ``readers``: the servers that have it read-only, while none may write to
    it (``server``: None); ``leaving``: those of them that a run has begun to detach it from.
    """

    name: str
    size: int = 0
    server: str | None = None
    description: str = ''
    labels: Mapping[str, str] = field(default_factory=dict)
    id: str = AFTER_APPLY
    serial: str = AFTER_APPLY
    device: str | None = AFTER_APPLY
    task_state: TaskState | None = None
    progress: Mapping[str, float | None] | None = field(default=None, compare=False)
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
    volume_type: str = DEFAULT_TYPE
    unavailable: str = ''
    filled: bool | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    file_system: str | None = None
    mount_point: str | None = None
    readers: Tuple[str, ...] = ()
    leaving: Tuple[str, ...] = field(default=(), compare=False)

    @property
    def servers(self) -> Tuple[str, ...]:
        """The servers that it is attached to."""
        return (self.server,) if self.server else self.readers

    @property
    def holder(self) -> str | None:
        """The only server that it is attached to; None: it has none, or several."""
        return self.servers[0] if len(self.servers) == 1 else None

    @property
    def status(self) -> VolumeStatus:
        """The status, as in Cinder, which has one for most task states."""
        if self.unfinished or self.fault:
            return VolumeStatus.ERROR
        if self.task_state and self.task_state != TaskState.UPDATING:
            return VolumeStatus(self.task_state.value)
        if self.cloud_status:
            return self.cloud_status
        return VolumeStatus.IN_USE if self.servers else VolumeStatus.AVAILABLE

    @property
    def fault(self) -> str:
        """What is wrong with its disk; empty: nothing."""
        return DISK_MISSING if self.disk_missing else self.unavailable

    def completed(self) -> Volume:
        """The volume when what was begun with it is done, unless that is its deletion."""
        is_detached = TaskState.DETACHING in (self.task_state, self.unfinished)
        done = replace(self, task_state=None, progress=None, unfinished=None)
        return done.released(self.leaving) if is_detached else replace(done, leaving=())

    def released(self, servers: Tuple[str, ...] = ()) -> Volume:
        """The volume when these servers no longer have it; without any: when no server has it."""
        readers = tuple(name for name in self.readers if servers and name not in servers)
        return replace(self, server=None, mount_point=None, readers=readers, leaving=())

    def differs(self, options: Mapping[str, Any]) -> bool:
        """Whether it has other values than the options of a request."""
        return any(getattr(self, option) != value for option, value in options.items())

    def public(self) -> Dict[str, Any]:
        """The volume for the result of a module."""
        internal = ('disk_missing', 'cloud_status', 'unavailable', 'readers', 'leaving')
        return {
            **plain_fields(self, *internal, *(('filled',) if self.filled is None else ())),
            'server': self.holder,
            'servers': list(self.servers),
            'read_only': bool(self.readers),
            'status': self.status.value,
            'status_reason': self.fault or None,
        }
