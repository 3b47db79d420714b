# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the edge needs of every request and of every item of a cloud."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from .._model.change import Item
from .._model.problem import Problem
from .._model.profile import Profile
from .._model.secret import Secrets


class AnyRequest(Protocol):
    """What every request has."""

    @property
    def secrets(self) -> Secrets:
        """What the cloud needs and may not record."""

    def excesses(self, profile: Profile) -> Sequence[Problem]:
        """Return what is more than the cloud allows."""

    def problems(self) -> Sequence[Problem]:
        """Return what is invalid in it, regardless of what exists."""


class Named(Item, Protocol):
    """An item that its cloud knows by an id; its name may be that of others too."""

    @property
    def id(self) -> str:
        """Its id."""


Requested = TypeVar('Requested', bound=AnyRequest)
Observed = TypeVar('Observed')
Thing = TypeVar('Thing', bound=Item)
NamedThing = TypeVar('NamedThing', bound=Named)
