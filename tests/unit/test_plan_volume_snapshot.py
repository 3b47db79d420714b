# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans of snapshots of volumes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hanok.cloud.plugins.module_utils._model.change import Plan
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import Server
from ansible_collections.hanok.cloud.plugins.module_utils._model.snapshot import STATES
from ansible_collections.hanok.cloud.plugins.module_utils._model.status import Status, TaskState
from ansible_collections.hanok.cloud.plugins.module_utils._model.volume import Volume
from ansible_collections.hanok.cloud.plugins.module_utils._model.volume_request import VolumeRequest
from ansible_collections.hanok.cloud.plugins.module_utils._model.volume_snapshot import (
    VolumeSnapshot,
    VolumeSnapshotRequest,
)
from ansible_collections.hanok.cloud.plugins.module_utils._plan import volume as volumes
from ansible_collections.hanok.cloud.plugins.module_utils._plan.fold import fold
from ansible_collections.hanok.cloud.plugins.module_utils._plan.volume_snapshot import (
    ObservedVolumeSnapshots,
    plan,
)

KIND = 'volume_snapshot'
DATA = Volume('data', 2, id='d')
OLD = VolumeSnapshot('data/old', 1, id='o')
NEW = VolumeSnapshot('data/new', 2, id='n')
RUNNING = Server('web', status=Status.ACTIVE)
STOPPED = replace(RUNNING, status=Status.SHUTOFF, power='stopped')


def planned(
    name: str = 'new',
    state: str = 'present',
    *snapshots: VolumeSnapshot,
    volume: Volume | None = DATA,
    server: Server | None = None,
    latest_only: bool = False,
    **options: Any,
) -> Plan[VolumeSnapshot]:
    """The plan of a request."""
    if volume and server:
        volume = replace(volume, server=server.name)
    observed = ObservedVolumeSnapshots(
        {one.name: one for one in snapshots},
        {volume.name: volume} if volume else {},
        {server.name: server} if server else {},
        latest_only,
    )
    return plan(VolumeSnapshotRequest(f'data/{name}', state, options, 'data'), observed)


def steps(found: Plan[VolumeSnapshot]) -> list[tuple[str, str]]:
    """The changes of a plan."""
    return [(change.verb.value, change.name) for change in found.changes]


def test_changes() -> None:
    """Created with the size of the volume, updated, restored each time, deleted."""
    (created,) = planned(server=RUNNING, labels={'a': 'b'}).changes
    assert created.after == VolumeSnapshot('data/new', 2, labels={'a': 'b'})
    assert not planned('old', 'present', OLD).changes
    assert steps(planned('old', 'present', OLD, description='d')) == [('update', 'data/old')]
    restored = planned('old', 'restored', OLD, server=STOPPED, description='d')
    assert steps(restored) == [('restore', 'data/old')]
    assert restored.result == (replace(OLD, description='d'),)
    assert steps(planned('old', 'absent', OLD, server=RUNNING)) == [('delete', 'data/old')]
    assert not planned('none', 'absent', volume=None).changes


@pytest.mark.parametrize(
    ('unfinished', 'state', 'expected'),
    [
        (TaskState.CREATING, 'present', ['create']),
        (TaskState.DELETING, 'present', ['delete', 'create']),
        (TaskState.RESTORING, 'present', ['restore']),
        (TaskState.RESTORING, 'restored', ['restore']),
        (TaskState.RESTORING, 'absent', ['restore', 'delete']),
        (TaskState.CREATING, 'absent', ['delete']),
        (TaskState.DELETING, 'absent', ['delete']),
    ],
)
def test_interrupted(unfinished: TaskState, state: str, expected: list[str]) -> None:
    """What an earlier run began is completed first."""
    found = planned('old', state, replace(OLD, unfinished=unfinished))
    assert [verb for verb, _name in steps(found)] == expected
    assert not found.refused


IN_USE = (
    'volume data is attached to web, which is running; stop that first (server: state: stopped), '
    'or detach the volume'
)


@pytest.mark.parametrize(
    ('found', 'message'),
    [
        (planned('old', 'restored', OLD, server=RUNNING), IN_USE),
        (
            planned('old', 'present', replace(OLD, unfinished='restoring'), server=RUNNING),
            IN_USE,
        ),
        (
            planned(volume=replace(DATA, unfinished=TaskState.EXTENDING)),
            'volume data is unfinished (extending); run its task again first',
        ),
        (
            planned(volume=replace(DATA, disk_missing=True)),
            'volume data: its disk is missing, with all data on it; delete the volume (state: '
            'absent) and re-create it',
        ),
        (
            planned('old', 'restored', replace(OLD, unfinished=TaskState.DELETING)),
            'volume_snapshot data/old is unfinished (deleting); complete it (state: present or '
            'absent), and restore another one',
        ),
        (
            planned(server=replace(RUNNING, status=Status.UNMANAGED, faults=('f',))),
            'server: web is UNMANAGED (f); repair it first (server: repair: true), or delete it, '
            'which keeps its volumes',
        ),
        (
            planned('old', 'restored', OLD, NEW, server=STOPPED, latest_only=True),
            'volume_snapshot data/old: data is attached to web; data/new is later; data has 2 GB, '
            'and had 1; this cloud restores only the latest snapshot of a detached volume of the '
            'same size; create a volume from it (volume: snapshot)',
        ),
        (
            volumes.plan(
                VolumeRequest('data', 'absent'),
                volumes.ObservedVolumes({'data': replace(DATA, snapshots=('a', 'b'))}),
            ),
            'volume data has snapshots (a, b); delete those first (volume_snapshot: state: absent)',
        ),
        (
            volumes.plan(
                VolumeRequest('v', 'present', {'source': 'snapshot:data/new'}),
                volumes.ObservedVolumes({'data': replace(DATA, size=1)}, snapshots={NEW.name: NEW}),
            ),
            'snapshot: data/new has 2 GB, and its volume has only 1 since another one was '
            'restored; extend that first (volume: size: 2)',
        ),
        (
            volumes.plan(
                VolumeRequest('v', 'present', {'source': 'snapshot:data/new'}),
                volumes.ObservedVolumes(
                    {'data': DATA}, snapshots={NEW.name: replace(NEW, unfinished='creating')}
                ),
            ),
            'volume_snapshot data/new is unfinished (creating); run its task again first',
        ),
    ],
)
def test_what_is_refused(found: Plan[Any], message: str) -> None:
    """The message is the only one."""
    assert list(found.refused) == [message]


def test_the_latest_is_restored() -> None:
    """Also by a cloud that restores no other."""
    assert not planned('new', 'restored', OLD, NEW, latest_only=True).refused


def test_root_volumes_are_refused() -> None:
    """Their servers have snapshots."""
    request = VolumeSnapshotRequest('web/root/s', 'present', {}, 'web/root')
    assert [str(problem) for problem in request.problems()] == [
        'volume: web/root is a root volume; make a snapshot of its server (server_snapshot: '
        'server: web)'
    ]


@given(
    st.sampled_from(['present', 'absent']),
    st.sampled_from([None, *STATES, TaskState.CREATING, TaskState.RESTORING, TaskState.DELETING]),
    st.fixed_dictionaries({}, optional={'description': st.sampled_from(['', 'd'])}),
)
def test_the_next_plan_is_empty(state: str, unfinished: Any, options: dict[str, str]) -> None:
    """After any other one."""
    there = () if unfinished is None else (OLD,)
    if isinstance(unfinished, TaskState):
        there = (replace(OLD, unfinished=unfinished),)
    found = planned('old', state, *there, **options)
    after = fold(KIND, found.changes, {one.name: one for one in there})
    assert not planned('old', state, *after.values(), **options).changes
    assert bool(after) is (state == 'present')
