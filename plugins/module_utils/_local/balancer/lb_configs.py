# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the configurations of load balancers match the record; lb_config.py writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, List

from ..record.host import Host

if TYPE_CHECKING:
    from ..record.projection import Look


class LbConfigs:
    """The configurations of HAProxy, a projection of load balancers and their members."""

    def __init__(self, host: Host) -> None:
        """Project the record of ``host``."""
        self.host = host

    def faults(self, look: Look) -> List[str]:
        """Return which of them differ, or were not loaded."""
        if look.since is not None or not self._has_any():
            return []
        from .lb_texts import configs

        return [
            f'the configuration of load balancer {config.name} does not match the record'
            for config in configs(self.host)
            if not config.is_loaded()
        ]

    def _has_any(self) -> bool:
        return bool(self.host.record.value('SELECT count(*) FROM main.balancer'))

    def write(self, lock: int) -> None:
        """Write and load those that differ."""
        if self._has_any():
            from .lb_config import synchronise

            synchronise(self.host)
