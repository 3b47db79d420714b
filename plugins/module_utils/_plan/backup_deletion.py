# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How backups are deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._model.backup import Backup, BackupRequest
from .._model.change import Draft
from .._model.effect import COMPLETES_INTERRUPTED_RUN, LIVE, POWER_OFF
from .._model.kinds import Verb
from .._model.status import TaskState

if TYPE_CHECKING:
    from .backup import ObservedBackups

_KIND = 'backup'


def delete(
    request: BackupRequest,
    current: Backup,
    observed: ObservedBackups,
    draft: Draft,
    verb: Verb = Verb.DELETE,
) -> None:
    """Delete a backup, unless it is protected, or others stand on it."""
    if current.delete_protection:
        from .protection import check_protection

        check_protection(_KIND, current, request.options, draft)
    standing = [one.name for one in observed.backups.values() if one.base == current.name]
    if standing:
        draft.refuse(
            'state',
            f'{_KIND} {current.name}: {", ".join(standing)} has only what changed since it; delete '
            'that first',
        )
    if not request.force:
        _check_without_force(current, draft)
    why = COMPLETES_INTERRUPTED_RUN if current.unfinished == TaskState.DELETING else ''
    effect = POWER_OFF if request.force else LIVE
    draft.add(_KIND, verb, current, None, effect, why)


def _check_without_force(current: Backup, draft: Draft) -> None:
    """Refuse what would leave something behind."""
    if current.fault:
        draft.refuse(
            'state',
            f'{_KIND} {current.name}: {current.fault}; force: true forgets it, and leaves what is '
            'in the store',
        )
    elif current.unfinished == TaskState.RESTORING and current.server_exists:
        draft.refuse(
            'state',
            f'{_KIND} {current.name}: its restore was interrupted, and server {current.server} may '
            'have disks of two times; run it again (state: restored), or leave them so (force: '
            'true)',
        )
