# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Validation of names, descriptions, labels and sizes; interface_checks.py: of addresses.

Each function returns the problems as sentences; an empty list means that the value is valid.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, List

from .problem import Problem, invalid

HOST_NAME = re.compile(r'[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\Z')
NAME = re.compile(r'[a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?\Z')
LABEL = re.compile(r'[a-zA-Z0-9]([a-zA-Z0-9._/-]{0,61}[a-zA-Z0-9])?\Z')
GIB = 2**30
MAX_VOLUME_SIZE = 5120
MAX_REFERENCE = 255  # characters of a name in OpenStack
DEFAULT_GROUP = 'default'  # the security group of servers for which none is specified
DEFAULT_PROJECT = 'default'
RECOVERED_BY = 'hanok.cloud.recover'  # created_by of what was rebuilt and has no known creator


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


def label_problems(labels: Mapping[str, Any] | None) -> List[Problem]:
    """Check labels: keys like names (and slashes), printable values."""
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
        if not isinstance(value, str) or not value.isprintable():
            problems.append(invalid('labels', f'the value of {key} must be printable text'))
    return problems


def label_excesses(labels: Mapping[str, Any] | None, most: int) -> List[Problem]:
    """Check the length of the values of labels, in characters."""
    return [
        invalid(
            'labels', f'the value of {key} has {len(value)} characters; at most {most} are allowed'
        )
        for key, value in (labels or {}).items()
        if len(value) > most
    ]


def description_problems(text: str | None) -> List[Problem]:
    """Check a description: one line, at most 255 characters."""
    if text and (len(text) > 255 or not text.isprintable()):
        return [invalid('description', 'it must be one line of at most 255 printable characters')]
    return []


def turn_problems(max_unavailable: int) -> List[Problem]:
    """Check how many servers may be interrupted at a time."""
    if max_unavailable >= 1:
        return []
    return [invalid('max_unavailable', f'{max_unavailable} is out of range; use 1 or more')]


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
