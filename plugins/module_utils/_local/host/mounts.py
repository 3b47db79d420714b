# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is mounted on this host."""

from __future__ import annotations

import os
from typing import Dict, List


def is_mounted(path: str) -> bool:
    """Whether a file system is mounted on a directory; one that does not answer is, too."""
    return os.path.realpath(path) in _mounts()


def source_of(path: str) -> str:
    """The device that is mounted on a directory."""
    return _mounts()[os.path.realpath(path)]


def mounted_below(folder: str) -> List[str]:
    """Where file systems are mounted below a directory, the innermost ones first."""
    above = os.path.join(os.path.realpath(folder), '')
    return sorted((path for path in _mounts() if path.startswith(above)), reverse=True)


def _mounts() -> Dict[str, str]:
    """The devices that are mounted, by the directories; of several on one, the last one."""
    with open('/proc/self/mounts', encoding='utf-8', errors='surrogateescape') as file:
        mounts = [line.split(' ') for line in file]
    return {_unescaped(mount[1]): _unescaped(mount[0]) for mount in mounts}


def _unescaped(path: str) -> str:
    """A path of /proc/self/mounts: proc_pid_mounts(5), getmntent(3)."""
    for code, character in (('\\040', ' '), ('\\011', '\t'), ('\\012', '\n'), ('\\134', '\\')):
        path = path.replace(code, character)
    return path
