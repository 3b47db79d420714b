# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is mounted on this host."""

from __future__ import annotations

import os


def is_mounted(path: str) -> bool:
    """Whether a file system is mounted on a directory; one that does not answer is, too."""
    with open('/proc/self/mounts', encoding='utf-8', errors='surrogateescape') as file:
        return os.path.realpath(path) in {_unescaped(line.split(' ')[1]) for line in file}


def _unescaped(path: str) -> str:
    """A path of /proc/self/mounts: proc_pid_mounts(5), getmntent(3)."""
    for code, character in (('\\040', ' '), ('\\011', '\t'), ('\\012', '\n'), ('\\134', '\\')):
        path = path.replace(code, character)
    return path
