# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Devices, routes and settings, read from files of the kernel: no process is started."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import List, Set, Tuple

_UP = 1  # IFF_UP
OURS = re.compile('hk[pt]?[0-9]+$|hanok0$')


def device_exists(device: str) -> bool:
    """Whether a network device exists."""
    return os.path.isdir(f'/sys/class/net/{device}')


def is_bridge(device: str) -> bool:
    """Whether a network device is a bridge of the kernel."""
    return os.path.isdir(f'/sys/class/net/{device}/bridge')


def devices() -> List[str]:
    """The network devices of this host, without ours and the loopback."""
    return sorted(
        name for name in os.listdir('/sys/class/net') if name != 'lo' and not OURS.match(name)
    )


def is_up(device: str) -> bool:
    """Whether a device is administratively up."""
    try:
        with open(f'/sys/class/net/{device}/flags', encoding='ascii') as file:
            return bool(int(file.read(), 16) & _UP)
    except (OSError, ValueError):
        return False


def read_sysctl(key: str) -> str:
    """A setting under net.ipv4; empty if it does not exist."""
    try:
        with open(f'/proc/sys/net/ipv4/{key}', encoding='ascii') as file:
            return file.read().strip()
    except OSError:
        return ''


def write_sysctl(key: str, value: str) -> None:
    """Set a setting under net.ipv4, if it exists and differs."""
    path = f'/proc/sys/net/ipv4/{key}'
    if os.path.exists(path) and read_sysctl(key) != value:
        with open(path, 'w', encoding='ascii') as file:
            file.write(value)


def routes() -> List[Tuple[str, str]]:
    """The IPv4 routes of the main table: (device, CIDR), without default routes."""
    found = []
    for device, target, _gateway, mask in _table():
        if mask:
            found.append((device, f'{_dotted(target)}/{bin(mask).count("1")}'))
    return found


def gateways() -> Set[Tuple[str, str]]:
    """The gateways of the IPv4 routes: (device, address)."""
    return {(device, _dotted(gateway)) for device, _target, gateway, _mask in _table() if gateway}


def _table() -> Iterator[Tuple[str, int, int, int]]:
    """Yield the device, target, gateway and mask of each route."""
    with open('/proc/net/route', encoding='ascii') as file:
        for line in file.readlines()[1:]:
            words = line.split()
            target, gateway, mask = (
                int.from_bytes(bytes.fromhex(words[column]), 'little') for column in (1, 2, 7)
            )
            yield words[0], target, gateway, mask


def _dotted(address: int) -> str:
    return '.'.join(str(address >> shift & 255) for shift in (24, 16, 8, 0))
