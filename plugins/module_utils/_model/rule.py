# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Firewall rules, and how results and messages show them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache, total_ordering
from typing import Any, Union

from .checks import is_reference

DIRECTIONS = ('ingress', 'egress')
PROTOCOLS = ('any', 'tcp', 'udp', 'icmp')
WITH_PORTS = ('tcp', 'udp')
ANYWHERE = 'any'  # all addresses, of whatever family
ALL_IPV4 = '0.0.0.0/0'  # how users may write `any`
MAX_PORT = 65535


@lru_cache(maxsize=4096)
def network(text: str) -> ipaddress.IPv4Network:
    """Parse an IPv4 network (CIDR or address); raise ValueError if it is invalid."""
    return ipaddress.IPv4Network(text, strict=False)


@total_ordering
@dataclass(frozen=True)
class Rule:
    """Traffic that is allowed. Invalid values raise ValueError.

    `remote_cidr` is `any` or a normalized IPv4 network, or '' when `remote_group` names a group.
    """

    direction: str
    protocol: str = 'any'
    port_min: int | None = None
    port_max: int | None = None
    remote_cidr: str = ANYWHERE
    remote_group: str | None = None

    def __post_init__(self) -> None:
        """Refuse invalid values, which a renderer would have to guess the meaning of."""
        if self.direction not in DIRECTIONS:
            raise ValueError(
                f'direction: {self.direction!r} is unknown; use one of {listed(DIRECTIONS)}'
            )
        if self.protocol not in PROTOCOLS:
            raise ValueError(
                f'protocol: {self.protocol!r} is unknown; use one of {listed(PROTOCOLS)}'
            )
        self._check_ports()
        self._check_remote()

    def _check_ports(self) -> None:
        lowest = self.port_min
        highest = self.port_max
        if lowest is None and highest is None:
            return
        if self.protocol not in WITH_PORTS:
            raise ValueError(f'port: protocol {self.protocol} has no ports; use tcp or udp')
        if not _is_range(lowest, highest):
            raise ValueError(
                f'port: {lowest!r} to {highest!r} is not a range of ports; use 1 to {MAX_PORT}, '
                'the lower one first'
            )
        if (lowest, highest) == (1, MAX_PORT):
            # One form for all ports, because some clouds keep no other.
            object.__setattr__(self, 'port_min', None)
            object.__setattr__(self, 'port_max', None)

    def _check_remote(self) -> None:
        if self.remote_group is not None:
            if not is_reference(self.remote_group):
                raise ValueError(f'remote: {self.remote_group!r} is not the name of a group')
            if self.remote_cidr:
                raise ValueError(
                    f'remote: a rule has one remote, not group {self.remote_group} and '
                    f'{self.remote_cidr!r}'
                )
        elif not isinstance(self.remote_cidr, str) or not _is_normalized(self.remote_cidr):
            raise ValueError(
                f'remote: {self.remote_cidr!r} is not a normalized IPv4 network such as 10.0.0.0/24'
            )

    def _key(self) -> tuple[Any, ...]:
        remote: tuple[Any, ...] = (1, 0, 0, self.remote_group)
        if self.remote_cidr == ANYWHERE:
            remote = (0, 0, 0, '')
        elif self.remote_cidr:
            cidr = network(self.remote_cidr)
            remote = (0, int(cidr.network_address), cidr.prefixlen, '')
        return (
            self.direction,
            PROTOCOLS.index(self.protocol),
            self.port_min or 0,
            self.port_max or 0,
            remote,
        )

    def __lt__(self, other: object) -> bool:
        """Order by direction, protocol, ports and remote (the fields may be None)."""
        return self._key() < other._key() if isinstance(other, Rule) else NotImplemented

    def __str__(self) -> str:
        """Return the rule for a message, without its direction: `tcp 22 from any`."""
        return describe(self, remote_text(self))


@dataclass(frozen=True)
class ForeignRule:
    """A rule of a kind that tasks cannot write, such as one that another program created.

    It is listed, counted and removed like others, but never written. What it allows is unknown.
    `id`: how its cloud identifies it. `text`: the rule in one line, for users.
    """

    id: str
    text: str
    direction: str

    def __str__(self) -> str:
        """Return the rule for a message."""
        return self.text


AnyRule = Union[Rule, ForeignRule]


def normalized(rules: Iterable[AnyRule]) -> tuple[AnyRule, ...]:
    """Return the rules of a group in their only form: sorted, each once, foreign ones last.

    An egress rule that allows everything is omitted if it is the only egress rule: groups without
    egress rules allow all egress.
    """
    found = set(rules)
    all_egress = {Rule('egress')}
    if {rule for rule in found if rule.direction == 'egress'} == all_egress:
        found -= all_egress
    own = sorted(rule for rule in found if isinstance(rule, Rule))
    foreign = [rule for rule in found if isinstance(rule, ForeignRule)]
    return (*own, *sorted(foreign, key=lambda rule: (rule.direction, rule.text, rule.id)))


def allow_all_egress(rules: Iterable[AnyRule]) -> bool:
    """Whether a group with these rules allows all egress because it has no egress rule."""
    return not any(rule.direction == 'egress' for rule in rules)


def public(rule: AnyRule) -> dict[str, Any]:
    """Return the rule as plain JSON in the form of a task: `parse(public(rule)) == (rule,)`.

    A foreign rule has no such form: its protocol, port and remote are null.
    """
    if isinstance(rule, ForeignRule):
        unknown = dict.fromkeys(('protocol', 'port', 'remote'))
        shown = {'foreign': True, 'id': rule.id, 'text': rule.text}
        return {'direction': rule.direction, **unknown, **shown}
    return {
        'direction': rule.direction,
        'protocol': rule.protocol,
        'port': _ports_text(rule),
        'remote': remote_text(rule),
    }


def describe(rule: Rule, remote: str) -> str:
    """Return the rule for a message, with the given text for its remote."""
    ports = _ports_text(rule)
    words = [rule.protocol]
    if ports is not None:
        words.append(str(ports))
    return ' '.join([*words, 'from' if rule.direction == 'ingress' else 'to', remote])


def remote_text(rule: Rule) -> str:
    """Return the remote of a rule: `any`, a CIDR, or `group:NAME`."""
    if rule.remote_group is not None:
        return f'group:{rule.remote_group}'
    return rule.remote_cidr


def listed(names: Mapping[str, object] | tuple[str, ...]) -> str:
    """Return names for a message."""
    return ', '.join(names)


def is_port(value: object) -> bool:
    """Whether a value is a port number (bool is an int in Python, but not a port)."""
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_PORT


def _is_range(lowest: int | None, highest: int | None) -> bool:
    if lowest is None or highest is None:
        return False
    return is_port(lowest) and is_port(highest) and lowest <= highest


def _is_normalized(cidr: str) -> bool:
    try:
        return cidr == ANYWHERE or (str(network(cidr)) == cidr and cidr != ALL_IPV4)
    except ValueError:
        return False


def _ports_text(rule: Rule) -> int | str | None:
    return rule.port_min if rule.port_min == rule.port_max else f'{rule.port_min}-{rule.port_max}'
