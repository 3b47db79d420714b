# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read and replace files that are projections of the record."""

from __future__ import annotations

import os


def read_file(path: str) -> str | None:
    """Return the text of a file; None if it does not exist.

    Bytes that are not UTF-8 are replaced: the text then differs from ours, and the file is written
    again.
    """
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            return file.read()
    except FileNotFoundError:
        return None


def write_atomically(path: str, text: str, mode: int = 0o600, group: str = '') -> None:
    """Replace a file atomically: readers get the old text or the new one.

    After a crash the next writer replaces the temporary file. The caller holds a lock under which
    no other run writes this file. ``group``: may read it, if this host has such a group.
    """
    part = path + '.part'
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    descriptor = os.open(part, flags, mode)
    with open(descriptor, 'w', encoding='utf-8') as file:
        if group:
            _share(descriptor, group)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def _share(descriptor: int, group: str) -> None:
    import grp

    try:
        number = grp.getgrnam(group).gr_gid
    except KeyError:
        return
    if os.geteuid() == 0:
        os.fchown(descriptor, 0, number)
        os.fchmod(descriptor, 0o640)
