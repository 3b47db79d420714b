# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The interface between the edge and a cloud: names, outcomes, errors.

The contract is imported by type checkers only, so that no task spends time on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Set, Tuple, TypeVar

if TYPE_CHECKING:
    from .._model.change import Change
    from .contract import Cloud
else:
    Cloud = Any

__all__ = [
    'GONE',
    'Busy',
    'Cloud',
    'CloudError',
    'Names',
    'Observed',
    'Outcome',
    'Unsupported',
    'is_libvirt_error',
]

Observed = TypeVar('Observed')
Names = Set[Tuple[str, str]]
# The error of a change whose item was deleted since it was observed.
GONE = 'no longer available; run the task again'


class CloudError(Exception):
    """The cloud could not do what was requested; the text is for the user."""


class Busy(CloudError):
    """Another run holds a lock that is needed."""


class Unsupported(CloudError):
    """A cloud does not support what was requested; the text names the option and the cloud."""


def is_libvirt_error(error: Exception) -> bool:
    """Return whether an error is libvirt's, without importing libvirt."""
    return type(error).__name__ == 'libvirtError'


class Outcome(NamedTuple):
    """The result of one change; ``error`` is empty if it succeeded.

    ``seconds``: its duration, if it was measured by itself.
    """

    change: Change
    error: str = ''
    seconds: float | None = None
