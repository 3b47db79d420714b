# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The parts common to all requests: a name, the requested state and the specified options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, List

from .checks import description_problems, label_excesses, label_problems, name_problems
from .problem import Problem
from .profile import Profile
from .secret import NO_SECRETS, Secrets


@dataclass(frozen=True)
class Request:
    """The requested state. ``options`` has only those specified: others are not managed."""

    name: str
    state: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def secrets(self) -> Secrets:
        """What the cloud needs and may not record."""
        return NO_SECRETS

    def excesses(self, profile: Profile) -> List[Problem]:
        """What is more than the cloud allows."""
        return label_excesses(self.options.get('labels'), profile.max_label)

    def problems(self) -> List[Problem]:
        """What is invalid in the request, regardless of what exists."""
        return [
            *self._name_problems(),
            *description_problems(self.options.get('description')),
            *label_problems(self.options.get('labels')),
        ]

    def _name_problems(self) -> List[Problem]:
        return name_problems(self.name)
