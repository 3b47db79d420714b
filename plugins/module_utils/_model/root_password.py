# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a password of root has to be, whatever a host requires beside it."""

from __future__ import annotations

from typing import List

from .problem import Problem, invalid

_LEAST, _MOST = 8, 128  # characters


def root_password_problems(password: str) -> List[Problem]:
    """Check a password. No message has any of it."""
    problems = []
    if not _LEAST <= len(password) <= _MOST:
        text = f'it has {len(password)} characters; use {_LEAST} to {_MOST}'
        problems.append(invalid('root_password', text))
    if not password.isprintable():
        problems.append(invalid('root_password', 'use printable characters, on one line'))
    return problems
