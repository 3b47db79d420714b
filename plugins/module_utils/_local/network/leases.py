# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""DHCP leases of addresses that have another MAC by now: dnsmasq offers these to no other MAC."""

from __future__ import annotations

import json
import os
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from typing import List, NamedTuple

from ..host.devices import bridge_name
from ..host.files import read_file
from ..record.host import Host, wait_until

_PORTS = 'SELECT address, mac FROM main.port WHERE network_id = ?'
_TIMEOUT = 2.0  # seconds until libvirt's helper has written that a lease is released


class Lease(NamedTuple):
    """An address that dnsmasq keeps for a MAC."""

    address: str
    mac: str


def stale_leases(host: Host, folder: str, network: int) -> List[Lease]:
    """The leases of addresses that belong to ports with other MACs.

    A lease of an address that no port has is in nobody's way, and expires.
    """
    leases = list(_read(os.path.join(folder, f'{bridge_name(network)}.status')))
    if not leases:
        return []
    macs = {row['address']: row['mac'] for row in host.record.rows(_PORTS, network)}
    return [lease for lease in leases if macs.get(lease.address, lease.mac) != lease.mac]


def release_leases(host: Host, folder: str, network: int, gateway: str) -> None:
    """Release these leases as their holders would, and wait until libvirt's file says so.

    An interrupted run leaves the lease, which the next one finds.
    """
    leases = stale_leases(host, folder, network)
    if leases:
        _send(network, gateway, leases)
        wait_until(lambda: not stale_leases(host, folder, network), _TIMEOUT, 0.02)


def _read(path: str) -> Iterator[Lease]:
    """The valid leases in a file that libvirt's helper writes for dnsmasq."""
    try:
        found = json.loads(read_file(path) or '[]')
    except ValueError:
        return
    now = time.time()
    for lease in found:
        if lease.get('expiry-time', now) >= now:
            yield Lease(str(lease.get('ip-address')), str(lease.get('mac-address')).lower())


def _send(network: int, gateway: str, leases: Iterable[Lease]) -> None:
    """Send a DHCPRELEASE for each lease; bound to the bridge, it arrives as if from a guest."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        try:
            bridge = bridge_name(network).encode()
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, bridge)
            for lease in leases:
                sender.sendto(release_message(lease, gateway), (gateway, 67))
        except OSError:
            pass  # the network is down: when it is started, the next run finds the lease


def release_message(lease: Lease, server: str) -> bytes:
    """A DHCPRELEASE (RFC 2131, RFC 2132) of an Ethernet device."""
    message = struct.pack(
        '!4B I 2H 4s 12x 16s 192x 4s',
        *(1, 1, 6, 0),  # BOOTREQUEST, Ethernet, length of a MAC, hops
        int.from_bytes(os.urandom(4), 'big'),
        *(0, 0),  # seconds, flags
        socket.inet_aton(lease.address),
        bytes.fromhex(lease.mac.replace(':', '')),
        b'\x63\x82\x53\x63',
    )
    options = bytes((53, 1, 7, 54, 4)) + socket.inet_aton(server) + b'\xff'
    return (message + options).ljust(300, b'\0')
