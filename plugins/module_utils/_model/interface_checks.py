# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Validation of what a network interface has: addresses and security groups, as in checks.py."""

from __future__ import annotations

import re
from typing import List, Tuple

from .checks import reference_problems
from .problem import Problem, invalid

MAX_GROUPS = 3


def group_problems(
    groups: Tuple[str, ...] | None, option: str = 'security_groups'
) -> List[Problem]:
    """Check the security groups of a network interface: 1 to 3 names."""
    if groups is None:
        return []
    problems = [problem for group in groups for problem in reference_problems(group, option)]
    if len(groups) > MAX_GROUPS:
        problems.append(
            invalid(
                option, f'{len(groups)} are specified; a network interface has at most {MAX_GROUPS}'
            )
        )
    if not groups:
        problems.append(
            invalid(option, 'the list is empty; specify at least one (default allows no ingress)')
        )
    return problems


def address_problems(address: str | None, option: str) -> List[Problem]:
    """Check an IPv4 address."""
    from ipaddress import IPv4Address

    try:
        IPv4Address(address or '192.0.2.1')
    except ValueError:
        return [invalid(option, f'{address!r} is not an IPv4 address')]
    return []


def mac_problems(mac: str | None, option: str) -> List[Problem]:
    """Check a unicast MAC (IEEE 802: the lowest bit of its first octet is 0), in lower case."""
    if mac is None or re.match(r'[0-9a-f][02468ace](:[0-9a-f]{2}){5}\Z', mac):
        return []
    written = _mac_of_number(mac)
    if written:
        return [
            invalid(
                option,
                f'{mac} is the number that YAML reads from {written} without quotes; '
                f"quote it: '{written}'",
            )
        ]
    return [
        invalid(
            option,
            f"{mac!r} is not a unicast MAC address; write it in the form '52:54:00:12:34:56'",
        )
    ]


def _mac_of_number(mac: str) -> str:
    """The MAC that YAML 1.1 read as a number of base 60 (yaml.org/type/int.html); '' for others."""
    if not re.match(r'[1-9][0-9]{8,10}\Z', mac):
        return ''
    number = int(mac)
    octets: List[str] = []
    for _octet in range(5):
        number, last = divmod(number, 60)
        octets.insert(0, f'{last:02d}')
    return ':'.join([str(number), *octets]) if 10 <= number <= 99 else ''
