# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Validation of names, descriptions, labels, addresses and sizes.

Each function returns the problems as sentences; an empty list means that the value is valid.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, List, Tuple

from .problem import Problem, invalid

HOST_NAME = re.compile(r'[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\Z')
NAME = re.compile(r'[a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?\Z')
LABEL = re.compile(r'[a-zA-Z0-9]([a-zA-Z0-9._/-]{0,61}[a-zA-Z0-9])?\Z')
GIB = 2**30
MAX_VOLUME_SIZE = 5120
MAX_REFERENCE = 255  # characters of a name in OpenStack
MAX_GROUPS = 3
MAX_KEYS = 20
DEFAULT_GROUP = 'default'  # the security group of servers for which none is specified


def name_problems(name: str, option: str = 'name') -> List[Problem]:
    """Check the name of what is created, but for servers: 63 letters, digits, hyphens, _, dots."""
    if NAME.match(name):
        return []
    return [
        invalid(
            option,
            f'{name!r} is not a valid name; use 1 to 63 letters, digits, hyphens, '
            'underscores and dots, beginning and ending with a letter or digit',
        )
    ]


def is_reference(name: object) -> bool:
    """Whether a text can be the name of something that others may have created."""
    return isinstance(name, str) and 1 <= len(name) <= MAX_REFERENCE and name.isprintable()


def reference_problems(name: str, option: str) -> List[Problem]:
    """Check the name of what exists elsewhere: other programs may name it in any way."""
    if is_reference(name):
        return []
    return [
        invalid(
            option, f'{name!r} is not a valid name; use 1 to {MAX_REFERENCE} printable characters'
        )
    ]


def host_name_problems(name: str, option: str = 'name') -> List[Problem]:
    """Check the name of a server, which becomes a host name (RFC 1123)."""
    if HOST_NAME.match(name):
        return []
    return [
        invalid(
            option,
            f'{name!r} is not a valid host name; use 1 to 63 letters, digits and hyphens, '
            'beginning and ending with a letter or digit',
        )
    ]


def group_problems(
    groups: Tuple[str, ...] | None, option: str = 'security_groups'
) -> List[Problem]:
    """Check the security groups of a network interface: 1 to 3 names."""
    if groups is None:
        return []
    problems = [problem for group in groups for problem in reference_problems(group, option)]
    if len(groups) > MAX_GROUPS:
        problems.append(
            invalid(
                option, f'{len(groups)} are specified; a network interface has at most {MAX_GROUPS}'
            )
        )
    if not groups:
        problems.append(
            invalid(option, 'the list is empty; specify at least one (default allows no ingress)')
        )
    return problems


def key_problems(names: Tuple[str, ...], option: str = 'key_names') -> List[Problem]:
    """Check the key pairs of a server: up to 20 names."""
    problems = [problem for name in names for problem in reference_problems(name, option)]
    if len(names) > MAX_KEYS:
        problems.append(
            invalid(option, f'{len(names)} are specified; a server has at most {MAX_KEYS}')
        )
    return problems


def label_problems(labels: Mapping[str, Any] | None) -> List[Problem]:
    """Check labels: keys like names (and slashes), values up to 255 printable characters."""
    problems = []
    for key, value in (labels or {}).items():
        if not LABEL.match(str(key)):
            problems.append(
                invalid(
                    'labels',
                    f'{key!r} is not a valid key; use 1 to 63 letters, digits, hyphens, '
                    'underscores, dots and slashes',
                )
            )
        if not isinstance(value, str) or len(value) > 255 or not value.isprintable():
            problems.append(
                invalid(
                    'labels', f'the value of {key} must be printable text of at most 255 characters'
                )
            )
    return problems


def description_problems(text: str | None) -> List[Problem]:
    """Check a description: one line, at most 255 characters."""
    if text and (len(text) > 255 or not text.isprintable()):
        return [invalid('description', 'it must be one line of at most 255 printable characters')]
    return []


def address_problems(address: str | None, option: str) -> List[Problem]:
    """Check an IPv4 address."""
    from ipaddress import IPv4Address

    try:
        IPv4Address(address or '192.0.2.1')
    except ValueError:
        return [invalid(option, f'{address!r} is not an IPv4 address')]
    return []


def mac_problems(mac: str | None, option: str) -> List[Problem]:
    """Check a unicast MAC (IEEE 802: the lowest bit of its first octet is 0), in lower case."""
    if mac is None or re.match(r'[0-9a-f][02468ace](:[0-9a-f]{2}){5}\Z', mac):
        return []
    written = _mac_of_number(mac)
    if written:
        return [
            invalid(
                option,
                f'{mac} is the number that YAML reads from {written} without quotes; '
                f"quote it: '{written}'",
            )
        ]
    return [
        invalid(
            option,
            f"{mac!r} is not a unicast MAC address; write it in the form '52:54:00:12:34:56'",
        )
    ]


def _mac_of_number(mac: str) -> str:
    """The MAC that YAML 1.1 read as a number of base 60 (yaml.org/type/int.html); '' for others."""
    if not re.match(r'[1-9][0-9]{8,10}\Z', mac):
        return ''
    number = int(mac)
    octets: List[str] = []
    for _octet in range(5):
        number, last = divmod(number, 60)
        octets.insert(0, f'{last:02d}')
    return ':'.join([str(number), *octets]) if 10 <= number <= 99 else ''


def size_problems(size: int | None, option: str) -> List[Problem]:
    """Check the size of a volume in GB (2^30 bytes): 1 to 5,120."""
    if size is not None and not 1 <= size <= MAX_VOLUME_SIZE:
        return [invalid(option, f'{size} is out of range; use 1 to {MAX_VOLUME_SIZE} (GB)')]
    return []


def length_problems(option: str, text: str | None, most: int) -> List[Problem]:
    """Check the length of a text in bytes."""
    size = len((text or '').encode())
    if size <= most:
        return []
    return [invalid(option, f'it has {size} bytes; at most {most} are allowed')]


def labels_of(raw: Mapping[Any, Any]) -> Mapping[str, str]:
    """Labels with numbers and booleans of YAML converted to text."""
    return {str(key): _label_text(value) for key, value in raw.items()}


def _label_text(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (int, float)) else value


def join_names(names: Sequence[str], limit: int = 5) -> str:
    """Names joined for a message, the number of them limited."""
    more = len(names) - limit
    return ', '.join(names[:limit]) + (f' and {more} more' if more > 0 else '')
