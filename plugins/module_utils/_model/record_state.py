# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The record of a cloud, as the module recover sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Dict, List, Tuple

from .problem import Problem
from .profile import Profile
from .secret import NO_SECRETS, Secrets

INTERRUPTED = 'interrupted'


@dataclass(frozen=True)
class RecordState:
    """The state of the record: missing, damaged, whole or interrupted (during recovery).

    ``name`` is record: there is only one. ``rows``: their number, by table. ``lost``: what could
    not be restored.
    """

    name: str = 'record'
    state: str = 'whole'
    rows: Mapping[str, int] = field(default_factory=dict)
    lost: Tuple[str, ...] = ()

    def public(self) -> Dict[str, Any]:
        """The record for the result of a module."""
        return {'state': self.state, 'rows': dict(self.rows), 'lost': list(self.lost)}


@dataclass(frozen=True)
class RecoverRequest:
    """The requested state: the record exists."""

    name: str = 'record'

    @property
    def secrets(self) -> Secrets:
        """What the cloud needs and may not record: nothing."""
        return NO_SECRETS

    def excesses(self, profile: Profile) -> List[Problem]:
        """What is more than the cloud allows: nothing."""
        return []

    def problems(self) -> List[Problem]:
        """Return none: the request has no options."""
        return []
