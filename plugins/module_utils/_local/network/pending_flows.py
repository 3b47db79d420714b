# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Connections that the rules allowed, and that are still to be ended."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, List

from ..record.host import Host
from .rules import Rules

if TYPE_CHECKING:
    from ..record.projection import Look

_IS_ENDING_REQUESTED = 'SELECT EXISTS (SELECT 1 FROM main.security_group WHERE to_cut)'


class PendingFlows:
    """Connections of reassigned addresses, and those that security groups request to end."""

    def __init__(self, host: Host, rules: Rules) -> None:
        """``rules``: they mark when connections of reassigned addresses are to be ended."""
        self.host = host
        self.rules = rules

    def faults(self, look: Look) -> List[str]:
        """Return which of them may still be open."""
        faults = []
        if look.since is None and self._has_denied():
            faults.append('connections that the rules no longer allow may still be open')
        if look.since is None and self._has_stale():
            faults.append('connections of reassigned addresses may still be open')
        return faults

    def write(self, lock: int) -> None:
        """End them."""
        if self._has_stale():
            self.end_stale(lock)
            os.unlink(self.rules.uncut_path)
        if self._has_denied():
            from .denied_flows import delete_denied

            delete_denied(self.host, self.rules.datapath(), lock)

    def end_stale(self, lock: int) -> None:
        """End the connections of reassigned addresses, and of those that are being released."""
        from .flows import delete_stale

        delete_stale(self.host, lock)

    def _has_stale(self) -> bool:
        return os.path.exists(self.rules.uncut_path)

    def _has_denied(self) -> bool:
        return bool(self.host.record.value(_IS_ENDING_REQUESTED))
