# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is invalid in options for new backups."""

from __future__ import annotations

from typing import TYPE_CHECKING, List

from .problem import Problem, invalid

if TYPE_CHECKING:
    from .backup import BackupRequest

_OF_NEW = ('store', 'mode', 'include_volumes')


def problems_of_new(request: BackupRequest, most: int) -> List[Problem]:
    """Options that only a backup has that is made, and rules that are out of range (``most``)."""
    options = [option for option in _OF_NEW if option in request.options]
    options += [*(['incremental'] if request.incremental else []), *request.keep]
    problems: List[Problem] = []
    if request.state != 'present':
        why = f'it requires state: present, not {request.state}'
        problems += [invalid(option, why) for option in options]
    for option, number in request.keep.items():
        if not 1 <= number <= most:
            problems.append(invalid(option, f'{number} is out of range; use 1 to {most}'))
    return problems
