# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The configuration of a balancer: what it says, and that HAProxy itself takes it."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._local.haproxy import Place, render
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


def test_what_it_says() -> None:
    """One frontend and one backend for each listener; the members in their order, at the listener's port for them."""
    said = lines(Lb('l', listeners=LISTENERS))
    assert list(said) == [
        'global',
        'defaults',
        'backend sources',
        'frontend listen_80',
        'backend members_80',
        'frontend listen_5432',
        'backend members_5432',
    ]
    assert said['frontend listen_80'] == [
        'mode http',
        'bind 192.168.0.9:80',
        *SHARED,
        'option forwardfor',
        'default_backend members_80',
    ]
    assert said['backend members_80'] == [
        'mode http',
        'balance roundrobin',
        'server web-1 192.168.0.5:8080',
        'server web-2 192.168.0.6:8080',
    ]
    assert said['frontend listen_5432'] == [
        'mode tcp',
        'bind 192.168.0.9:5432',
        *SHARED,
        'default_backend members_5432',
    ]
    assert said['backend members_5432'] == [
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
    """In HAProxy's words."""
    assert lines(Lb('l', algorithm=algorithm, listeners=LISTENERS), ())['backend members_80'] == [
        'mode http',
        *expected,
    ]


def test_health_checks() -> None:
    """Two failures and it is out, two successes and it is back; the member's own port unless another was said."""
    watched = ' fall 2 rise 2 on-marked-down shutdown-sessions'
    lb = Lb('l', listeners=LISTENERS)
    plain = lines(replace(lb, health_check=HealthCheck('tcp')))['backend members_80']
    assert plain[2:] == [
        f'server {name} {address}:8080 check inter 1s{watched}' for name, address in MEMBERS
    ]
    requested = lines(replace(lb, health_check=HealthCheck('http', 81, '/up', 5)))[
        'backend members_5432'
    ]
    assert requested[2:5] == [
        'option httpchk',
        'http-check send meth GET uri /up',
        'http-check expect status 200-399',
    ]
    assert requested[5:] == [
        f'server {name} {address}:5432 check inter 5s{watched} port 81' for name, address in MEMBERS
    ]


def test_the_text_is_a_function_of_its_values() -> None:
    """It is compared with what is there: the same values, the same bytes."""
    lb, place = (
        Lb('l', listeners=LISTENERS, health_check=CHECKS[-1]),
        Place('/srv/b', '192.168.0.9', MEMBERS),
    )
    assert render(lb, place) == render(replace(lb, created_at='later'), place)
    assert render(lb, place).endswith('\n')


@pytest.mark.parametrize(
    ('algorithm', 'check', 'members'), list(itertools.product(ALGORITHMS, CHECKS, [(), MEMBERS]))
)
def test_haproxy_takes_it(
    tmp_path: Path, algorithm: str, check: HealthCheck | None, members: tuple[tuple[str, str], ...]
) -> None:
    """Without a word of complaint, whatever a request that passes the checks may say."""
    haproxy = shutil.which('haproxy', path='/usr/local/sbin:/usr/sbin:/usr/bin')
    if haproxy is None:
        pytest.skip(
            'haproxy is not installed here (make packages installs it): whether it takes the configuration was not tried'
        )
    listeners = tuple(
        Listener(80 + number, protocol, 65535 - number) for number, protocol in enumerate(PROTOCOLS)
    )
    options = {
        'algorithm': algorithm,
        'listeners': listeners,
        **({'health_check': check} if check else {}),
    }
    assert LbRequest('l', 'present', options).problems() == []
    (tmp_path / 'servers.state').write_text(
        '1\n', encoding='utf-8'
    )  # its version; no server has a state yet
    file = tmp_path / 'haproxy.cfg'
    file.write_text(
        render(Lb('l', **options), Place(str(tmp_path), '127.0.0.1', members)), encoding='utf-8'
    )
    ran = subprocess.run(
        [haproxy, '-c', '-f', file], capture_output=True, text=True, timeout=30, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert 'WARNING' not in ran.stdout + ran.stderr
