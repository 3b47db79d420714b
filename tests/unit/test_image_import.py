# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The checked data of an imported image is the data that is used."""

from __future__ import annotations

import os
import shutil
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


@pytest.mark.skipif(os.geteuid() != 0, reason='the output changes its owner')
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
