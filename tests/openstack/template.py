# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A copy of the state of a new cloud: the next new one needs no migrations."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import database
import layout
from layout import STATE, TEMPLATE


def use() -> None:
    """Begin with the copy, if there is no state, and a copy that this code has made."""
    if TEMPLATE.exists() and not layout.is_current(TEMPLATE):
        shutil.rmtree(TEMPLATE)
    if TEMPLATE.exists() and not STATE.exists():
        _copy(TEMPLATE, STATE)


def keep() -> None:
    """Make the copy, if there is none, of a state that nobody has used."""
    if not TEMPLATE.exists():
        with database.paused():
            _copy(STATE, TEMPLATE)


def _copy(source: Path, target: Path) -> None:
    new = target.with_suffix('.new')
    shutil.rmtree(new, ignore_errors=True)
    command = ('cp', '--archive', '--reflink=auto', '--sparse=always')
    subprocess.run([*command, source, new], check=True)
    new.rename(target)
