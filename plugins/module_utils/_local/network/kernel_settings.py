# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The settings of the kernel that forwarding for servers requires."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Dict, List

from ..host.devices import bridge_name
from ..host.kernel import device_exists, read_sysctl, write_sysctl
from ..record.host import Host
from .bridges import existing_bridges
from .floating_routes import uplinks

if TYPE_CHECKING:
    from ..record.projection import Look

_OF_BRIDGES = {
    'conf/{}/proxy_arp_pvlan': '1',
    'conf/{}/send_redirects': '0',
    'neigh/{}/proxy_delay': '0',
}


class KernelSettings:
    """The settings under net.ipv4, a projection of the networks and of the uplinks of pools."""

    def __init__(self, host: Host) -> None:
        """Project the record and the pools of ``host``."""
        self.host = host

    def faults(self, look: Look) -> List[str]:
        """Return the settings that have other values, except those of bridges that do not exist."""
        steady = [bridge_name(row['id']) for row in look.networks]
        return [
            f'net.ipv4.{key.replace("/", ".")} is not {value}'
            for key, value in self._settings(filter(device_exists, steady)).items()
            if read_sysctl(key) != value
        ]

    def write(self, lock: int) -> None:
        """Set them."""
        for key, value in self._settings(existing_bridges(self.host.record)).items():
            write_sysctl(key, value)

    def _settings(self, bridges: Iterable[str]) -> Dict[str, str]:
        settings = {'ip_forward': '1'}
        for bridge in bridges:
            for key, value in _OF_BRIDGES.items():
                settings[key.format(bridge)] = value
        for uplink in uplinks(self.host.pools):
            settings[f'neigh/{uplink}/proxy_delay'] = '0'
        return settings
