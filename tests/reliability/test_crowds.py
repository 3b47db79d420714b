# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Crowds: 20 and more module processes at once on one host.

Those that can succeed do, the others fail with a clear message, and nothing is duplicated or lost.
"""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hanok.cloud.tests.integration.conftest import start
from ansible_collections.hanok.cloud.tests.removal import REMOVAL

from . import figures
from .conflicts import CONFLICTS, Conflict, Task, Tasks
from .forks import ForkServer, ModuleRun
from .invariants import rows, violations

CROWD = 20
LOCKS = Path('/var/lib/hanok/locks')
SETTINGS = Path('/etc/hanok/host.json')
# The messages of a process that came too late.
EXPECTED_MESSAGES = re.compile('refused|run the task again|does not exist|in use by|is attached')


class Host(Tasks):
    """A host with the processes of a crowd."""

    def __init__(self, forks: ForkServer, image: str) -> None:
        """Count nothing yet."""
        super().__init__(image)
        self.forks = forks
        self.crowds = self.processes = 0

    def crowd(self, *tasks: Task) -> list[ModuleRun]:
        """Run tasks at the same time; return their runs.

        No message is for developers only, no process repairs what another one is changing, and
        afterwards all invariants hold.
        """
        ran = self.forks.crowd(tasks)
        assert [(one.task, one.msg) for one in ran if re.search('reloaded|repaired', one.msg)] == []
        self.crowds, self.processes = self.crowds + 1, self.processes + len(tasks)
        assert not [fault for one in ran for fault in one.faults()]
        assert violations() == []
        return ran

    def check_idempotent(self, *tasks: Task) -> None:
        """A second run of each task changes nothing, in check mode and out of it."""
        for check in (True, False):
            repeated = self.forks.crowd(tasks, check=check)
            assert not [fault for one in repeated for fault in one.faults()]
            assert [(one.task, one.msg) for one in repeated if one.failed or one.changed] == []

    def deleted(self, *tasks: Task) -> None:
        """Delete all resources at the same time."""
        absent = [
            (module, {'name': options['name'], 'state': 'absent'}) for module, options in tasks
        ]
        left = [one for one in self.crowd(*absent) if one.failed]
        assert [(one.task, one.msg) for one in left] == []


@pytest.fixture(scope='module')
def crowded(host: None, idle: str) -> Iterator[Host]:
    """A host with an image, and the process that forks its crowds."""
    forks = ForkServer()
    assert forks.run('image', {'name': 'crowd', 'path': idle}).changed
    crowd_host = Host(forks, 'crowd')
    yield crowd_host
    assert forks.run('image', {'name': 'crowd', 'state': 'absent'}).changed
    forks.close()
    figures.add('Crowds', crowds=crowd_host.crowds, processes=crowd_host.processes)


def successful(ran: list[ModuleRun]) -> list[ModuleRun]:
    """Assert that all runs succeeded."""
    assert [(one.task, one.msg) for one in ran if one.failed] == []
    return ran


def test_record_is_created_once(crowded: Host, tmp_path: Path) -> None:
    """20 processes create the record; each finds what it wrote."""
    tasks = [
        ('flavor', {'name': f'first-{number}', 'vcpus': 1, 'memory': 64 + number, 'disk': 1})
        for number in range(CROWD)
    ]
    environment = {'HANOK_STATE': str(tmp_path / 'state')}
    ran = successful(crowded.forks.crowd(tasks, environment=environment))
    assert not [fault for one in ran for fault in one.faults()]
    assert all(one.changed for one in ran)
    flavors = crowded.forks.run('flavor_info', {}, environment=environment).result['flavors']
    assert {flavor['name'] for flavor in flavors if not flavor['built_in']} == {
        options['name'] for _module, options in tasks
    }


def test_same_server(crowded: Host) -> None:
    """20 create the same server: one creates it, 19 find it up to date."""
    tasks = [crowded.server('same')] * CROWD
    ran = successful(crowded.crowd(*tasks))
    assert [one.changed for one in ran].count(True) == 1
    assert len({one.result['server']['id'] for one in ran}) == 1
    crowded.check_idempotent(*tasks[:2])
    removed = successful(crowded.crowd(*[('server', {'name': 'same', 'state': 'absent'})] * CROWD))
    assert [one.changed for one in removed].count(True) == 1


def test_same_group_with_different_counts(crowded: Host) -> None:
    """20 request different sizes of a group, with allow_shrink: the result is one of the sizes."""
    tasks = [
        crowded.server('sizes', count=1 + number % 4, allow_shrink=True) for number in range(CROWD)
    ]
    ran = successful(crowded.crowd(*tasks))
    assert any(one.changed for one in ran)
    names = {row[0] for row in rows("SELECT name FROM server WHERE member_of = 'sizes'")}
    assert names == {f'sizes-{number + 1}' for number in range(len(names))}
    check_idempotent = tasks[len(names) - 1]
    crowded.check_idempotent(check_idempotent)
    crowded.deleted(check_idempotent)


def test_different_servers(crowded: Host) -> None:
    """20 servers at once: each has its own address, MAC and domain."""
    tasks = [crowded.server(f'each-{number}', floating_ip='auto') for number in range(CROWD)]
    ran = successful(crowded.crowd(*tasks))
    assert all(one.changed for one in ran)
    for key in ('id', 'fixed_ip', 'floating_ip'):
        assert len({one.result['server'][key] for one in ran}) == CROWD
    crowded.check_idempotent(*tasks)
    crowded.deleted(*tasks)


def test_networks_with_and_without_ranges(crowded: Host) -> None:
    """12 choose a free range: each gets its own. 8 request overlapping ranges: one gets it.

    The messages of the others name the network that has it.
    """
    chosen: list[Task] = [('network', {'name': f'chosen-{number}'}) for number in range(12)]
    same: list[Task] = [
        ('network', {'name': f'same-{number}', 'cidr': f'10.77.0.0/{21 + number % 4}'})
        for number in range(8)
    ]
    ran = crowded.crowd(*chosen, *same)
    successful(ran[:12])
    served = [one for one in ran[12:] if not one.failed]
    assert len(served) == 1
    assert [one.msg for one in ran[12:] if one.failed and 'overlaps' not in one.msg] == []
    crowded.check_idempotent(*chosen, served[0].task)
    crowded.deleted(*chosen, served[0].task)


@pytest.fixture
def pool_of_10(crowded: Host) -> Iterator[None]:
    """The pool of the host has ten floating addresses: 6 + 2 + 2."""
    saved, repair_firewall = SETTINGS.read_text('utf-8'), ('network', {'name': 'default'})
    addresses = ['198.18.9.0/29', '198.18.9.8/30', '198.18.9.12/30']
    settings = {**json.loads(saved), 'floating_pools': [{'name': 'ten', 'addresses': addresses}]}
    SETTINGS.write_text(json.dumps(settings), 'utf-8')
    assert crowded.forks.run(*repair_firewall).changed  # the routes become those of the settings
    yield
    SETTINGS.write_text(saved, 'utf-8')
    assert crowded.forks.run(*repair_firewall).changed


def test_ten_addresses_for_thirty_tasks(crowded: Host, pool_of_10: None) -> None:
    """As many succeed as there are addresses, however requested; the others leave nothing."""
    tasks: list[Task] = [('floating_ip', {'name': f'ask-{number}'}) for number in range(20)]
    tasks += [crowded.server(f'ask-{number}', floating_ip='auto') for number in range(10)]
    ran = crowded.crowd(*tasks)
    served, refused = [one for one in ran if not one.failed], [one for one in ran if one.failed]
    assert len(served) == 10
    shown = [one.result.get('floating_ip') or one.result['server'] for one in served]
    assert len({one.get('address') or one['floating_ip'] for one in shown}) == 10
    assert [
        one.msg
        for one in refused
        if 'no address is free' not in one.msg and 'is no longer available' not in one.msg
    ] == []
    assert {row[0] for row in rows("SELECT name FROM server WHERE name LIKE 'ask-%'")} == {
        one.task[1]['name'] for one in served if one.task[0] == 'server'
    }
    crowded.check_idempotent(*(one.task for one in served))
    crowded.deleted(*(one.task for one in served))


def test_group_is_updated_while_servers_join(crowded: Host) -> None:
    """12 add a rule each to a group while 8 servers are created in it: no rule is lost."""
    assert crowded.forks.run('security_group', {'name': 'edited'}).changed
    edits: list[Task] = [
        (
            'security_group',
            {
                'name': 'edited',
                'purge_rules': False,
                'rules': [{'protocol': 'tcp', 'port': str(1000 + number)}],
            },
        )
        for number in range(12)
    ]
    joins = [crowded.server(f'joins-{number}', security_groups=['edited']) for number in range(8)]
    pairs = zip(edits, [*joins, *joins[:4]], strict=True)
    successful(crowded.crowd(*[task for pair in pairs for task in pair][:20], *edits[10:]))
    group = crowded.forks.run('security_group_info', {'name': 'edited'}).result['security_groups'][
        0
    ]
    assert sorted(rule['port'] for rule in group['rules']) == list(range(1000, 1012))
    assert set(group['used_by']) == {f'joins-{number}' for number in range(8)}
    crowded.check_idempotent(*edits, *joins)
    crowded.deleted(*joins)
    crowded.deleted(edits[0])


def test_rules_are_replaced_concurrently(crowded: Host) -> None:
    """20 set the rules of one group: the result is one of their lists, not a mixture.

    The firewall is that of the record.
    """
    tasks: list[Task] = [
        (
            'security_group',
            {
                'name': 'replaced',
                'rules': [
                    {'protocol': 'tcp', 'port': str(2000 + number)},
                    {'protocol': 'udp', 'port': str(2000 + number)},
                ],
            },
        )
        for number in range(CROWD)
    ]
    successful(crowded.crowd(*tasks))
    rules = crowded.forks.run('security_group_info', {'name': 'replaced'}).result[
        'security_groups'
    ][0]['rules']
    assert [rule['protocol'] for rule in rules] == ['tcp', 'udp']
    assert len({rule['port'] for rule in rules}) == 1
    crowded.check_idempotent(tasks[rules[0]['port'] - 2000])
    crowded.deleted(tasks[0])


@pytest.mark.parametrize('swapped', [False, True])
def test_delete_while_attaching(swapped: bool, crowded: Host, soak: bool) -> None:
    """Pairs at the same time, one of each kind: each succeeds or fails with a clear message.

    No reference to a deleted resource remains. The same holds when they run once more.
    """
    if swapped and not soak:
        pytest.skip('which of a pair begins is a matter of chance anyway: make soak runs it')
    _run_conflicts(
        crowded,
        [
            CONFLICTS[conflict](crowded, f'clash-{number}')
            for number, conflict in enumerate(CONFLICTS)
        ],
        swapped,
    )
    for conflict in CONFLICTS if soak else ():
        _run_conflicts(
            crowded,
            [CONFLICTS[conflict](crowded, f'clash-{number}') for number in range(CROWD // 2)],
            swapped,
        )


def _run_conflicts(crowded: Host, sets: list[Conflict], swapped: bool) -> None:
    for step in range(max(len(made) for made, _one, _other in sets)):
        successful(crowded.crowd(*(made[step] for made, _one, _other in sets if step < len(made))))
    pairs = [(other, one) if swapped else (one, other) for _made, one, other in sets]
    for _time in range(2):
        ran = crowded.crowd(*(task for pair in pairs for task in pair))
        assert [
            (one.task, one.msg)
            for one in ran
            if one.failed and not EXPECTED_MESSAGES.search(one.msg)
        ] == []
        assert not all(one.failed for one in ran)
    names = {
        (module, options['name'])
        for made, one, other in sets
        for module, options in [*made, one, other]
    }
    for kind in REMOVAL:
        tasks: list[Task] = [
            (module, {'name': name}) for module, name in sorted(names) if module == kind
        ]
        # Groups with a rule that names another group are deleted before that one.
        crowded.deleted(*[task for task in tasks if task[1]['name'].endswith('-names')])
        crowded.deleted(*tasks)


def test_timeout_names_the_holder_of_the_lock(crowded: Host) -> None:
    """One process is stopped in the middle: 19 others time out after a second and report it.

    They name the lock and the pid of its holder. When the process continues, everything succeeds.
    """
    task = crowded.server('held', count=5)
    lock = LOCKS / 'server.held'
    lock.unlink(missing_ok=True)  # it contains the holder of an earlier run
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(start, task[0], **task[1])
        pid = _holder(lock, running)
        os.kill(pid, signal.SIGSTOP)
        try:
            ran = crowded.forks.crowd([('server', {**task[1], 'wait_timeout': 1})] * (CROWD - 1))
        finally:
            os.kill(pid, signal.SIGCONT)
        assert json.loads(running.result().stdout)['changed']
    assert not [fault for one in ran for fault in one.faults()]
    assert [
        one.msg
        for one in ran
        if not re.search(
            r'timed out after 1 s \(wait_timeout\) waiting for server held.*, '
            rf'held by \S+ \(pid {pid}\) since [0-9:]+',
            one.msg,
        )
    ] == []
    assert {error['code'] for one in ran for error in one.result['errors']} == {'busy'}
    crowded.crowd(task)
    crowded.check_idempotent(task)
    crowded.deleted(task)


def _holder(lock: Path, running: Future[Any]) -> int:
    """The process that holds a lock; waits for it."""
    while not running.done():
        if lock.exists() and (found := re.search(r'pid (\d+)', lock.read_text('utf-8'))):
            return int(found.group(1))
        time.sleep(0.001)
    pytest.fail('the process was done before it could be stopped')
