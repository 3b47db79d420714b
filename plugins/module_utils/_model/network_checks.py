# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of the connections that are requested for servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, List, Tuple

from .interface_checks import address_problems
from .problem import Problem, invalid

if TYPE_CHECKING:
    from .nic_request import NicRequest


def network_problems(networks: Tuple[NicRequest, ...], most: int) -> List[Problem]:
    """Check the requested connections, of which there are ``most`` at most."""
    problems: List[Problem] = []
    if not 1 <= len(networks) <= most:
        problems.append(invalid('networks', f'{len(networks)} are specified; use 1 to {most}'))
    for index, nic in enumerate(networks):
        problems += nic.problems(f'networks[{index}]')
    return problems + _duplicate_problems(networks)


def _duplicate_problems(networks: Tuple[NicRequest, ...]) -> List[Problem]:
    """Check what two connections of a server cannot share. A guest knows its interfaces by MAC."""
    values: List[Tuple[str, str]] = []
    for nic in networks:
        if nic.port:
            values.append(('port', nic.port))
        if nic.mac:
            values.append(('mac', nic.mac))
        if nic.fixed_ip:
            values.append(('fixed_ip', f'{nic.fixed_ip} of {nic.name}'))
    duplicates = sorted({value for value in values if values.count(value) > 1})
    return [
        invalid('networks', f'{option} {value} is specified twice') for option, value in duplicates
    ]


def floating_problems(floating_ip: str) -> List[Problem]:
    """Check the requested floating IP: an address, or a word."""
    if floating_ip in ('auto', 'none'):
        return []
    return [
        Problem(f'{problem}; use an address, auto or none', 'floating_ip', 'invalid')
        for problem in address_problems(floating_ip, 'floating_ip')
    ]
