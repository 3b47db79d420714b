# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Incremental backups: which one a new one is based on, and which ones others stand on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Dict, List, Tuple

from .._model.backup import SNAPSHOT, Backup
from .._model.server_type import CONTAINER

if TYPE_CHECKING:
    from .._model.server import Server
    from .backup import ObservedBackups

LONGEST = 7  # incremental backups in a row; the next one is whole
_LAST = f'it is the last of {LONGEST} in a row'
_WHOLE = 'not incremental: '


def with_base(new: Backup, server: Server, observed: ObservedBackups) -> Tuple[Backup, str]:
    """A new backup that is to be incremental, and why it has everything nevertheless."""
    obstacle = _obstacle(new, server)
    if obstacle:
        return new, _WHOLE + obstacle
    base, why = _base(new, observed)
    return replace(new, base=base, tracked=True), _WHOLE + why if why else ''


def _obstacle(new: Backup, server: Server) -> str:
    """Why nothing tells what a server has changed; empty: something does."""
    if server.type == CONTAINER:
        return 'a container has no checkpoints'
    if new.mode != SNAPSHOT:
        return f'mode is {new.mode}'
    return f'server {server.name} does not run' if server.power == 'stopped' else ''


def _base(new: Backup, observed: ObservedBackups) -> Tuple[str | None, str]:
    """The newest backup that a new one can be based on; else why the newest one is not."""
    chains = chains_of(observed.backups.values())
    why = ''
    for one in reversed([*observed.backups.values()]):
        if _is_of_series(one, new, observed):
            problem = _problem(one, new) or observed.bases[one.name]
            if not problem and len(chains[one.name]) < LONGEST:
                return one.name, ''
            why = why or f'backup {one.name}: {problem or _LAST}'
            if not problem:  # an earlier one would begin a second row, which never ends
                break
    return None, why or f'the store {new.store} has no earlier one to be based on'


def _is_of_series(one: Backup, new: Backup, observed: ObservedBackups) -> bool:
    """Whether another backup is like a new one in what it has, and where."""
    if one.name == new.name or one.name not in observed.bases:
        return False
    return (one.store, one.include_volumes) == (new.store, new.include_volumes)


def _problem(one: Backup, new: Backup) -> str:
    """Why a backup is no base of a new one; empty: it may be one."""
    if one.status != 'available':
        return one.fault or f'it is {one.status}'
    if {copy.id for copy in one.volumes} != {copy.id for copy in new.volumes}:
        return 'it has other volumes'
    return ''


def chains_of(backups: Iterable[Backup]) -> Dict[str, List[str]]:
    """The backups that each one stands on, by name, its base first."""
    bases = {one.name: one.base for one in backups}
    found: Dict[str, List[str]] = {}
    for name in bases:
        found[name] = []
        base = bases[name]
        while base is not None:
            found[name].append(base)
            base = bases.get(base)
    return found
