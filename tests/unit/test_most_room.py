# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter that picks the host with the most room."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.hanok.cloud.plugins.filter.most_room import FilterModule

most_room = FilterModule().filters()['most_room']


def capacity(fits: int | None, free: int = 0) -> dict[str, Any]:
    """What capacity_info returns of a host."""
    return {'fits': {'g1.small': fits}, 'memory': {'free': free}}


@pytest.mark.parametrize(
    ('capacities', 'count', 'expected'),
    [
        ({'a': capacity(1), 'b': capacity(3), 'c': capacity(0)}, 1, ['b', 'a']),
        ({'a': capacity(1), 'b': capacity(3), 'c': capacity(0)}, 2, ['b']),
        ({'b': capacity(2, 8), 'a': capacity(2, 8), 'c': capacity(2, 9)}, 2, ['c', 'a', 'b']),
        ({'a': capacity(9), 'b': capacity(None)}, 99, ['b']),
        ({'a': capacity(1), 'b': None}, 1, ['a']),
        ({'a': {'fits': {'g1.small': 1}, 'memory': None}}, 1, ['a']),
    ],
)
def test_order(capacities: dict[str, Any], count: int, expected: list[str]) -> None:
    """Most servers first, then most free memory, then by name; what is too small is left out."""
    assert most_room(capacities, 'g1.small', count) == expected


@pytest.mark.parametrize(
    ('capacities', 'message'),
    [
        ({'a': capacity(1), 'b': capacity(0)}, 'no host has room for 2 servers of flavor g1.small'),
        ({'a': capacity(1), 'b': capacity(0)}, 'a for 1, b for 0'),
        ({'a': None}, 'no host was asked'),
        ({}, 'no host was asked'),
        ({'a': {'fits': {'g1.nano': 1}}}, 'a has no flavor g1.small (it has g1.nano)'),
        ({'a': {}}, 'a: this is no capacity of capacity_info'),
        ({'a': 'x'}, 'a: this is no capacity of capacity_info'),
        (['a'], 'give the capacity of each host, by its name'),
    ],
)
def test_errors(capacities: Any, message: str) -> None:
    """They say what is missing, and where."""
    with pytest.raises(AnsibleFilterError, match='most_room: ') as raised:
        most_room(capacities, 'g1.small', 2)
    assert message in str(raised.value)
