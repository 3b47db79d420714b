# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The HAProxy configuration of a balancer, rendered from validated values.

Source: HAProxy 2.6 configuration manual.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Tuple

from ..._model.lb import HealthCheck, Lb, Listener

BALANCE = {
    'round_robin': ('balance roundrobin',),
    'least_connections': ('balance leastconn',),
    'source_ip': ('balance source', 'hash-type consistent'),
}
MAXCONN = 4000  # two descriptors each, within the usual limit of a container
MAXCONN_OF_SOURCE = MAXCONN // 4  # concurrent connections of one source address
SOURCES = 20000  # source addresses tracked at a time
EMPTY = '/var/empty'  # in the container: the chroot of HAProxy


@dataclass(frozen=True)
class Place:
    """The folder and address of a balancer, and its members (name, address)."""

    folder: str
    address: str
    members: Tuple[Tuple[str, str], ...]


def render(lb: Lb, place: Place) -> str:
    """The complete configuration file."""
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
        '  timeout http-request 10s',  # for all headers of a request
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
    return [
        *_frontend(listener, place),
        f'backend members_{listener.port}',
        f'  mode {listener.protocol}',
        *(f'  {line}' for line in BALANCE[lb.algorithm]),
        *_http_check(lb.health_check),
        *_servers(lb.health_check, listener, place),
    ]


def _frontend(listener: Listener, place: Place) -> List[str]:
    lines = [
        f'frontend listen_{listener.port}',
        f'  mode {listener.protocol}',
        f'  bind {place.address}:{listener.port}',
        '  tcp-request connection track-sc0 src table sources',
        f'  tcp-request connection reject if {{ sc0_conn_cur gt {MAXCONN_OF_SOURCE} }}',
    ]
    if listener.protocol == 'http':
        lines.append('  option forwardfor')
    return [*lines, f'  default_backend members_{listener.port}']


def _http_check(check: HealthCheck | None) -> List[str]:
    if check is None or check.protocol != 'http':
        return []
    return [
        '  option httpchk',
        f'  http-check send meth GET uri {check.path}',
        '  http-check expect status 200-399',
    ]


def _servers(check: HealthCheck | None, listener: Listener, place: Place) -> List[str]:
    options = ''
    if check:
        options += f' check inter {check.interval}s fall 2 rise 2 on-marked-down shutdown-sessions'
        if check.port:
            options += f' port {check.port}'
    return [
        f'  server {name} {address}:{listener.member_port}{options}'
        for name, address in place.members
    ]
