# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of the options that only containers have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, List

from .checks import HOST_NAME
from .interface_checks import address_problems
from .problem import Problem, invalid

MAX_SERVERS = 3  # resolv.conf(5): MAXNS
_MAX_SWAP = 1024 * 1024  # MiB
_MAX_DOMAIN = 253  # characters (RFC 1035, 255 octets with their lengths)


def container_problems(options: Mapping[str, Any]) -> List[Problem]:
    """Check the swap and the DNS of a container."""
    problems = _dns_problems(options)
    swap = options.get('swap', 0)
    if not 0 <= swap <= _MAX_SWAP:
        problems.append(invalid('swap', f'{swap} is out of range; use 0 to {_MAX_SWAP} (MiB)'))
    return problems


def _dns_problems(options: Mapping[str, Any]) -> List[Problem]:
    """Check DNS servers and a domain; without any, those of the first network are meant."""
    servers = options.get('dns_servers', ())
    problems = [problem for one in servers for problem in address_problems(one, 'dns_servers')]
    if len(servers) > MAX_SERVERS:
        text = f'{len(servers)} are specified; use up to {MAX_SERVERS}, resolvers ask no more'
        problems.append(invalid('dns_servers', text))
    if len(set(servers)) < len(servers):
        problems.append(invalid('dns_servers', 'one is specified twice'))
    domain = options.get('dns_domain', '')
    if domain and not _is_domain(domain):
        text = (
            f'{domain!r} is not a valid domain; use names of letters, digits and hyphens with dots '
            'between them, such as example.com'
        )
        problems.append(invalid('dns_domain', text))
    return problems


def _is_domain(domain: str) -> bool:
    return len(domain) <= _MAX_DOMAIN and all(map(HOST_NAME.match, domain.split('.')))
