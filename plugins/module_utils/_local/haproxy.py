# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The configuration of HAProxy for a balancer, as text built from validated values (HAProxy 2.6 configuration manual)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Tuple

from .._model.lb import Lb, Listener

BALANCE = {
    'round_robin': ('balance roundrobin',),
    'least_connections': ('balance leastconn',),
    'source_ip': ('balance source', 'hash-type consistent'),
}
MAXCONN = 4000  # two descriptors each, within the usual limit of a container
SHARE = MAXCONN // 4  # connections that one source address may hold
SOURCES = 20000  # addresses that are counted at a time
EMPTY = '/var/empty'  # in the container: where HAProxy shuts itself in


@dataclass(frozen=True)
class Place:
    """Where a balancer lives: its folder, its address, and its members (name, address)."""

    folder: str
    address: str
    members: Tuple[Tuple[str, str], ...]


def render(lb: Lb, place: Place) -> str:
    """The whole file."""
    lines = [
        'global',
        '  user haproxy',
        '  group haproxy',
        f'  chroot {EMPTY}',
        f'  stats socket {place.folder}/run/admin.sock mode 600 level admin expose-fd listeners',
        f'  server-state-file {place.folder}/servers.state',
        f'  maxconn {MAXCONN}',
        '  hard-stop-after 1h',
        'defaults',
        '  load-server-state-from-file global',
        '  timeout connect 5s',
        '  timeout http-request 10s',  # for the whole head of a request
        '  timeout http-keep-alive 10s',
        '  timeout client 60s',
        '  timeout server 60s',
        '  timeout check 2s',
        '  option redispatch 1',
        '  retries 3',
        'backend sources',
        f'  stick-table type ip size {SOURCES} expire 1m store conn_cur',
    ]
    for listener in lb.listeners:
        lines += _listener(lb, listener, place)
    return '\n'.join(lines) + '\n'


def _listener(lb: Lb, listener: Listener, place: Place) -> List[str]:
    lines = [
        f'frontend listen_{listener.port}',
        f'  mode {listener.protocol}',
        f'  bind {place.address}:{listener.port}',
    ]
    lines.append('  tcp-request connection track-sc0 src table sources')
    lines.append(f'  tcp-request connection reject if {{ sc0_conn_cur gt {SHARE} }}')
    lines += ['  option forwardfor'] if listener.protocol == 'http' else []
    lines += [
        f'  default_backend members_{listener.port}',
        f'backend members_{listener.port}',
        f'  mode {listener.protocol}',
    ]
    lines += ['  ' + words for words in BALANCE[lb.algorithm]]
    check = lb.health_check
    if check and check.protocol == 'http':
        lines += [
            '  option httpchk',
            f'  http-check send meth GET uri {check.path}',
            '  http-check expect status 200-399',
        ]
    watched = (
        f' check inter {check.interval}s fall 2 rise 2 on-marked-down shutdown-sessions'
        if check
        else ''
    )
    watched += f' port {check.port}' if check and check.port else ''
    return lines + [
        f'  server {name} {address}:{listener.member_port}{watched}'
        for name, address in place.members
    ]
