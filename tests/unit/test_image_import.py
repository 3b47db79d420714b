# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The checked data of an imported image is the data that is used."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._cloud import CloudError
from ansible_collections.hanok.cloud.plugins.module_utils._cloud.images import source_files
from ansible_collections.hanok.cloud.plugins.module_utils._local.storage import image_import


def started_import(tmp_path: Path) -> image_import.Import:
    """An import that has created its folder."""
    host: Any = SimpleNamespace(timeout=60)
    started = image_import.Import(host, str(tmp_path / 'target'), ())
    started.__enter__()
    return started


def test_changed_after_the_clone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The digests are those of the clone, not of the file changed since."""
    source = tmp_path / 'source'
    source.write_bytes(b'first')

    def clone(original: BinaryIO, copy: BinaryIO) -> bool:
        shutil.copyfileobj(original, copy)
        copy.flush()
        original.seek(0)
        source.write_bytes(b'other')
        return True

    monkeypatch.setattr(image_import, '_try_clone', clone)
    process = started_import(tmp_path)
    process.copy(str(source))
    source_files.check_digests(
        'sha256:a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e', process.digests
    )


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason='the files get another owner')


@needs_root
@pytest.mark.skipif(shutil.which('qemu-img') is None, reason='qemu-img is what is limited')
@pytest.mark.parametrize(
    ('arguments', 'problem'),
    [
        (('create', '-q', '-f', 'raw', '-o', 'preallocation=full', 'disk', '300M'), 'too large'),
        (('bench', '-f', 'raw', '-t', 'writeback', '-s', '2040M', '-d', '1', 'source'), 'memory'),
        (('bench', '-f', 'raw', '-t', 'writeback', '-c', '99999999', 'source'), 'timed out'),
        (('info', '--output=json', '/etc/shadow'), 'Permission denied'),
        (('info', 'nbd://127.0.0.1'), 'unreachable'),
    ],
    ids=['output', 'memory', 'time', 'files', 'network'],
)
def test_qemu_img_is_confined(arguments: tuple[str, ...], problem: str, tmp_path: Path) -> None:
    """In what it may write, its memory, its time, and what it can open."""
    process = started_import(tmp_path)
    process.limits.deadline = time.monotonic() + 2
    Path(process.source).write_bytes(bytes(1 << 20))
    process._hand_over()
    with pytest.raises(CloudError) as caught:
        process._qemu_img(0, *arguments)
    assert problem in str(caught.value)


@needs_root
def test_output_that_refers_to_another_file(tmp_path: Path) -> None:
    """An output with a backing file does not become an image."""
    process = started_import(tmp_path)
    head = b'QFI\xfb' + (3).to_bytes(4, 'big') + (512).to_bytes(8, 'big') + bytes(88)
    (Path(process.folder) / 'disk').write_bytes(head.ljust(4096, b'\0'))
    with pytest.raises(CloudError):
        process._accept(str(Path(process.folder) / 'disk'))
    assert not (tmp_path / 'target').exists()


def test_same_size_and_time(tmp_path: Path) -> None:
    """Two files of the same size and time have different stamps."""
    stamps = []
    for name in ('a', 'b'):
        (tmp_path / name).write_bytes(name.encode())
        os.utime(tmp_path / name, (1, 1))
        stamps.append(source_files.stamp(os.stat(tmp_path / name)))
    assert stamps[0] != stamps[1]
