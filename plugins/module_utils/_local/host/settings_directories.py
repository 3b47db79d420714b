# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is invalid in the directories that the settings name, for backups and for volumes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Dict, List

from ..._model.checks import name_problems


def directory_problems(raw: Dict[str, Any]) -> List[str]:
    """Return the problems of the settings backup_stores and volume_types."""
    problems = _listed('backup_stores', raw.get('backup_stores', []), _store_problems)
    if raw.get('volume_types', []) != []:
        from .settings_volume_types import type_problems

        problems += _listed('volume_types', raw['volume_types'], type_problems)
    return problems


def _listed(option: str, raw: Any, problems_of: Callable[[Any], List[str]]) -> List[str]:
    """Return what is wrong with each directory of a list; else, what is listed twice."""
    if not isinstance(raw, list):
        return [f'{option}: must be a list']
    problems = [
        f'{option}[{number}]: {problem}'
        for number, one in enumerate(raw)
        for problem in problems_of(one)
    ]
    return problems or [*_twice(option, raw, 'name'), *_twice(option, raw, 'path')]


def _twice(option: str, raw: List[Dict[str, Any]], key: str) -> List[str]:
    values = [one[key] for one in raw]
    return [
        f'{option}: {key} {value} is listed twice'
        for value in sorted({value for value in values if values.count(value) > 1})
    ]


def _store_problems(store: Any) -> List[str]:
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
    if not isinstance(store.get('mounted', False), bool):
        problems.append(f'mounted: {store["mounted"]!r} is neither true nor false')
    unknown = sorted({*store} - {'name', 'path', 'mounted'})
    return [*problems, *(f'{option}: no option of a store' for option in unknown)]
