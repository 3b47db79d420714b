# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""DHCP leases of addresses that have another MAC by now: dnsmasq offers these to no other MAC."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, List, NamedTuple

from ..host.devices import bridge_name
from ..host.files import read_file
from ..record.database import Query
from ..record.host import Host

if TYPE_CHECKING:
    from ..record.rows import PortRow

_PORTS: Query[PortRow] = Query('SELECT * FROM main.port WHERE network_id = ?')


class Lease(NamedTuple):
    """An address that dnsmasq keeps for a MAC."""

    address: str
    mac: str


def stale_leases(host: Host, folder: str, network: int) -> List[Lease]:
    """The leases of addresses that belong to ports with other MACs.

    A lease of an address that no port has is in nobody's way, and expires.
    """
    path = os.path.join(folder, f'{bridge_name(network)}.status')
    leases = list(_read(path))
    if not leases:
        return []
    ports = host.record.rows(_PORTS, network)
    macs = {port['address']: port['mac'] for port in ports}
    stale: List[Lease] = []
    for lease in leases:
        mac = macs.get(lease.address)
        if mac is not None and mac != lease.mac:
            stale.append(lease)
    return stale


def _read(path: str) -> Iterator[Lease]:
    """The valid leases in a file that libvirt's helper writes for dnsmasq."""
    try:
        found = json.loads(read_file(path) or '[]')
    except ValueError:
        return
    now = time.time()
    for lease in found:
        if lease.get('expiry-time', now) < now:
            continue
        address = str(lease.get('ip-address'))
        mac = str(lease.get('mac-address'))
        yield Lease(address, mac.lower())
