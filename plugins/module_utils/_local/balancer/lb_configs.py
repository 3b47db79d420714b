# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the configurations of load balancers match the record; lb_config.py writes them."""

from __future__ import annotations

from typing import List

from ..record.host import Host


class LbConfigs:
    """The configurations of HAProxy, a projection of load balancers and their members."""

    def __init__(self, host: Host) -> None:
        """Project the record of ``host``."""
        self.host = host

    def faults(self, since: str | None) -> List[str]:
        """Return nothing: each task that writes them compares them."""
        return []

    def write(self, lock: int) -> None:
        """Write and load those that differ."""
        if self.host.record.value('SELECT count(*) FROM main.balancer'):
            from .lb_config import synchronise

            synchronise(self.host)
