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
from typing import Dict, List, Set, Tuple

from ..._model.network import Route, Surroundings
from ..host.kernel import OURS, gateways, routes
from ..host.netlink import addresses

# systemd-resolved lists itself in the first file, and its upstream servers in the second.
_RESOLVERS = ('/etc/resolv.conf', '/run/systemd/resolve/resolv.conf')
_NAMESERVER = re.compile(r'^\s*nameserver\s+([0-9.]+)\s*$', re.MULTILINE)
_SIZE_LIMIT = 1 << 20  # characters of a file
_PORT = re.compile(r'^\s*Port\s+([0-9]{1,5})\s*$', re.MULTILINE | re.IGNORECASE)
_ESTABLISHED = '01'  # TCP_ESTABLISHED
_MAPPED = [bytes(4), bytes(4), b'\0\0\xff\xff']  # what precedes IPv4 in an IPv6 address


def surroundings() -> Surroundings:
    """Return the surroundings of this host, without our own devices."""
    hosts: Dict[str, str] = {}
    for address in _ssh_peers():
        hosts[address] = 'a client logged in to this host by SSH'
    for device, address in gateways():
        if not OURS.match(device):
            hosts[address] = f'a gateway of this host on {device}'
    for address in _nameservers():
        hosts[address] = 'a nameserver of this host'
    for address in list(hosts):
        if IPv4Address(address).is_loopback:
            del hosts[address]
    return Surroundings(tuple(_routes()), hosts)


def _routes() -> Iterator[Route]:
    own: Set[Tuple[str, str]] = set()
    for device, address in addresses():
        network = IPv4Network(address, strict=False)
        own.add((device, str(network)))
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
            if len(words) < 4 or words[3] != _ESTABLISHED:
                continue
            _address, _colon, port = words[1].rpartition(':')
            if int(port, 16) in ports:
                peer = words[2].partition(':')[0]
                found.update(_ipv4(peer))
    return found


def _ssh_ports() -> Set[int]:
    ports = {22}
    for path in ('/etc/ssh/sshd_config', *glob.glob('/etc/ssh/sshd_config.d/*.conf')):
        ports.update(map(int, _PORT.findall(_text(path))))
    return ports


def _ipv4(text: str) -> Tuple[str, ...]:
    """Parse an address as the kernel writes it, in 32-bit words of native byte order.

    Empty for IPv6 addresses that are not IPv4-mapped.
    """
    words: List[bytes] = []
    for start in range(0, len(text), 8):
        word = int(text[start : start + 8], 16)
        words.append(word.to_bytes(4, 'little'))
    is_ipv6 = len(words) == 4
    if is_ipv6 and words[:3] != _MAPPED:
        return ()
    return (socket.inet_ntoa(words[-1]),)


def _text(path: str) -> str:
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            return file.read(_SIZE_LIMIT)
    except OSError:
        return ''
