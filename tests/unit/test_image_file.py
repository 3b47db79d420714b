# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images in files, and their manifests: what is written is read, and nothing else is."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.image_files import ImageFiles
from ansible_collections.hanok.cloud.plugins.module_utils._model.change import Change
from ansible_collections.hanok.cloud.plugins.module_utils._model.image import Image, ImageRequest
from ansible_collections.hanok.cloud.plugins.module_utils._model.image_file import (
    MOST,
    ImageFile,
    file_from,
    file_of,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.kinds import Verb
from ansible_collections.hanok.cloud.plugins.module_utils._plan.image import ObservedImages, plan
from ansible_collections.hanok.cloud.tests.memory_cloud import Memory, MemoryCloud

IMAGE = Image(
    'web',
    'path:/a',
    description='d',
    labels={'a': 'b'},
    size=2**30,
    min_disk=1,
    id='6a0a1b3c-0000-4000-8000-000000000001',
    os_admin_user='debian',
)
FILE = ImageFile(
    **{**vars(file_of('/f', IMAGE)), 'file_size': 5, 'checksum': 'sha256:' + '0a' * 32}
)
EXPORT = ImageRequest('web', 'present', {}, export_path='/f')


def test_what_is_written_is_read() -> None:
    """All of it, and an image has what it offers."""
    assert file_from('/f', FILE.manifest().encode()) == FILE
    assert FILE.options() == {
        'disk_format': 'qcow2',
        'os_admin_user': 'debian',
        'description': 'd',
        'labels': {'a': 'b'},
        'checksum': FILE.checksum,
    }


@pytest.mark.parametrize(
    ('values', 'problem'),
    [
        ({'version': 2}, 'its version is 2, this collection reads 1'),
        ({'version': True}, 'its version is True, this collection reads 1'),
        ({'more': 1}, 'keys are missing or unknown: more'),
        ({'\ud800': 1}, r'keys are missing or unknown: \ud800'),
        ({'version': '\ud800'}, r"its version is '\ud800', this collection reads 1"),
        ({'name': '../x'}, "name: '../x'"),
        ({'name': None}, 'name has the wrong type'),
        ({'min_disk': True}, 'min_disk has the wrong type'),
        ({'size': 0}, 'size is out of range'),
        ({'size': 2**60}, 'size is out of range'),
        ({'file_size': -1}, 'file_size is out of range'),
        ({'disk_format': 'oci'}, 'disk_format is none of qcow2, iso, root-tar'),
        ({'checksum': 'sha256:../../etc'}, 'checksum or id is none'),
        ({'id': '/etc/passwd'}, 'checksum or id is none'),
        ({'os_admin_user': 'a b'}, "os_admin_user: 'a b' is not a login name"),
        ({'description': 'a\nb'}, 'description: it must be one line'),
        ({'labels': {'a': 1}}, 'labels: the value of a must be printable text'),
        ({'labels': []}, 'labels has the wrong type'),
    ],
)
def test_wrong_values(values: dict[str, Any], problem: str) -> None:
    """Each is refused by name."""
    text = json.dumps({**json.loads(FILE.manifest()), **values})
    with pytest.raises(ValueError, match=r'.') as caught:
        file_from('/f', text.encode())
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    'text', [b'', b'[]', b'\xff', b'[' * 100_000, b'{"version": 1}', b' ' * (MOST + 1), b'1' * 9999]
)
def test_no_manifest(text: bytes) -> None:
    """Whatever it is."""
    with pytest.raises(ValueError, match=r'.'):
        file_from('/f', text)


@pytest.mark.parametrize(
    ('file', 'why'),
    [
        (None, ''),
        (ImageFile(**{**vars(FILE), 'damaged': True}), 'the file is not the one of its manifest'),
        (ImageFile(**{**vars(FILE), 'image_id': 'x'}), 'it is of an earlier image'),
        (ImageFile(**{**vars(FILE), 'description': ''}), ''),
    ],
)
def test_it_is_written(file: ImageFile | None, why: str) -> None:
    """If it is not there, or is another one."""
    (change,) = plan(EXPORT, ObservedImages({'web': IMAGE}, file=file)).changes
    assert (change.kind, change.name, change.why) == ('image_file', '/f', why)


def test_it_is_there() -> None:
    """Nothing is written then; and of an image that cannot be created of it."""
    assert not plan(EXPORT, ObservedImages({'web': IMAGE}, file=FILE)).changes
    oci = Image(**{**vars(IMAGE), 'disk_format': 'oci'})
    (problem,) = plan(EXPORT, ObservedImages({'web': oci})).refused
    assert 'image web is of an OCI image (disk_format: oci); copy the archive' in problem


def test_what_a_task_says_goes_first() -> None:
    """The manifest says the rest; another checksum is refused."""
    wanted = ImageRequest('web', 'present', {'source': 'path:/f', 'labels': {'mine': '1'}})
    (change,) = plan(wanted, ObservedImages({}, described_by=FILE)).changes
    made = change.new(Image)
    assert (made.labels, made.description, made.checksum) == ({'mine': '1'}, 'd', FILE.checksum)
    other = ImageRequest('web', 'present', {'source': 'path:/f', 'checksum': 'sha256:' + '1' * 64})
    (problem,) = plan(other, ObservedImages({}, described_by=FILE)).refused
    assert f'/f.manifest.json says {FILE.checksum}, requested sha256:111' in problem


@pytest.mark.parametrize(
    ('request_', 'problem'),
    [
        (ImageRequest('web', 'absent', {}, export_path='/f'), 'it requires state: present'),
        (
            ImageRequest('web', 'present', {'source': 'path:/f'}, export_path='/f'),
            'it is what the image is created from; use another path',
        ),
        *(
            (
                ImageRequest('web', 'present', {}, export_path=path),
                f'{path!r} is no path of a file with a name of at most 190 bytes',
            )
            for path in ('/a/', '/a\0b', f'/{"a" * 191}')
        ),
    ],
)
def test_wrong_requests(request_: ImageRequest, problem: str) -> None:
    """Whatever there is."""
    assert [str(one) for one in request_.problems()] == [f'export_path: {problem}']


def test_two_are_written_to_one_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has a file of its own until it is whole; the one that ends last stays."""
    memory = Memory()
    cloud: Any = MemoryCloud(memory, 'me')
    images = [replace(IMAGE, name=name, id=str(uuid4())) for name in 'ab']
    memory.kinds['image'] = {image.name: image for image in images}
    path = str(tmp_path / 'image')
    changes = [
        Change('image_file', Verb.CREATE, path, None, file_of(path, image)) for image in images
    ]

    class Slow(io.BytesIO):
        """Meanwhile another run writes the other one."""

        def read(self, size: int | None = -1) -> bytes:
            if not self.tell():
                monkeypatch.setattr(cloud.images, 'opened', lambda _name: io.BytesIO(b'b'))
                assert not files.write(changes[1:])[0].error
                assert found() == 'b'
            return super().read(size)

    def found() -> str:
        written = file_from(path, Path(f'{path}.manifest.json').read_bytes())
        assert written.file_size == len(Path(path).read_bytes())
        return written.image

    files = ImageFiles(cloud, 60)
    monkeypatch.setattr(cloud.images, 'opened', lambda _name: Slow(b'aaa'))
    assert not files.write(changes[:1])[0].error
    assert found() == 'a'
    assert sorted(one.name for one in tmp_path.iterdir()) == ['image', 'image.manifest.json']
