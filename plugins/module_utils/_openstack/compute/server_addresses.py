# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Floating IPs of servers, by their ports."""

from __future__ import annotations

from collections.abc import Collection
from typing import List

from ..._cloud import Busy, CloudError
from ..api.api import Api, Raw
from ..api.lists import ports_by_server
from ..api.marks import from_metadata
from ..network.floating_ip_writer import FloatingIpWriter
from .server_connections import interfaces_of


class Addresses:
    """The floating IPs of servers.

    Ports and floating IPs are read when it is created, once for all and before threads start.
    """

    def __init__(self, api: Api) -> None:
        """``api``: the services, as the project sees them."""
        self._api = api
        self._writer = FloatingIpWriter(api)
        self._ports = ports_by_server(api)

    def give(self, raw: Raw, wanted: str | None, doomed: Collection[str] = ()) -> None:
        """Make a server have a floating address (see FloatingIpWriter), and no other one.

        ``doomed``: the MACs of ports that it will lose.
        """
        try:
            self._give(raw, wanted, doomed)
        except Busy:  # another run gave it one meanwhile
            Addresses(self._api)._give(raw, wanted, doomed)

    def _give(self, raw: Raw, wanted: str | None, doomed: Collection[str]) -> None:
        ports = connection_ports(raw, self._ports_of(raw))
        ports.sort(key=lambda port: port['mac_address'] in doomed)
        others = [port['id'] for port in ports[1:]]
        self._writer.release(others, wanted)
        if not ports:
            raise CloudError('floating_ip: it has no port that could have one', 'floating_ip')
        first = ports[0]
        fixed_ip = first['fixed_ips'][0]['ip_address']
        self._writer.give(first['id'], wanted, fixed_ip)

    def _ports_of(self, raw: Raw) -> List[Raw]:
        return self._ports.get(raw['id'], [])

    def release(self, raw: Raw) -> None:
        """Delete the automatic floating IPs of a server that is being deleted."""
        ids = [port['id'] for port in self._ports_of(raw)]
        self._writer.release_automatic(ids)


def connection_ports(raw: Raw, ports: List[Raw]) -> List[Raw]:
    """Return the ports of a server in the order of its connections."""
    by_mac = {port['mac_address']: port for port in ports}
    marks = from_metadata(raw['metadata'])
    macs = [interface.mac for interface in interfaces_of(raw, marks)]
    return [by_mac[mac] for mac in macs if mac in by_mac]
