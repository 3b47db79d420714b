# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Networks."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, NamedTuple, Tuple

from .change import AFTER_APPLY, plain_fields
from .effect import Table, fixed, live
from .problem import Problem, invalid
from .request import Request
from .status import TaskState


@dataclass(frozen=True)
class Network:
    """An IPv4 network. ``bridge``: its device on the host. ``used_by``: servers and balancers."""

    name: str
    cidr: str = AFTER_APPLY
    gateway: str = AFTER_APPLY
    description: str = ''
    labels: Mapping[str, str] = field(default_factory=dict)
    bridge: str = AFTER_APPLY
    used_by: Tuple[str, ...] = ()
    id: str = AFTER_APPLY
    task_state: TaskState | None = None
    unfinished: TaskState | None = None
    created_by: str = AFTER_APPLY
    created_at: str = AFTER_APPLY
    delete_protection: bool = False

    def completed(self) -> Network:
        """The network when what was begun with it is done, unless that is its deletion."""
        return replace(self, task_state=None, unfinished=None)

    def public(self) -> Dict[str, Any]:
        """The network for the result of a module."""
        return plain_fields(self)


# RFC 1918, 6598 (carriers), 2544 (benchmarks), 5737 (documentation): not routed on the internet.
PRIVATE = (
    '10.0.0.0/8',
    '172.16.0.0/12',
    '192.168.0.0/16',
    '100.64.0.0/10',
    '198.18.0.0/15',
    '192.0.2.0/24',
    '198.51.100.0/24',
    '203.0.113.0/24',
)


class Route(NamedTuple):
    """A route of the host. ``connected``: the host has an address in its range."""

    cidr: str
    device: str
    connected: bool = False

    def __str__(self) -> str:
        """The route for a message."""
        return f'a route through {self.device} ({self.cidr})'


class Surroundings(NamedTuple):
    """What the host reaches outside the cloud. ``hosts``: those it needs (address: purpose)."""

    routes: Tuple[Route, ...] = ()
    hosts: Mapping[str, str] = {}


class NetworkRequest(Request):
    """The requested state; ``cidr`` is normalized if it is valid."""

    def problems(self) -> List[Problem]:
        """What is invalid in the request, regardless of what exists."""
        problems = super().problems()
        cidr = self.options.get('cidr')
        gateway = self.options.get('gateway')
        span = None
        if cidr is not None:
            span = _parse(cidr)
            problems += _cidr_problems(cidr, span)
        if gateway is not None:
            problems += _gateway_problems(gateway, span)
        return problems


def _cidr_problems(cidr: str, span: ipaddress.IPv4Network | None) -> List[Problem]:
    if span is None:
        return [invalid('cidr', f'{cidr!r} is not an IPv4 network; use the form 192.168.10.0/24')]
    problems = []
    if not 8 <= span.prefixlen <= 29:
        size = 'large' if span.prefixlen < 8 else 'small'
        problems.append(invalid('cidr', f'{cidr} is too {size}; use a prefix length of 8 to 29'))
    if _is_reserved(span):
        problems.append(
            invalid(
                'cidr',
                f'{cidr} is a reserved range; use one in 10.0.0.0/8, 172.16.0.0/12 or '
                '192.168.0.0/16',
            )
        )
    return problems


def _is_reserved(span: ipaddress.IPv4Network) -> bool:
    return (
        span.is_loopback
        or span.is_link_local
        or span.is_multicast
        or span.is_unspecified
        or span.is_reserved
    )


def _parse(text: str) -> ipaddress.IPv4Network | None:
    try:
        return ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        return None


def _gateway_problems(gateway: str, span: ipaddress.IPv4Network | None) -> List[Problem]:
    try:
        address = ipaddress.IPv4Address(gateway)
    except ValueError:
        return [invalid('gateway', f'{gateway!r} is not an IPv4 address')]
    if span is None:
        return [invalid('gateway', 'it requires cidr')]
    if address not in span or address in (span.network_address, span.broadcast_address):
        return [invalid('gateway', f'{gateway} is not a host address of {span}')]
    return []


def normalized(cidr: str) -> str:
    """A normalized CIDR (10.0.0.1/24 becomes 10.0.0.0/24); unchanged if it is invalid."""
    span = _parse(cidr)
    return cidr if span is None else str(span)


def first_host(cidr: str) -> str:
    """The first host address of a network."""
    return str(ipaddress.IPv4Network(cidr)[1])


def overlapping(cidr: str, taken: Mapping[str, str]) -> List[str]:
    """The ranges in ``taken`` (CIDR: what uses it) that a network overlaps, for a message."""
    span = ipaddress.IPv4Network(cidr)
    return [
        f'{what} ({other})'
        for other, what in taken.items()
        if span.overlaps(ipaddress.IPv4Network(other))
    ]


def candidates() -> Iterator[str]:
    """The networks to try, in order, when none is specified."""
    yield from (f'192.168.{number}.0/24' for number in range(256))
    yield from (f'10.{number}.0.0/24' for number in range(256))


_RENUMBER = fixed('a network cannot be renumbered; create another one')

TABLE: Table = {
    'cidr': _RENUMBER,
    'gateway': _RENUMBER,
    'delete_protection': live,
    'description': live,
    'labels': live,
}
