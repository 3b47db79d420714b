# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The records of earlier versions are taken over while everything runs.

Restored from tests/fixtures/records: see README.md there. The tests of this file run in its order.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._local.record.database import VERSION
from ansible_collections.hanok.cloud.tests.kept_records import KEPT, KeptRecord, differences

from .conftest import inventory, keep, run
from .restored import URIS, clear_host, empty_host, output_of, restore, tasks
from .test_balancers import processes

# What the first task changes besides, as changelogs/fragments announce it, by the kept record.
ANNOUNCED: dict[str, str] = {'4': 'the loaded firewall rules do not match the record'}
# What _info modules return otherwise than the earlier version, by the kept record.
CHANGED_RESULTS: dict[str, list[str]] = {
    '4': [
        'security_group.all-out.rules.0: lost',
        *(f'volume.{server}/root: added' for server in ('db', 'web-1', 'web-2')),
    ]
}
LAST_CHECK = re.compile(r'lb\..*\.health\..*\.reason: .* -> ')  # changes with each check
DELETED = (
    'lb',
    'server',
    'volume',
    'floating_ip',
    'port',
    'image',
    'init_script',
    'keypair',
    'flavor',
    'security_group',
    'network',
)
Running = dict[str, Any]


def succeed(module: str, **options: Any) -> None:
    """Run a task that does not fail."""
    result = run(module, **options)
    assert not result.get('failed'), result['msg']


@dataclass
class Previous:
    """A restored environment, and what was running before anything was taken over."""

    kept: KeptRecord
    digest: str
    streams: list[socket.socket]
    running: Running

    def info(self) -> Any:
        """What the _info modules returned, with the checksum of the local image."""
        checksum = self.kept.read('host')['image']
        return json.loads(json.dumps(self.kept.read('info')).replace(checksum, self.digest))

    def check_uninterrupted(self) -> None:
        """Assert that everything still runs, and that the connections are open."""
        assert running(self.kept) == self.running
        for stream in self.streams:
            stream.sendall(b'still there\n')
            assert stream.recv(64) == b'still there\n', stream


def running(kept: KeptRecord) -> Running:
    """The processes of machines and containers, and the disks of machines."""
    found: Running = {}
    for machine in kept.read('host')['libvirt']:
        identity, virsh = machine['id'], ('virsh', '--connect', URIS[machine['driver']])
        if machine['command']:
            continue
        found[identity] = output_of(*virsh, 'domid', identity).strip()
        if machine['driver'] == 'lxc':
            found[f'{identity} HAProxy'] = processes(identity, 'haproxy')
        else:
            name = output_of(*virsh, 'domname', identity).strip()
            pid = Path(f'/run/libvirt/qemu/{name}.pid')
            found[f'{identity} QEMU'] = pid.read_text('ascii') if pid.exists() else None
            found[f'{identity} disks'] = output_of(*virsh, 'domblklist', identity)
    return found


def connect(address: str, port: int, seconds: float = 120) -> socket.socket:
    """Connect to an echo server, as soon as one answers."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            stream = socket.create_connection((address, port), 5)
            stream.sendall(b'first\n')
            if stream.recv(64) == b'first\n':
                return stream
            stream.close()
        except OSError:
            pass
        assert time.monotonic() < deadline, f'{address}:{port} does not answer'
        time.sleep(0.2)


@pytest.fixture(scope='module', params=KEPT, ids=str)
def previous(
    request: pytest.FixtureRequest, tiny: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Previous]:
    """An environment as the earlier version left it; in the end the modules delete all of it."""
    kept: KeptRecord = request.param
    with empty_host(tmp_path_factory.mktemp('aside')):
        for state in ('present', 'absent'):  # a cloud leaves its empty rules
            succeed('network', name='first', state=state)
        before = inventory()
        clear_host()
        digest = restore(kept, tiny)
        info = kept.read('info')
        with contextlib.ExitStack() as closed:
            streams = [
                closed.enter_context(connect(item['floating_ip'], 7))
                for item in (*info['server'], *info['lb'])
                if item['status'] == 'ACTIVE' and item['floating_ip']
            ]
            wait_for_health(info['lb'])
            yield Previous(kept, digest, streams, running(kept))
        delete_everything(kept, digest)
        assert inventory() == before


def health(lbs: list[dict[str, Any]]) -> list[list[tuple[str, str]]]:
    """The members and their status, without its reason: the last check, which may be running."""
    return [[(member['name'], member['status']) for member in lb['health']] for lb in lbs]


def wait_for_health(kept: list[dict[str, Any]]) -> None:
    """Wait until the load balancers see their members as before."""
    expected = health(kept)
    deadline = time.monotonic() + 60
    while health(run('lb_info')['lbs']) != expected:
        assert time.monotonic() < deadline, run('lb_info')


def delete_everything(kept: KeptRecord, digest: str) -> None:
    """Delete all resources by tasks, those first that use others."""
    succeed('server', name='db', delete_protection=False)
    created = reversed(tasks(kept, digest))
    for module, options in sorted(created, key=lambda task: DELETED.index(task[0])):
        rules = {'rules': []} if module == 'security_group' else {}
        succeed(module, name=options['name'], **rules, state='absent')
    succeed('network', name='default', state='absent')
    left = {kind: run(f'{kind}_info')[f'{kind}s'] for kind in DELETED if kind != 'flavor'}
    assert [group['name'] for group in left.pop('security_group')] == ['default']
    assert not any(left.values()), left


def test_info(previous: Previous) -> None:
    """The _info modules return what those of the earlier version returned."""
    kept, found = previous.info(), []
    with ThreadPoolExecutor() as pool:
        results = list(pool.map(lambda kind: run(f'{kind}_info'), kept))
    for (kind, items), result in zip(kept.items(), results, strict=True):
        found += differences(items, result[f'{kind}s'], kind)
    found = [difference for difference in found if not LAST_CHECK.match(difference)]
    assert sorted(found) == CHANGED_RESULTS.get(str(previous.kept), [])
    # Those of kinds with a network warn of what the next task will change.
    warnings = [warning for result in results for warning in result.get('warnings', ())]
    message = ANNOUNCED.get(str(previous.kept))
    assert bool(warnings) is bool(message), warnings
    assert all(message in str(warning) for warning in warnings)
    previous.check_uninterrupted()


def test_tasks_change_nothing(previous: Previous) -> None:
    """The tasks that created everything find nothing to do, in check mode as in a run."""
    message = ANNOUNCED.get(str(previous.kept))
    if message:
        assert message in keep('server', name='db')['msg']
    with ThreadPoolExecutor() as pool:
        runs = [
            pool.submit(run, module, check, **options)
            for module, options in tasks(previous.kept, previous.digest)
            for check in (True, False)
        ]
    for result in (done.result() for done in runs):
        assert not result.get('failed'), result['msg']
        assert not result['changed'], result['diff']
        assert not result.get('warnings'), result
    previous.check_uninterrupted()


def test_record_is_migrated(previous: Previous) -> None:
    """The first task that changes something migrates the record; each kind can be changed."""
    for kind, items in previous.kept.read('info').items():
        names = [item['name'] for item in items if 'labels' in item and item['name']]
        result = keep(kind, name=names[-1], labels={'taken': 'over'})
        assert (result['changed'], result[kind]['labels']) == (True, {'taken': 'over'}), kind
    with contextlib.closing(
        sqlite3.connect('file:/var/lib/hanok/hanok.db?mode=ro', uri=True)
    ) as sql:
        assert sql.execute('PRAGMA user_version').fetchone() == (VERSION,)
        assert sql.execute('PRAGMA integrity_check').fetchone() == ('ok',)
        assert not sql.execute('PRAGMA foreign_key_check').fetchall()
    previous.check_uninterrupted()
