# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SKELETON: Floating IPs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Tuple

from ..._cloud import Outcome
from ..._model.change import Change
from ..._model.floating_ip import FixedIp, FloatingIp
from ..api.api import Api


class FloatingIps:
    """Floating IPs of a project."""

    def __init__(self, api: Api) -> None:
        """``api``: the services, as the project sees them."""
        self.api = api

    def list(self, names: Iterable[str] | None = None) -> Tuple[FloatingIp, ...]:
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

    def fixed_ips(self) -> Tuple[FixedIp, ...]:
        """SKELETON."""
        raise NotImplementedError

    def pools(self) -> Tuple[str, ...]:
        """SKELETON."""
        raise NotImplementedError

    def free(self, pool: str | None = None) -> int | None:
        """SKELETON."""
        raise NotImplementedError

    def in_pool(self, address: str) -> bool | None:
        """SKELETON."""
        raise NotImplementedError
