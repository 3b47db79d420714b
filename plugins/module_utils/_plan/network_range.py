# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which range a network may have on this host. The kernel follows the longer prefix: of two that overlap, it wins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network
from typing import List

from .._model.checks import join_names
from .._model.network import PRIVATE, Route, Surroundings, candidates, overlapping

# a route of a shorter prefix is a default route in parts, such as VPNs set (0.0.0.0/1 and
# 128.0.0.0/1)
_COARSE = 8
_CHOOSE = 'choose one in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16'


def free_range(taken: Mapping[str, str], surroundings: Surroundings) -> str | None:
    """The first range that takes nothing from this host; where there is none, one that takes a part of a route that leads elsewhere."""
    second = None
    for cidr in candidates():
        if not blocks(cidr, taken, surroundings):
            if not _wider(cidr, surroundings):
                return cidr
            second = second or cidr
    return second


def blocks(cidr: str, taken: Mapping[str, str], surroundings: Surroundings) -> List[str]:
    """Why a range is passed over when we choose, as words."""
    span = IPv4Network(cidr)
    found = overlapping(cidr, taken)
    for route in surroundings.routes:
        other = _network(route.cidr)
        if span.overlaps(other) and (route.connected or other.prefixlen >= span.prefixlen):
            found.append(str(route))
    return found + [f'{what} ({address})' for address, what in _covered(span, surroundings)]


def range_problems(cidr: str, taken: Mapping[str, str], surroundings: Surroundings) -> List[str]:
    """Why a range that was requested cannot be had."""
    span = IPv4Network(cidr)
    problems = [
        f'cidr: {cidr} overlaps {what}; choose another, or leave it out'
        for what in _joined(overlapping(cidr, taken))
    ]
    if not any(span.subnet_of(IPv4Network(private)) for private in PRIVATE):
        problems.append(
            f'cidr: {cidr} is not private: this host and its servers would no longer reach whose it is; {_CHOOSE}'
        )
    for route in surroundings.routes:
        if route.cidr == cidr:
            problems.append(f'cidr: {cidr} is {route} already; choose another, or leave it out')
    return problems


def range_notes(name: str, cidr: str, surroundings: Surroundings) -> List[str]:
    """What a range does to this host that is made all the same."""
    span, notes = IPv4Network(cidr), []
    wider = [str(route) for route in _wider(cidr, surroundings)]
    narrower = [str(route) for route in surroundings.routes if _is_narrower(route, span)]
    covered = [f'{address}, {what}' for address, what in _covered(span, surroundings)]
    if wider:
        notes.append(
            f'network {name}: {cidr} is a part of {join_names(wider)}; what is there is no longer reached from this host'
        )
    if narrower:
        notes.append(
            f'network {name}: {join_names(narrower)} is a part of {cidr}; servers with addresses of it are not reached'
        )
    if covered:
        notes.append(
            f'network {name}: {cidr} covers {join_names(covered)}; this host will not reach it any more'
        )
    return notes


def _is_narrower(route: Route, span: IPv4Network) -> bool:
    other = _network(route.cidr)
    return other != span and other.subnet_of(span)


def _wider(cidr: str, surroundings: Surroundings) -> List[Route]:
    """Routes of which the range takes a part."""
    span = IPv4Network(cidr)
    return [
        route
        for route in surroundings.routes
        if _COARSE <= _network(route.cidr).prefixlen < span.prefixlen
        and span.subnet_of(_network(route.cidr))
    ]


def _covered(span: IPv4Network, surroundings: Surroundings) -> Iterator[tuple[str, str]]:
    """Hosts that are needed, and would be looked for in the network, because no longer prefix leads to them."""
    for address, what in surroundings.hosts.items():
        if IPv4Address(address) in span and not any(
            _leads(route, address, span.prefixlen) for route in surroundings.routes
        ):
            yield address, what


def _leads(route: Route, address: str, prefix: int) -> bool:
    other = _network(route.cidr)
    return other.prefixlen > prefix and IPv4Address(address) in other


@lru_cache(maxsize=4096)
def _network(cidr: str) -> IPv4Network:
    return IPv4Network(cidr)


def _joined(words: List[str]) -> List[str]:
    return [', '.join(words)] if words else []
