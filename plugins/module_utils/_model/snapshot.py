# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What snapshots of servers and of volumes have in common."""

from __future__ import annotations

from typing import List

from .checks import name_problems, reference_problems
from .problem import Problem
from .status import TaskState

STATES = ('present', 'restored', 'absent')


def full_name(owner: str, name: str) -> str:
    """The name of a snapshot among those of all servers, or of all volumes."""
    return f'{owner}/{name}'


def own_name(name: str) -> str:
    """The name of a snapshot among those of its server or volume."""
    return name.rpartition('/')[2]


def owner_of(name: str) -> str:
    """The server or volume of a snapshot."""
    return name.rpartition('/')[0]


def status_of(task_state: TaskState | None, unfinished: TaskState | None) -> str:
    """The status of a snapshot, as in Cinder."""
    if unfinished:
        return 'error'
    return task_state.value if task_state else 'available'


def owned_name_problems(kind: str, owner: str, name: str) -> List[Problem]:
    """What is invalid in the full name of a snapshot. ``kind``: of its owner."""
    return [*reference_problems(owner, kind), *name_problems(name[len(owner) + 1 :])]
