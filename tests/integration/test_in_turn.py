# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A service behind a load balancer answers while its servers are replaced in turn.

They are containers: what is shown is the order of steps, and what the load balancer does.
"""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import keep, run
from .test_ground import warnings_of

SERVE = (
    '#!/bin/sh\nmkdir -p /var/www/cgi-bin\n'
    'printf \'#!/bin/sh\\nsleep 1\\nprintf "\\\\r\\\\n{version}"\\n\' > /var/www/cgi-bin/slow\n'
    'chmod 755 /var/www/cgi-bin/slow\ntouch /var/www/.serve; httpd -p 80 -h /var/www\n'
)
BROKEN = '#!/bin/sh\nexit 3\n'
FIRST_BOOT = {'wait_for': 'init', 'wait_timeout': 300}
NAMES = ['shop-1', 'shop-2']


class Clients:
    """Clients that send requests all the while, each of which takes a second."""

    def __init__(self, address: str) -> None:
        """Send them to this address."""
        self.url = f'http://{address}/cgi-bin/slow'
        self.answers: list[str] = []
        self.failures: list[str] = []
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._send) for _number in range(4)]

    def _send(self) -> None:
        while not self._ended.is_set():
            try:
                with urllib.request.urlopen(self.url, timeout=30) as response:  # noqa: S310
                    self.answers.append(response.read().decode())
            except OSError as error:
                self.failures.append(f'{time.strftime("%T")} {error}')

    def __enter__(self) -> Clients:
        """Start."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop, after the answers to the last requests."""
        self._ended.set()
        for thread in self._threads:
            thread.join()


@pytest.fixture(scope='module')
def service(root_image: str, open_group: str) -> Iterator[str]:
    """Two servers behind a load balancer; its address."""
    keep('init_script', name='shop', content=SERVE.format(version='old'))
    options = {'image': root_image, 'flavor': 'g1.nano', 'security_groups': ['open'], 'count': 2}
    keep('server', name='shop', **options, init_script='shop', **FIRST_BOOT)
    options = {'listeners': [{'port': 80}], 'health_check': {'protocol': 'tcp'}}
    lb = keep('lb', name='shop', members=NAMES, **options, wait_for='healthy')['lb']
    yield str(lb['address'])
    keep('lb', name='shop', state='absent')
    keep('server', name='shop', count=0, allow_shrink=True)
    keep('init_script', name='shop', state='absent')


def rebuild() -> dict[str, Any]:
    """Replace the root disks of the group."""
    return run('server_action', name='shop', action='rebuild', **FIRST_BOOT)


def test_rebuilt_in_turn(service: str) -> None:
    """No request fails, neither by a script that does not work nor by one that does."""
    with Clients(service) as clients:
        keep('init_script', name='shop', content=BROKEN)
        failed = rebuild()
        assert failed['failed']
        assert [error['name'] for error in failed['errors']] == ['shop-1']
        assert 'not changed yet: server shop-2' in warnings_of(failed)
        assert [step['what'] for step in failed['steps']] == ['server shop-1: rebuild']
        keep('init_script', name='shop', content=SERVE.format(version='new'))
        done = rebuild()
        assert not done.get('failed'), done['msg']
        number = len(clients.answers)
    assert clients.failures == []
    assert number > 0
    assert {*clients.answers} == {'old', 'new'}
    assert {*clients.answers[number:]} == {'new'}
    waited = 'waited for healthy in its load balancers of'
    steps = [step['what'] for step in done['steps']]
    assert [f'{waited} {name}' in steps for name in NAMES] == [True, True]
    assert steps[:2] == [f'server {name}: rebuild' for name in NAMES]


def test_drained_before_a_restart(service: str) -> None:
    """What a server has been sent is answered before its guest is shut down."""
    with Clients(service) as clients:
        done = run('server', name='shop', count=2, state='restarted', wait_for='ip')
        assert not done.get('failed'), done['msg']
    assert clients.failures == []
    assert [step['what'] for step in done['steps'][:4]] == [
        f'server {name}: {verb}' for name in NAMES for verb in ('stop', 'start')
    ]
