# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether somebody has an address, asked on the wire (RFC 826, arping): for guests that cannot be asked otherwise."""

from __future__ import annotations

import socket
import struct
import time

_ETHERTYPE = 0x0806
# hardware, protocol, their lengths, operation, sender's MAC and address, target's
_FORM = '!HHBBH6s4s6s4s'
_REQUEST, _REPLY = 1, 2
_ETHERNET, _IPV4 = 1, 0x0800
_HEAD = 14  # bytes of an Ethernet header


def has_address(device: str, own: str, mac: str, address: str, seconds: float = 1.0) -> bool:
    """Whether the device with this MAC answers for an address on a bridge of the host; ``own``: the host's address there. Raises OSError."""
    until = time.monotonic() + seconds
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETHERTYPE)) as wire:
        wire.bind((device, _ETHERTYPE))
        here: bytes = wire.getsockname()[4]
        there = bytes.fromhex(mac.replace(':', ''))
        question = struct.pack(
            _FORM,
            _ETHERNET,
            _IPV4,
            6,
            4,
            _REQUEST,
            here,
            socket.inet_aton(own),
            bytes(6),
            socket.inet_aton(address),
        )
        wire.send(b'\xff' * 6 + here + struct.pack('!H', _ETHERTYPE) + question)
        while (left := until - time.monotonic()) > 0:
            wire.settimeout(left)
            try:
                frame = wire.recv(2048)
            except socket.timeout:
                return False
            if _answers(frame, there, socket.inet_aton(address)):
                return True
    return False


def _answers(frame: bytes, mac: bytes, address: bytes) -> bool:
    if len(frame) < _HEAD + struct.calcsize(_FORM):
        return False
    *kind, operation, sender, sender_address, _target, _target_address = struct.unpack_from(
        _FORM, frame, _HEAD
    )
    return (kind, operation, sender, sender_address) == (
        [_ETHERNET, _IPV4, 6, 4],
        _REPLY,
        mac,
        address,
    )
