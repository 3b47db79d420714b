# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The configuration of HAProxy for a balancer, as text built from validated values (HAProxy 2.6 configuration manual)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Tuple

from .._model.lb import Lb, Listener

BALANCE = {'round_robin': ('balance roundrobin',), 'least_connections': ('balance leastconn',), 'source_ip': ('balance source', 'hash-type consistent')}
MAXCONN = 4000  # two descriptors each, within the usual limit of a container


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
        f'  stats socket {place.folder}/admin.sock mode 600 level admin expose-fd listeners',
        f'  server-state-file {place.folder}/servers.state',
        f'  maxconn {MAXCONN}',
        '  hard-stop-after 1h',
        'defaults',
        '  load-server-state-from-file global',
        '  timeout connect 5s',
        '  timeout client 60s',
        '  timeout server 60s',
        '  timeout check 2s',
        '  option redispatch 1',
        '  retries 3',
    ]
    for listener in lb.listeners:
        lines += _listener(lb, listener, place)
    return '\n'.join(lines) + '\n'


def _listener(lb: Lb, listener: Listener, place: Place) -> List[str]:
    lines = [f'frontend listen_{listener.port}', f'  mode {listener.protocol}', f'  bind {place.address}:{listener.port}']
    lines += ['  option forwardfor'] if listener.protocol == 'http' else []
    lines += [f'  default_backend members_{listener.port}', f'backend members_{listener.port}', f'  mode {listener.protocol}']
    lines += ['  ' + words for words in BALANCE[lb.algorithm]]
    check = lb.health_check
    if check and check.protocol == 'http':
        lines += ['  option httpchk', f'  http-check send meth GET uri {check.path}', '  http-check expect status 200-399']
    watched = f' check inter {check.interval}s fall 2 rise 2 on-marked-down shutdown-sessions' if check else ''
    watched += f' port {check.port}' if check and check.port else ''
    return lines + [f'  server {name} {address}:{listener.member_port}{watched}' for name, address in place.members]
