# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Members that shut down are drained first: their balancers send them no new connections.

HAProxy keeps that state itself, also when it reloads. Source: HAProxy 2.6 management guide, section
9.3, "set server".
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Dict, List, Tuple

from ..record.database import Query
from ..record.host import Host
from ..record.work import wait_until
from . import haproxy_socket, lb_files
from .member_health import has_connections

if TYPE_CHECKING:
    from .row_types import Membership

_LONGEST = 30.0  # seconds for the last connections of a member to end


_MEMBERSHIPS: Query[Membership] = Query(
    """SELECT s.name, b.uuid AS balancer, b.listeners
  FROM balancer_member m JOIN server s ON s.id = m.server_id
  JOIN balancer b ON b.id = m.balancer_id
  WHERE s.id IN (SELECT value FROM json_each(?1))"""
)
Members = Dict[str, List[Tuple[str, str]]]


def drain(host: Host, servers: Iterable[int]) -> None:
    """Let balancers finish what servers (rows) have been sent, and send them nothing new.

    Connections that last longer end with the server.
    """
    members = _members(host, servers)
    if not members:
        return
    for folder, backends in members.items():
        _set(folder, backends, 'state drain')
    wait_until(lambda: not any(map(_is_serving, members.items())), _LONGEST)


def undrain(host: Host, servers: Iterable[int]) -> None:
    """Let balancers send connections to servers (rows) as soon as their health checks succeed."""
    for folder, backends in _members(host, servers).items():
        _set(folder, backends, 'health down')  # an error, without effect, where nothing is checked
        _set(folder, backends, 'state ready')


def _members(host: Host, servers: Iterable[int]) -> Members:
    """The members that servers are, as backend and server of HAProxy, by folder of a balancer."""
    found: Members = {}
    for row in host.record.rows(_MEMBERSHIPS, json.dumps(list(servers))):
        folder = lb_files.folder_of(host, row['balancer'])
        ports = [listener['port'] for listener in json.loads(row['listeners'])]
        found.setdefault(folder, []).extend((f'members_{port}', row['name']) for port in ports)
    return found


def _set(folder: str, members: Iterable[Tuple[str, str]], value: str) -> None:
    commands = [f'set server {backend}/{name} {value}' for backend, name in members]
    haproxy_socket.query(folder, '; '.join(commands))


def _is_serving(balancer: Tuple[str, List[Tuple[str, str]]]) -> bool:
    folder, members = balancer
    return has_connections(haproxy_socket.query(folder, 'show stat'), members)
