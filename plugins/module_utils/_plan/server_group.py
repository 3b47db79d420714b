# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Groups of servers: the members of a request, and the deletion of others."""

from __future__ import annotations

from typing import List, Tuple

from .._model.change import Draft
from .._model.server import Server
from .._model.server_request import ServerRequest
from .server_observations import ObservedServers


def plan_members(
    request: ServerRequest, observed: ObservedServers, draft: Draft
) -> Tuple[str, ...]:
    """Return the names of the servers to plan; plan the deletion of surplus members."""
    group = _group_members(request.name, observed)
    single = observed.servers.get(request.name)
    if request.count is None:
        return _without_count(request, group, single, draft)
    if single:
        draft.refuse(
            'name',
            f'name: {request.name} is a single server, not a group; omit count, or use another '
            'name',
        )
    members = request.members()
    for name in members:
        server = observed.servers.get(name)
        if server and server.member_of != request.name:
            draft.refuse(
                'name',
                f'name: {name} is a single server, not a member of {request.name}; use another '
                'name',
                name=name,
            )
    if request.state == 'absent':
        return group
    surplus = [observed.servers[name] for name in group if name not in members]
    _delete_surplus(request, surplus, draft)
    return members


def _group_members(name: str, observed: ObservedServers) -> Tuple[str, ...]:
    """The existing members of a group, in the order of their numbers."""
    members = [server.name for server in observed.servers.values() if server.member_of == name]
    return tuple(sorted(members, key=lambda member: (len(member), member)))


def _without_count(
    request: ServerRequest, group: Tuple[str, ...], single: Server | None, draft: Draft
) -> Tuple[str, ...]:
    if request.state == 'absent':
        return (*group, request.name) if single else group
    if not group:
        return (request.name,)
    draft.refuse(
        'name',
        f'name: {request.name} is a group of {len(group)} servers; set count, or use the name of a '
        f'member ({group[0]}, ...)',
    )
    return ()


def _delete_surplus(request: ServerRequest, surplus: List[Server], draft: Draft) -> None:
    if surplus and not request.allow_shrink:
        names = ', '.join(server.name for server in surplus)
        draft.refuse(
            'count',
            f'count: {request.count} would delete {names}; set allow_shrink: true to allow it',
        )
    if surplus:
        from .server_deletion import plan_server_deletion

        for server in surplus:
            plan_server_deletion(server, request, draft)
