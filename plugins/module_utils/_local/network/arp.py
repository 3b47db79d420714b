# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ARP probes (RFC 826, arping): whether a guest without a guest agent has an address."""

from __future__ import annotations

import socket
import struct
import time

_ETHERTYPE = 0x0806
# hardware, protocol, their lengths, operation, sender's MAC and address, target's
_FORMAT = '!HHBBH6s4s6s4s'
_REQUEST = 1
_REPLY = 2
_ETHERNET = 1
_IPV4 = 0x0800
_HEADER = 14  # bytes of an Ethernet header


def has_address(
    device: str,
    own: str,
    mac: str,
    address: str,
    seconds: float = 1.0,
) -> bool:
    """Whether the interface with this MAC replies for an address on a bridge of the host.

    ``own``: the host's address on the bridge. Raises OSError.
    """
    deadline = time.monotonic() + seconds
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETHERTYPE)) as wire:
        wire.bind((device, _ETHERTYPE))
        own_mac: bytes = wire.getsockname()[4]
        target_mac = bytes.fromhex(mac.replace(':', ''))
        target = socket.inet_aton(address)
        ipv4_over_ethernet = (_ETHERNET, _IPV4, 6, 4)
        request = struct.pack(
            _FORMAT,
            *ipv4_over_ethernet,
            _REQUEST,
            own_mac,
            socket.inet_aton(own),
            bytes(6),
            target,
        )
        wire.send(b'\xff' * 6 + own_mac + struct.pack('!H', _ETHERTYPE) + request)
        while (left := deadline - time.monotonic()) > 0:
            wire.settimeout(left)
            try:
                frame = wire.recv(2048)
            except socket.timeout:
                return False
            if _is_reply(frame, target_mac, target):
                return True
    return False


def _is_reply(frame: bytes, mac: bytes, address: bytes) -> bool:
    if len(frame) < _HEADER + struct.calcsize(_FORMAT):
        return False
    *kind, operation, sender, sender_address, _target, _target_address = struct.unpack_from(
        _FORMAT, frame, _HEADER
    )
    return (
        kind == [_ETHERNET, _IPV4, 6, 4]
        and operation == _REPLY
        and (sender, sender_address) == (mac, address)
    )
