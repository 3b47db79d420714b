# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What another run is working on is planned as that run will leave it, and awaited."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._local.compute.server_status import (
    status_of,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.change import Draft, Plan
from ansible_collections.hanok.cloud.plugins.module_utils._model.image import Image, ImageRequest
from ansible_collections.hanok.cloud.plugins.module_utils._model.lb import Lb, LbRequest, Listener
from ansible_collections.hanok.cloud.plugins.module_utils._model.network import (
    Network,
    NetworkRequest,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import Server
from ansible_collections.hanok.cloud.plugins.module_utils._model.server_request import ServerRequest
from ansible_collections.hanok.cloud.plugins.module_utils._model.status import Status, TaskState
from ansible_collections.hanok.cloud.plugins.module_utils._model.volume import Volume
from ansible_collections.hanok.cloud.plugins.module_utils._model.volume_request import VolumeRequest
from ansible_collections.hanok.cloud.plugins.module_utils._plan import (
    image,
    lb,
    network,
    server,
    volume,
)
from ansible_collections.hanok.cloud.plugins.module_utils._plan.server_observations import (
    ObservedServers,
)

NETWORKS = {'default': Network('default', '192.168.0.0/24', '192.168.0.1')}
ITEMS: dict[str, Any] = {
    'server': Server('x', flavor='f', vcpus=1, memory=64, image='i', volume_size=1),
    'volume': Volume('x', 2),
    'network': Network('x', '10.1.0.0/24', '10.1.0.1'),
    'image': Image('x', 'path:/x'),
    'lb': Lb('x', listeners=(Listener(80),)),
}


def plan(kind: str, item: Any, state: str = 'present') -> Plan:
    """The plan of a task that sets nothing but the state."""
    there = {'x': item}
    if kind == 'server':
        return server.plan(ServerRequest('x', state, {}), ObservedServers(there, networks=NETWORKS))
    if kind == 'volume':
        return volume.plan(VolumeRequest('x', state), volume.ObservedVolumes(there))
    if kind == 'network':
        return network.plan(NetworkRequest('x', state), network.ObservedNetworks(there))
    if kind == 'image':
        return image.plan(ImageRequest('x', state), image.ObservedImages(there))
    return lb.plan(LbRequest('x', state), lb.ObservedLbs(there, NETWORKS))


@pytest.mark.parametrize('kind', ITEMS)
@pytest.mark.parametrize('task_state', sorted(set(TaskState) - {TaskState.DELETING}))
def test_nothing_is_completed(kind: str, task_state: TaskState) -> None:
    """Another run does it; when it has ended there is nothing to do."""
    current = plan(kind, replace(ITEMS[kind], task_state=task_state))
    assert (current.changes, current.refused) == ((), ())
    (note,) = current.awaited
    assert note.startswith(f'{kind} x: another run is working on it ({task_state}); ')
    (left,) = current.result
    assert (left.task_state, left.unfinished) == (None, None)


@pytest.mark.parametrize('kind', ITEMS)
def test_what_is_being_deleted_is_gone(kind: str) -> None:
    """It is created anew, or there is nothing left to delete."""
    leaving = replace(ITEMS[kind], task_state=TaskState.DELETING)
    current = plan(kind, leaving)
    # A volume and others are refused without what creates them: that they are new is what counts.
    assert [change.verb for change in current.changes] == ['create']
    assert current.changes[0].why == ''
    current = plan(kind, leaving, 'absent')
    assert (current.changes, current.result, len(current.awaited)) == ((), (), 1)


@pytest.mark.parametrize('kind', ITEMS)
def test_what_is_being_created_is_deleted(kind: str) -> None:
    """After its creation."""
    current = plan(kind, replace(ITEMS[kind], task_state=TaskState.CREATING), 'absent')
    (change,) = current.changes
    assert (change.verb, change.before, change.why) == ('delete', ITEMS[kind], '')


def test_server_that_is_being_created() -> None:
    """It has run and has its first-boot disk when its creation has ended."""
    building = replace(
        ITEMS['server'],
        status=Status.BUILD,
        task_state=TaskState.CREATING,
        launched=False,
        seeded=False,
    )
    assert plan('server', building).result == (ITEMS['server'],)
    assert status_of(building, None) == Status.BUILD
    failed = replace(building, task_state=None, unfinished=TaskState.CREATING)
    assert status_of(failed, None) == Status.ERROR
    failed = replace(failed, failure='no space left')
    assert failed.public()['status_reason'] == (
        'creating was not completed: no space left; its server task completes it (state: absent '
        'deletes it)'
    )


def test_volume_that_is_being_detached() -> None:
    """It is free when that has ended."""
    leaving = Volume('x', 2, server='s', task_state=TaskState.DETACHING)
    current = volume.plan(VolumeRequest('x', 'detached'), volume.ObservedVolumes({'x': leaving}))
    assert (current.changes, current.result) == ((), (Volume('x', 2),))


def test_server_of_a_volume() -> None:
    """A volume is attached to a server that is being created, not to one that is being deleted."""
    request = VolumeRequest('x', 'attached', server='s')

    def attached(task_state: TaskState) -> Plan:
        servers = {'s': Server('s', task_state=task_state)}
        return volume.plan(request, volume.ObservedVolumes({'x': ITEMS['volume']}, servers))

    current = attached(TaskState.CREATING)
    assert [change.verb for change in current.changes] == ['attach']
    assert (current.refused, len(current.awaited)) == ((), 1)
    assert attached(TaskState.DELETING).missing == ('server s does not exist; available: none',)


def test_image_of_a_new_server() -> None:
    """An image that another run is creating is awaited; one that nobody completes is refused."""
    request = ServerRequest('y', 'present', {'image': 'x', 'flavor': 'f'})

    def created(**state: TaskState) -> Plan:
        found = {'x': replace(ITEMS['image'], **state)}
        return server.plan(request, ObservedServers({}, images=found, networks=NETWORKS))

    assert created(task_state=TaskState.CREATING).refused == ()
    assert len(created(task_state=TaskState.CREATING).awaited) == 1
    assert created(unfinished=TaskState.CREATING).refused == (
        'image x is unfinished (creating); run the task that creates it again',
    )


def test_addresses_of_a_server_that_is_being_deleted() -> None:
    """They are free when that has ended."""
    found = ObservedServers(
        {'x': replace(ITEMS['server'], task_state=TaskState.DELETING)},
        owners={('default', '192.168.0.9'): 'x'},
    )
    request = ServerRequest('x', 'present', {})
    assert server.plan(request, found).awaited
    assert found.settled(Draft()).address_owner('default', '192.168.0.9') is None
