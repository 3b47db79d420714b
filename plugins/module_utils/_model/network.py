# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a network is."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Dict, List, NamedTuple, Tuple

from .change import AFTER_APPLY, Table, fixed, live, plain_fields
from .request import Request


@dataclass(frozen=True)
class Network:
    """An IPv4 network on this cloud. ``bridge``: the device on the host. ``used_by``: servers and balancers."""

    name: str
    cidr: str = AFTER_APPLY
    gateway: str = AFTER_APPLY
    description: str = ''
    labels: Mapping[str, str] = field(default_factory=dict)
    bridge: str = AFTER_APPLY
    used_by: Tuple[str, ...] = ()
    task_state: str | None = None
    created_by: str = AFTER_APPLY
    created_at: str = AFTER_APPLY

    def public(self) -> Dict[str, Any]:
        """The network as a result shows it."""
        return plain_fields(self)


# RFC 1918, 6598 (carriers), 2544 (benchmarks), 5737 (documentation): nobody is reached by these
# over the internet.
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
    """Where a host sends packets of a range. ``connected``: it has an address of its own in it."""

    cidr: str
    device: str
    connected: bool = False

    def __str__(self) -> str:
        """The route in a sentence."""
        return f'a route of this host by {self.device} ({self.cidr})'


class Surroundings(NamedTuple):
    """What a host reaches without its cloud. ``hosts``: those that it needs (address: what it is)."""

    routes: Tuple[Route, ...] = ()
    hosts: Mapping[str, str] = {}


class NetworkRequest(Request):
    """What a user asked for; ``cidr`` is in its normal form where it is one at all."""

    def problems(self) -> List[str]:
        """What is wrong with the request, whatever is there."""
        problems, cidr, gateway = (
            super().problems(),
            self.options.get('cidr'),
            self.options.get('gateway'),
        )
        span = _span(cidr) if cidr is not None else None
        if cidr is not None and span is None:
            problems.append(f'cidr: {cidr!r} is not an IPv4 network; write it like 192.168.10.0/24')
        if span is not None and not 8 <= span.prefixlen <= 29:
            problems.append(
                f'cidr: {cidr} is too {"large" if span.prefixlen < 8 else "small"}; give a /8 to /29'
            )
        if span is not None and (
            span.is_loopback
            or span.is_link_local
            or span.is_multicast
            or span.is_unspecified
            or span.is_reserved
        ):
            problems.append(
                f'cidr: {cidr} is not for networks of servers; choose one in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16'
            )
        if gateway is not None:
            problems += _gateway_problems(gateway, span)
        return problems


def _span(text: str) -> ipaddress.IPv4Network | None:
    try:
        return ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        return None


def _gateway_problems(gateway: str, span: ipaddress.IPv4Network | None) -> List[str]:
    try:
        address = ipaddress.IPv4Address(gateway)
    except ValueError:
        return [f'gateway: {gateway!r} is not an IPv4 address']
    if span is None:
        return ['gateway: give cidr with it']
    if address not in span or address in (span.network_address, span.broadcast_address):
        return [f'gateway: {gateway} is not an address for a host of {span}']
    return []


def normal(cidr: str) -> str:
    """A CIDR in its normal form (10.0.0.1/24 is 10.0.0.0/24); what is none stays as it is."""
    span = _span(cidr)
    return cidr if span is None else str(span)


def first_host(cidr: str) -> str:
    """The first address for a host in a network."""
    return str(ipaddress.IPv4Network(cidr)[1])


def overlapping(cidr: str, taken: Mapping[str, str]) -> List[str]:
    """What of ``taken`` (CIDR: what it is) a network overlaps, as words."""
    span = ipaddress.IPv4Network(cidr)
    return [
        f'{what} ({other})'
        for other, what in taken.items()
        if span.overlaps(ipaddress.IPv4Network(other))
    ]


def candidates() -> Iterator[str]:
    """The networks to try, in order, when the user named none."""
    yield from (f'192.168.{number}.0/24' for number in range(256))
    yield from (f'10.{number}.0.0/24' for number in range(256))


_RENUMBER = fixed('a network is not renumbered; make another one')

TABLE: Table = {'cidr': _RENUMBER, 'gateway': _RENUMBER, 'description': live, 'labels': live}
