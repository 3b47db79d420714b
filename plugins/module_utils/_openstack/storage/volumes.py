# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SKELETON: Volumes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Tuple

from ..._cloud import Outcome
from ..._model.change import Change
from ..._model.volume import Volume
from ..api.api import Api


class Volumes:
    """Volumes of a project."""

    def __init__(self, api: Api) -> None:
        """``api``: the services, as the project sees them."""
        self.api = api

    def list(self, names: Iterable[str] | None = None) -> Tuple[Volume, ...]:
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

    def attach(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """SKELETON."""
        raise NotImplementedError

    def detach(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """SKELETON."""
        raise NotImplementedError

    def is_mounted(self, name: str) -> bool | None:
        """SKELETON."""
        raise NotImplementedError
