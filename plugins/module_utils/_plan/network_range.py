# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which range a network may have beside what its host reaches.

Of two routes that overlap, the kernel follows the one with the longer prefix.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network
from typing import List

from .._model.checks import join_names
from .._model.network import PRIVATE, Route, Surroundings, candidates, overlapping
from .._model.problem import Problem

# A route with a shorter prefix is a part of a default route, as VPNs add them (0.0.0.0/1 and
# 128.0.0.0/1).
_MIN_PREFIX = 8
_PRIVATE_RANGES = 'use one in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16'


def free_range(taken: Mapping[str, str], surroundings: Surroundings) -> str | None:
    """The first range that hides nothing from the host.

    If there is none, the first that hides only a part of a wider route.
    """
    fallback = None
    for cidr in candidates():
        if not conflicts(cidr, taken, surroundings):
            if not _wider(cidr, surroundings):
                return cidr
            fallback = fallback or cidr
    return fallback


def conflicts(cidr: str, taken: Mapping[str, str], surroundings: Surroundings) -> List[str]:
    """Why a range is not chosen automatically, for a message."""
    span = IPv4Network(cidr)
    found = overlapping(cidr, taken)
    for route in surroundings.routes:
        other = _network(route.cidr)
        if span.overlaps(other) and (route.connected or other.prefixlen >= span.prefixlen):
            found.append(str(route))
    return found + [f'{what} ({address})' for address, what in _covered(span, surroundings)]


def range_problems(
    cidr: str,
    place: str,
    taken: Mapping[str, str],
    surroundings: Surroundings,
) -> List[Problem]:
    """Why a requested range cannot be used; ``place``: see Profile."""
    span = IPv4Network(cidr)
    problems = [
        f'cidr: {cidr} overlaps {what}; use another, or omit it'
        for what in _joined(overlapping(cidr, taken))
    ]
    if not any(span.subnet_of(IPv4Network(private)) for private in PRIVATE):
        problems.append(
            f'cidr: {cidr} is not private: {place} and its servers would no longer reach its '
            f'addresses on the internet; {_PRIVATE_RANGES}'
        )
    for route in surroundings.routes:
        if route.cidr == cidr:
            problems.append(f'cidr: {cidr} is already {route}; use another, or omit it')
    return [Problem(problem, 'cidr') for problem in problems]


def range_notes(
    name: str,
    cidr: str,
    place: str,
    surroundings: Surroundings,
) -> List[str]:
    """What a range hides, as warnings; ``place``: see Profile."""
    span = IPv4Network(cidr)
    notes = []
    wider = [str(route) for route in _wider(cidr, surroundings)]
    narrower = [str(route) for route in surroundings.routes if _is_narrower(route, span)]
    covered = [f'{address}, {what}' for address, what in _covered(span, surroundings)]
    if wider:
        notes.append(
            f'network {name}: {cidr} is a part of {join_names(wider)}; {place} no longer reaches '
            'these addresses through it'
        )
    if narrower:
        notes.append(
            f'network {name}: {join_names(narrower)} is a part of {cidr}; servers with addresses '
            'in that part are not reachable'
        )
    if covered:
        notes.append(
            f'network {name}: {cidr} covers {join_names(covered)}; {place} will no longer reach '
            'that'
        )
    return notes


def _is_narrower(route: Route, span: IPv4Network) -> bool:
    other = _network(route.cidr)
    return other != span and other.subnet_of(span)


def _wider(cidr: str, surroundings: Surroundings) -> List[Route]:
    """Routes of which the range is a part."""
    span = IPv4Network(cidr)
    return [
        route
        for route in surroundings.routes
        if _MIN_PREFIX <= _network(route.cidr).prefixlen < span.prefixlen
        and span.subnet_of(_network(route.cidr))
    ]


def _covered(span: IPv4Network, surroundings: Surroundings) -> Iterator[tuple[str, str]]:
    """Needed hosts that the network would hide, because no route with a longer prefix has them."""
    for address, what in surroundings.hosts.items():
        if IPv4Address(address) in span and not any(
            _is_routed_by(route, address, span.prefixlen) for route in surroundings.routes
        ):
            yield address, what


def _is_routed_by(route: Route, address: str, prefix: int) -> bool:
    other = _network(route.cidr)
    return other.prefixlen > prefix and IPv4Address(address) in other


@lru_cache(maxsize=4096)
def _network(cidr: str) -> IPv4Network:
    return IPv4Network(cidr)


def _joined(texts: List[str]) -> List[str]:
    return [', '.join(texts)] if texts else []
