# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a name, a description, a label or a size may be. Each check returns what is wrong, as sentences; none is good."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, List, Tuple

HOST_NAME = re.compile(r'[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\Z')
NAME = re.compile(r'[a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?\Z')
LABEL = re.compile(r'[a-zA-Z0-9]([a-zA-Z0-9._/-]{0,61}[a-zA-Z0-9])?\Z')
GIB = 2**30
MAX_VOLUME_SIZE = 5120
MAX_GROUPS = 3
MAX_KEYS = 20
DEFAULT_GROUP = 'default'  # the security group of servers for which none is named


def name_problems(name: str, option: str = 'name') -> List[str]:
    """Check the name of anything but a server: letters, digits, hyphen, underscore and dot, 1 to 63 of them."""
    if NAME.match(name):
        return []
    return [
        f'{option}: {name!r} is not a name; use 1 to 63 letters, digits, hyphens, underscores and dots, a letter or digit first and last'
    ]


def host_name_problems(name: str, option: str = 'name') -> List[str]:
    """Check the name of a server: it becomes a host name (RFC 1123), so letters, digits and hyphens only."""
    if HOST_NAME.match(name):
        return []
    return [
        f'{option}: {name!r} is not a host name; use 1 to 63 letters, digits and hyphens, a letter or digit first and last'
    ]


def group_problems(groups: Tuple[str, ...] | None, option: str = 'security_groups') -> List[str]:
    """Check the groups of a network interface: 1 to 3 names."""
    if groups is None:
        return []
    problems = [problem for group in groups for problem in name_problems(group, option)]
    if len(groups) > MAX_GROUPS:
        problems.append(
            f'{option}: {len(groups)} are named; a network interface has at most {MAX_GROUPS}'
        )
    if not groups:
        problems.append(f'{option}: name one at least; default lets nothing in')
    return problems


def key_problems(names: Tuple[str, ...], option: str = 'key_names') -> List[str]:
    """Check the key pairs of a server: up to 20 names."""
    problems = [problem for name in names for problem in name_problems(name, option)]
    if len(names) > MAX_KEYS:
        problems.append(f'{option}: {len(names)} are named; a server has at most {MAX_KEYS}')
    return problems


def label_problems(labels: Mapping[str, Any] | None) -> List[str]:
    """Check labels: keys like names (and slashes), values up to 255 printable characters."""
    problems = []
    for key, value in (labels or {}).items():
        if not LABEL.match(str(key)):
            problems.append(
                f'labels: {key!r} is not a label; use 1 to 63 letters, digits, hyphens, underscores, dots and slashes'
            )
        if not isinstance(value, str) or len(value) > 255 or not value.isprintable():
            problems.append(
                f'labels: the value of {key} must be printable text of at most 255 characters'
            )
    return problems


def description_problems(text: str | None) -> List[str]:
    """Check a description: one line, at most 255 characters."""
    if text and (len(text) > 255 or not text.isprintable()):
        return ['description: give one line of at most 255 printable characters']
    return []


def address_problems(address: str | None, option: str) -> List[str]:
    """Check an IPv4 address."""
    from ipaddress import IPv4Address

    try:
        IPv4Address(address or '192.0.2.1')
    except ValueError:
        return [f'{option}: {address!r} is not an IPv4 address']
    return []


def mac_problems(mac: str | None, option: str) -> List[str]:
    """Check the MAC of a machine: a unicast one (IEEE 802: the lowest bit of its first octet is 0), in lower case."""
    if mac is None or re.match(r'[0-9a-f][02468ace](:[0-9a-f]{2}){5}\Z', mac):
        return []
    written = _as_written(mac)
    if written:
        return [
            f"{option}: {mac} is what YAML makes of {written} without quotes, a number; quote it: '{written}'"
        ]
    return [f"{option}: {mac!r} is not the MAC of a machine; write it like '52:54:00:12:34:56'"]


def _as_written(mac: str) -> str:
    """The MAC that YAML 1.1 read as a number of base 60 (yaml.org/type/int.html); empty: it is not such a number."""
    if not re.match(r'[1-9][0-9]{8,10}\Z', mac):
        return ''
    number = int(mac)
    octets: List[str] = []
    for _octet in range(5):
        number, last = divmod(number, 60)
        octets.insert(0, f'{last:02d}')
    return ':'.join([str(number), *octets]) if 10 <= number <= 99 else ''


def size_problems(size: int | None, option: str) -> List[str]:
    """Check the size of a volume in GB (2^30 bytes): 1 to 5,120."""
    if size is not None and not 1 <= size <= MAX_VOLUME_SIZE:
        return [f'{option}: {size} is not a size; give 1 to {MAX_VOLUME_SIZE} (GB)']
    return []


def labels_of(raw: Mapping[Any, Any]) -> Mapping[str, str]:
    """Labels as the user means them: numbers and booleans in YAML become their text."""
    return {
        str(key): str(value).lower()
        if isinstance(value, bool)
        else str(value)
        if isinstance(value, (int, float))
        else value
        for key, value in raw.items()
    }


def join_names(names: Sequence[str], most: int = 5) -> str:
    """Names in a sentence, bounded in number."""
    more = len(names) - most
    return ', '.join(names[:most]) + (f' and {more} more' if more > 0 else '')
