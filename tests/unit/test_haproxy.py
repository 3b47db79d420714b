# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The configuration of a balancer: its content, and that HAProxy accepts it."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._local.balancer.haproxy import (
    Place,
    render,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.lb import (
    ALGORITHMS,
    PROTOCOLS,
    HealthCheck,
    Lb,
    LbRequest,
    Listener,
)

LISTENERS = (Listener(80, 'http', 8080), Listener(5432, 'tcp', 5432))
MEMBERS = (('web-1', '192.168.0.5'), ('web-2', '192.168.0.6'))
SHARED = [
    'tcp-request connection track-sc0 src table sources',
    'tcp-request connection reject if { sc0_conn_cur gt 1000 }',
]
PATH = '/health/~me?a=b&c=%20,;:@x+y'
CHECKS = [
    None,
    HealthCheck(),
    HealthCheck('tcp', 81, '/', 3600),
    HealthCheck('http', 8081, PATH, 5),
]


def lines(lb: Lb, members: tuple[tuple[str, str], ...] = MEMBERS) -> dict[str, list[str]]:
    """The lines of each section, by its heading."""
    sections: dict[str, list[str]] = {}
    for line in render(lb, Place('/srv/b', '192.168.0.9', members)).splitlines():
        if line.startswith(' '):
            sections[list(sections)[-1]].append(line.strip())
        else:
            sections[line] = []
    return sections


def test_sections() -> None:
    """A frontend and a backend per listener; members in their order, with its member port."""
    sections = lines(Lb('l', listeners=LISTENERS))
    assert list(sections) == [
        'global',
        'defaults',
        'backend sources',
        'frontend listen_80',
        'backend members_80',
        'frontend listen_5432',
        'backend members_5432',
    ]
    assert sections['frontend listen_80'] == [
        'mode http',
        'bind 192.168.0.9:80',
        *SHARED,
        'option forwardfor',
        'default_backend members_80',
    ]
    assert sections['backend members_80'] == [
        'mode http',
        'balance roundrobin',
        'server web-1 192.168.0.5:8080',
        'server web-2 192.168.0.6:8080',
    ]
    assert sections['frontend listen_5432'] == [
        'mode tcp',
        'bind 192.168.0.9:5432',
        *SHARED,
        'default_backend members_5432',
    ]
    assert sections['backend members_5432'] == [
        'mode tcp',
        'balance roundrobin',
        'server web-1 192.168.0.5:5432',
        'server web-2 192.168.0.6:5432',
    ]


@pytest.mark.parametrize(
    ('algorithm', 'expected'),
    [
        ('round_robin', ['balance roundrobin']),
        ('least_connections', ['balance leastconn']),
        ('source_ip', ['balance source', 'hash-type consistent']),
    ],
)
def test_algorithms(algorithm: str, expected: list[str]) -> None:
    """The algorithms by HAProxy's names."""
    assert lines(Lb('l', algorithm=algorithm, listeners=LISTENERS), ())['backend members_80'] == [
        'mode http',
        *expected,
    ]


def test_health_checks() -> None:
    """Two failures mark a member down, two successes up; on the member port, unless one is set."""
    options = ' fall 2 rise 2 on-marked-down shutdown-sessions'
    lb = Lb('l', listeners=LISTENERS)
    plain = lines(replace(lb, health_check=HealthCheck('tcp')))['backend members_80']
    assert plain[2:] == [
        f'server {name} {address}:8080 check inter 1s{options}' for name, address in MEMBERS
    ]
    with_http = replace(lb, health_check=HealthCheck('http', 81, '/up', 5))
    backend = lines(with_http)['backend members_5432']
    assert backend[2:5] == [
        'option httpchk',
        'http-check send meth GET uri /up',
        'http-check expect status 200-399',
    ]
    assert backend[5:] == [
        f'server {name} {address}:5432 check inter 5s{options} port 81' for name, address in MEMBERS
    ]


def test_rendering_is_deterministic() -> None:
    """The text is compared with the existing file: the same values give the same text."""
    lb = Lb('l', listeners=LISTENERS, health_check=CHECKS[-1])
    place = Place('/srv/b', '192.168.0.9', MEMBERS)
    assert render(lb, place) == render(replace(lb, created_at='later'), place)
    assert render(lb, place).endswith('\n')


@pytest.mark.parametrize(
    ('algorithm', 'check', 'members'), list(itertools.product(ALGORITHMS, CHECKS, [(), MEMBERS]))
)
def test_haproxy_accepts_it(
    tmp_path: Path, algorithm: str, check: HealthCheck | None, members: tuple[tuple[str, str], ...]
) -> None:
    """Every valid request gives a configuration without warnings."""
    haproxy = shutil.which('haproxy', path='/usr/local/sbin:/usr/sbin:/usr/bin')
    if haproxy is None:
        pytest.skip('haproxy is not installed (make packages installs it)')
    listeners = tuple(
        Listener(80 + index, protocol, 65535 - index) for index, protocol in enumerate(PROTOCOLS)
    )
    options: dict[str, Any] = {'algorithm': algorithm, 'listeners': listeners}
    if check:
        options['health_check'] = check
    assert LbRequest('l', 'present', options).problems() == []
    # the version of the format; no server has a state yet
    (tmp_path / 'servers.state').write_text('1\n', encoding='utf-8')
    file = tmp_path / 'haproxy.cfg'
    place = Place(str(tmp_path), '127.0.0.1', members)
    file.write_text(render(Lb('l', **options), place), encoding='utf-8')
    ran = subprocess.run(
        [haproxy, '-c', '-f', file], capture_output=True, text=True, timeout=30, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert 'WARNING' not in ran.stdout + ran.stderr
