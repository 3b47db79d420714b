# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans of snapshots of servers: what is refused, completed and predicted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hanok.cloud.plugins.module_utils._model.change import Plan
from ansible_collections.hanok.cloud.plugins.module_utils._model.effect import (
    COMPLETES_INTERRUPTED_RUN,
    LIVE,
    RESTART,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import Nic, Server
from ansible_collections.hanok.cloud.plugins.module_utils._model.server_snapshot import (
    ServerSnapshot,
    ServerSnapshotRequest,
    hardware_of,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.snapshot import STATES
from ansible_collections.hanok.cloud.plugins.module_utils._model.status import Status, TaskState
from ansible_collections.hanok.cloud.plugins.module_utils._model.volume import Volume
from ansible_collections.hanok.cloud.plugins.module_utils._plan.fold import fold
from ansible_collections.hanok.cloud.plugins.module_utils._plan.server_snapshot import (
    ObservedServerSnapshots,
    plan,
)

WEB = Server('web', vcpus=1, memory=512, networks=(Nic('default', '10.0.0.2', 'm'),), id='i')
ROOT = Volume('web/root', 4, 'web', bootable=True, id='r')
DISKS = ServerSnapshot('web/old', volumes={'web/root': 4}, current=True, id='o')
MEMORY = replace(DISKS, name='web/ram', memory=True, hardware=hardware_of(WEB), id='m')


def planned(
    name: str = 'new',
    state: str = 'present',
    server: Server = WEB,
    volumes: tuple[Volume, ...] = (ROOT,),
    snapshots: tuple[ServerSnapshot, ...] = (DISKS,),
    memory: bool | None = None,
    **options: Any,
) -> Plan[ServerSnapshot]:
    """Plan a snapshot of web."""
    request = ServerSnapshotRequest(f'web/{name}', state, options, 'web', memory)
    observed = ObservedServerSnapshots(
        {one.name: one for one in snapshots},
        {server.name: server},
        {one.name: one for one in volumes},
    )
    return plan(request, observed)


def changes(found: Plan[ServerSnapshot]) -> list[tuple[str, str, str]]:
    """The changes of a plan that is not refused."""
    assert not found.refused, found.refused
    return [(change.name, change.verb.value, change.why) for change in found.changes]


def test_new_snapshot() -> None:
    """It has the sizes of all volumes, and comes from the current one."""
    data = Volume('data', 7, 'web', id='d')
    (made,) = planned(volumes=(data, ROOT), memory=True, description='d').result
    assert (made.volumes, made.parent, made.current) == ({'data': 7, 'web/root': 4}, 'old', True)
    assert made.hardware == {
        'vcpus': 1,
        'memory': 512,
        'max_vcpus': None,
        'max_memory': None,
        'guest_agent': True,
        'hardware': None,
        'networks': ['m'],
    }
    (without,) = planned(snapshots=()).result
    assert (without.memory, without.hardware, without.parent) == (False, None, None)


def test_containers() -> None:
    """They have snapshots without disks, and none with memory, whether they run or not."""
    for status in (Status.ACTIVE, Status.SHUTOFF):
        box = replace(WEB, type='container', status=status)
        (made,) = planned(server=box, volumes=()).result
        assert (made.volumes, made.memory, made.parent) == ({}, False, 'old')
        assert planned(server=box, volumes=(), memory=True).refused == (
            'memory: server web is a container, whose memory nothing keeps; leave memory out, and '
            'its files are kept',
        )


@pytest.mark.parametrize(
    ('unfinished', 'state', 'expected'),
    [
        (TaskState.CREATING, 'present', ['create']),
        (TaskState.CREATING, 'absent', ['delete']),
        (TaskState.DELETING, 'present', ['delete', 'create']),
        (TaskState.DELETING, 'absent', ['delete']),
        (TaskState.RESTORING, 'present', ['restore']),
        (TaskState.RESTORING, 'restored', ['restore']),
    ],
)
def test_interrupted_runs(unfinished: TaskState, state: str, expected: list[str]) -> None:
    """What was begun is completed first."""
    server = WEB
    if unfinished == TaskState.RESTORING:
        server = replace(WEB, unfinished=unfinished, status=Status.ERROR)
    found = planned('old', state, server, snapshots=(replace(DISKS, unfinished=unfinished),))
    assert [verb for _name, verb, _why in changes(found)] == expected
    is_new = state == 'absent' and unfinished == TaskState.CREATING
    assert (changes(found)[0][2] == COMPLETES_INTERRUPTED_RUN) is not is_new


def test_another_run() -> None:
    """What it is working on is awaited; a server that it deletes has no snapshots then."""
    busy = replace(DISKS, task_state=TaskState.DELETING)
    assert changes(planned('old', 'absent', snapshots=(busy,))) == []
    assert planned('old', 'absent', snapshots=(busy,)).awaited
    leaving = replace(WEB, task_state=TaskState.DELETING)
    assert changes(planned('old', 'absent', leaving)) == []
    assert 'is being deleted' in str(planned('new', server=leaving).missing)


@pytest.mark.parametrize(
    ('server', 'options', 'text'),
    [
        (replace(WEB, status=Status.PAUSED), {'memory': True}, 'memory: server web is PAUSED, and'),
        (replace(WEB, unfinished=TaskState.UPDATING), {}, 'web is unfinished (updating); run the'),
        (
            replace(WEB, unfinished=TaskState.RESTORING),
            {},
            'web is unfinished (restoring): a restore was interrupted; restore the snapshot',
        ),
        (
            replace(WEB, unfinished=TaskState.RESTORING),
            {'name': 'old', 'state': 'absent'},
            'restor',
        ),
        (replace(WEB, status=Status.UNMANAGED, faults=('f',)), {}, 'web is UNMANAGED (f); repair'),
        (replace(WEB, status=Status.RESCUE), {}, 'server web is RESCUE; possible: '),
        (WEB, {'name': 'old', 'memory': True}, 'memory is false, requested true: delete the snap'),
        (WEB, {'name': 'old', 'state': 'restored', 'memory': True}, 'web/old has no memory; leave'),
        (
            WEB,
            {
                'name': 'old',
                'state': 'restored',
                'snapshots': (replace(DISKS, unfinished=TaskState.CREATING),),
            },
            'web/old is unfinished (creating); complete it',
        ),
        (
            WEB,
            {'volumes': (ROOT, Volume('d', 1, 'web', unfinished=TaskState.DETACHING))},
            'volume d is unfinished (detaching); run its task again first',
        ),
        (
            replace(WEB, memory=1024, volumes=('d',)),
            {'name': 'ram', 'state': 'restored', 'snapshots': (MEMORY,)},
            '(memory is 1024, and was 512; volume d was not attached); change that back, or set',
        ),
    ],
)
def test_refusals(server: Server, options: dict[str, Any], text: str) -> None:
    """They say what is possible instead."""
    found = planned(server=server, **options)
    assert text in str(found.refused[0]), found.refused


def test_restored() -> None:
    """With memory it is live; without, the guest boots, and later volumes are left alone."""
    assert planned('ram', 'restored', snapshots=(MEMORY,)).changes[0].effect == LIVE
    afresh = planned('ram', 'restored', snapshots=(MEMORY,), memory=False)
    assert (afresh.changes[0].effect, afresh.notes) == (RESTART, ())
    later = planned('old', 'restored', replace(WEB, volumes=('d',)))
    assert later.changes[0].effect == RESTART
    assert 'volume d: attached after the snapshot web/old was made' in later.notes[0]
    assert 'available: web/old' in str(planned('no', 'restored').missing)


@given(
    name=st.sampled_from(['old', 'new']),
    state=st.sampled_from(STATES),
    unfinished=st.sampled_from([None, TaskState.CREATING, TaskState.DELETING, TaskState.RESTORING]),
    memory=st.sampled_from([None, True, False]),
    has_memory=st.booleans(),
    description=st.sampled_from([None, '', 'd']),
)
def test_folded(
    name: str,
    state: str,
    unfinished: TaskState | None,
    memory: bool | None,
    has_memory: bool,
    description: str | None,
) -> None:
    """After a plan the next one is empty, but for a restore, which is an event."""
    before = replace(MEMORY, name='web/old') if has_memory else DISKS
    before = replace(before, unfinished=unfinished)
    server = WEB
    if unfinished == TaskState.RESTORING:
        server = replace(WEB, unfinished=unfinished, status=Status.ERROR)
    options = {} if description is None else {'description': description}
    arguments: dict[str, Any] = {'name': name, 'state': state, 'memory': memory, **options}
    found = planned(server=server, snapshots=(before,), **arguments)
    if found.refused or found.missing:
        return
    after = fold('server_snapshot', found.changes, {before.name: before})
    again = planned(snapshots=tuple(after.values()), **arguments)
    assert [change.verb.value for change in again.changes] == ['restore'] * (state == 'restored')
    assert found.result == tuple(one for one in after.values() if one.name == f'web/{name}')
