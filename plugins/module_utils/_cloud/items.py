# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The contract that is common to the kinds of items."""

from __future__ import annotations

from typing import Iterable, Protocol, Tuple, TypeVar

from .._model.change import Changes
from . import Outcomes

Item_co = TypeVar('Item_co', covariant=True)


class Items(Protocol[Item_co]):
    """Items of one kind that can be listed, created and deleted."""

    def list(self, names: Iterable[str] | None = None) -> Tuple[Item_co, ...]:
        """List all items, or those with these names."""

    def create(self, changes: Changes) -> Outcomes:
        """Create items; a creation that was interrupted is completed."""

    def delete(self, changes: Changes) -> Outcomes:
        """Delete items."""


class Updatable(Protocol):
    """Items that can be updated."""

    def update(self, changes: Changes) -> Outcomes:
        """Update items to the state after the change."""


class UpdatableItems(Items[Item_co], Updatable, Protocol[Item_co]):
    """Items of one kind that can be listed, created, updated and deleted."""
