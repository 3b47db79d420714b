# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is invalid in the directories that the settings name, for backups and for volumes."""

from __future__ import annotations

import os
from typing import Any, Dict, List

from ..._model.checks import name_problems
from .settings_directories import listed_problems, mounted_problems


def directory_problems(raw: Dict[str, Any]) -> List[str]:
    """Return the problems of the settings backup_stores and volume_types."""
    problems = listed_problems('backup_stores', raw.get('backup_stores', []), _problems)
    if raw.get('volume_types', []) != []:
        from .settings_volume_types import type_problems

        problems += type_problems(raw['volume_types'])
    return problems


def _problems(store: Any) -> List[str]:
    if (
        not isinstance(store, dict)
        or not isinstance(store.get('name'), str)
        or not isinstance(store.get('path'), str)
    ):
        return ['set name and path (an absolute one)']
    problems: List[str] = [*name_problems(store['name'])]
    path = store['path']
    if not path.startswith('/') or path == '/' or os.path.normpath(path) != path:
        problems.append(f'path: {path!r} is not the absolute path of a directory')
    elif not path.isprintable():
        problems.append(f'path: {path!r} has characters that cannot be printed')
    unknown = sorted({*store} - {'name', 'path', 'mounted'})
    problems += mounted_problems(store)
    return [*problems, *(f'{option}: no option of a store' for option in unknown)]
