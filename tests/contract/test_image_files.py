# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images in files, for other hosts: written with a manifest, and created of that."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from .clouds import CloudUnderTest, Result, Run

Keep = Callable[..., Result]
Refused = Callable[..., str]


def sha256(path: Path) -> str:
    """The checksum of a file, as modules have it."""
    return f'sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}'


def test_export(
    cloud: CloudUnderTest, keep: Keep, run: Run, refused: Refused, tmp_path: Path
) -> None:
    """Written once, and again when something has changed; a copy has what the image has."""
    file, manifest = tmp_path / 'image.qcow2', tmp_path / 'image.qcow2.manifest.json'
    options = {'os_admin_user': 'debian', 'description': 'of a test', 'labels': {'release': '12'}}
    wanted = {'name': 'first', 'path': cloud.image_path, **options}
    if 'files of images' not in cloud.can:
        text = refused('image', **wanted, export_path=str(file))
        assert f'export_path: the cloud {cloud.name} does not support it: write it with' in text
        return
    first = keep('image', **wanted, export_path=str(file))['image']
    found = json.loads(manifest.read_bytes())
    assert {key: found[key] for key in options} == options
    assert (found['version'], found['name'], found['id']) == (1, 'first', first['id'])
    assert (found['size'], found['min_disk']) == (first['size'], first['min_disk'])
    assert (found['checksum'], found['file_size']) == (sha256(file), file.stat().st_size)
    assert [path.stat().st_mode & 0o777 for path in (file, manifest)] == [0o600, 0o600]
    assert sorted(tmp_path.iterdir()) == [file, manifest]

    copy = keep('image', name='copy', path=str(file), description='mine')['image']
    assert (copy['os_admin_user'], copy['labels']) == ('debian', {'release': '12'})
    assert (copy['description'], copy['size']) == ('mine', first['size'])
    assert copy['checksum'] == sha256(file)
    assert not keep('image', name='copy', path=str(file))['changed']

    before = sha256(file)
    keep('image', name='first', labels={}, export_path=str(file))
    assert json.loads(manifest.read_bytes())['labels'] == {}
    file.write_bytes(file.read_bytes() + bytes(512))
    assert 'checksum mismatch: got ' in run('image', name='other', path=str(file))['msg']
    keep('image', name='other', state='absent')
    done = keep('image', name='first', export_path=str(file))
    assert 'the file is not the one of its manifest' in done['msg']
    assert sha256(file) == before
    file.unlink()
    keep('image', name='first', export_path=str(file))
    assert sha256(file) == before
    for name in ('first', 'copy'):
        keep('image', name=name, state='absent')


@pytest.mark.needs('files of images')
def test_what_is_not_exported(
    cloud: CloudUnderTest, keep: Keep, run: Run, refused: Refused, tmp_path: Path
) -> None:
    """Nothing else is replaced, and no manifest is used that is not valid."""
    file, manifest = tmp_path / 'file', tmp_path / 'file.manifest.json'
    keep('image', name='first', path=cloud.image_path)
    file.write_text('mine')
    export = {'name': 'first', 'export_path': str(file)}
    assert f'{file}.manifest.json exists, and is no export of image first' in refused(
        'image', **export
    )
    assert file.read_text() == 'mine'
    file.unlink()
    keep('image', **export)
    keep('image', name='second', path=cloud.image_path)
    assert 'is no export of image second' in refused('image', name='second', export_path=str(file))
    assert 'is a folder; set a file in it' in refused(
        'image', name='first', export_path=str(tmp_path)
    )
    missing = tmp_path / 'no' / 'file'
    assert f'the folder {tmp_path}/no does not exist; create it first' in refused(
        'image', name='first', export_path=str(missing)
    )
    found = json.loads(manifest.read_bytes())
    wrong = 'sha256:' + '0' * 64
    assert f'says {found["checksum"]}, requested {wrong}; the file is not the one' in refused(
        'image', name='third', path=str(file), checksum=wrong
    )
    manifest.write_text(json.dumps({**found, 'version': 2}))
    text = refused('image', name='third', path=str(file))
    assert 'is no manifest of an image: its version is 2, this collection reads 1; delete' in text
    manifest.write_text(json.dumps({**found, 'checksum': wrong}))
    assert 'checksum mismatch' in run('image', name='third', path=str(file))['msg']
    for name in ('first', 'second', 'third'):
        keep('image', name=name, state='absent')
