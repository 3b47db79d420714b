# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The host: how it is looked at, and what changes it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

BEFORE = '/etc/hanok/before'  # what the role found at its first run
STATE, CACHE, CONFIG = '/var/lib/hanok', '/var/cache/hanok', '/etc/hanok'
URIS = ('qemu:///system', 'lxc:///system')


class Change(NamedTuple):
    """What is there, and what takes it off."""

    text: str
    apply: Callable[[], object]


Changes = Iterator[Change]
NOTES: list[str] = []  # what stays, and why
DELETED: set[str] = set()  # UUIDs of resources that would be deleted before


def output(*words: str) -> str:
    """Return what a program prints; empty if it is not installed, or fails."""
    try:
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout
    except OSError:
        return ''


def does(*words: str) -> Callable[[], object]:
    """Return what runs a program that must succeed."""
    return lambda: subprocess.run(words, stdout=subprocess.DEVNULL, check=True)


def tries(*words: str) -> Callable[[], object]:
    """Return what runs a program, whose failure means that there is nothing to do."""
    return lambda: output(*words)


def writes(path: str, text: str) -> Callable[[], object]:
    """Return what writes a file, or a setting of the kernel."""

    def apply() -> None:
        with open(path, 'w', encoding='ascii') as file:
            file.write(text)

    return apply


def text_of(path: str) -> str:
    """Return the text of a file; empty if there is none."""
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            return file.read()
    except OSError:
        return ''


def is_mount(path: str) -> bool:
    """Whether something is mounted there, also of the same file system."""
    return any(line.split()[4] == path for line in text_of('/proc/self/mountinfo').splitlines())


def remove(path: str) -> None:
    """Remove a file or a folder; of a mount only what is in it."""
    if os.path.isdir(path) and not os.path.islink(path):
        for name in os.listdir(path):
            remove(os.path.join(path, name))
        if not is_mount(path):
            os.rmdir(path)
        return
    with suppress(FileNotFoundError):
        os.unlink(path)


def remove_empty(path: str) -> None:
    """Remove a folder unless somebody has put something into it."""
    with suppress(OSError):
        os.rmdir(path)
