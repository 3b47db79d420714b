# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers that are interrupted take turns."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.execute import (
    apply_in_turn,
    execute,
)
from ansible_collections.hanok.cloud.plugins.module_utils._ansible.health import healthy
from ansible_collections.hanok.cloud.plugins.module_utils._ansible.task import plan_of
from ansible_collections.hanok.cloud.plugins.module_utils._cloud import CloudError, Outcome
from ansible_collections.hanok.cloud.plugins.module_utils._model.change import Change, Plan
from ansible_collections.hanok.cloud.plugins.module_utils._model.history import Origin
from ansible_collections.hanok.cloud.plugins.module_utils._model.kinds import Verb
from ansible_collections.hanok.cloud.plugins.module_utils._model.lb import Lb, MemberHealth
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import Server
from ansible_collections.hanok.cloud.plugins.module_utils._model.server_action import (
    ServerActionRequest,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.status import Status
from ansible_collections.hanok.cloud.plugins.module_utils._plan.server_action import (
    ObservedActions,
    plan,
)

SERVERS = {
    'a': Server('a', Status.ACTIVE, power='started', labels={'tier': 'web'}),
    'b': Server('b', Status.SHUTOFF, power='stopped', labels={'tier': 'web'}),
    'c': Server('c', Status.ACTIVE, power='started', labels={'tier': 'web'}),
    'd': Server('d', Status.ACTIVE, power='started', labels={'tier': 'web'}),
}


def planned(action: str, **options: Any) -> Plan[Server]:
    """The plan of an action on all of them."""
    request = ServerActionRequest(action, labels={'tier': 'web'}, **options)
    return plan(request, ObservedActions(SERVERS))


@pytest.mark.parametrize(
    ('action', 'most', 'turns'),
    [
        ('reboot_hard', 1, (('a',), ('c',), ('d',))),
        ('reboot_hard', 2, (('a', 'c'), ('d',))),
        ('reboot_hard', 9, (('a', 'c', 'd'),)),
        ('stop', 1, ()),
        ('start', 1, ()),
        ('pause', 1, ()),
    ],
)
def test_turns(action: str, most: int, turns: tuple[tuple[str, ...], ...]) -> None:
    """Those that run before and after an action take turns; the others come before them."""
    found = planned(action, max_unavailable=most)
    assert found.turns == turns
    if turns:
        assert [change.name for change in found.changes] == ['b', 'a', 'c', 'd']


@pytest.mark.parametrize('action', ['reboot_hard', 'stop'])
def test_upkeep(action: str) -> None:
    """What the cloud repairs is shown where it is applied: before the first turn."""
    load = Change('firewall', 'host', Verb.LOAD, None, None)
    cloud: Any = SimpleNamespace(
        upkeep=SimpleNamespace(changes=lambda: (load,)), access=None, profile=None
    )
    resource: Any = SimpleNamespace(kind='server', plan=lambda _request, observed: observed)
    found = plan_of(resource, cloud, None, partial(planned, action))
    applied: list[Change] = []

    def apply(changes: Sequence[Change]) -> list[Outcome]:
        applied.extend(changes)
        return [Outcome(change) for change in changes]

    apply_in_turn(found, apply, lambda _names: [])
    assert load in found.changes
    assert applied == list(found.changes)


def test_range() -> None:
    """At least one at a time."""
    problems = ServerActionRequest('start', name='a', max_unavailable=0).problems()
    assert [str(problem) for problem in problems] == [
        'max_unavailable: 0 is out of range; use 1 or more'
    ]


@pytest.mark.parametrize(
    ('failing', 'unready', 'done', 'left'),
    [
        ('', '', ['b', 'a', 'c', 'd'], ''),
        ('b', '', ['b', 'a', 'c', 'd'], ''),
        ('a', '', ['b', 'a'], 'c, d'),
        ('', 'a', ['b', 'a'], 'c, d'),
        ('', 'c', ['b', 'a', 'c'], 'd'),
        ('d', '', ['b', 'a', 'c', 'd'], ''),
    ],
)
def test_the_first_that_fails_is_the_last(
    failing: str, unready: str, done: list[str], left: str
) -> None:
    """Whatever fails, or does not serve again, keeps the others as they are."""

    def apply(changes: Sequence[Change]) -> list[Outcome]:
        errors = [CloudError('broken') if change.name == failing else None for change in changes]
        return [Outcome(*pair) for pair in zip(changes, errors, strict=True)]

    def wait(names: Sequence[str]) -> list[dict[str, Any]]:
        if unready in names:
            raise CloudError('not ready')
        return [{'what': f'waited for {name}'} for name in names]

    turned = apply_in_turn(planned('reboot_hard'), apply, wait)
    assert [outcome.change.name for outcome in turned.outcomes] == done
    assert (turned.error is not None) == bool(unready)
    assert left in turned.note
    assert bool(turned.note) == bool(left)


@pytest.mark.parametrize(
    ('before', 'awaited', 'after', 'reason'),
    [
        ({'a': 'ERROR', 'c': 'ONLINE'}, ('a',), {'a': 'ERROR', 'c': 'ONLINE'}, 'ERROR in'),
        ({'a': 'ERROR', 'c': 'ONLINE'}, ('a',), {'a': 'UNKNOWN', 'c': 'ERROR'}, 'UNKNOWN in'),
        ({'a': 'ERROR', 'c': 'ONLINE'}, ('a',), {'a': 'ONLINE', 'c': 'ONLINE'}, ''),
        ({'a': 'ERROR', 'c': 'ONLINE'}, ('a',), {'c': 'ONLINE'}, ''),  # no longer a member
        ({'a': 'ERROR', 'c': 'ERROR'}, (), {}, ''),
        ({'a': 'ERROR'}, (), {}, ''),
        ({'a': 'NO_MONITOR', 'c': 'NO_MONITOR'}, (), {}, ''),
        ({'b': 'ONLINE', 'c': 'ONLINE'}, (), {}, ''),
    ],
)
def test_healthy_again(
    before: dict[str, str], awaited: tuple[str, ...], after: dict[str, str], reason: str
) -> None:
    """A server has to be, where another member serves; nothing else tells what to expect."""
    states = iter([before, after])

    def lbs() -> list[Lb]:
        members = [MemberHealth(name, status, 'why') for name, status in next(states).items()]
        return [Lb('front', health=tuple(members))]

    cloud: Any = SimpleNamespace(lbs=SimpleNamespace(list=lbs))
    condition = healthy(cloud, ['a'])
    assert (condition.items if condition else ()) == awaited
    if condition:
        text = condition.unmet(['a'], 1)['a']
        assert reason in text
        assert bool(reason) == bool(text)


def test_failed_before_its_last_change() -> None:
    """A server whose update failed is not started; nothing is called for no servers."""
    server = SERVERS['b']
    called: list[str] = []

    def update(changes: Sequence[Change]) -> Sequence[Outcome]:
        called.append('update')
        return [Outcome(change, CloudError('no answer')) for change in changes]

    def start(changes: Sequence[Change]) -> Sequence[Outcome]:
        called.append(changes[0].verb.value)
        return [Outcome(change) for change in changes]

    changes = [Change('server', 'b', verb, server, server) for verb in (Verb.UPDATE, Verb.START)]
    operations = {('server', Verb.UPDATE): update, ('server', Verb.START): start}
    cloud: Any = SimpleNamespace(history=None)
    (outcome,) = execute(cloud, operations, Origin('server'), changes)
    assert str(outcome.error) == 'no answer'
    assert called == ['update']
