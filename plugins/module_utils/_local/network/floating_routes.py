# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Routes and ARP proxies for floating addresses.

The host has a route for each pool, and answers ARP for floating addresses on the uplinks of pools.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from functools import cached_property
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Dict, List, Set, Tuple

from ..._model.checks import join_names
from ..host import netlink
from ..host.devices import FLOATING_DEVICE, proxy_line
from ..host.files import read_file
from ..host.kernel import device_exists, routes
from ..host.settings import Pool
from ..record.database import Query
from ..record.host import Host

if TYPE_CHECKING:
    from ..record.projection import Look
    from .row_types import Address, FloatingUser

_USERS: Query[FloatingUser] = Query("""SELECT f.address,
  coalesce('server ' || s.name, 'lb ' || b.name, 'port ' || p.name, '') AS user
  FROM main.floating_ip f LEFT JOIN main.port p ON p.id = f.port_id
  LEFT JOIN main.server s ON s.id = p.server_id
  LEFT JOIN main.balancer b ON b.id = p.balancer_id ORDER BY f.id""")
_ADDRESSES: Query[Address] = Query('SELECT address FROM main.floating_ip ORDER BY id')

Proxy = Tuple[str, str]  # device, address


def uplinks(pools: Iterable[Pool]) -> List[str]:
    """The uplinks of pools that exist on this host."""
    named = {pool.uplink for pool in pools if pool.uplink}
    return sorted(uplink for uplink in named if device_exists(uplink))


class FloatingRoutes:
    """A projection of the pools and of the floating addresses on record."""

    def __init__(self, host: Host) -> None:
        """Project the record and the pools of ``host``."""
        self.host = host
        self.path = host.settings.path('datapath', 'ip.batch')

    def faults(self, look: Look) -> List[str]:
        """Return what is missing, and what is left over."""
        routed = self.routed()
        faults = [
            f'floating addresses {cidr} have no route'
            for cidr in self.cidrs()
            if cidr not in routed
        ]
        return faults if look.since is not None else [*faults, *self._idle_faults()]

    def _idle_faults(self) -> List[str]:
        """Faults that are meaningful only while no other run is changing something."""
        desired = set(self.proxies())
        existing = self.own_proxies(netlink.proxies()) if uplinks(self.host.pools) else set()
        missing = {proxy for proxy in desired - existing if device_exists(proxy[0])}
        faults = [
            f'{device} does not answer ARP for the floating IPs {addresses}'
            for device, addresses in _by_device(missing)
        ]
        faults += [
            f'{device} answers ARP for {addresses}, which are not allocated'
            for device, addresses in _by_device(existing - desired)
        ]
        if read_file(self.path) != self.batch():
            faults.append(
                'the routes of floating IPs saved for the next boot do not match the record'
            )
        return faults

    def notes(self) -> List[str]:
        """Warnings about faults that no run can repair."""
        return [*self._missing_uplinks(), *self._overlaps(), *self._unreachable()]

    def outside_pools(self) -> List[FloatingUser]:
        """Rows (address, user) of the floating addresses that are in no pool."""
        return [
            row for row in self.host.record.rows(_USERS) if self._pool_of(row['address']) is None
        ]

    def _missing_uplinks(self) -> Iterator[str]:
        for pool in self.host.pools:
            if pool.uplink and not device_exists(pool.uplink):
                yield (
                    f'the uplink {pool.uplink} of the floating pool {pool.name} does not exist on '
                    'this host: its addresses are reachable from this host only; restore the '
                    'device, or set another in host_floating_pools of the role hanok.cloud.host'
                )

    def _overlaps(self) -> Iterator[str]:
        for pool, usable in zip(self.host.settings.pools, self.host.pools):
            for cidr in pool.addresses:
                if cidr not in usable.addresses:
                    yield (
                        f'addresses {cidr} of the floating pool {pool.name} overlap a network and '
                        'are not used; set others in host_floating_pools of the role '
                        'hanok.cloud.host'
                    )

    def _unreachable(self) -> Iterator[str]:
        addresses = []
        for row in self.outside_pools():
            user = f' ({row["user"]})' if row['user'] else ''
            addresses.append(f'{row["address"]}{user}')
        if addresses:
            yield (
                f'floating IP {join_names(addresses)}: no longer in a pool of this host, and '
                'unreachable; restore its pool (host_floating_pools of the role hanok.cloud.host), '
                'or delete it (hanok.cloud.floating_ip with its address and state: absent)'
            )

    def write(self, lock: int) -> None:
        """Set routes and proxies."""
        from .floating_routes_writer import write

        write(self, lock)

    def batch(self) -> str:
        """The commands that ip(8) runs with -force when the host boots.

        The second line creates the device where the kernel has no dummy devices, and fails
        otherwise.
        """
        lines = [
            f'link add {FLOATING_DEVICE} type dummy',
            f'link add {FLOATING_DEVICE} type bridge',
            f'link set {FLOATING_DEVICE} up',
        ]
        return ''.join(line + '\n' for line in (*lines, *self.lines()))

    def lines(self, existing: bool = False) -> List[str]:
        """Routes and ARP proxies; ``existing``: only on devices that exist."""
        lines = [f'route replace {cidr} dev {FLOATING_DEVICE}' for cidr in self.cidrs()]
        for device, address in self.proxies():
            if not existing or device_exists(device):
                lines.append(proxy_line(device, address))
        return lines

    def cidrs(self) -> List[str]:
        """The CIDRs that are to be routed."""
        return [str(IPv4Network(cidr)) for pool in self.host.pools for cidr in pool.addresses]

    def routed(self) -> Set[str]:
        """The CIDRs that are routed."""
        return {cidr for device, cidr in routes() if device == FLOATING_DEVICE}

    def proxies(self) -> List[Proxy]:
        """The desired proxies.

        The current pool of an address counts, not the one it was allocated from: pools are renamed
        and moved.
        """
        found = []
        if any(pool.uplink for pool in self.host.pools):
            for row in self.host.record.rows(_ADDRESSES):
                pool = self._pool_of(row['address'])
                if pool and pool.uplink:
                    found.append((pool.uplink, row['address']))
        return found

    def _pool_of(self, address: str) -> Pool | None:
        value = _as_integer(address)
        return next((pool for first, last, pool in self._spans if first <= value <= last), None)

    @cached_property
    def _spans(self) -> List[Tuple[int, int, Pool]]:
        """The first and last address of each CIDR; cached, each floating address needs them."""
        found = []
        for pool in self.host.pools:
            for span in map(IPv4Network, pool.addresses):
                found.append((int(span.network_address), int(span.broadcast_address), pool))
        return found

    def own_proxies(self, existing: Iterable[Proxy]) -> Set[Proxy]:
        """The proxies for addresses of a pool on its uplink; others do not belong to this cloud."""
        found = set()
        for device, address in existing:
            pool = self._pool_of(address)
            if pool and pool.uplink == device:
                found.add((device, address))
        return found


def _as_integer(address: str) -> int:
    return int.from_bytes(socket.inet_aton(address), 'big')


def _by_device(found: Iterable[Proxy]) -> List[Tuple[str, str]]:
    """Devices, each with its addresses as text."""
    addresses: Dict[str, List[str]] = {}
    for device, address in sorted(found):
        addresses.setdefault(device, []).append(address)
    return [(device, join_names(of_device)) for device, of_device in addresses.items()]
