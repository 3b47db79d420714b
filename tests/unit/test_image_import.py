# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is checked of an image is what is used of it."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._cloud import CloudError
from ansible_collections.hanok.cloud.plugins.module_utils._local import image_import, images


def making(tmp_path: Path) -> image_import.Import:
    """An import that has begun."""
    host: Any = SimpleNamespace(timeout=60)
    one = image_import.Import(host, str(tmp_path / 'target'), ())
    one.__enter__()
    one.until = time.monotonic() + 60
    return one


def test_altered_after_the_clone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The digests are of the clone, not of what the file holds by then."""
    source = tmp_path / 'source'
    source.write_bytes(b'first')

    def clone(there: BinaryIO, here: BinaryIO) -> bool:
        shutil.copyfileobj(there, here)
        here.flush()
        there.seek(0)
        source.write_bytes(b'other')
        return True

    monkeypatch.setattr(image_import, '_is_cloned', clone)
    one = making(tmp_path)
    one.copy(str(source))
    image_import.check_digests(
        'sha256:a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e', one.digests
    )


@pytest.mark.skipif(os.geteuid() != 0, reason='what is made changes its owner')
def test_made_refers_elsewhere(tmp_path: Path) -> None:
    """A result that names a backing file is no image, whoever made qemu-img write it."""
    one = making(tmp_path)
    head = b'QFI\xfb' + (3).to_bytes(4, 'big') + (512).to_bytes(8, 'big') + bytes(88)
    (Path(one.folder) / 'disk').write_bytes(head.ljust(4096, b'\0'))
    with pytest.raises(CloudError):
        one._accept(str(Path(one.folder) / 'disk'))
    assert not (tmp_path / 'target').exists()


def test_same_size_and_time(tmp_path: Path) -> None:
    """Two files of one size and one time are two files."""
    stamps = []
    for name in ('a', 'b'):
        (tmp_path / name).write_bytes(name.encode())
        os.utime(tmp_path / name, (1, 1))
        stamps.append(images._stamp(os.stat(tmp_path / name)))
    assert stamps[0] != stamps[1]
