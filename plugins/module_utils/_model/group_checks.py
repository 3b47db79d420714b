# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of requests for groups of servers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, List

from .checks import host_name_problems
from .problem import Problem, invalid

if TYPE_CHECKING:
    from .nic_request import NicRequest

MAX_MEMBERS = 500


def count_problems(
    count: int, last: str, networks: Sequence[NicRequest], floating_ip: str | None
) -> List[Problem]:
    """Check the number of members, and that they can share what is requested.

    ``last``: the name of the last member, the longest one.
    """
    problems: List[Problem] = []
    if not 0 <= count <= MAX_MEMBERS:
        problems.append(invalid('count', f'{count} is out of range; use 0 to {MAX_MEMBERS}'))
    elif count:
        problems += [
            Problem(problem, 'count', 'invalid')
            for problem in host_name_problems(last, 'name of the last member')
        ]
    if count > 1:
        problems += [
            Problem(
                f'{value} can be used by only one server, but count is {count}',
                'count',
                'invalid',
            )
            for value in _unique_values(networks, floating_ip)
        ]
    return problems


def _unique_values(networks: Sequence[NicRequest], floating_ip: str | None) -> Iterator[str]:
    """Yield the options with values that only one server can have."""
    for option in ('fixed_ip', 'mac', 'port'):
        for nic in networks:
            if getattr(nic, option):
                yield f'networks: {option} {getattr(nic, option)}'
    if floating_ip not in (None, 'auto', 'none'):
        yield f'floating_ip: {floating_ip}'
