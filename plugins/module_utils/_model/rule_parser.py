# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parser for rules of security groups as users write them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping

from .checks import MAX_REFERENCE, is_reference
from .rule import (
    ALL_IPV4,
    ANYWHERE,
    DIRECTIONS,
    MAX_PORT,
    PROTOCOLS,
    WITH_PORTS,
    Rule,
    is_port,
    listed,
    network,
)

PRESETS: dict[str, tuple[str, int | None]] = {
    'ssh': ('tcp', 22),
    'http': ('tcp', 80),
    'https': ('tcp', 443),
    'all_icmp': ('icmp', None),
    'all_tcp': ('tcp', None),
}
OPTIONS = ('direction', 'protocol', 'port', 'ports', 'remote', 'preset')

_BARE_NAME = re.compile(r'[A-Za-z0-9_.-]{1,255}')  # others need `group:`
_LIKE_ADDRESS = re.compile(r'[0-9.]+|.*/.*')
_PORT = re.compile(r'[0-9]{1,5}')
_RANGE = re.compile(r'(-?[0-9]{1,9})\s*-\s*(-?[0-9]{1,9})')


def parse(raw: Mapping[str, object], where: str = 'rules[0]') -> tuple[Rule, ...]:
    """Return the rules of one entry of the user's list, one per port or range, in order.

    ValueError names every invalid option of the entry, its value and valid ones; `where` is the
    place of the entry in the request.
    """
    if not isinstance(raw, Mapping):
        raise ValueError(
            f'{where}: {raw!r} is not a rule; use options such as {{protocol: tcp, port: 22}}'
        )
    problems = _Problems(where)
    options = _valid_options(problems, raw)
    direction = _keyword(problems, options, 'direction', DIRECTIONS, 'ingress')
    if 'preset' in options:
        protocol, ports = _preset(problems, options)
    else:
        protocol = _keyword(problems, options, 'protocol', PROTOCOLS, 'any')
        ports = _ports(problems, options, protocol)
    cidr, group = _remote(problems, options.get('remote', 'any'))
    if not problems.found and 'preset' not in options and 'protocol' not in options:
        problems.add('protocol', 'it is missing; set a protocol (any for all), or a preset')
    problems.check()
    rules = (Rule(direction, protocol, lowest, highest, cidr, group) for lowest, highest in ports)
    return tuple(dict.fromkeys(rules))


class _Problems:
    """The problems of one entry, collected to report all of them at once."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.found: list[str] = []

    def add(self, option: str, text: str) -> None:
        self.found.append(f'{self.where}.{option}: {text}')

    def add_unknown(self, option: str) -> None:
        self.found.append(
            f'{self.where}.{option} is not an option of a rule; the options are {listed(OPTIONS)}'
        )

    def check(self) -> None:
        if self.found:
            raise ValueError('; '.join(self.found))


def _valid_options(problems: _Problems, raw: Mapping[str, object]) -> dict[str, object]:
    """Return the options that are set; report those that are unknown or empty."""
    options = {key: value for key, value in raw.items() if value is not None}
    for key in options:
        if key not in OPTIONS:
            problems.add_unknown(str(key))
    for key in [key for key, value in options.items() if value in ('', [''])]:
        problems.add(key, 'it is empty, which could mean all; set a value, or omit the option')
        del options[key]
    return options


def _keyword(
    problems: _Problems,
    options: Mapping[str, object],
    option: str,
    known: Mapping[str, object] | tuple[str, ...],
    default: str,
) -> str:
    """Return the known keyword that an option is set to; '' after a problem."""
    value = options.get(option, default)
    keyword = value.strip().lower() if isinstance(value, str) else ''
    if keyword in known:
        return keyword
    problems.add(option, f'{value!r} is unknown; use one of {listed(known)}')
    return ''


def _preset(
    problems: _Problems, options: Mapping[str, object]
) -> tuple[str, list[tuple[int | None, int | None]]]:
    name = _keyword(problems, options, 'preset', PRESETS, '')
    protocol, port = PRESETS.get(name, ('', None))
    for option in ('protocol', 'port', 'ports'):
        if option in options:
            problems.add(option, f'the preset includes it; omit {option} or preset')
    return protocol, [(port, port)]


def _ports(
    problems: _Problems, options: Mapping[str, object], protocol: str
) -> list[tuple[int | None, int | None]]:
    specified = [option for option in ('port', 'ports') if option in options]
    if not specified:
        return [(None, None)]
    if len(specified) == 2:
        problems.add('port', 'use either port or ports')
    if protocol and protocol not in WITH_PORTS:
        problems.add(
            specified[0],
            f'{options[specified[0]]!r} requires a protocol with ports; use protocol tcp or udp',
        )
    return list(_ranges(problems, options))


def _ranges(
    problems: _Problems, options: Mapping[str, object]
) -> Iterator[tuple[int | None, int | None]]:
    if 'port' in options:
        yield _range(problems, 'port', options['port'])
    if 'ports' not in options:
        return
    ports = options['ports']
    if not isinstance(ports, (list, tuple)) or not ports:
        problems.add(
            'ports',
            f"{ports!r} is not a list of ports; use one such as [22, '80-90'], or omit it for all "
            'ports',
        )
        return
    for index, value in enumerate(ports):
        yield _range(problems, f'ports[{index}]', value)


def _range(problems: _Problems, option: str, value: object) -> tuple[int, int]:
    """Return the lowest and highest port of a value (22, '22-80'); (1, 1) after a problem."""
    text = value.strip() if isinstance(value, str) else value
    match = _RANGE.fullmatch(text) if isinstance(text, str) else None
    ends = match.groups() if match else (text, text)
    lowest = _port(ends[0])
    highest = _port(ends[1])
    if lowest is None or highest is None:
        shown = value if isinstance(value, int) else repr(value)
        problems.add(
            option, f"{shown} is not a port; use 1 to {MAX_PORT}, or a range such as '22-80'"
        )
    elif lowest > highest:
        problems.add(option, f"{value!r} ends before it begins; use '{highest}-{lowest}'")
    else:
        return lowest, highest
    return 1, 1


def _port(value: object) -> int | None:
    if isinstance(value, str) and _PORT.fullmatch(value):
        value = int(value)
    return value if isinstance(value, int) and is_port(value) else None


def _remote(problems: _Problems, value: object) -> tuple[str, str | None]:
    """Return (CIDR, None) or ('', group); (anywhere, None) after a problem."""
    text = value.strip() if isinstance(value, str) else ''
    prefix, colon, name = text.partition(':')
    if text.lower() == 'any':
        return ANYWHERE, None
    if colon and prefix.lower() == 'group':
        if is_reference(name):
            return '', name
        problems.add(
            'remote',
            f'{value!r} does not name a group; use group: followed by 1 to {MAX_REFERENCE} '
            'printable characters',
        )
        return ANYWHERE, None
    return _address_or_group(problems, value, text)


def _address_or_group(problems: _Problems, value: object, text: str) -> tuple[str, str | None]:
    version = _ip_version(text)
    if version == 4 and text != '0.0.0.0':  # noqa: S104 (compared, never bound)
        cidr = str(network(text))
        return ANYWHERE if cidr == ALL_IPV4 else cidr, None
    if version is None and _BARE_NAME.fullmatch(text) and not _LIKE_ADDRESS.fullmatch(text):
        return '', text
    problems.add('remote', f'{value!r} {_remote_problem(version, text)}')
    return ANYWHERE, None


def _remote_problem(version: int | None, text: str) -> str:
    if version == 6:
        return 'is IPv6, which is not supported yet; use an IPv4 network'
    if version == 4:
        return 'is not the address of a host; use any (or 0.0.0.0/0) for all addresses'
    hint = f' (group:{text} for a group of that name)' if _BARE_NAME.fullmatch(text) else ''
    return (
        'is neither an IPv4 address or network nor the name of a group; use any, an IPv4 address, '
        f'a network such as 10.0.0.0/24, or the name of a group{hint}'
    )


def _ip_version(text: str) -> int | None:
    try:
        return ipaddress.ip_network(text, strict=False).version
    except ValueError:
        return None
