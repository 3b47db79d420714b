# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A copy of the state of a new cloud: the next new one needs no migrations."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from pathlib import Path

import database
import layout
from layout import STATE, TEMPLATE


def use() -> None:
    """Begin with the copy, if there is no state, and a copy that this code has made."""
    if layout.is_current(TEMPLATE) and not STATE.exists():
        _copy(TEMPLATE, STATE)


def keep() -> None:
    """Make the copy, if there is none, of a state that nobody has used."""
    if layout.is_current(TEMPLATE):
        return
    shutil.rmtree(TEMPLATE, ignore_errors=True)
    with database.paused():
        _copy(STATE, TEMPLATE)


def _copy(source: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix='copy-', dir=target.parent) as folder:
        command = ('cp', '--archive', '--reflink=auto', '--sparse=always')
        subprocess.run([*command, source, f'{folder}/copy'], check=True)
        # Another cloud may have made it meanwhile.
        with contextlib.suppress(OSError):
            Path(folder, 'copy').rename(target)
