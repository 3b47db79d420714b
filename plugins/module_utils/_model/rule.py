# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A firewall rule: what a user may write, the one value it means, and how it is shown again."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, total_ordering
from typing import Any

DIRECTIONS = ('ingress', 'egress')
PROTOCOLS = ('any', 'tcp', 'udp', 'icmp')
WITH_PORTS = ('tcp', 'udp')
ANYWHERE = '0.0.0.0/0'
PRESETS: dict[str, tuple[str, int | None]] = {
    'ssh': ('tcp', 22),
    'http': ('tcp', 80),
    'https': ('tcp', 443),
    'all_icmp': ('icmp', None),
    'all_tcp': ('tcp', None),
}
OPTIONS = ('direction', 'protocol', 'port', 'ports', 'remote', 'preset')
PORT_HIGHEST = 65535

_GROUP = re.compile(r'[A-Za-z0-9_.-]{1,255}')
_ADDRESS_LIKE = re.compile(r'[0-9.]+|.*/.*')
_PORT = re.compile(r'[0-9]{1,5}')
_RANGE = re.compile(r'(-?[0-9]{1,9})\s*-\s*(-?[0-9]{1,9})')


@lru_cache(maxsize=4096)
def network(text: str) -> ipaddress.IPv4Network:
    """Return the IPv4 network that `text` (CIDR or address) means; ValueError if it is none."""
    return ipaddress.IPv4Network(text, strict=False)


@total_ordering
@dataclass(frozen=True)
class Rule:
    """One thing that is let through. No rule with an unknown value can exist (ValueError).

    `remote_cidr` is a normalised IPv4 network (`0.0.0.0/0` is anywhere), or '' when `remote_group`
    names a group.
    """

    direction: str
    protocol: str = 'any'
    port_min: int | None = None
    port_max: int | None = None
    remote_cidr: str = ANYWHERE
    remote_group: str | None = None

    def __post_init__(self) -> None:
        """Refuse what has no meaning: a renderer that met it would have to guess."""
        if self.direction not in DIRECTIONS:
            raise ValueError(
                f'direction: {self.direction!r} is unknown; give one of {_listed(DIRECTIONS)}'
            )
        if self.protocol not in PROTOCOLS:
            raise ValueError(
                f'protocol: {self.protocol!r} is unknown; give one of {_listed(PROTOCOLS)}'
            )
        self._check_ports()
        self._check_remote()

    def _check_ports(self) -> None:
        lowest, highest = self.port_min, self.port_max
        if lowest is None and highest is None:
            return
        if self.protocol not in WITH_PORTS:
            raise ValueError(f'port: protocol {self.protocol} has no ports; ports need tcp or udp')
        # bool is an int in Python, and no port
        booleans = isinstance(lowest, bool) or isinstance(highest, bool)
        if (
            booleans
            or not isinstance(lowest, int)
            or not isinstance(highest, int)
            or not 1 <= lowest <= highest <= PORT_HIGHEST
        ):
            raise ValueError(
                f'port: {lowest!r} to {highest!r} is no range of ports; give 1 to {PORT_HIGHEST}, the lower one first'
            )

    def _check_remote(self) -> None:
        if self.remote_group is not None:
            if not isinstance(self.remote_group, str) or not _GROUP.fullmatch(self.remote_group):
                raise ValueError(f'remote: {self.remote_group!r} is not the name of a group')
            if self.remote_cidr:
                raise ValueError(
                    f'remote: a rule has one remote, not group {self.remote_group} and {self.remote_cidr!r}'
                )
        elif not isinstance(self.remote_cidr, str) or not _normal(self.remote_cidr):
            raise ValueError(
                f'remote: {self.remote_cidr!r} is not a normalised IPv4 network such as 10.0.0.0/24'
            )

    def _key(self) -> tuple[Any, ...]:
        cidr = network(self.remote_cidr) if self.remote_cidr else None
        where = (
            (0, int(cidr.network_address), cidr.prefixlen, '')
            if cidr
            else (1, 0, 0, self.remote_group)
        )
        return (
            self.direction,
            PROTOCOLS.index(self.protocol),
            self.port_min or 0,
            self.port_max or 0,
            where,
        )

    def __lt__(self, other: object) -> bool:
        """Order by direction, protocol, ports, remote (None and numbers do not compare by themselves)."""
        return self._key() < other._key() if isinstance(other, Rule) else NotImplemented

    def __str__(self) -> str:
        """Return the rule as people say it, without its direction: `tcp 22 from any`."""
        return describe(self, remote_text(self))


def parse(raw: Mapping[str, object], where: str = 'rules[0]') -> tuple[Rule, ...]:
    """Return the rules that one entry of the user's list means, one per port or range, in the order given.

    ValueError names every wrong option of the entry, its value and the way out; `where` is the
    entry's place in the request.
    """
    if not isinstance(raw, Mapping):
        raise ValueError(
            f'{where}: {raw!r} is not a rule; give options such as {{protocol: tcp, port: 22}}'
        )
    given = {key: value for key, value in raw.items() if value is not None}
    problems = _Problems(where)
    for key in given:
        if key not in OPTIONS:
            problems.add(
                str(key), f'is not an option of a rule; there are {_listed(OPTIONS)}', named=True
            )
    for key in [key for key, value in given.items() if value in ('', [''])]:
        problems.add(
            key, 'it is empty, which could mean all; give a value, or leave the option out'
        )
        del given[key]
    direction = _word(problems, given, 'direction', DIRECTIONS, 'ingress')
    if 'preset' in given:
        protocol, ports = _preset(problems, given)
    else:
        protocol = _word(problems, given, 'protocol', PROTOCOLS, 'any')
        ports = _ports(problems, given, protocol)
    cidr, group = _remote(problems, given.get('remote', 'any'))
    if not problems.found and 'preset' not in given and 'protocol' not in given:
        problems.add('protocol', 'it is missing; give one (any for all of them), or a preset')
    problems.refuse()
    rules = (Rule(direction, protocol, lowest, highest, cidr, group) for lowest, highest in ports)
    return tuple(dict.fromkeys(rules))


def public(rule: Rule) -> dict[str, Any]:
    """Return the rule as plain JSON, in the words in which a user would write it: `parse(public(r)) == (r,)`."""
    return {
        'direction': rule.direction,
        'protocol': rule.protocol,
        'port': _ports_text(rule),
        'remote': remote_text(rule),
    }


def describe(rule: Rule, remote: str) -> str:
    """Return the rule as people say it, the other side in the words of the caller."""
    ports = _ports_text(rule)
    side = 'from' if rule.direction == 'ingress' else 'to'
    return ' '.join([rule.protocol, *([] if ports is None else [str(ports)]), side, remote])


def remote_text(rule: Rule) -> str:
    """Return the other side of a rule: `any`, a CIDR, or `group:NAME`."""
    if rule.remote_group is not None:
        return f'group:{rule.remote_group}'
    return 'any' if rule.remote_cidr == ANYWHERE else rule.remote_cidr


class _Problems:
    """What is wrong with one entry, collected so that the user reads all of it at once."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.found: list[str] = []

    def add(self, option: str, text: str, named: bool = False) -> None:
        self.found.append(f'{self.where}.{option}{" " if named else ": "}{text}')

    def refuse(self) -> None:
        if self.found:
            raise ValueError('; '.join(self.found))


def _listed(words: Mapping[str, object] | tuple[str, ...]) -> str:
    return ', '.join(words)


def _normal(cidr: str) -> bool:
    try:
        return cidr == ANYWHERE or str(network(cidr)) == cidr
    except ValueError:
        return False


def _ports_text(rule: Rule) -> int | str | None:
    return rule.port_min if rule.port_min == rule.port_max else f'{rule.port_min}-{rule.port_max}'


def _word(
    problems: _Problems,
    given: Mapping[str, object],
    option: str,
    known: Mapping[str, object] | tuple[str, ...],
    default: str,
) -> str:
    """Return the known word that an option means; '' after a problem."""
    value = given.get(option, default)
    word = value.strip().lower() if isinstance(value, str) else ''
    if word in known:
        return word
    problems.add(option, f'{value!r} is unknown; give one of {_listed(known)}')
    return ''


def _preset(
    problems: _Problems, given: Mapping[str, object]
) -> tuple[str, list[tuple[int | None, int | None]]]:
    name = _word(problems, given, 'preset', PRESETS, '')
    protocol, port = PRESETS.get(name, ('', None))
    for option in ('protocol', 'port', 'ports'):
        if option in given:
            problems.add(option, f'the preset already says it; leave out {option}, or preset')
    return protocol, [(port, port)]


def _ports(
    problems: _Problems, given: Mapping[str, object], protocol: str
) -> list[tuple[int | None, int | None]]:
    requested = [option for option in ('port', 'ports') if option in given]
    if not requested:
        return [(None, None)]
    if len(requested) == 2:
        problems.add('port', 'give either port or ports')
    if protocol and protocol not in WITH_PORTS:
        problems.add(
            requested[0],
            f'{given[requested[0]]!r} needs a protocol with ports; give protocol tcp or udp',
        )
    return list(_ranges(problems, given))


def _ranges(
    problems: _Problems, given: Mapping[str, object]
) -> Iterator[tuple[int | None, int | None]]:
    if 'port' in given:
        yield _range(problems, 'port', given['port'])
    if 'ports' not in given:
        return
    ports = given['ports']
    if not isinstance(ports, (list, tuple)) or not ports:
        problems.add(
            'ports',
            f"{ports!r} is not a list of ports; give one such as [22, '80-90'], or leave it out for all ports",
        )
        return
    for index, value in enumerate(ports):
        yield _range(problems, f'ports[{index}]', value)


def _range(problems: _Problems, option: str, value: object) -> tuple[int, int]:
    """Return the lowest and the highest port that `value` (22, '22' or '22-80') means; (1, 1) after a problem."""
    text = value.strip() if isinstance(value, str) else value
    between = _RANGE.fullmatch(text) if isinstance(text, str) else None
    lowest, highest = (_number(end) for end in (between.groups() if between else (text, text)))
    if lowest is None or highest is None:
        problems.add(
            option,
            f"{value if isinstance(value, int) else repr(value)} is not a port; give 1 to {PORT_HIGHEST}, or a range such as '22-80'",
        )
    elif lowest > highest:
        problems.add(option, f"{value!r} ends before it begins; give '{highest}-{lowest}'")
    else:
        return lowest, highest
    return 1, 1


def _number(value: object) -> int | None:
    if isinstance(value, str) and _PORT.fullmatch(value):
        value = int(value)
    # bool is an int in Python, and no port
    return (
        value
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= PORT_HIGHEST
        else None
    )


def _remote(problems: _Problems, value: object) -> tuple[str, str | None]:
    """Return (CIDR, None) or ('', group); (anywhere, None) after a problem."""
    text = value.strip() if isinstance(value, str) else ''
    prefix, colon, name = text.partition(':')
    if text.lower() == 'any':
        return ANYWHERE, None
    if colon and prefix.lower() == 'group':
        if _GROUP.fullmatch(name):
            return '', name
        problems.add(
            'remote',
            f'{value!r} names no group; group names are letters, digits, hyphen, underscore and dot',
        )
        return ANYWHERE, None
    return _address_or_group(problems, value, text)


def _address_or_group(problems: _Problems, value: object, text: str) -> tuple[str, str | None]:
    version = _ip_version(text)
    if version == 4 and text != '0.0.0.0':  # noqa: S104 (compared, never bound)
        return str(network(text)), None
    if version is None and _GROUP.fullmatch(text) and not _ADDRESS_LIKE.fullmatch(text):
        return '', text
    problems.add('remote', f'{value!r} {_remote_problem(version, text)}')
    return ANYWHERE, None


def _remote_problem(version: int | None, text: str) -> str:
    if version == 6:
        return 'is IPv6; IPv6 is not supported yet, give an IPv4 network'
    if version == 4:
        return 'is an address that nobody has; give any (or 0.0.0.0/0) for everywhere'
    way_out = 'give any, an IPv4 address, a network such as 10.0.0.0/24, or the name of a group'
    hint = f' (group:{text} for a group of that name)' if _GROUP.fullmatch(text) else ''
    return f'is neither an IPv4 address or network nor the name of a group; {way_out}{hint}'


def _ip_version(text: str) -> int | None:
    try:
        return ipaddress.ip_network(text, strict=False).version
    except ValueError:
        return None
