# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What only this collection knows of a server, in its metadata in Nova.

Nova tells nothing of a server that it has not built yet, or has failed to: what was requested is
written with it. A name has a key of its own, because a value has at most 255 characters.
"""

from __future__ import annotations

from itertools import count
from typing import Dict, List, NamedTuple, Set

from ..._model.change import AFTER_APPLY
from ..._model.server import Server
from ..api.marks import Marks, protection_mark

PENDING = 'pending'  # what is left to be done when Nova has built a server
OWN_GROUPS = 'own_groups'  # the indices of the connections with groups of their own
RESIZING = 'resizing'  # a resize of this collection, which confirms it
SEAL = 'init_script_seal'  # the hash of what the init script was
RESIZED_FROM = 'resized_from'  # the size before a resize that a task confirms, as JSON
_AUTO = 'auto'
_STOP = 'stop'


class Pending(NamedTuple):
    """What is left to be done with a new server. ``floating_ip``: as in a server."""

    floating_ip: str | None
    stop: bool


def creation_marks(
    server: Server, actor: str, token: str, seal: str | None
) -> Dict[str, str | None]:
    """Return the marks of a new server; ``token`` identifies the run that creates it.

    ``seal``: of its init script.
    """
    found: Dict[str, str | None] = {
        'token': token,
        'created_by': actor,
        'image': server.image,
        'user_data': user_data_mark(server),
        'init_script': server.init_script,
        SEAL: seal,
        'volume_size': str(server.volume_size),
        'member_of': server.member_of,
        'delete_protection': protection_mark(server),
        OWN_GROUPS: own_groups(server),
        PENDING: _pending(server),
    }
    found.update(network_marks(server))
    for index, nic in enumerate(server.networks):
        found[f'fixed_ip{index}'] = _known(nic.fixed_ip)
        found[f'mac{index}'] = _known(nic.mac)
        found[f'port{index}'] = _known(nic.port)
    for index, group in enumerate(server.security_groups):
        found[f'group{index}'] = group
    return found


def network_marks(server: Server) -> Dict[str, str | None]:
    """Return the marks of the networks of a server, in the order of its connections."""
    return {f'network{index}': nic.name for index, nic in enumerate(server.networks)}


def _known(value: str | None) -> str | None:
    if value == AFTER_APPLY:
        return None
    return value


def user_data_mark(server: Server) -> str | None:
    """Return the mark of the user data of a server, its hash; None if it has none."""
    if server.user_data is None:
        return None
    return str.__str__(server.user_data)


def own_groups(server: Server) -> str | None:
    """Return the mark of the connections with groups of their own; None if there are none."""
    indices: List[str] = []
    for index, nic in enumerate(server.networks):
        if nic.security_groups is not None:
            indices.append(str(index))
    return ' '.join(indices) or None


def own_groups_of(marks: Marks) -> Set[int]:
    """Return the indices of the connections with groups of their own."""
    words = marks.own.get(OWN_GROUPS, '').split()
    return {int(word) for word in words if word.isdecimal()}


def numbered(marks: Marks, key: str) -> List[str]:
    """Return the values of the marks KEY0, KEY1 and so on."""
    found: List[str] = []
    for index in count():
        value = marks.own.get(f'{key}{index}')
        if value is None:
            break
        found.append(value)
    return found


def _pending(server: Server) -> str | None:
    words: List[str] = []
    if server.floating_ip == AFTER_APPLY:
        words.append(_AUTO)
    elif server.floating_ip:
        words.append(server.floating_ip)
    if server.power == 'stopped':
        words.append(_STOP)
    return ' '.join(words) or None


def pending_of(marks: Marks) -> Pending | None:
    """Return what is left to be done with a server; None if nothing is."""
    words = marks.own.get(PENDING, '').split()
    if not words:
        return None
    floating_ip = None
    for word in words:
        if word == _AUTO:
            floating_ip = AFTER_APPLY
        elif word != _STOP:
            floating_ip = word
    return Pending(floating_ip, _STOP in words)
