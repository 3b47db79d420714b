# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a server is in an inventory: its name, and the variables of its host."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any, Dict, List, NamedTuple

from ..module_utils._model.login_names import LOGIN_NAME
from .answers import Item

_PREFIX = re.compile(r'(?!ansible)[a-zA-Z_][a-zA-Z0-9_]*\Z')
_KEY = re.compile(r'[a-z_][a-z0-9_]*\Z')
CONNECT_WITH = ('floating_ip', 'fixed_ip')


class Place(NamedTuple):
    """Where servers are.

    ``node``: their hypervisor in the inventory; None in an OpenStack. ``jump``: the words of the
    command that logs in to it; empty: their fixed addresses are reached without.
    """

    cloud: str
    node: str | None
    jump: Sequence[str] = ()


def is_prefix(text: str) -> bool:
    """Whether variables can begin with it, whatever follows, without being one of Ansible's."""
    return bool(_PREFIX.match(text))


def variables_of(item: Item, place: Place, prefix: str, connect_with: str) -> Dict[str, Any]:
    """Return the variables of the host of a server."""
    told = {**item, 'node': place.node, 'cloud': place.cloud}
    return {
        **{f'{prefix}{key}': value for key, value in told.items() if _KEY.match(key)},
        **_connection(item, place, connect_with),
    }


def _connection(item: Item, place: Place, connect_with: str) -> Dict[str, str]:
    """The variables of Ansible's own, made of nothing that was not checked."""
    found = {}
    floating = _address(item.get('floating_ip')) if connect_with == 'floating_ip' else ''
    address = floating or _address(item.get('fixed_ip'))
    if address:
        found['ansible_host'] = address
    user = item.get('os_admin_user')
    if isinstance(user, str) and LOGIN_NAME.match(user):
        found['ansible_user'] = user
    if address and not floating and place.jump:
        found['ansible_ssh_common_args'] = through(place.jump)
    return found


def _address(value: object) -> str:
    try:
        return str(ip_address(value)) if isinstance(value, str) else ''
    except ValueError:
        return ''


def through(jump: Sequence[str]) -> str:
    """Return the arguments with which ssh goes through a host. ``jump``: see Place.

    ssh fills in %h and %p, hands the rest to a shell, and Ansible splits the whole into words.
    """
    words: List[str] = [shlex.quote(word).replace('%', '%%') for word in jump]
    command = ' '.join([*words[:-1], '-W', '%h:%p', *words[-1:]])
    return '-o ' + shlex.quote(f'ProxyCommand={command}')
