# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The state of what carries packets on a host: whether it is as the record says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Tuple

from .change import plain_fields


@dataclass(frozen=True)
class Firewall:
    """Rules, bridges and routes of the host. ``faults``: sentences about what is not as it should be."""

    name: str = 'host'
    faults: Tuple[str, ...] = ()

    def public(self) -> Dict[str, Any]:
        """The state as a diff shows it."""
        return plain_fields(self)
