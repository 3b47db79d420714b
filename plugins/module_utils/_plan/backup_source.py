# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether something can be created from a backup."""

from __future__ import annotations

from .._model.backup import Backup
from .._model.change import Draft
from .._model.status import TaskState


def check_backup(found: Backup, draft: Draft) -> None:
    """Refuse a backup of which nothing can be copied now."""
    backup: Backup | None = draft.settled('backup', found)
    if backup is None:
        draft.miss('backup', f'backup {found.name} is being deleted by another run')
    elif backup.unfinished in (TaskState.CREATING, TaskState.DELETING):
        draft.refuse(
            'backup',
            f'backup {backup.name} is unfinished ({backup.unfinished}); run its task again first',
        )
    elif backup.fault:
        draft.refuse('backup', f'backup: {backup.name}: {backup.fault}')
