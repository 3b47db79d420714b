# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the making of a backup is aborted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .._model.backup import Backup, BackupRequest
from .._model.change import Draft, Plan
from .._model.kinds import Verb
from .._model.status import TaskState

if TYPE_CHECKING:
    from .backup import ObservedBackups

_KIND = 'backup'


def abort(request: BackupRequest, observed: ObservedBackups, draft: Draft) -> Plan[Backup]:
    """End what makes a backup, and delete what there is of it; one that is complete stays."""
    current = observed.backups.get(request.name)
    if current is None:
        return draft.finish(())
    from .backup_changes import check_same

    check_same(request, current, draft)
    if current.task_state == TaskState.DELETING:
        draft.settled(_KIND, current)  # it is awaited
        return draft.finish(())
    begun = _abandoned(current)
    if begun.unfinished == TaskState.RESTORING:
        _refuse_restore(begun, draft)
    elif begun.unfinished:
        from .backup_deletion import delete

        delete(request, begun, observed, draft, Verb.ABORT)
        return draft.finish(())
    else:
        draft.notes.append(
            f'{_KIND} {current.name} is complete, and stays; state: absent deletes it'
        )
    return draft.finish((current,))


def _abandoned(current: Backup) -> Backup:
    """The backup when the run that works on it has ended without doing it."""
    begun = current.unfinished or current.task_state
    return replace(current, task_state=None, progress=None, unfinished=begun)


def _refuse_restore(begun: Backup, draft: Draft) -> None:
    draft.refuse(
        'state',
        f'{_KIND} {begun.name} is being restored, or its restore was interrupted: server '
        f'{begun.server} may have disks of two times until that is completed (state: restored); '
        'only the making of a backup is aborted',
    )
