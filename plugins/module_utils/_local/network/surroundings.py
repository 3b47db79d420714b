# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the host reaches outside of this cloud, which a new network must not hide.

These are its routes, gateways, nameservers and the clients that are logged in by SSH.
"""

from __future__ import annotations

import contextlib
import glob
import re
import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import Dict, Set, Tuple

from ..._model.network import Route, Surroundings
from ..host.kernel import OURS, gateways, routes
from ..host.netlink import addresses

# systemd-resolved lists itself in the first file, and its upstream servers in the second.
_RESOLVERS = ('/etc/resolv.conf', '/run/systemd/resolve/resolv.conf')
_NAMESERVER = re.compile(r'^\s*nameserver\s+([0-9.]+)\s*$', re.MULTILINE)
_SIZE_LIMIT = 1 << 20  # characters of a file
_PORT = re.compile(r'^\s*Port\s+([0-9]{1,5})\s*$', re.MULTILINE | re.IGNORECASE)
_ESTABLISHED = '01'  # TCP_ESTABLISHED


def surroundings() -> Surroundings:
    """Return the surroundings of this host, without our own devices."""
    hosts: Dict[str, str] = {}
    hosts.update(dict.fromkeys(_ssh_peers(), 'a client logged in to this host by SSH'))
    for device, address in gateways():
        if not OURS.match(device):
            hosts[address] = f'a gateway of this host on {device}'
    hosts.update(dict.fromkeys(_nameservers(), 'a nameserver of this host'))
    return Surroundings(
        tuple(_routes()),
        {
            address: label
            for address, label in hosts.items()
            if not IPv4Address(address).is_loopback
        },
    )


def _routes() -> Iterator[Route]:
    own = {(device, str(IPv4Network(address, strict=False))) for device, address in addresses()}
    for device, cidr in sorted(set(routes())):
        if not OURS.match(device):
            yield Route(cidr, device, (device, cidr) in own)


def _nameservers() -> Set[str]:
    found = set()
    for path in _RESOLVERS:
        for text in _NAMESERVER.findall(_text(path)):
            with contextlib.suppress(ValueError):
                found.add(str(IPv4Address(text)))
    return found


def _ssh_peers() -> Set[str]:
    """The IPv4 peers of connections to sshd, also where it listens on a dual-stack socket."""
    found: Set[str] = set()
    ports = _ssh_ports()
    for path in ('/proc/net/tcp', '/proc/net/tcp6'):
        for line in _text(path).splitlines()[1:]:
            words = line.split()
            if (
                len(words) > 3
                and words[3] == _ESTABLISHED
                and int(words[1].rpartition(':')[2], 16) in ports
            ):
                found.update(_ipv4(words[2].partition(':')[0]))
    return found


def _ssh_ports() -> Set[int]:
    paths = ['/etc/ssh/sshd_config', *glob.glob('/etc/ssh/sshd_config.d/*.conf')]
    return {22, *(int(port) for path in paths for port in _PORT.findall(_text(path)))}


def _ipv4(text: str) -> Tuple[str, ...]:
    """Parse an address as the kernel writes it, in 32-bit words of native byte order.

    Empty for IPv6 addresses that are not IPv4-mapped.
    """
    words = [
        int(text[start : start + 8], 16).to_bytes(4, 'little') for start in range(0, len(text), 8)
    ]
    if len(words) == 4 and words[:3] != [bytes(4), bytes(4), b'\0\0\xff\xff']:
        return ()
    return (socket.inet_ntoa(words[-1]),)


def _text(path: str) -> str:
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            return file.read(_SIZE_LIMIT)
    except OSError:
        return ''
