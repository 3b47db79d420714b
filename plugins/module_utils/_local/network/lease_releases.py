# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Releasing DHCP leases of addresses that have another MAC by now."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable

from ..host.devices import bridge_name
from ..record.host import Host
from ..record.work import wait_until
from .leases import Lease, stale_leases

_TIMEOUT = 2.0  # seconds until libvirt's helper has written that a lease is released


def release_leases(
    host: Host,
    folder: str,
    network: int,
    gateway: str,
) -> None:
    """Release these leases as their holders would, and wait until libvirt's file says so.

    An interrupted run leaves the lease, which the next one finds.
    """
    leases = stale_leases(host, folder, network)
    if leases:
        _send(network, gateway, leases)
        wait_until(lambda: not stale_leases(host, folder, network), _TIMEOUT, 0.02)


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
