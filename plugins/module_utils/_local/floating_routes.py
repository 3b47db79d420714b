# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How floating addresses are led here: a route for each pool, and ARP answers on the uplinks of pools."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from functools import cached_property
from ipaddress import IPv4Network
from typing import Any, Dict, List, Set, Tuple

from .._cloud import CloudError
from .._model.checks import join_names
from .host import Host
from .kernel import device_exists, routes, write
from .netlink import proxies
from .record import read_file, write_atomically
from .settings import Pool

# floating addresses are routed to it; nothing answers behind it when the rules are gone
DEVICE = 'hanok0'
_HOLDERS = """SELECT f.address, coalesce('server ' || s.name, 'lb ' || b.name, 'port ' || p.name, '') AS holder
  FROM floating_ip f LEFT JOIN port p ON p.id = f.port_id LEFT JOIN server s ON s.id = p.server_id
  LEFT JOIN balancer b ON b.id = p.balancer_id ORDER BY f.id"""

Proxy = Tuple[str, str]  # device, address


class FloatingRoutes:
    """A function of the pools and of the floating addresses on record."""

    def __init__(self, host: Host) -> None:
        """Of this host."""
        self.host = host
        self.path = host.settings.path('datapath', 'ip.batch')

    def uplinks(self) -> List[str]:
        """The devices that pools name and that exist."""
        named = {pool.uplink for pool in self.host.pools if pool.uplink}
        return sorted(uplink for uplink in named if device_exists(uplink))

    def faults(self) -> List[str]:
        """What others may have taken away."""
        routed = {cidr for device, cidr in routes() if device == DEVICE}
        return [
            f'floating addresses {cidr} have no route'
            for cidr in self._cidrs()
            if cidr not in routed
        ]

    def idle_faults(self) -> List[str]:
        """What is wrong, unless it is just being changed by another run."""
        wanted, there = set(self._proxies()), self._ours(proxies()) if self.uplinks() else set()
        missing = {(device, address) for device, address in wanted - there if device_exists(device)}
        faults = [
            f'{device} does not answer for the floating IPs {names}'
            for device, names in _told(missing)
        ]
        faults += [
            f'{device} answers for {names}, which are given to nobody'
            for device, names in _told(there - wanted)
        ]
        if read_file(self.path) != self._batch():
            faults.append(
                'the routes of floating IPs that are kept for the next boot are not those of the record'
            )
        return faults

    def notes(self) -> List[str]:
        """What no run can mend."""
        return [*self._vanished(), *self._overlapping(), *self._dead_notes()]

    def dead(self) -> List[Any]:
        """The floating addresses that are in no pool, with who has them."""
        return [
            row for row in self.host.record.rows(_HOLDERS) if self._pool_of(row['address']) is None
        ]

    def _vanished(self) -> Iterator[str]:
        for pool in self.host.pools:
            if pool.uplink and not device_exists(pool.uplink):
                yield (
                    f'the uplink {pool.uplink} of the floating pool {pool.name} does not exist on this host: its '
                    'addresses are reached from this host only; bring the device back, or name another in '
                    'host_floating_pools of the role hanok.cloud.host'
                )

    def _overlapping(self) -> Iterator[str]:
        for pool, usable in zip(self.host.settings.pools, self.host.pools):
            for cidr in pool.addresses:
                if cidr not in usable.addresses:
                    yield (
                        f'addresses {cidr} of the floating pool {pool.name} overlap a network, and are not used; '
                        'take others in host_floating_pools of the role hanok.cloud.host'
                    )

    def _dead_notes(self) -> Iterator[str]:
        dead = [
            row['address'] + (f' ({row["holder"]})' if row['holder'] else '') for row in self.dead()
        ]
        if dead:
            yield (
                f'floating IP {join_names(dead)}: in no pool of this host any more, and nothing reaches it; put its pool back '
                '(host_floating_pools of the role hanok.cloud.host), or delete it (hanok.cloud.floating_ip with its address '
                'and state: absent)'
            )

    def apply(self, lock: int) -> None:
        """Make it so. The file comes last: it tells what an interrupted run had set."""
        if not device_exists(DEVICE):
            self._make_device()
        for uplink in self.uplinks():
            write(f'neigh/{uplink}/proxy_delay', '0')
        stale = [f'route del {cidr} dev {DEVICE}' for cidr in sorted(self._stale_routes())]
        stale += [
            f'neigh del proxy {address} dev {device}'
            for device, address in sorted(self._stale_proxies())
        ]
        lines = [*stale, f'link set {DEVICE} up', *self._lines(existing=True)]
        self.host.run(
            'ip', '-batch', '-', text=''.join(line + '\n' for line in lines), locks=[lock]
        )
        if read_file(self.path) != self._batch():
            write_atomically(self.path, self._batch())

    def _make_device(self) -> None:
        try:
            self.host.run('ip', 'link', 'add', DEVICE, 'type', 'dummy')
        except CloudError:  # a kernel without dummy: an empty bridge does
            self.host.run('ip', 'link', 'add', DEVICE, 'type', 'bridge')

    def _batch(self) -> str:
        """What a host that boots does, by ip(8) with -force: where the kernel has no dummy, the second line makes the device; else that fails."""
        lines = [
            f'link add {DEVICE} type dummy',
            f'link add {DEVICE} type bridge',
            f'link set {DEVICE} up',
        ]
        return ''.join(line + '\n' for line in (*lines, *self._lines()))

    def _lines(self, existing: bool = False) -> List[str]:
        """Routes and ARP answers; ``existing``: only on devices that exist."""
        lines = [f'route replace {cidr} dev {DEVICE}' for cidr in self._cidrs()]
        for device, address in self._proxies():
            if not existing or device_exists(device):
                lines.append(_answers(device, address))
        return lines

    def _cidrs(self) -> List[str]:
        return [str(IPv4Network(cidr)) for pool in self.host.pools for cidr in pool.addresses]

    def _proxies(self) -> List[Proxy]:
        """The pool that has an address now counts, not the one that it was taken from: pools are renamed and moved."""
        found = []
        if any(pool.uplink for pool in self.host.pools):
            for row in self.host.record.rows('SELECT address FROM floating_ip ORDER BY id'):
                pool = self._pool_of(row['address'])
                if pool and pool.uplink:
                    found.append((pool.uplink, row['address']))
        return found

    def _pool_of(self, address: str) -> Pool | None:
        value = _number(address)
        return next((pool for first, last, pool in self._spans if first <= value <= last), None)

    @cached_property
    def _spans(self) -> List[Tuple[int, int, Pool]]:
        """The first and last address of each part of a pool: asked for each floating address, at each look."""
        found = []
        for pool in self.host.pools:
            for span in map(IPv4Network, pool.addresses):
                found.append((int(span.network_address), int(span.broadcast_address), pool))
        return found

    def _ours(self, there: Iterable[Proxy]) -> Set[Proxy]:
        """Of what the host answers for: addresses of a pool, on the uplink of it. What others set elsewhere is not ours."""
        found = set()
        for device, address in there:
            pool = self._pool_of(address)
            if pool and pool.uplink == device:
                found.add((device, address))
        return found

    def _stale_routes(self) -> Set[str]:
        return {cidr for device, cidr in routes() if device == DEVICE} - set(self._cidrs())

    def _stale_proxies(self) -> Set[Proxy]:
        """Those that nobody has, and those that were set when the pools were others."""
        there = proxies()
        before = set((read_file(self.path) or '').splitlines())
        once = {proxy for proxy in there if _answers(*proxy) in before}
        return (self._ours(there) | once) - set(self._proxies())


def _number(address: str) -> int:
    return int.from_bytes(socket.inet_aton(address), 'big')


def _answers(device: str, address: str) -> str:
    return f'neigh replace proxy {address} dev {device}'


def _told(found: Iterable[Proxy]) -> List[Tuple[str, str]]:
    """By device: the addresses, in words."""
    of: Dict[str, List[str]] = {}
    for device, address in sorted(found):
        of.setdefault(device, []).append(address)
    return [(device, join_names(names)) for device, names in of.items()]
