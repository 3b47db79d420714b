# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which backups of a server a task deletes beside the one that it makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, List, Set

from .._model.backup import Backup
from .._model.change import AFTER_APPLY, Draft
from .._model.kinds import Verb
from .._model.retention import Dated, expired
from .backup_base import chains_of

if TYPE_CHECKING:
    from .backup import ObservedBackups


def delete_expired(
    keep: Mapping[str, int], own: Backup, observed: ObservedBackups, draft: Draft
) -> None:
    """Delete what no rule keeps; ``own``: the backup of the task, which stays in any case."""
    others = {one.name: one for one in observed.backups.values() if _counts(one, own)}
    gone = _expired(keep, own, [*others.values()], observed.now)
    chains = chains_of([*observed.backups.values(), own])
    needed = _needed(chains, gone)
    rules = ', '.join(f'{rule}: {number}' for rule, number in keep.items())
    _tell_kept([name for name in gone if name in needed], rules, draft)
    going = [name for name in gone if name not in needed]
    for name in sorted(going, key=lambda name: -len(chains[name])):  # what stands on others first
        why = f'no more are kept ({rules})'
        draft.add('backup', Verb.DELETE, others[name], None, why=why)


def _expired(keep: Mapping[str, int], own: Backup, others: Sequence[Backup], now: str) -> List[str]:
    """The names of others that no rule keeps."""
    dated = [Dated(one.name, one.created_at) for one in others]
    if own.server_exists and not own.delete_protection:
        dated.append(Dated(own.name, now if own.created_at == AFTER_APPLY else own.created_at))
    return [name for name in expired(dated, keep) if name != own.name]


def _needed(chains: Mapping[str, Sequence[str]], gone: Sequence[str]) -> Set[str]:
    """What others that are not gone stand on."""
    return {base for name in chains if name not in gone for base in chains[name]}


def _tell_kept(names: Sequence[str], rules: str, draft: Draft) -> None:
    """Tell which backups are kept, although no rule does."""
    if names:
        draft.notes.append(
            f'backup {", ".join(names)}: kept beyond {rules}, because later ones have only what '
            'changed since'
        )


def _counts(backup: Backup, own: Backup) -> bool:
    """Whether another backup is counted, and may be deleted: it is whole, and not protected."""
    if backup.name == own.name or backup.server != own.server or not backup.server_exists:
        return False
    return backup.status == 'available' and not backup.delete_protection
