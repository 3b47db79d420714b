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
ID = re.compile(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z')
_KEY = re.compile(r'[a-z_][a-z0-9_]*\Z')
CONNECT_WITH = ('floating_ip', 'fixed_ip')


class Place(NamedTuple):
    """Where servers are.

    ``node``: their hypervisor in the inventory; None in an OpenStack. ``jump``: the words of the
    command that logs in to it; empty: their fixed addresses are reached without. ``command``: see
    Hypervisor.
    """

    cloud: str
    node: str | None
    jump: Sequence[str] = ()
    command: Sequence[str] | None = None


def is_prefix(text: str) -> bool:
    """Whether variables can begin with it, whatever follows, without being one of Ansible's."""
    return bool(_PREFIX.match(text))


def variables_of(item: Item, place: Place, prefix: str, connect_with: str) -> Dict[str, Any]:
    """Return the variables of the host of a server."""
    told = {**item, 'node': place.node, 'cloud': place.cloud}
    connection, agent = _connection(item, place, connect_with), _agent(item, place)
    if agent and 'ansible_host' not in connection:  # it is only on bridges of its host
        agent['ansible_connection'] = 'hanok.cloud.agent'
    return {
        **{f'{prefix}{key}': value for key, value in told.items() if _KEY.match(key)},
        **connection,
        **agent,
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


def _agent(item: Item, place: Place) -> Dict[str, Any]:
    """The variables of the connection by the guest agent.

    It leads to the hypervisor that has named the server, or nowhere: an id is data.
    """
    if place.command is None or not ID.match(item['id']):
        return {}
    way = {'ansible_hanok_hypervisor': [*place.command]} if place.command else {}
    return {'ansible_hanok_server': item['id'], **way}


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
