# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What deletes the backups that a new one replaces, and one that was aborted."""

from __future__ import annotations

from collections.abc import Callable

from .._cloud import Outcome, Outcomes, Refused
from .._cloud.snapshots import Backups
from .._model.backup import BackupRequest
from .._model.change import Changes
from .._model.kinds import Verb
from .operations import Operations


def executors_of(backups: Backups, requested: BackupRequest) -> Operations:
    """Return what deletes backups in a task that also does something else with one."""
    return {
        ('backup', Verb.ABORT): backups.delete,
        ('backup', Verb.DELETE): delete_expired(backups, requested.name),
    }


def delete_expired(backups: Backups, name: str) -> Callable[[Changes], Outcomes]:
    """Return what deletes others, unless the new one was not made. ``name``: of that."""

    def delete(changes: Changes) -> Outcomes:
        made = [one for one in backups.list([name]) if one.status == 'available']
        if made or [change.name for change in changes] == [name]:
            return backups.delete(changes)
        kept = Refused(f'it is kept, because the backup {name} was not made; run the task again')
        return [Outcome(change, kept) for change in changes]

    return delete
