# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers that are on bridges of the host only: what they cannot have without a network."""

from __future__ import annotations

from typing import Any, Dict

from .._model.change import Draft
from .._model.server_request import ServerRequest

_UNAWAITED = ('stopped', 'paused', 'shelved')


def check_bridged(name: str, options: Dict[str, Any], request: ServerRequest, draft: Draft) -> None:
    """Refuse security groups, a floating IP, and to wait for an address."""
    if options.pop('security_groups', None):
        draft.refuse(
            'security_groups',
            f'security_groups: none applies to server {name}, which is only on bridges of the '
            'host; omit it, or add a network (networks: name or port)',
            name=name,
        )
    if request.floating_ip not in (None, 'none'):
        draft.refuse(
            'floating_ip',
            f'floating_ip: server {name} has no fixed IP, because it is only on bridges of the '
            'host; omit it, or add a network (networks: name or port)',
            name=name,
        )
    if request.state not in _UNAWAITED:
        check_awaited(name, request.wait_for, draft)


def check_awaited(name: str, wait_for: str, draft: Draft) -> None:
    """Refuse to wait for an address that nothing here gives."""
    if wait_for in ('ip', 'ssh'):
        draft.refuse(
            'wait_for',
            f'wait_for: {wait_for} needs an address, and server {name} has none, because it is '
            'only on bridges of the host; wait for init or running, or add a network',
            name=name,
        )
