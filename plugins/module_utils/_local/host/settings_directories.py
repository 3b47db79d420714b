# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of the directories in the settings, those for backups and those for types of volumes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Dict, List


def listed_problems(option: str, raw: Any, problems_of: Callable[[Any], List[str]]) -> List[str]:
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


def mounted_problems(one: Dict[str, Any]) -> List[str]:
    """Return what is wrong with the option mounted of a directory."""
    mounted = one.get('mounted', False)
    return [] if isinstance(mounted, bool) else [f'mounted: {mounted!r} is neither true nor false']


def is_mounted(path: str) -> bool:
    """Whether a file system is mounted on a directory; one that does not answer is, too."""
    with open('/proc/self/mounts', encoding='utf-8', errors='surrogateescape') as file:
        return os.path.realpath(path) in {_unescaped(line.split(' ')[1]) for line in file}


def _unescaped(path: str) -> str:
    """A path of /proc/self/mounts: proc_pid_mounts(5), getmntent(3)."""
    for code, character in (('\\040', ' '), ('\\011', '\t'), ('\\012', '\n'), ('\\134', '\\')):
        path = path.replace(code, character)
    return path
