# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes of Cinder as those of this collection."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._model.volume import (
    Volume,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.volume_request import VolumeRequest
from ansible_collections.hanok.cloud.plugins.module_utils._model.volume_snapshot import (
    VolumeSnapshot,
)
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.storage import snapshot_rows
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.storage.root_volumes import (
    with_names,
)
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.storage.volume_rows import (
    Holder,
    creation_body,
    holders_of,
    is_ours,
    label_changes,
    volume_of,
)
from ansible_collections.hanok.cloud.plugins.module_utils._plan.volume import (
    ObservedVolumes,
    plan,
)

DATA: dict[str, Any] = {
    'id': 'a12afba3-4213-48ef-9c44-b17d3b90cb5c',
    'name': 'data',
    'size': 2,
    'status': 'available',
    'attachments': [],
    'description': None,
    'metadata': {},
    'bootable': 'false',
    'volume_type': 'fast',
    'created_at': '2026-01-01T00:00:00.000000',
}
HOLDER = Holder('web', is_root=False, is_shelved=False)
SHELVED = HOLDER._replace(is_shelved=True)


def server(name: str, image: Any, *volumes: str, status: str = 'ACTIVE') -> dict[str, Any]:
    """A server of Nova."""
    attached = [{'id': identity} for identity in volumes]
    return {
        'name': name,
        'image': image,
        'status': status,
        'os-extended-volumes:volumes_attached': attached,
    }


@pytest.mark.parametrize(
    ('raw', 'holder', 'status', 'task_state'),
    [
        ('available', None, 'available', None),
        ('in-use', HOLDER, 'in-use', None),
        ('creating', None, 'creating', 'creating'),
        ('downloading', None, 'creating', 'creating'),
        ('reserved', HOLDER, 'attaching', 'attaching'),
        ('reserved', SHELVED, 'reserved', None),
        ('reserved', None, 'reserved', None),
        ('attaching', HOLDER, 'attaching', 'attaching'),
        ('detaching', HOLDER, 'detaching', 'detaching'),
        ('extending', HOLDER, 'extending', 'extending'),
        ('backing-up', None, 'backing-up', 'backing-up'),
        ('uploading', None, 'uploading', 'uploading'),
        ('retyping', HOLDER, 'in-use', 'updating'),
        ('deleting', None, 'deleting', 'deleting'),
        ('awaiting-transfer', None, 'reserved', None),
        ('error', None, 'error', None),
        ('error_deleting', None, 'error', None),
    ],
)
def test_statuses(raw: str, holder: Holder | None, status: str, task_state: str | None) -> None:
    """What Cinder is doing is awaited; nothing of it is completed by a run."""
    found = volume_of({**DATA, 'status': raw}, holder)
    assert (found.status, found.task_state, found.unfinished) == (status, task_state, None)
    assert found.server == (holder.name if holder else None)
    assert 'cloud_status' not in found.public()


@pytest.mark.parametrize('status', ['error', 'awaiting-transfer'])
def test_status_that_allows_no_change(status: str) -> None:
    """A volume that Cinder reports as faulty does not grow; it can be deleted if it is an error."""
    volumes = {'data': volume_of({**DATA, 'status': status}, None)}
    grown = plan(VolumeRequest('data', 'present', {'size': 3}), ObservedVolumes(volumes))
    deleted = plan(VolumeRequest('data', 'absent', {}), ObservedVolumes(volumes))
    assert grown.refused
    assert bool(deleted.refused) == (status != 'error')


def test_what_is_written_is_read() -> None:
    """The marks of a new volume."""
    new = Volume('data', 2, description='d', labels={'a/b': 'c'}, source='image:i')
    body = creation_body(new, 'kim', 'token', {'imageRef': '7'})
    assert body['imageRef'] == '7'
    raw = {**DATA, **body}
    found = volume_of(raw, None)
    assert (found.labels, found.description, found.created_by) == ({'a/b': 'c'}, 'd', 'kim')
    assert found.created_at == '2026-01-01T00:00:00Z'
    assert found.source == 'image:i'
    assert found.device == '/dev/disk/by-id/virtio-a12afba3-4213-48ef-9'
    assert is_ours(raw)
    assert not is_ours(DATA)


SNAPSHOT: dict[str, Any] = {
    'id': 's1',
    'name': 'monday',
    'volume_id': DATA['id'],
    'size': 2,
    'status': 'available',
    'description': None,
    'metadata': {},
    'created_at': '2026-01-01T00:00:00.000000',
}


def test_snapshots() -> None:
    """A volume has the names of its snapshots; what is written of one is read."""
    others = {**SNAPSHOT, 'volume_id': 'other', 'name': 'tuesday'}
    unnamed = {**SNAPSHOT, 'name': ''}
    assert volume_of(DATA, None, [SNAPSHOT, others, unnamed]).snapshots == ('monday', 's1')
    new = VolumeSnapshot('data/monday', 2, 'd', {'a/b': 'c'})
    body = snapshot_rows.creation_body(new, DATA['id'], 'kim')
    assert (body['name'], body['force'], body['volume_id']) == ('monday', True, DATA['id'])
    found = snapshot_rows.snapshot_of({**SNAPSHOT, **body, 'name': 'data/monday'})
    assert found == replace(new, id='s1', created_by='kim', created_at='2026-01-01T00:00:00Z')


@pytest.mark.parametrize(
    ('raw', 'status', 'task_state'),
    [
        ('available', 'available', None),
        ('creating', 'creating', 'creating'),
        ('restoring', 'restoring', 'restoring'),
        ('deleting', 'deleting', 'deleting'),
        ('error', 'error', None),
        ('error_deleting', 'error', None),
    ],
)
def test_statuses_of_snapshots(raw: str, status: str, task_state: str | None) -> None:
    """What Cinder is doing is a task state; what failed is replaced by the next task."""
    found = snapshot_rows.snapshot_of({**SNAPSHOT, 'status': raw})
    assert (found.status, found.task_state) == (status, task_state)


def test_metadata_of_cinder_are_no_labels() -> None:
    """Cinder shows its own among them when the volume is attached."""
    raw = {**DATA, 'metadata': {'attached_mode': 'rw', 'readonly': 'False', 'team': 'a'}}
    assert volume_of(raw, HOLDER).labels == {'team': 'a'}


def test_changes_of_labels() -> None:
    """Only the keys that differ are written and removed."""
    before = Volume('data', labels={'a': '1', 'b/c': '2', 'd': '3'})
    after = replace(before, labels={'a': '1', 'd': '4'})
    assert label_changes(before, after) == ({'d': '4'}, ['b c'])
    assert label_changes(before, before) == ({}, [])


def test_root_volumes() -> None:
    """A server without an image boots from a volume, which Nova creates without a name."""
    root = {**DATA, 'id': 'r', 'name': '', 'bootable': 'true'}
    root['attachments'] = [{'device': '/dev/vda', 'server_id': 's'}]
    other = {**DATA, 'id': 'o', 'name': '', 'bootable': 'true'}
    servers = [server('db', '', 'r', DATA['id']), server('web', {'id': 'i'}, 'o')]
    volumes = [root, DATA, other]
    holders = holders_of(volumes, servers)
    found = [volume_of(raw, holders[raw['id']]) for raw in with_names(volumes, servers)]
    assert [(one.name, one.server, one.bootable) for one in found] == [
        ('db/root', 'db', True),
        ('data', 'db', False),
        ('o', 'web', False),
    ]


def test_server_of_another_project() -> None:
    """Its name is not visible; its id is."""
    raw = {**DATA, 'status': 'in-use', 'attachments': [{'server_id': 's9', 'device': '/dev/vdb'}]}
    assert volume_of(raw, None).server == 's9'


@pytest.mark.parametrize(('sees_guests', 'words'), [(True, 'guest agent'), (False, 'see into db')])
def test_detaching_what_may_be_mounted(sees_guests: bool, words: str) -> None:
    """The warning says why it is not known."""
    attached = replace(Volume('data', 1), server='db', id='i')
    observed = ObservedVolumes({'data': attached}, {}, mounted=None, sees_guests=sees_guests)
    planned = plan(VolumeRequest('data', 'detached', {}), observed)
    assert [change.verb for change in planned.changes] == ['detach']
    assert words in planned.notes[0]
