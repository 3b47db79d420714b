# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans of volumes that several servers read: what is refused, and in which order they change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._model.change import Plan
from ansible_collections.hanok.cloud.plugins.module_utils._model.hardware import Hardware
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import Server
from ansible_collections.hanok.cloud.plugins.module_utils._model.server_snapshot import (
    ServerSnapshot,
    ServerSnapshotRequest,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.status import VolumeStatus
from ansible_collections.hanok.cloud.plugins.module_utils._model.volume import Volume
from ansible_collections.hanok.cloud.plugins.module_utils._model.volume_request import VolumeRequest
from ansible_collections.hanok.cloud.plugins.module_utils._plan import server_snapshot
from ansible_collections.hanok.cloud.plugins.module_utils._plan.volume import ObservedVolumes, plan

V = Volume('v', 4)
SHARED = replace(V, readers=('s', 't'))
SERVERS = {name: Server(name) for name in ('s', 't', 'u')}


def request(state: str = 'attached', **options: Any) -> VolumeRequest:
    """A request for the volume v."""
    return VolumeRequest('v', state, {}, **options)


def planned(wanted: VolumeRequest, volume: Volume = V, **observed: Any) -> Plan[Volume]:
    """Plan it, with the servers s, t and u."""
    return plan(wanted, ObservedVolumes({'v': volume}, **{'servers': SERVERS, **observed}))


@pytest.mark.parametrize(
    ('wanted', 'message'),
    [
        (
            request(servers=('s', 't')),
            'servers: s, t would all write to the volume, and destroy what is on it; set '
            'read_only: true, or use one server',
        ),
        (request(servers=()), 'servers: it is empty; name at least one server, or omit it'),
        (
            request('detached', servers=()),
            'servers: it is empty; name at least one server, or omit it',
        ),
        (
            request('present', servers=('s',)),
            'servers: it requires state: attached or detached, not present',
        ),
        (
            request('detached', read_only=True),
            'read_only: it requires state: attached, not detached; omit it',
        ),
        (
            request(server='s', read_only=True, grow=True),
            'grow: nothing grows on a volume that is read-only; omit it',
        ),
        (request(servers=('a b\n',), read_only=True), "servers: 'a b\\n' is not a valid"),
    ],
)
def test_invalid(wanted: VolumeRequest, message: str) -> None:
    """It names the option, and the way out."""
    assert message in [str(problem)[: len(message)] for problem in wanted.problems()]


@pytest.mark.parametrize(
    ('found', 'message'),
    [
        (
            planned(request(servers=('s', 't'), read_only=True), replace(V, file_system='ext4')),
            'read_only: volume v is for containers (file_system: ext4), which one has at a time, '
            'and writes to it; omit it',
        ),
        (
            planned(
                request(server='s', read_only=True), servers={'s': Server('s', type='container')}
            ),
            'read_only: server s is a container, which has only volumes that it writes to; use '
            'virtual machines, or omit it',
        ),
        (
            planned(
                request(server='s', read_only=True),
                servers={'s': Server('s', hardware=Hardware(disk_bus='sata'))},
            ),
            'read_only: server s has its disks on a bus (disk_bus: sata) that has none that are '
            'read-only; use disk_bus: virtio or scsi',
        ),
        (
            planned(request('detached'), SHARED, mounted=True, mounted_in=('t',)),
            'volume v is mounted in t, and data would be lost; unmount it there first, or set '
            'force: true',
        ),
        (
            planned(
                request(server='s', read_only=True),
                servers={'s': Server('s', volumes=tuple(f'v{number}' for number in range(15)))},
            ),
            'server: s has 15 volumes; a server has at most 15 besides its root volume',
        ),
        (
            planned(VolumeRequest('v', 'present', {'size': 5}), SHARED),
            'volume v: size is 4, requested 5: its disk is not changed while servers read it; '
            'detach it first (state: detached)',
        ),
    ],
)
def test_refused(found: Plan[Volume], message: str) -> None:
    """It names what is in the way."""
    assert message in [str(problem) for problem in found.refused]


@pytest.mark.parametrize(
    ('volume', 'wanted', 'steps'),
    [
        (replace(V, server='s'), {'servers': ('s', 't')}, [(), ('s', 't')]),
        (SHARED, {'servers': ('t', 'u')}, [('t',), ('t', 'u')]),
        (SHARED, {'servers': ('s',), 'read_only': None}, [('s',)]),
        (SHARED, {'servers': ('u',), 'read_only': None}, [(), ('u',)]),
        (SHARED, {'servers': ('s',), 'read_only': False}, [(), ('s',)]),
        (
            replace(SHARED, unfinished='detaching', leaving=('s',)),
            {'servers': ('s', 't')},
            [('t',), ('s', 't')],
        ),
        (
            replace(SHARED, unfinished='attaching'),
            {'servers': ('s',)},
            [('s', 't'), ('s',)],
        ),
    ],
)
def test_steps(volume: Volume, wanted: dict[str, Any], steps: list[tuple[str, ...]]) -> None:
    """It is detached before it is attached in another way, and what was begun is completed."""
    found = planned(request(**{'read_only': True, **wanted}), volume)
    assert not found.refused
    assert [change.new(Volume).servers for change in found.changes] == steps
    assert not any(one.server and one.readers for one in (found.result[0], volume))


def test_status() -> None:
    """What several servers read is in use; results name them."""
    assert SHARED.status == VolumeStatus.IN_USE
    public = SHARED.public()
    assert (public['server'], public['servers'], public['read_only']) == (None, ['s', 't'], True)
    assert 'readers' not in public
    assert replace(V, readers=('s',)).public()['server'] == 's'


def test_memory_of_a_server_that_reads() -> None:
    """Its disks are in a snapshot without those that it reads; its memory is in none."""
    server = Server('s', volumes=('v',), read_only_volumes=('v',))
    root = Volume('s/root', 4, 's', bootable=True)
    volumes = {'v': SHARED, 's/root': root}

    def snapshot(memory: bool) -> Plan[ServerSnapshot]:
        wanted = ServerSnapshotRequest('s/a', 'present', {}, 's', memory)
        seen = server_snapshot.ObservedServerSnapshots({}, {'s': server}, volumes)
        return server_snapshot.plan(wanted, seen)

    found = snapshot(memory=False)
    assert [one.volumes for one in found.result] == [{'s/root': 4}]
    assert found.notes == ('volume v: attached read-only; it is not in the snapshot',)
    (refused,) = snapshot(memory=True).refused
    assert 'memory: server s has volumes that it shares read-only (v)' in str(refused)
