# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What only this collection knows of a server, in its metadata in Nova.

Nova tells nothing of a server that it has not built yet, or has failed to: what was requested is
written with it. A name has a key of its own, because a value has at most 255 characters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Dict, List, NamedTuple, Set

from ..._model.change import AFTER_APPLY
from ..._model.server import Server
from ..api.marks import Marks

PENDING = 'pending'  # what is left to be done when Nova has built a server
OWN_GROUPS = 'own_groups'  # the indices of the connections with groups of their own
RESIZING = 'resizing'  # a resize of this collection, which confirms it
_AUTO = 'auto'
_STOP = 'stop'


class Pending(NamedTuple):
    """What is left to be done with a new server. ``floating_ip``: as in a server."""

    floating_ip: str | None
    stop: bool


def creation_marks(server: Server, actor: str, token: str) -> Dict[str, str | None]:
    """Return the marks of a new server; ``token`` identifies the run that creates it."""
    found: Dict[str, str | None] = {
        'token': token,
        'created_by': actor,
        'image': server.image,
        'user_data': None if server.user_data is None else str.__str__(server.user_data),
        'init_script': server.init_script,
        'volume_size': str(server.volume_size),
        'member_of': server.member_of,
        'delete_protection': 'true' if server.delete_protection else None,
        OWN_GROUPS: own_groups(server),
        PENDING: _pending(server),
    }
    for index, nic in enumerate(server.networks):
        found[f'network{index}'] = nic.name
        for option in ('fixed_ip', 'mac', 'port'):
            value = getattr(nic, option)
            found[f'{option}{index}'] = None if value == AFTER_APPLY else value
    found.update({f'group{index}': name for index, name in enumerate(server.security_groups)})
    return found


def own_groups(server: Server) -> str | None:
    """Return the mark of the connections with groups of their own; None if there are none."""
    nics = enumerate(server.networks)
    indices = [str(index) for index, nic in nics if nic.security_groups is not None]
    return ' '.join(indices) or None


def own_groups_of(marks: Marks) -> Set[int]:
    """Return the indices of the connections with groups of their own."""
    words = marks.own.get(OWN_GROUPS, '').split()
    return {int(word) for word in words if word.isdecimal()}


def numbered(marks: Marks, key: str) -> List[str]:
    """Return the values of the marks KEY0, KEY1 and so on."""
    found: List[str] = []
    while f'{key}{len(found)}' in marks.own:
        found.append(marks.own[f'{key}{len(found)}'])
    return found


def _pending(server: Server) -> str | None:
    address = _AUTO if server.floating_ip == AFTER_APPLY else server.floating_ip
    stop = _STOP if server.power == 'stopped' else None
    return ' '.join(word for word in (address, stop) if word) or None


def pending_of(marks: Marks) -> Pending | None:
    """Return what is left to be done with a server; None if nothing is."""
    words = marks.own.get(PENDING, '').split()
    addresses = [AFTER_APPLY if word == _AUTO else word for word in words if word != _STOP]
    return Pending(next(iter(addresses), None), _STOP in words) if words else None


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> Dict[str, str]:
    """Return the metadata to be written, which is new or has another value."""
    return {key: value for key, value in after.items() if before.get(key) != value}


def removed(before: Mapping[str, str], after: Mapping[str, str]) -> Sequence[str]:
    """Return the keys of metadata to be removed."""
    return [key for key in before if key not in after]
