# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SKELETON: Servers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Tuple

from ..._cloud import Outcome
from ..._model.change import Change
from ..._model.first_boot import FirstBoot
from ..._model.secret import Secrets
from ..._model.server import Server
from ..._model.user_data import UserDataHash
from ..api.api import Api


class Servers:
    """Servers of a project."""

    def __init__(self, api: Api, secrets: Secrets) -> None:
        """``api``: the services, as the project sees them."""
        self.api, self.secrets = api, secrets

    def list(
        self, names: Iterable[str] | None = None, member_of: str | None = None
    ) -> Tuple[Server, ...]:
        """SKELETON."""
        raise NotImplementedError

    def create(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """SKELETON."""
        raise NotImplementedError

    def update(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """SKELETON."""
        raise NotImplementedError

    def resume(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """SKELETON."""
        raise NotImplementedError

    def start(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """SKELETON."""
        raise NotImplementedError

    def stop(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """SKELETON."""
        raise NotImplementedError

    def power_off(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """SKELETON."""
        raise NotImplementedError

    def delete(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """SKELETON."""
        raise NotImplementedError

    def hash_user_data(self, user_data: str) -> UserDataHash:
        """SKELETON."""
        raise NotImplementedError

    def address_owners(self, wanted: Iterable[Tuple[str, str]]) -> Mapping[Tuple[str, str], str]:
        """SKELETON."""
        raise NotImplementedError

    def dns_owners(self, names: Iterable[str]) -> Mapping[Tuple[str, str], Tuple[str, ...]]:
        """SKELETON."""
        raise NotImplementedError

    def readiness(self, names: Sequence[str], wait_for: str, seconds: float) -> Mapping[str, str]:
        """SKELETON."""
        raise NotImplementedError

    def first_boots(self, names: Sequence[str]) -> Mapping[str, FirstBoot]:
        """SKELETON."""
        raise NotImplementedError
