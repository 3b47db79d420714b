# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Addresses, ARP proxies and default routes, queried from the kernel by rtnetlink(7)."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import Set, Tuple

_HEADER = 'IHHII'  # struct nlmsghdr: length, type, flags, sequence, port
_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_ERROR, _DONE = 2, 3  # NLMSG_ERROR, NLMSG_DONE
_GET_ADDRESSES, _GET_ROUTES, _GET_NEIGHBOURS = 22, 26, 30  # RTM_GETADDR, RTM_GETROUTE, RTM_GETNEIGH
_ADDRESS = 'BBBBi'  # struct ifaddrmsg: family, prefix, flags, scope, device
_NEIGHBOUR = 'BxxxiHBB'  # struct ndmsg: family, device, state, flags, type
# struct rtmsg: family, target prefix, source prefix, tos, table, protocol, scope, type, flags
_ROUTE = 'BBBBBBBBI'
_NEXT_HOP = 'HBBi'  # struct rtnexthop: length, flags, hops, device
_UNICAST = 1
_RTA_OIF = 4
_RTA_MULTIPATH = 9
_PROXY = 8  # NTF_PROXY
_IFA_LOCAL = 2
_NDA_DST = 1
_BUFFER = 1 << 18  # a part of a dump is at most 32 KiB


def addresses() -> Set[Tuple[str, str]]:
    """The IPv4 addresses of this host: (device, address/prefix)."""
    found = set()
    requested = struct.pack(_ADDRESS, socket.AF_INET, 0, 0, 0, 0)
    for body in _dump(_GET_ADDRESSES, requested):
        _family, prefix, _flags, _scope, index = struct.unpack_from(_ADDRESS, body)
        attributes = body[struct.calcsize(_ADDRESS) :]
        address = _attribute(attributes, _IFA_LOCAL)
        if len(address) == 4:
            text = socket.inet_ntoa(address)
            found.add((_device(index), f'{text}/{prefix}'))
    return found


def proxies() -> Set[Tuple[str, str]]:
    """The IPv4 addresses for which this host answers ARP: (device, address)."""
    found = set()
    requested = struct.pack(_NEIGHBOUR, socket.AF_INET, 0, 0, _PROXY, 0)
    for body in _dump(_GET_NEIGHBOURS, requested):
        _family, index, _state, flags, _type = struct.unpack_from(_NEIGHBOUR, body)
        attributes = body[struct.calcsize(_NEIGHBOUR) :]
        address = _attribute(attributes, _NDA_DST)
        if flags & _PROXY and len(address) == 4:
            found.add((_device(index), socket.inet_ntoa(address)))
    return found


def default_devices() -> Set[str]:
    """The devices of all default routes, in any table, with all next hops of multipath routes."""
    indexes: Set[int] = set()
    requested = struct.pack(_ROUTE, socket.AF_INET, 0, 0, 0, 0, 0, 0, 0, 0)
    for body in _dump(_GET_ROUTES, requested):
        prefix = body[1]
        kind = body[7]
        if prefix or kind != _UNICAST:
            continue
        attributes = body[struct.calcsize(_ROUTE) :]
        output = _attribute(attributes, _RTA_OIF)
        if len(output) == 4:
            (index,) = struct.unpack('i', output)
            indexes.add(int(index))
        hops = _attribute(attributes, _RTA_MULTIPATH)
        indexes.update(_next_hops(hops))
    names = {_device(index) for index in indexes}
    return {name for name in names if _may_lead_outside(name)}


def _may_lead_outside(device: str) -> bool:
    """Whether a device exists, and is neither one of ours nor the loopback one."""
    return device not in ('', 'lo') and not device.startswith('hk')


def _next_hops(part: bytes) -> Iterator[int]:
    while len(part) >= struct.calcsize(_NEXT_HOP):
        length, _flags, _hops, index = struct.unpack_from(_NEXT_HOP, part)
        yield int(index)
        part = part[max(8, _aligned(length)) :]


def _device(index: int) -> str:
    try:
        return socket.if_indextoname(index)
    except OSError:  # removed meanwhile
        return ''


def _dump(requested: int, body: bytes) -> Iterator[bytes]:
    """Yield the bodies of the kernel's messages. Raises OSError."""
    length = struct.calcsize(_HEADER) + len(body)
    header = struct.pack(_HEADER, length, requested, _DUMP, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.bind((0, 0))
        kernel.send(header + body)
        while True:
            answer = kernel.recv(_BUFFER)
            for kind, message in _messages(answer):
                if kind == _DONE:
                    return
                if kind == _ERROR:
                    code = -struct.unpack_from('i', message)[0]
                    raise OSError(code, f'netlink request {requested} failed')
                yield message


def _messages(part: bytes) -> Iterator[Tuple[int, bytes]]:
    start = struct.calcsize(_HEADER)
    while len(part) >= start:
        length, kind, _flags, _sequence, _port = struct.unpack_from(_HEADER, part)
        yield kind, part[start:length]
        part = part[_aligned(length) :]


def _aligned(length: int) -> int:
    """The length with the padding that follows: messages and attributes begin at multiples of 4."""
    return (length + 3) & ~3


def _attribute(attributes: bytes, attribute: int) -> bytes:
    """The value of an attribute; empty if it does not exist."""
    while len(attributes) >= 4:
        length, kind = struct.unpack_from('HH', attributes)
        if kind == attribute:
            return attributes[4:length]
        attributes = attributes[max(4, _aligned(length)) :]
    return b''
