# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Validation of the key pairs of a server, as in checks.py."""

from __future__ import annotations

from typing import List, Tuple

from .checks import reference_problems
from .problem import Problem, invalid


def key_problems(names: Tuple[str, ...], option: str = 'key_names') -> List[Problem]:
    """Check the names of the key pairs of a server."""
    return [problem for name in names for problem in reference_problems(name, option)]


def key_excesses(names: Tuple[str, ...], most: int, option: str = 'key_names') -> List[Problem]:
    """Check the number of the key pairs of a server."""
    if len(names) <= most:
        return []
    return [invalid(option, f'{len(names)} are specified; a server has at most {most}')]
