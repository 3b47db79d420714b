# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Crowds: 20 and more module processes at once on one host. Who can be served is, who cannot fails in words, and nothing is there twice or lost."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hanok.cloud.tests.integration.conftest import start

from . import figures
from .forks import Forks, Ran
from .invariants import REMOVAL, broken, rows

CROWD = 20
LOCKS = Path('/var/lib/hanok/locks')
SETTINGS = Path('/etc/hanok/host.json')
Task = tuple[str, dict[str, Any]]
Clash = tuple[list[Task], Task, Task]
# What is said to who was too late.
WORDS = re.compile('refused|run the task again|does not exist|belongs to|is attached')


class Host:
    """A host with a crowd on it."""

    def __init__(self, forks: Forks, image: str) -> None:
        """Nobody is there yet."""
        self.forks, self.image = forks, image
        self.crowds = self.processes = 0

    def server(self, name: str, **options: Any) -> Task:
        """The task that makes a server and does not start it."""
        return 'server', {
            'name': name,
            'image': self.image,
            'flavor': 'g1.nano',
            'state': 'stopped',
            **options,
        }

    def crowd(self, *tasks: Task) -> list[Ran]:
        """All at once: none tells what only developers understand, or takes for broken what another is at work on, and in the end all is in order."""
        ran = self.forks.crowd(tasks)
        assert [(one.task, one.msg) for one in ran if re.search('reloaded|repaired', one.msg)] == []
        self.crowds, self.processes = self.crowds + 1, self.processes + len(tasks)
        assert not [fault for one in ran for fault in one.faults()]
        assert broken() == []
        return ran

    def settled(self, *tasks: Task) -> None:
        """A second run of each finds nothing to do, in check mode and out of it."""
        for check in (True, False):
            again = self.forks.crowd(tasks, check=check)
            assert not [fault for one in again for fault in one.faults()]
            assert [(one.task, one.msg) for one in again if one.failed or one.changed] == []

    def gone(self, *tasks: Task) -> None:
        """All of it is removed, at once."""
        absent = [
            (module, {'name': options['name'], 'state': 'absent'}) for module, options in tasks
        ]
        left = [one for one in self.crowd(*absent) if one.failed]
        assert [(one.task, one.msg) for one in left] == []


@pytest.fixture(scope='module')
def crowded(host: None, tiny: str) -> Iterator[Host]:
    """A host with an image, and what forks its crowds."""
    forks = Forks()
    assert forks.run('image', {'name': 'crowd', 'path': tiny}).changed
    there = Host(forks, 'crowd')
    yield there
    assert forks.run('image', {'name': 'crowd', 'state': 'absent'}).changed
    forks.close()
    figures.add('Crowds', crowds=there.crowds, processes=there.processes)


def good(ran: list[Ran]) -> list[Ran]:
    """All of them, which went well."""
    assert [(one.task, one.msg) for one in ran if one.failed] == []
    return ran


def test_the_first_of_all(crowded: Host, tmp_path: Path) -> None:
    """There is no record yet, and 20 make it: each finds in it what it wrote."""
    tasks = [
        ('flavor', {'name': f'first-{number}', 'vcpus': 1, 'memory': 64 + number, 'disk': 1})
        for number in range(CROWD)
    ]
    environment = {'HANOK_STATE': str(tmp_path / 'state')}
    ran = good(crowded.forks.crowd(tasks, environment=environment))
    assert not [fault for one in ran for fault in one.faults()]
    assert all(one.changed for one in ran)
    told = crowded.forks.run('flavor_info', {}, environment=environment).result['flavors']
    assert {flavor['name'] for flavor in told if not flavor['built_in']} == {
        options['name'] for _module, options in tasks
    }


def test_the_same_name(crowded: Host) -> None:
    """20 ask for the same server: one makes it, 19 find it made."""
    tasks = [crowded.server('same')] * CROWD
    ran = good(crowded.crowd(*tasks))
    assert [one.changed for one in ran].count(True) == 1
    assert len({one.result['server']['id'] for one in ran}) == 1
    crowded.settled(*tasks[:2])
    removed = good(crowded.crowd(*[('server', {'name': 'same', 'state': 'absent'})] * CROWD))
    assert [one.changed for one in removed].count(True) == 1


def test_the_same_group_of_servers(crowded: Host) -> None:
    """20 ask for a group of other sizes, and are let to shrink it: in the end it is exactly one of these sizes, whole."""
    tasks = [
        crowded.server('sizes', count=1 + number % 4, allow_shrink=True) for number in range(CROWD)
    ]
    ran = good(crowded.crowd(*tasks))
    assert any(one.changed for one in ran)
    names = {row[0] for row in rows("SELECT name FROM server WHERE member_of = 'sizes'")}
    assert names == {f'sizes-{number + 1}' for number in range(len(names))}
    settled = tasks[len(names) - 1]
    crowded.settled(settled)
    crowded.gone(settled)


def test_different_names(crowded: Host) -> None:
    """20 servers at once: each has an address, a MAC and a machine of its own."""
    tasks = [crowded.server(f'each-{number}', floating_ip='auto') for number in range(CROWD)]
    ran = good(crowded.crowd(*tasks))
    assert all(one.changed for one in ran)
    for key in ('id', 'fixed_ip', 'floating_ip'):
        assert len({one.result['server'][key] for one in ran}) == CROWD
    crowded.settled(*tasks)
    crowded.gone(*tasks)


def test_all_make_networks(crowded: Host) -> None:
    """12 leave it to us where: each gets addresses of its own. 8 say addresses that overlap: one gets them, the others are told who has them."""
    chosen: list[Task] = [('network', {'name': f'chosen-{number}'}) for number in range(12)]
    same: list[Task] = [
        ('network', {'name': f'same-{number}', 'cidr': f'10.77.0.0/{21 + number % 4}'})
        for number in range(8)
    ]
    ran = crowded.crowd(*chosen, *same)
    good(ran[:12])
    served = [one for one in ran[12:] if not one.failed]
    assert len(served) == 1
    assert [one.msg for one in ran[12:] if one.failed and 'overlaps' not in one.msg] == []
    crowded.settled(*chosen, served[0].task)
    crowded.gone(*chosen, served[0].task)


@pytest.fixture
def pool_of_10(crowded: Host) -> Iterator[None]:
    """The host's pool of floating addresses has ten: 6 + 2 + 2."""
    kept, repair_firewall = SETTINGS.read_text('utf-8'), ('network', {'name': 'default'})
    SETTINGS.write_text(
        '{"floating_pools": [{"name": "ten", "addresses": ["198.18.9.0/29", "198.18.9.8/30", "198.18.9.12/30"]}]}',
        'utf-8',
    )
    assert crowded.forks.run(*repair_firewall).changed  # the routes become those of the settings
    yield
    SETTINGS.write_text(kept, 'utf-8')
    assert crowded.forks.run(*repair_firewall).changed


def test_ten_addresses_and_thirty_askers(crowded: Host, pool_of_10: None) -> None:
    """As many are served as there are addresses, by whatever way they ask; who gets none is told so, and has left nothing."""
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
    crowded.settled(*(one.task for one in served))
    crowded.gone(*(one.task for one in served))


def test_a_group_is_edited_while_servers_join(crowded: Host) -> None:
    """12 add a rule each to one group while 8 servers are made in it: no rule is lost, each server is in it."""
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
    good(
        crowded.crowd(
            *[task for pair in zip(edits, [*joins, *joins[:4]], strict=True) for task in pair][:20],
            *edits[10:],
        )
    )
    group = crowded.forks.run('security_group_info', {'name': 'edited'}).result['security_groups'][
        0
    ]
    assert sorted(rule['port'] for rule in group['rules']) == list(range(1000, 1012))
    assert set(group['used_by']) == {f'joins-{number}' for number in range(8)}
    crowded.settled(*edits, *joins)
    crowded.gone(*joins)
    crowded.gone(edits[0])


def test_all_write_the_whole_group(crowded: Host) -> None:
    """20 give one group as many whole lists: in the end it has one of them, not a mixture, and the firewall is that of the record."""
    tasks: list[Task] = [
        (
            'security_group',
            {
                'name': 'whole',
                'rules': [
                    {'protocol': 'tcp', 'port': str(2000 + number)},
                    {'protocol': 'udp', 'port': str(2000 + number)},
                ],
            },
        )
        for number in range(CROWD)
    ]
    good(crowded.crowd(*tasks))
    rules = crowded.forks.run('security_group_info', {'name': 'whole'}).result['security_groups'][
        0
    ]['rules']
    assert [rule['protocol'] for rule in rules] == ['tcp', 'udp']
    assert len({rule['port'] for rule in rules}) == 1
    crowded.settled(tasks[rules[0]['port'] - 2000])
    crowded.gone(tasks[0])


CLASHES: dict[str, Callable[[Host, str], Clash]] = {
    # What is made first, what uses it, and what removes it (or what would have it).
    'a volume is attached, its server is deleted': lambda crowd, name: (
        [crowd.server(name), ('volume', {'name': name, 'size': 1})],
        ('volume', {'name': name, 'state': 'attached', 'server': name}),
        ('server', {'name': name, 'state': 'absent'}),
    ),
    'a volume is attached, the volume is deleted': lambda crowd, name: (
        [crowd.server(name), ('volume', {'name': name, 'size': 1})],
        ('volume', {'name': name, 'state': 'attached', 'server': name}),
        ('volume', {'name': name, 'state': 'absent'}),
    ),
    'a server joins a group that is deleted': lambda crowd, name: (
        [('security_group', {'name': name})],
        crowd.server(name, security_groups=[name]),
        ('security_group', {'name': name, 'state': 'absent'}),
    ),
    'a rule names a group that is deleted': lambda _crowd, name: (
        [('security_group', {'name': name}), ('security_group', {'name': name + '-names'})],
        (
            'security_group',
            {'name': name + '-names', 'rules': [{'protocol': 'tcp', 'remote': name}]},
        ),
        ('security_group', {'name': name, 'state': 'absent'}),
    ),
    'a server gets a key pair that is deleted': lambda crowd, name: (
        [('keypair', {'name': name, 'public_key': KEY})],
        crowd.server(name, key_name=name),
        ('keypair', {'name': name, 'state': 'absent'}),
    ),
    'a server runs an init script that is deleted': lambda crowd, name: (
        [('init_script', {'name': name, 'content': '#!/bin/sh\n'})],
        crowd.server(name, init_script=name),
        ('init_script', {'name': name, 'state': 'absent'}),
    ),
    'a server gets a port that is deleted': lambda crowd, name: (
        [('port', {'name': name})],
        crowd.server(name, networks=[{'port': name}]),
        ('port', {'name': name, 'state': 'absent'}),
    ),
    'a server gets a port that another one gets': lambda crowd, name: (
        [('port', {'name': name})],
        crowd.server(name, networks=[{'port': name}]),
        crowd.server(name + '-too', networks=[{'port': name}]),
    ),
    'a server gets an address that another one gets': lambda crowd, name: (
        [
            (
                'floating_ip',
                {'name': name, 'address': f'198.18.0.{100 + int(name.rpartition("-")[2])}'},
            )
        ],
        crowd.server(name, floating_ip=f'198.18.0.{100 + int(name.rpartition("-")[2])}'),
        crowd.server(name + '-too', floating_ip=f'198.18.0.{100 + int(name.rpartition("-")[2])}'),
    ),
    'an address is attached to a server that is deleted': lambda crowd, name: (
        [crowd.server(name), ('floating_ip', {'name': name})],
        ('floating_ip', {'name': name, 'state': 'attached', 'server': name}),
        ('server', {'name': name, 'state': 'absent'}),
    ),
    'an address is attached while it is given back': lambda crowd, name: (
        [crowd.server(name), ('floating_ip', {'name': name})],
        ('floating_ip', {'name': name, 'state': 'attached', 'server': name}),
        ('floating_ip', {'name': name, 'state': 'absent'}),
    ),
    'a port is made in a network that is deleted': lambda _crowd, name: (
        [('network', {'name': name})],
        ('port', {'name': name, 'network': name}),
        ('network', {'name': name, 'state': 'absent'}),
    ),
    'a balancer gets a member that is deleted': lambda crowd, name: (
        [crowd.server(name)],
        ('lb', {'name': f'{name}-lb', 'listeners': [{'port': 80}], 'members': [name]}),
        ('server', {'name': name, 'state': 'absent'}),
    ),
    'a server is made of an image that is deleted': lambda crowd, name: (
        [crowd.server(name), ('image', {'name': name, 'server': name})],
        crowd.server(name + '-too', image=name),
        ('image', {'name': name, 'state': 'absent'}),
    ),
    'an image is made of a server that is deleted': lambda crowd, name: (
        [crowd.server(name)],
        ('image', {'name': name, 'server': name}),
        ('server', {'name': name, 'state': 'absent'}),
    ),
}
KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPIiYP0nBFNbnWEqM8sxUqWbLxTCdmcEVTEmWDGGL7ln crowd'


@pytest.mark.parametrize('swapped', [False, True])
def test_one_deletes_what_another_attaches(swapped: bool, crowded: Host, soak: bool) -> None:
    """Pairs at once, one of each kind: each ends well or in words, and nothing refers to what is gone; so when they are run once more."""
    _clash(
        crowded,
        [CLASHES[clash](crowded, f'clash-{number}') for number, clash in enumerate(CLASHES)],
        swapped,
    )
    for clash in CLASHES if soak else ():
        _clash(
            crowded,
            [CLASHES[clash](crowded, f'clash-{number}') for number in range(CROWD // 2)],
            swapped,
        )


def _clash(crowded: Host, sets: list[Clash], swapped: bool) -> None:
    for step in range(max(len(made) for made, _one, _other in sets)):
        good(crowded.crowd(*(made[step] for made, _one, _other in sets if step < len(made))))
    pairs = [(other, one) if swapped else (one, other) for _made, one, other in sets]
    for _time in range(2):
        ran = crowded.crowd(*(task for pair in pairs for task in pair))
        assert [
            (one.task, one.msg) for one in ran if one.failed and not WORDS.search(one.msg)
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
        # What names another group goes before that one.
        crowded.gone(*[task for task in tasks if task[1]['name'].endswith('-names')])
        crowded.gone(*tasks)


def test_who_cannot_wait_is_told_who_holds_what(crowded: Host) -> None:
    """One stands still in the middle of its work. 19 others that wait for a second say who holds what, by its number; when it goes on all is well."""
    task = crowded.server('held', count=5)
    lock = LOCKS / 'server.held'
    lock.unlink(missing_ok=True)  # who held it in an earlier run stands in it
    with ThreadPoolExecutor(1) as beside:
        running = beside.submit(start, task[0], **task[1])
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
    crowded.crowd(task)
    crowded.settled(task)
    crowded.gone(task)


def _holder(lock: Path, running: Future[Any]) -> int:
    """The process that holds a lock; waited for."""
    while not running.done():
        if lock.exists() and (found := re.search(r'pid (\d+)', lock.read_text('utf-8'))):
            return int(found.group(1))
        time.sleep(0.001)
    pytest.fail('it was done before it could be stopped')
