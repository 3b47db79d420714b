# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Paths that images are exported to."""

from __future__ import annotations

from typing import List

from .problem import Problem, invalid

_LONGEST = 190  # bytes: other names are made of it, of at most 255


def export_problems(path: str, state: str, where: str) -> List[Problem]:
    """What is invalid in a path; ``where``: what the image is created from."""
    if state == 'absent':
        return [invalid('export_path', 'it requires state: present')]
    name = path.rpartition('/')[2]
    if not 0 < len(name.encode(errors='replace')) <= _LONGEST or '\0' in path:
        text = f'{path!r} is no path of a file with a name of at most {_LONGEST} bytes'
        return [invalid('export_path', text)]
    if path == where:
        return [invalid('export_path', 'it is what the image is created from; use another path')]
    return []
