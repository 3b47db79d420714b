# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes for containers, which come and go with a restart of those that run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._model.change import Plan
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import Server
from ansible_collections.hanok.cloud.plugins.module_utils._model.status import Status, TaskState
from ansible_collections.hanok.cloud.plugins.module_utils._model.volume import Volume
from ansible_collections.hanok.cloud.plugins.module_utils._model.volume_request import VolumeRequest
from ansible_collections.hanok.cloud.plugins.module_utils._plan.volume import ObservedVolumes, plan

FREE = Volume('v', 4, device=None, file_system='ext4')
HELD = replace(FREE, server='on', mount_point='/srv')
OTHER = replace(HELD, name='w', server='off')
OFF = Server('off', type='container', power='stopped', status=Status.SHUTOFF, volumes=('w',))
SERVERS = (
    OFF,
    Server('on', type='container', volumes=('v',)),
    Server('paused', type='container', power='paused', status=Status.PAUSED),
    Server('vm'),
)


def planned(volume: Volume, state: str, server: str, *, may: bool = False, **more: Any) -> Plan:
    """The plan for a volume."""
    request = VolumeRequest('v', state, {}, server, allow_restart=may, **more)
    assert request.problems() == []
    servers = {one.name: one for one in SERVERS}
    return plan(request, ObservedVolumes({'v': volume, 'w': OTHER}, servers))


@pytest.mark.parametrize(
    ('server', 'may', 'is_refused'),
    [
        ('on', False, True),
        ('on', True, False),
        ('paused', False, True),
        ('off', False, False),
    ],
)
def test_growth(server: str, may: bool, is_refused: bool) -> None:
    """A file system grows in use only where the host may do that."""
    volume = replace(FREE, server=server, mount_point='/srv')
    servers = {one.name: one for one in SERVERS}
    observed = ObservedVolumes({'v': volume}, servers, grows_mounted=may)
    found = plan(VolumeRequest('v', 'present', {'size': 5}), observed)
    assert (f'stop server {server} first' in str(found.refused)) is is_refused
    assert bool(found.refused) is is_refused


@pytest.mark.parametrize(
    ('found', 'text'),
    [
        (planned(FREE, 'attached', 'on'), 'set allow_restart: true to allow it, or stop it first'),
        (planned(HELD, 'detached', 'on'), 'set allow_restart: true to allow it, or stop it first'),
        (planned(HELD, 'attached', 'off'), 'the container on runs'),
        (planned(FREE, 'attached', 'paused', may=True), 'paused is paused, and volumes of a'),
        (planned(FREE, 'attached', 'off', mount_point='/srv'), 'that of volume w in off'),
        (planned(HELD, 'attached', 'on', mount_point='/a'), 'is attached at /srv, not at /a'),
        (planned(FREE, 'attached', 'vm'), 'vm is a virtual machine, and v is for containers'),
        (planned(replace(FREE, limits={'disk_iops': 1}), 'attached', 'off'), 'disk_iops'),
        (planned(Volume('v', 4), 'attached', 'off'), 'with a file system only, and v is a disk'),
        (
            planned(Volume('v', 4, 'vm'), 'attached', 'vm', mount_point='/a'),
            'the guest has mounted',
        ),
    ],
)
def test_what_is_refused(found: Plan, text: str) -> None:
    """By name, with the way out."""
    (problem,) = found.refused
    assert text in problem


@pytest.mark.parametrize(
    ('found', 'changes'),
    [
        (planned(FREE, 'attached', 'off'), [('attach', 'off', '/mnt/v', 'live')]),
        (
            planned(FREE, 'attached', 'off', mount_point='/srv/v'),
            [('attach', 'off', '/srv/v', 'live')],
        ),
        (planned(FREE, 'attached', 'on', may=True), [('attach', 'on', '/mnt/v', 'restart')]),
        (planned(HELD, 'detached', 'on', may=True), [('detach', None, None, 'restart')]),
        (
            planned(HELD, 'attached', 'off', may=True),
            [('detach', None, None, 'restart'), ('attach', 'off', '/mnt/v', 'live')],
        ),
        (planned(HELD, 'attached', 'on'), []),
        (planned(HELD, 'detached', 'off'), []),
        (  # what was allowed when it began
            planned(replace(HELD, unfinished=TaskState.ATTACHING), 'attached', 'on'),
            [('attach', 'on', '/srv', 'live')],
        ),
        (  # which may be why its container does not start
            planned(replace(HELD, unfinished=TaskState.ATTACHING), 'detached', 'on', may=True),
            [('detach', None, None, 'restart')],
        ),
        (
            planned(replace(HELD, unfinished=TaskState.DETACHING), 'detached', 'on'),
            [('detach', None, None, 'live')],
        ),
    ],
)
def test_changes(found: Plan, changes: list[tuple[object, ...]]) -> None:
    """Where the volume is after each change, and what happens to the container."""
    assert (found.refused, found.missing) == ((), ())
    assert [
        (one.verb.value, one.new(Volume).server, one.new(Volume).mount_point, one.effect)
        for one in found.changes
    ] == changes
