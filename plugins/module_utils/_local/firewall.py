# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The state of the packet forwarding of a host, compared with the record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Tuple

from .._model.change import plain_fields


@dataclass(frozen=True)
class Firewall:
    """Rules, bridges and routes of the host. ``faults``: how they differ from the record."""

    name: str = 'host'
    faults: Tuple[str, ...] = ()

    def public(self) -> Dict[str, Any]:
        """The state for a diff."""
        return plain_fields(self)
