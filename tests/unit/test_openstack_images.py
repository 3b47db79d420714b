# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images of Glance as those of this collection."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._cloud import CloudError
from ansible_collections.hanok.cloud.plugins.module_utils._cloud.images.source_files import (
    source_problem,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.checks import GIB
from ansible_collections.hanok.cloud.plugins.module_utils._model.image import Image
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.api.errors import text_of
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.storage.image_rows import (
    BEGUN,
    devices_of,
    existing,
    image_of,
    ours,
    properties_of,
    users_of,
)
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.storage.image_source import (
    identified,
)

PUBLIC = {
    'id': 'i1',
    'name': 'Debian 13 (trixie)',
    'status': 'active',
    'owner': 'operator',
    'size': 3 * 2**20,
    'virtual_size': None,
    'min_disk': 0,
    'created_at': '2026-01-01T00:00:00Z',
    'hw_disk_bus': 'scsi',
}
LATER, EARLIER = str(int(time.time()) + 300), str(int(time.time()) - 1)


def own(image: Image, status: str = 'active', **marks: str) -> dict[str, Any]:
    """An image that this collection has created."""
    properties = properties_of(image, {'created_by': 'kim', **marks})
    return {**PUBLIC, 'name': image.name, 'owner': 'p', 'status': status, **properties}


def test_public_image() -> None:
    """An image that others made has no marks; what Glance does not know is the size of the file."""
    found = image_of(PUBLIC, {'i1': ('b', 'a')})
    assert (found.name, found.size, found.min_disk) == ('Debian 13 (trixie)', 3 * 2**20, 1)
    assert (found.source, found.created_by, found.labels, found.digests) == ('', '', {}, {})
    assert (found.status, found.used_by) == ('available', ('a', 'b'))


def test_what_is_written_is_read() -> None:
    """Everything that is only known to this collection comes back."""
    labels = {'owner': 'me', 'a/b': 'c'}
    image = Image('web', 'path:/a', 'sha256:00', 'for web', labels, os_admin_user='kim')
    found = image_of(own(image, size=str(5 * GIB), imported='{"sha256": "11", "inode": 2}'), {})
    assert (found.source, found.checksum, found.description, found.labels) == (
        image.source,
        image.checksum,
        image.description,
        image.labels,
    )
    assert (found.size, found.min_disk, found.digests) == (5 * GIB, 5, {'sha256': '11'})
    assert found.os_admin_user == 'kim'


@pytest.mark.parametrize(
    ('raw', 'task_state', 'unfinished'),
    [
        (PUBLIC, None, None),
        ({**PUBLIC, 'status': 'queued'}, 'creating', None),
        (own(Image('a', 'path:/a')), None, None),
        (own(Image('a', 'path:/a'), 'queued', until=LATER), None, 'creating'),
        (own(Image('a', 'path:/a'), 'saving', until=LATER), 'creating', None),
        (own(Image('a', 'path:/a'), 'saving', until=EARLIER), None, 'creating'),
        (own(Image('a', 'path:/a'), 'killed', until=LATER), None, 'creating'),
        (own(Image('a', 'server:s'), 'queued', until=LATER), 'creating', None),
        (own(Image('a', 'server:s'), 'queued', until=EARLIER), None, 'creating'),
        (own(Image('a', 'server:s'), unfinished='creating'), None, 'creating'),
    ],
)
def test_tasks(raw: dict[str, Any], task_state: str | None, unfinished: str | None) -> None:
    """What Glance and Nova are doing is awaited; what no run is doing is completed."""
    found = image_of(raw, {})
    assert (found.task_state, found.unfinished) == (task_state, unfinished)


def test_killed_image_of_others_is_an_error() -> None:
    """Nobody can complete it."""
    assert image_of({**PUBLIC, 'status': 'killed'}, {}).status == 'error'


def test_image_of_a_server_with_a_root_volume() -> None:
    """Such an image has no data, but snapshots; the size is that of the root volume."""
    mapping = '[{"boot_index": null, "volume_size": 9}, {"boot_index": 0, "volume_size": 4}]'
    raw = {**PUBLIC, 'size': 0, 'min_disk': 1, 'block_device_mapping': mapping}
    found = image_of(raw, {})
    assert (found.size, found.min_disk) == (4 * GIB, 4)
    assert [device['volume_size'] for device in devices_of(raw)] == [4, 9]
    assert devices_of(PUBLIC) == []


def test_users() -> None:
    """Nova tells no image of a server whose root volume was created from it."""
    servers = [
        {'name': 'a', 'image': {'id': 'i1'}, 'metadata': {}},
        {'name': 'b', 'image': '', 'metadata': {'hanok:image': 'web'}},
    ]
    assert users_of(servers) == {'i1': ('a',), 'web': ('b',)}


def test_ours_are_ordered_by_age() -> None:
    """Those of other projects and of others are none of ours."""
    image = Image('web', 'path:/a')
    younger = {**own(image), 'id': 'i0', 'created_at': '2026-01-02T00:00:00Z'}
    foreign = {**PUBLIC, 'name': 'web', 'owner': 'p'}
    images = [younger, own(image), foreign, {**own(image), 'owner': 'x'}]
    assert ours(images, 'web', 'p') == [own(image), younger]


def test_images_without_a_name() -> None:
    """Their id is their name; deleted ones do not exist."""
    images = [{**PUBLIC, 'name': None}, {**PUBLIC, 'status': 'pending_delete'}]
    assert [raw['name'] for raw in existing(images)] == ['i1']


@pytest.mark.parametrize(
    ('status', 'until', 'task_state', 'unfinished'),
    [
        ('queued', LATER, 'creating', None),
        ('saving', LATER, 'creating', None),
        ('saving', EARLIER, None, 'creating'),
        ('active', LATER, None, 'creating'),
    ],
    ids=['queued', 'saving', 'too late', 'active'],  # without the time
)
def test_begun_image_of_a_volume(
    status: str, until: str, task_state: str | None, unfinished: str | None
) -> None:
    """It has its name, and is ours; what Cinder copied from the image of the volume is not."""
    inherited = {'hanok:name': 'web', 'hanok:label:a': 'b', 'owner': 'p'}
    raw = {**PUBLIC, **inherited, 'name': BEGUN.format(until=until, name='web'), 'status': status}
    (found,) = ours([raw], 'web', 'p')
    image = image_of(found, {})
    assert (image.name, image.labels, image.created_by) == ('web', {}, '')
    assert (image.task_state, image.unfinished) == (task_state, unfinished)


def test_formats(tmp_path: Path) -> None:
    """Others than qcow2 and raw are refused before anything is done, with the way out."""
    disk = tmp_path / 'disk.vmdk'
    disk.write_bytes(b'KDMV'.ljust(12, b'\0') + (2048).to_bytes(8, 'little') + bytes(1000))
    problem = source_problem(f'path:{disk}', identified)
    assert problem.startswith(f'{disk} has the format vmdk')
    assert 'qemu-img convert' in problem
    with disk.open('rb') as file, pytest.raises(CloudError):
        identified(file, 'disk')


def test_text_of_a_page() -> None:
    """Glance answers with a page of HTML."""
    page = '<html>\n <head>\n  <title>415</title>\n </head>\n <body><h1>415 Type</h1>\n x<br />'
    assert text_of(page) == '415 Type x'
