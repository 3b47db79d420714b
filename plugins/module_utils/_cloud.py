# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The contract: what a cloud can do. ``list`` looks; every other verb takes many changes and returns an outcome for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Callable, ContextManager, List, NamedTuple, Protocol, Set, Tuple, TypeVar

from ._model.change import Change
from ._model.keypair import Keypair

Seen = TypeVar('Seen')
Names = Set[Tuple[str, str]]


class CloudError(Exception):
    """The cloud could not do what was asked; the text is for the user."""


class Busy(CloudError):
    """Another run holds what this one needs."""


class Unsupported(CloudError):
    """This cloud cannot do this; the text names the option and the cloud."""


class Outcome(NamedTuple):
    """How one change went; error is empty when it went well. ``seconds``: how long it took, where it was measured by itself."""

    change: Change
    error: str = ''
    seconds: float | None = None


class Keypairs(Protocol):
    """Key pairs of a cloud."""

    def list(self, names: Iterable[str] | None = None) -> Tuple[Keypair, ...]:
        """Look: all, or those of these names."""

    def create(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Register public keys."""

    def delete(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Forget public keys."""


class Cloud(Protocol):
    """A cloud."""

    @property
    def keypairs(self) -> Keypairs:
        """Key pairs."""

    @property
    def notes(self) -> List[str]:
        """What is to be told to the user as warnings."""

    def changing(self, look: Callable[[], Tuple[Seen, Names]]) -> ContextManager[Seen]:
        """Look, hold what was seen, look again until what is held covers what is there; then the caller may change it."""

    def close(self) -> None:
        """Let go of connections."""
