# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The interface between the edge and a cloud: names, outcomes, errors.

The contract is imported by type checkers only, so that no task spends time on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Sequence, Set, Tuple, TypeVar

from .errors import (
    Busy,
    CloudError,
    Gone,
    Invalid,
    Missing,
    NoAnswer,
    Refused,
    RefusedTask,
    TimedOut,
    Unsupported,
)

if TYPE_CHECKING:
    from .._model.change import Change
    from .contract import Cloud
else:
    Cloud = Any

__all__ = [
    'Busy',
    'Cloud',
    'CloudError',
    'Gone',
    'Invalid',
    'Missing',
    'Names',
    'NoAnswer',
    'Observed',
    'Outcome',
    'Outcomes',
    'Refused',
    'RefusedTask',
    'TimedOut',
    'Unsupported',
]

Observed = TypeVar('Observed')
Names = Set[Tuple[str, str]]


class Outcome(NamedTuple):
    """The result of one change; ``error`` is None if it succeeded.

    ``seconds``: its duration, if it was measured by itself.
    """

    change: Change
    error: CloudError | None = None
    seconds: float | None = None


Outcomes = Sequence[Outcome]
