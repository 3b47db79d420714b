# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SKELETON: Images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Tuple

from ..._cloud import Outcome
from ..._model.change import Change
from ..._model.image import Image
from ..._model.secret import Secrets
from ..api.api import Api


class Images:
    """Images of a project."""

    def __init__(self, api: Api, secrets: Secrets) -> None:
        """``api``: the services, as the project sees them."""
        self.api, self.secrets = api, secrets

    def list(self, names: Iterable[str] | None = None) -> Tuple[Image, ...]:
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

    def source_problem(self, source: str) -> str:
        """SKELETON."""
        raise NotImplementedError

    def source_digests(self, name: str, source: str) -> Mapping[str, str] | None:
        """SKELETON."""
        raise NotImplementedError

    def resolve_checksum(self, checksum: str, source: str) -> str:
        """SKELETON."""
        raise NotImplementedError
