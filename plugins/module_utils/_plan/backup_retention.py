# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which backups of a server a task deletes beside the one that it makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .._model.backup import Backup
from .._model.change import AFTER_APPLY, Draft
from .._model.kinds import Verb
from .._model.retention import Dated, expired

if TYPE_CHECKING:
    from .backup import ObservedBackups


def delete_expired(
    keep: Mapping[str, int], own: Backup, observed: ObservedBackups, draft: Draft
) -> None:
    """Delete what no rule keeps; ``own``: the backup of the task, which stays in any case."""
    others = {one.name: one for one in observed.backups.values() if _counts(one, own)}
    dated = [Dated(one.name, one.created_at) for one in others.values()]
    if own.server_exists and not own.delete_protection:
        made = observed.now if own.created_at == AFTER_APPLY else own.created_at
        dated.append(Dated(own.name, made))
    rules = ', '.join(f'{rule}: {number}' for rule, number in keep.items())
    for name in expired(dated, keep):
        if name != own.name:
            why = f'no more are kept ({rules})'
            draft.add('backup', Verb.DELETE, others[name], None, why=why)


def _counts(backup: Backup, own: Backup) -> bool:
    """Whether another backup is counted, and may be deleted: it is whole, and not protected."""
    if backup.name == own.name or backup.server != own.server or not backup.server_exists:
        return False
    return backup.status == 'available' and not backup.delete_protection
