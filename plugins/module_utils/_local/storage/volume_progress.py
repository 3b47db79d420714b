# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What other runs are doing with a volume, and how far they are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Tuple

from ..._model.root_volume import root_server
from ..._model.status import TaskState
from ..._model.volume import Volume
from ..host.progress import shown
from ..record.host import Host

if TYPE_CHECKING:
    from ..record.row_types import InProgress
    from .row_types import ListedVolume


def lock_of(name: str) -> Tuple[str, str]:
    """The lock of a volume: that of a root volume is the lock of its server."""
    server = root_server(name)
    return ('server', server) if server else ('volume', name)


def with_progress(host: Host, row: ListedVolume, volume: Volume) -> Volume:
    """A volume that a run works on, or that one has left unfinished."""
    kind, name = lock_of(row['name'])
    task_state = _copying(host, row)
    if task_state:
        volume = replace(volume, task_state=task_state)
    else:
        locked: InProgress = {'name': name, 'task_state': row['task_state']}
        volume = host.with_progress(kind, locked, volume)
    return shown(host.locks, kind, name, volume)


def _copying(host: Host, row: ListedVolume) -> TaskState | None:
    """What another run makes of it: a snapshot, also of its server, or an image."""
    if row['task_state']:
        return None
    for lock, task_state, shown_as in (
        (('volume', row['name']), row['own_task_state'], TaskState.BACKING_UP),
        (('server', row['server'] or ''), row['snapshot_task_state'], TaskState.BACKING_UP),
        (lock_of(row['name']), row['image_task_state'], TaskState.UPLOADING),
    ):
        if task_state == TaskState.CREATING and host.locks.is_held_by_others(*lock):
            return shown_as
    return None
