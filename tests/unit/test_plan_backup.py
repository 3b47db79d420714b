# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans of backups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hanok.cloud.plugins.module_utils._model.backup import (
    MODES,
    Backup,
    BackupRequest,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.backup_config import config_of
from ansible_collections.hanok.cloud.plugins.module_utils._model.backup_volume import copy_of
from ansible_collections.hanok.cloud.plugins.module_utils._model.change import Plan
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import Server
from ansible_collections.hanok.cloud.plugins.module_utils._model.status import Status, TaskState
from ansible_collections.hanok.cloud.plugins.module_utils._model.volume import Volume
from ansible_collections.hanok.cloud.plugins.module_utils._plan.backup import ObservedBackups, plan
from ansible_collections.hanok.cloud.plugins.module_utils._plan.fold import fold

RUNNING = Server('web', status=Status.ACTIVE, volume_size=4)
STOPPED = replace(RUNNING, status=Status.SHUTOFF, power='stopped')
PAUSED = replace(RUNNING, status=Status.PAUSED, power='paused')
MADE = Backup('b', 'web', 'disk', volume_size=4, config=config_of(RUNNING), id='1', size=1)
BOX = replace(RUNNING, name='web', type='container', volume_size=0)
STORES = {'disk': ''}


def planned(
    state: str = 'present',
    current: Backup | None = None,
    server: Server | None = RUNNING,
    stores: dict[str, str] | None = None,
    force: bool = False,
    of: str | None = 'web',
    volumes: Sequence[Volume] = (),
    **options: Any,
) -> Plan[Backup]:
    """The plan of a request."""
    observed = ObservedBackups(
        {current.name: current} if current else {},
        {server.name: server} if server else {},
        STORES if stores is None else stores,
        volumes={volume.name: volume for volume in volumes},
    )
    return plan(BackupRequest('b', state, options, of, force), observed)


def steps(found: Plan[Backup]) -> list[tuple[str, str]]:
    """The verbs of a plan, and their effects."""
    return [(change.verb.value, change.effect) for change in found.changes]


def test_changes() -> None:
    """Created in the only store, updated, restored each time, deleted."""
    (created,) = planned().changes
    assert created.after == replace(MADE, id='(known after apply)', size='(known after apply)')
    assert not planned('present', MADE).changes
    assert not planned('present', MADE, of=None, server=None, stores={}).changes
    assert steps(planned('present', MADE, description='d')) == [('update', 'live')]
    restored = planned('restored', MADE, description='d')
    assert steps(restored) == [('restore', 'restart')]
    assert restored.result == (replace(MADE, description='d'),)
    assert steps(planned('absent', MADE, server=None)) == [('delete', 'live')]
    assert not planned('absent').changes


@pytest.mark.parametrize(
    ('server', 'mode', 'force', 'effect'),
    [
        (RUNNING, 'snapshot', False, 'live'),
        (RUNNING, 'stop', False, 'restart'),
        (RUNNING, 'stop', True, 'power off'),
        (STOPPED, 'stop', True, 'live'),
        (PAUSED, 'snapshot', True, 'live'),
    ],
)
def test_how_it_is_made(server: Server, mode: str, force: bool, effect: str) -> None:
    """A guest that runs is stopped for the mode stop only."""
    found = planned(server=server, mode=mode, force=force)
    assert steps(found) == [('create', effect)]
    assert not found.refused


def test_no_room_for_a_restore() -> None:
    """It is refused before anything is done."""
    observed = ObservedBackups({'b': MADE}, {'web': RUNNING}, STORES, shortage='9 MiB are copied')
    found = plan(BackupRequest('b', 'restored'), observed)
    assert found.refused == ('backup b: 9 MiB are copied',)
    assert not plan(BackupRequest('b', 'present'), observed).refused


def test_how_it_is_restored() -> None:
    """A guest that runs shuts down, or is powered off; a stopped server stays so."""
    assert steps(planned('restored', MADE, force=True)) == [('restore', 'power off')]
    assert steps(planned('restored', MADE, STOPPED)) == [('restore', 'live')]
    begun = replace(MADE, unfinished=TaskState.RESTORING)  # it may have run before
    assert steps(planned('restored', begun, STOPPED)) == [('restore', 'restart')]


@pytest.mark.parametrize(
    ('unfinished', 'state', 'expected'),
    [
        (TaskState.CREATING, 'present', ['create']),
        (TaskState.DELETING, 'present', ['delete', 'create']),
        (TaskState.RESTORING, 'present', ['restore']),
        (TaskState.RESTORING, 'restored', ['restore']),
        (TaskState.CREATING, 'absent', ['delete']),
        (TaskState.DELETING, 'absent', ['delete']),
    ],
)
def test_interrupted(unfinished: TaskState, state: str, expected: list[str]) -> None:
    """What an earlier run began is completed first."""
    found = planned(state, replace(MADE, unfinished=unfinished))
    assert [verb for verb, _effect in steps(found)] == expected
    assert not found.refused


@pytest.mark.parametrize(
    'begun', [{'task_state': TaskState.CREATING}, {'unfinished': TaskState.CREATING}]
)
def test_aborted(begun: dict[str, Any]) -> None:
    """What is being made, or was begun, is deleted; check mode and the run tell the same."""
    found = planned('aborted', replace(MADE, progress={'percent': 1.0}, **begun), server=None)
    assert steps(found) == [('abort', 'live')]
    assert found.changes[0].old(Backup) == replace(MADE, unfinished=TaskState.CREATING)
    assert found.changes[0].old(Backup).progress is None
    assert (found.awaited, found.refused, found.result) == ((), (), ())
    assert fold('backup', found.changes, {'b': MADE}) == {}
    forced = planned('aborted', replace(MADE, fault='away', **begun), force=True)
    assert steps(forced) == [('abort', 'power off')]


def test_nothing_to_abort() -> None:
    """What is complete stays, which is told; what was being deleted is deleted."""
    assert not planned('aborted').changes
    for fault in (None, AWAY):
        complete = replace(MADE, fault=fault)
        found = planned('aborted', complete)
        assert (found.changes, found.refused, found.result) == ((), (), (complete,))
        assert found.notes == ('backup b is complete, and stays; state: absent deletes it',)
    deleting = planned('aborted', replace(MADE, task_state=TaskState.DELETING))
    assert (deleting.changes, len(deleting.awaited)) == ((), 1)
    (left,) = planned('aborted', replace(MADE, unfinished=TaskState.DELETING)).changes
    assert left.why == 'completes an earlier run that was interrupted'


def test_deleted_while_it_is_restored() -> None:
    """The server may have disks of two times: it is held back until that was completed."""
    begun = replace(MADE, unfinished=TaskState.RESTORING)
    (refused,) = planned('absent', begun).refused
    assert 'run it again (state: restored), or leave them so (force: true)' in refused
    for left in (replace(begun, server_exists=False), replace(begun, fault='gone')):
        assert 'run it again' not in str(planned('absent', left).refused)
    assert not planned('absent', begun, force=True).refused


AWAY = 'the store disk is not mounted (/mnt)'


@pytest.mark.parametrize(
    ('found', 'message'),
    [
        (planned(of=None), 'backup b does not exist; to create it, also set server'),
        (
            planned(stores={}),
            'this host has no backup store; name a directory in host_backup_stores of the role '
            'hanok.cloud.host, and run it again',
        ),
        (planned(stores={'a': '', 'b': ''}), 'store is not set; use one of a, b'),
        (planned(store='c'), 'store: c is no backup store of this host; use one of disk'),
        (planned(stores={'disk': AWAY}), f'store: {AWAY}'),
        (
            planned(server=PAUSED, mode='stop'),
            'server: web is PAUSED, and a paused guest cannot shut down; start it first (server: '
            'state: started)',
        ),
        (
            planned(current=MADE, store='tape'),
            'backup b: store is disk, requested tape: use another name, or delete this backup '
            'first',
        ),
        (
            planned(current=replace(MADE, unfinished='creating', store='tape'), store='disk'),
            'backup b was begun in the store tape, not in disk; delete it first (state: absent)',
        ),
        (
            planned('absent', replace(MADE, fault=AWAY)),
            f'backup b: {AWAY}; force: true forgets it, and leaves what is in the store',
        ),
        (
            planned('absent', replace(MADE, delete_protection=True)),
            'backup b is protected; set delete_protection: false, also in this task, to allow its '
            'deletion',
        ),
        (
            planned('absent', MADE, of='db'),
            'backup b is of the server web, not of db; correct the name of either',
        ),
        *(
            (
                planned('aborted', replace(MADE, **{key: TaskState.RESTORING})),
                'backup b is being restored, or its restore was interrupted: server web may have '
                'disks of two times until that is completed (state: restored); only the making of '
                'a backup is aborted',
            )
            for key in ('task_state', 'unfinished')
        ),
        (
            planned('aborted', replace(MADE, unfinished=TaskState.CREATING, fault=AWAY)),
            f'backup b: {AWAY}; force: true forgets it, and leaves what is in the store',
        ),
        (
            planned('aborted', MADE, of='db'),
            'backup b is of the server web, not of db; correct the name of either',
        ),
        (planned('restored', replace(MADE, fault=AWAY)), f'backup b: {AWAY}'),
        (
            planned('restored', replace(MADE, server_exists=False)),
            'backup b: the server web that it is of no longer exists',
        ),
        (
            planned('restored', MADE, server=None),
            'backup b: the server web that it is of no longer exists',
        ),
        (
            planned('restored', replace(MADE, unfinished='creating')),
            'backup b is unfinished (creating); complete it (state: present or absent), and '
            'restore another one',
        ),
        (
            planned('restored', MADE, server=replace(RUNNING, snapshots=('s', 't'))),
            'server web has snapshots (s, t), which are in the disk that is replaced; delete those '
            'first (server_snapshot: state: absent)',
        ),
        (
            planned('restored', MADE, server=replace(RUNNING, volume_size=2)),
            'backup b has 4 GB, and the disk of web only 2; extend that first (server: '
            'volume_size: 4)',
        ),
    ],
)
def test_what_is_refused(found: Plan[Any], message: str) -> None:
    """The message is the only one."""
    assert list(found.refused) == [message]


OLDER = [
    replace(MADE, name=f'o{day}', id=f'o{day}', created_at=f'2026-01-0{day}T09:00:00Z')
    for day in (1, 2, 3, 4)
]


def test_containers() -> None:
    """They are suspended if no mode is set, and have no snapshots; virtual machines are not."""
    (created,) = planned(server=BOX).changes
    assert (created.new(Backup).mode, created.effect) == ('suspend', 'live')
    (created,) = planned(server=BOX, mode='stop').changes
    assert (created.new(Backup).mode, created.effect) == ('stop', 'restart')
    assert planned(server=BOX, mode='snapshot').refused == (
        'mode: snapshot: server web is a container, whose files have no instant while it runs; use '
        'suspend, which freezes it while they are copied, or stop',
    )
    assert planned(mode='suspend').refused == (
        'mode: suspend: server web is a virtual machine, which need not be suspended; use '
        'snapshot, or stop',
    )
    begun = replace(MADE, mode='suspend', volume_size=0, unfinished=TaskState.CREATING)
    (completed,) = planned('present', begun, replace(BOX, status=Status.PAUSED)).changes
    assert completed.new(Backup).mode == 'suspend'
    assert not planned('restored', replace(begun, unfinished=None), BOX).refused
    assert begun.public()['volume_size'] is None


NOW = '2026-01-05T09:00:00Z'


def kept(
    backups: list[Backup], keep: dict[str, int], state: str = 'present', **options: Any
) -> Plan[Backup]:
    """The plan of a request that keeps some of the backups there are."""
    observed = ObservedBackups({one.name: one for one in backups}, {'web': RUNNING}, STORES, NOW)
    return plan(BackupRequest('b', state, options, 'web', keep=keep), observed)


def test_retention() -> None:
    """A new backup counts, and comes before the deletion of others; the second run has nothing."""
    found = kept(OLDER, {'keep_last': 3})
    assert [(change.verb.value, change.name) for change in found.changes] == [
        ('create', 'b'),
        ('delete', 'o1'),
        ('delete', 'o2'),
    ]
    assert found.changes[1].why == 'no more are kept (keep_last: 3)'
    own = replace(MADE, created_at=NOW)
    assert not kept([*OLDER[2:], own], {'keep_last': 3}).changes
    assert [change.name for change in kept([*OLDER, own], {'keep_last': 1}).changes] == [
        one.name for one in OLDER
    ]


def test_what_retention_leaves() -> None:
    """What is protected, not whole, of another server, or of the task; it does not count."""
    own = replace(MADE, created_at='2026-01-01T00:00:00Z')
    changed: list[dict[str, Any]] = [
        {'delete_protection': True},
        {'fault': AWAY},
        {'unfinished': TaskState.CREATING},
        {'server': 'db'},
        {'server_exists': False},
    ]
    for values in changed:
        found = kept([own, replace(OLDER[0], **values), OLDER[1], OLDER[2]], {'keep_last': 2})
        assert not found.changes, values
        found = kept([own, replace(OLDER[3], **values), OLDER[1], OLDER[2]], {'keep_last': 2})
        assert not found.changes, values
    protected = replace(own, delete_protection=True)
    assert not kept([protected, *OLDER[:2]], {'keep_last': 2}).changes


def test_invalid_retention() -> None:
    """For what is not made, and none at all."""
    request = BackupRequest('b', 'absent', {}, keep={'keep_last': 0})
    assert [str(problem) for problem in request.problems()] == [
        'keep_last: it requires state: present, not absent',
        'keep_last: 0 is out of range; use 1 to 10000',
    ]


def test_forgotten() -> None:
    """A backup whose store is gone is deleted with force."""
    found = planned('absent', replace(MADE, fault=AWAY), force=True)
    assert steps(found) == [('delete', 'power off')]
    assert not found.refused


def test_what_is_invalid() -> None:
    """A way to make it, for what is not made."""
    options = {'store': 's', 'mode': 'stop', 'include_volumes': True}
    request = BackupRequest('b', 'restored', options, '')
    assert [str(problem).partition(':')[0] for problem in request.problems()] == [
        'server',
        'store',
        'mode',
        'include_volumes',
    ]


DATA = Volume('data', 2, 'web', id='d')
LOGS = Volume('logs', 1, 'web', id='l')
FULL = replace(RUNNING, volumes=('data', 'logs'))
WITH = replace(MADE, include_volumes=True, volumes=(copy_of(DATA), copy_of(LOGS)))


def test_volumes_of_a_new_backup() -> None:
    """Those that are attached, if they are asked for; the second plan looks at none of them."""
    (change,) = planned(server=FULL, volumes=[DATA, LOGS], include_volumes=True).changes
    assert [one['name'] for one in change.new(Backup).public()['volumes']] == ['data', 'logs']
    assert not planned('present', WITH, include_volumes=True).changes
    (change,) = planned(server=FULL, volumes=[DATA, LOGS]).changes
    assert (change.new(Backup).include_volumes, change.new(Backup).volumes) == (False, ())
    (change,) = planned(server=BOX, include_volumes=True).changes
    assert change.new(Backup).volumes == ()
    begun = replace(WITH, unfinished=TaskState.CREATING)
    (change,) = planned('present', begun, FULL, volumes=[DATA, LOGS]).changes
    assert change.new(Backup).volumes == WITH.volumes


def refusals(
    state: str, current: Backup | None, *volumes: Volume, server: Server = FULL, **options: Any
) -> list[str]:
    """Why a plan is refused."""
    found = planned(state, current, server, volumes=volumes, **options)
    return [str(text) for text in found.refused]


def test_volumes_that_are_refused() -> None:
    """Those that are not whole, and those whose disk cannot be replaced."""
    new = {'include_volumes': True}
    begun = replace(LOGS, unfinished=TaskState.EXTENDING)
    unfinished = 'volume logs is unfinished (extending); run its task again first'
    assert refusals('present', None, DATA, begun, **new) == [unfinished]
    assert refusals('restored', WITH, DATA, begun) == [unfinished]
    away = replace(LOGS, unavailable='it is away; mount it')
    assert refusals('present', None, DATA, away, **new) == ['volume logs: it is away; mount it']
    started = replace(WITH, unfinished=TaskState.CREATING)
    other = 'backup b was begun with other volumes (data, logs) than it would have now; delete it'
    one = replace(FULL, volumes=('data',))
    assert refusals('present', started, DATA, LOGS, server=one)[0].startswith(other)
    assert refusals('present', started, DATA, LOGS, include_volumes=False)[0].startswith(other)
    assert refusals('present', MADE, **new) == [
        'backup b: include_volumes is false, requested true: use another name, or delete this '
        'backup first'
    ]
    assert refusals('restored', WITH, DATA, replace(LOGS, server=None), server=one) == [
        'backup b: the volume logs that is in it is not attached to web; attach it first (volume: '
        'state: attached)'
    ]
    assert refusals('restored', WITH, DATA, replace(LOGS, snapshots=('a',))) == [
        'volume logs has snapshots (a), which are in the disk that is replaced; delete those first'
    ]
    assert refusals('restored', WITH, replace(DATA, size=1), LOGS) == [
        'backup b has 2 GB of the volume data, which has only 1; extend that first (volume: size: '
        '2)'
    ]


def test_interrupted_restore_of_volumes() -> None:
    """It is completed by its own task; the server waits for that."""
    half = replace(FULL, unfinished=TaskState.RESTORING)
    begun = replace(WITH, unfinished=TaskState.RESTORING)
    for state in ('restored', 'present'):
        assert not refusals(state, begun, DATA, LOGS, server=half)
    interrupted = 'server: web is unfinished (restoring): a restore was interrupted; restore the'
    assert refusals('restored', MADE, server=half)[0].startswith(interrupted)
    assert refusals('present', None, server=half)[0].startswith(interrupted)


def test_volumes_that_are_not_restored() -> None:
    """What was deleted, or attached later, is said; one with the name of another is another."""
    found = planned('restored', WITH, FULL, volumes=[DATA, replace(LOGS, id='other')])
    assert not found.refused
    assert found.notes == (
        'volume logs: it no longer exists, and is not restored; a new one is created from the '
        'backup (volume: backup: b/logs)',
        'volume logs: attached after the backup b was made; it is not restored',
    )
    assert not planned('restored', WITH, FULL, volumes=[DATA, LOGS]).notes


def test_statuses() -> None:
    """A copy that cannot be read is unavailable; one that was not completed is an error."""
    assert MADE.status == 'available'
    assert replace(MADE, fault=AWAY).status == 'unavailable'
    assert replace(MADE, fault=AWAY).public()['status_reason'] == AWAY
    assert replace(MADE, fault=AWAY, unfinished=TaskState.CREATING).status == 'error'


@given(
    st.sampled_from(['present', 'absent']),
    st.sampled_from([None, '', TaskState.CREATING, TaskState.RESTORING, TaskState.DELETING]),
    st.sampled_from([RUNNING, STOPPED, BOX, replace(RUNNING, volumes=('data', 'logs'))]),
    st.fixed_dictionaries(
        {},
        optional={
            'description': st.sampled_from(['', 'd']),
            'labels': st.sampled_from([{}, {'a': 'b'}]),
            'delete_protection': st.just(False),
            'mode': st.sampled_from(MODES),
            'include_volumes': st.booleans(),
        },
    ),
)
def test_the_next_plan_is_empty(
    state: str, unfinished: Any, server: Server, options: dict[str, Any]
) -> None:
    """After any other one that is not refused."""
    if state == 'absent':
        options.pop('mode', None)
        options.pop('include_volumes', None)
    there = [] if unfinished is None else [replace(MADE, unfinished=unfinished or None)]
    around: dict[str, Any] = {'server': server, 'volumes': [DATA, LOGS]}
    found = planned(state, *there, **around, **options)
    if found.refused:
        return
    after = fold('backup', found.changes, {one.name: one for one in there})
    assert not planned(state, *after.values(), **around, **options).changes
    assert bool(after) is (state == 'present')


def test_incremental() -> None:
    """Based on the newest backup that can be; the reason is told if none can."""
    old = replace(MADE, name='old')
    new = replace(MADE, name='new', base='old', created_at='2')

    def found(*others: Backup, server: Server = RUNNING, **bases: str) -> tuple[Any, str]:
        observed = ObservedBackups(
            {one.name: one for one in others}, {'web': server}, STORES, bases=bases
        )
        request = BackupRequest('b', 'present', {}, 'web', incremental=True)
        (change,) = plan(request, observed).changes
        made = change.new(Backup)
        assert made.tracked is (server is RUNNING)
        return made.base, change.why

    assert found(old, new, old='', new='') == ('new', '')
    assert found(old, new, old='', new='it is gone') == ('old', '')
    assert found(old, new, old='', new='', server=STOPPED) == (
        None,
        'not incremental: server web does not run',
    )
    assert found(old, new, old='it was lost', new='it is gone') == (
        None,
        'not incremental: backup new: it is gone',
    )
    assert found() == (
        None,
        'not incremental: the store disk has no earlier one to be based on',
    )
    for other, why in (
        (replace(old, fault='away'), 'backup old: away'),
        (replace(old, unfinished=TaskState.RESTORING), 'backup old: it is error'),
        (replace(old, store='tape'), 'the store disk has no earlier one to be based on'),
        (replace(old, volumes=(copy_of(DATA),)), 'backup old: it has other volumes'),
    ):
        assert found(other, old='') == (None, f'not incremental: {why}')
    chain = [
        replace(MADE, name=str(number), base=str(number - 1) if number else None)
        for number in range(8)
    ]
    assert found(*chain[:7], **{one.name: '' for one in chain[:7]}) == ('6', '')
    assert found(*chain, **{'6': '', '7': ''}) == (
        None,
        'not incremental: backup 7: it is the last of 7 in a row',
    )
    assert found(*chain, **{'6': '', '7': 'gone'}) == ('6', '')


def test_what_incremental_backups_stand_on() -> None:
    """It is deleted neither alone nor by rules, and after what stands on it."""
    first = replace(MADE, name='a', created_at='2026-01-01T00:00:00Z')
    second = replace(first, name='c', base='a', created_at='2026-01-02T00:00:00Z')
    whole = replace(first, name='d', created_at='2026-01-03T00:00:00Z')
    there = {one.name: one for one in (first, second, whole)}
    refused = plan(BackupRequest('a', 'absent', {}), ObservedBackups(there)).refused
    assert 'backup a: c has only what changed since it' in str(refused)
    own = replace(first, name='b', created_at='2026-01-04T00:00:00Z')
    for keep_last, base, gone, kept in (
        (1, None, ['c', 'a', 'd'], ''),
        (3, None, [], 'backup a: kept beyond keep_last: 3'),
        (1, 'c', ['d'], 'backup a, c: kept beyond keep_last: 1'),
    ):
        request = BackupRequest('b', 'present', {}, 'web', keep={'keep_last': keep_last})
        observed = ObservedBackups({**there, 'b': replace(own, base=base)})
        found = plan(request, observed)
        assert [change.name for change in found.changes] == gone
        assert kept in str(found.notes)
        assert bool(kept) is bool(found.notes)
