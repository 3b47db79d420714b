# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SKELETON: Networks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Tuple

from ..._cloud import Outcome
from ..._model.change import Change
from ..._model.network import Network, Surroundings
from ..api.api import Api


class Networks:
    """Networks of a project."""

    def __init__(self, api: Api) -> None:
        """``api``: the services, as the project sees them."""
        self.api = api

    def list(self, names: Iterable[str] | None = None) -> Tuple[Network, ...]:
        """SKELETON."""
        raise NotImplementedError

    def create(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """SKELETON."""
        raise NotImplementedError

    def update(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """SKELETON."""
        raise NotImplementedError

    def delete(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """SKELETON."""
        raise NotImplementedError

    def default(self) -> str:
        """SKELETON."""
        raise NotImplementedError

    def used_ranges(self, name: str) -> Mapping[str, str]:
        """SKELETON."""
        raise NotImplementedError

    def surroundings(self) -> Surroundings:
        """SKELETON."""
        raise NotImplementedError
