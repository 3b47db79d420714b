# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backups of servers: copies of root disks, or of files, in a store, which is apart from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Dict, List, Tuple

from .change import AFTER_APPLY, plain_fields
from .checks import reference_problems
from .effect import Table, fixed, live
from .problem import Problem
from .request import Request
from .status import TaskState

if TYPE_CHECKING:
    from .backup_volume import VolumeCopy

SNAPSHOT = 'snapshot'  # of the disk of a virtual machine, while the guest runs
SUSPEND = 'suspend'  # of a container, whose processes are frozen while its files are copied
STOP = 'stop'  # of a guest that has shut down
MODES = (SNAPSHOT, SUSPEND, STOP)
ABORTED = 'aborted'  # the state of what is no longer made
STATES = ('present', 'restored', 'absent', ABORTED)
# How many backups are kept: see retention.py.
KEEP = ('keep_last', 'keep_daily', 'keep_weekly')
MOST_KEPT = 10000


@dataclass(frozen=True)
class Backup:
    """A backup of a server.

    ``volume_size``: of the root disk, or of the files of a container, in GB. ``config``: what the
    server was. ``size``: bytes in the store. ``checksum``: of the copy there. ``server_exists``:
    whether the server does that it is of, and not another one with its name. ``is_application``:
    of a container without an init. ``fault``: why it cannot be read now; None: it can.
    ``volumes``: those that were attached, if it includes them. ``base``: that since which it has
    what changed; None: it has everything. ``tracked``: the next one can be based on it.
    """

    name: str
    server: str = ''
    store: str = ''
    mode: str = SNAPSHOT
    volume_size: int = 0
    description: str = ''
    labels: Mapping[str, str] = field(default_factory=dict)
    delete_protection: bool = False
    config: Mapping[str, Any] = field(default_factory=dict)
    size: int | str = AFTER_APPLY
    checksum: str = AFTER_APPLY
    server_exists: bool = True
    is_application: bool = False
    fault: str | None = None
    include_volumes: bool = False
    volumes: Tuple[VolumeCopy, ...] = ()
    base: str | None = None
    tracked: bool = field(default=False, compare=False)
    id: str = AFTER_APPLY
    task_state: TaskState | None = None
    unfinished: TaskState | None = None
    created_by: str = AFTER_APPLY
    created_at: str = AFTER_APPLY
    progress: Mapping[str, float | None] | None = field(default=None, compare=False)

    @property
    def status(self) -> str:
        """The status, as in Cinder, or unavailable."""
        if self.unfinished:
            return 'error'
        if self.task_state:
            return self.task_state.value
        return 'unavailable' if self.fault else 'available'

    def completed(self) -> Backup:
        """The backup when what was begun with it is done, unless that is its deletion."""
        return replace(self, task_state=None, progress=None, unfinished=None)

    def public(self) -> Dict[str, Any]:
        """The backup for the result of a module."""
        fields = plain_fields(self, 'server_exists', 'is_application', 'fault', 'tracked')
        fields['volume_size'] = self.volume_size or None
        fields['incremental'] = self.base is not None
        return {**fields, 'status': self.status, 'status_reason': self.fault}


@dataclass(frozen=True)
class BackupRequest(Request):
    """The requested state. ``force``, ``incremental``: see the module. ``keep``: retention.py."""

    server: str | None = None
    force: bool = False
    keep: Mapping[str, int] = field(default_factory=dict)
    incremental: bool = False

    def compared(self) -> Dict[str, Any]:
        """What a backup that exists is compared with, and made so where it can be."""
        return {**self.options, **({'server': self.server} if self.server else {})}

    def problems(self) -> List[Problem]:
        """What is invalid in the request, regardless of what exists."""
        problems = super().problems()
        if self.server is not None:
            problems += reference_problems(self.server, 'server')
        if self.keep or self.state != 'present':
            from .backup_problems import problems_of_new

            problems += problems_of_new(self, MOST_KEPT)
        return problems


_ANOTHER = 'use another name, or delete this backup first'
TABLE: Table = {
    'server': fixed(_ANOTHER),
    'store': fixed(_ANOTHER),
    'mode': fixed(_ANOTHER),
    'include_volumes': fixed(_ANOTHER),
    'description': live,
    'labels': live,
    'delete_protection': live,
}
