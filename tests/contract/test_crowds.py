# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Crowds in a cloud without locks; tests/reliability/test_crowds.py has those of this host.

Tasks that can succeed do, the others fail with a clear message, and nothing is duplicated or lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._model.kinds import KINDS
from ansible_collections.hanok.cloud.tests.reliability.conflicts import CONFLICTS, Task, Tasks
from ansible_collections.hanok.cloud.tests.removal import REMOVAL

from .clouds import CloudUnderTest
from .promises import Result, Run

Crowd = Callable[..., list[Result]]
CODES = {'refused', 'missing', 'busy'}  # of a task that came too late
CROWD = 6
# Nova finds the first only when it builds the second server; the second is a race of its own, after
# which it deletes the server when it is told so again.
FAILS_IN_NOVA = {
    'two servers get the same port',
    'a floating IP is attached to a server that is deleted',
}
pytestmark = pytest.mark.needs('requests')


@pytest.fixture
def crowd(cloud: CloudUnderTest, run: Run) -> Iterator[Crowd]:
    """Run tasks at the same time; what they created is deleted at the end of the test."""
    assert cloud.at_once
    at_once = cloud.at_once
    named: set[tuple[str, str]] = set()

    def together(*tasks: Task, others: Sequence[str] = ()) -> list[Result]:
        named.update((kind, options['name']) for kind, options in tasks)
        results = at_once(tasks)
        errors = [error for result in results for error in result.get('errors', ())]
        assert [
            (error['code'], error['msg'])
            for error in errors
            if error['code'] not in (*CODES, *others)
        ] == []
        assert not all(result.get('failed') for result in results), errors
        return results

    yield together
    for kind in REMOVAL:
        for _kind, name in sorted(one for one in named if one[0] == kind):
            if kind == 'volume':
                run(kind, name=name, state='detached')
            done = run(kind, name=name, state='absent')
            assert not done.get('failed'), done['msg']


def successful(results: list[Result]) -> list[Result]:
    """Check that all runs succeeded."""
    assert [result['msg'] for result in results if result.get('failed')] == []
    return results


def check_idempotent(run: Run, *tasks: Task) -> None:
    """A second run of each task changes nothing."""
    for module, options in tasks:
        done = run(module, **options)
        assert (done.get('failed'), done['changed']) == (None, False), done


def test_same_server(crowd: Crowd, run: Run, image: str) -> None:
    """Many create the same server: one is left, and all have it."""
    tasks = [Tasks(image).server('same', floating_ip='auto')] * CROWD
    results = successful(crowd(*tasks))
    assert len({result['server']['id'] for result in results}) == 1
    check_idempotent(run, tasks[0])


def test_different_servers(crowd: Crowd, run: Run, image: str) -> None:
    """Each has its own addresses."""
    tasks = [Tasks(image).server(f'each-{number}', floating_ip='auto') for number in range(CROWD)]
    results = successful(crowd(*tasks))
    for key in ('id', 'fixed_ip', 'floating_ip'):
        assert len({result['server'][key] for result in results}) == CROWD
    check_idempotent(run, *tasks)


def test_networks_with_and_without_ranges(crowd: Crowd, run: Run) -> None:
    """Some choose a free range, and others the same one: what is left does not overlap."""
    tasks: list[Task] = [('network', {'name': f'chosen-{number}'}) for number in range(3)]
    tasks += [
        ('network', {'name': f'same-{number}', 'cidr': '10.77.0.0/24'}) for number in range(3)
    ]
    results = crowd(*tasks)
    served = [task for task, done in zip(tasks, results, strict=True) if not done.get('failed')]
    check_idempotent(run, *served)
    found = run('network_info')['networks']
    ranges = [network['cidr'] for network in found]
    assert len(set(ranges)) == len(ranges)


def test_rules_are_added_at_once(crowd: Crowd, run: Run) -> None:
    """No rule is lost."""
    successful(crowd(('security_group', {'name': 'edited'})))
    tasks: list[Task] = [
        (
            'security_group',
            {
                'name': 'edited',
                'purge_rules': False,
                'rules': [{'protocol': 'tcp', 'port': str(1000 + number)}],
            },
        )
        for number in range(CROWD)
    ]
    successful(crowd(*tasks))
    check_idempotent(run, *tasks)


@pytest.mark.parametrize('conflict', CONFLICTS)
def test_conflict(conflict: str, cloud: CloudUnderTest, crowd: Crowd, run: Run, image: str) -> None:
    """Two tasks at once, twice: each succeeds or fails with a clear message."""
    if conflict == 'two servers get the same floating IP':
        pytest.skip('who may choose an address, the operator of a cloud says')
    made, one, other = CONFLICTS[conflict](Tasks(image), 'clash-1')
    for task in made:
        successful(crowd(task))
    others = ('failed',) if conflict in FAILS_IN_NOVA else ()
    crowd(one, other, others=others)
    crowd(other, one, others=others)
    for kind in KINDS.values():
        if kind.name in REMOVAL:
            items = run(f'{kind.name}_info')[kind.plural]
            names = [item['name'] for item in items]
            assert len(set(names)) == len(names)
