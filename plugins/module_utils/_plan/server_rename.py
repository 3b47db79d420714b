# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of the action rename."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Tuple

from .._model.change import Draft
from .._model.kinds import Verb
from .._model.server import Server
from .._model.server_action import ServerActionRequest
from .checks import DnsOwners, check_dns_name
from .server_completion import complete_for_action
from .server_power import check_allowed


def renamed(
    request: ServerActionRequest,
    servers: Mapping[str, Server],
    dns_owners: DnsOwners,
    draft: Draft,
) -> Tuple[Server, ...]:
    """The server under its new name, unless it has that already."""
    name = request.name or ''
    new_name = request.new_name or ''
    found = servers.get(name)
    there = servers.get(new_name)
    if found is None and there is not None:
        settled = draft.settled('server', there)
        return (complete_for_action(settled, request.force, draft),) if settled else ()
    current = None if found is None else draft.settled('server', found)
    if current is None:
        draft.miss('name', f'server {name} does not exist', name=name)
        return ()
    if new_name == name:
        return (current,)
    if there is not None:
        draft.refuse('new_name', f'new_name: server {new_name} exists already', name=name)
    current = complete_for_action(current, request.force, draft)
    _check(current, new_name, dns_owners, draft)
    after = replace(current, name=new_name)
    return (draft.add('server', Verb.RENAME, current, after),)


def _check(
    current: Server,
    new_name: str,
    dns_owners: DnsOwners,
    draft: Draft,
) -> None:
    name = current.name
    if current.member_of:
        draft.refuse(
            'action',
            f'server {name} is a member of the group {current.member_of}, by which it is named; '
            'only single servers are renamed',
            name=name,
        )
    check_allowed(current, Verb.RENAME, draft, 'action')
    networks = [nic.name for nic in current.networks]
    check_dns_name('server', new_name, networks, dns_owners, draft)
