# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every request has: a name, the state that is asked for, and the options that were said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, List

from .checks import description_problems, label_problems, name_problems


@dataclass(frozen=True)
class Request:
    """What a user asked for. ``options`` has only what was said: the rest is not managed."""

    name: str
    state: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def problems(self) -> List[str]:
        """What is wrong with the request, whatever is there."""
        return [
            *name_problems(self.name),
            *description_problems(self.options.get('description')),
            *label_problems(self.options.get('labels')),
        ]
