# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What goes between the edge and a cloud: names, outcomes, errors; and the contract, which is for type checkers only: no task pays for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Set, Tuple, TypeVar

if TYPE_CHECKING:
    from .._model.change import Change
    from .contract import Cloud
else:
    Cloud = Any

__all__ = ['Busy', 'Cloud', 'CloudError', 'Names', 'Outcome', 'Seen', 'Unsupported', 'is_libvirts']

Seen = TypeVar('Seen')
Names = Set[Tuple[str, str]]


class CloudError(Exception):
    """The cloud could not do what was asked; the text is for the user."""


class Busy(CloudError):
    """Another run holds what is needed."""


class Unsupported(CloudError):
    """A cloud cannot do what is asked; the text names the option and the cloud."""


def is_libvirts(error: Exception) -> bool:
    """Whether an error is libvirt's, which is not imported by those who do not need it."""
    return type(error).__name__ == 'libvirtError'


class Outcome(NamedTuple):
    """How one change went; error is empty when it went well. ``seconds``: how long it took, where it was measured by itself."""

    change: Change
    error: str = ''
    seconds: float | None = None
