# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How far a copy is, for other processes."""

from __future__ import annotations

import io
import os
import queue
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._cloud.images.limits import Limits
from ansible_collections.hanok.cloud.plugins.module_utils._local.host.locks import Locks
from ansible_collections.hanok.cloud.plugins.module_utils._local.host.progress import (
    Copy,
    printed_percents,
    read_progress,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.storage import import_progress

IMAGE = ('image', 'web')


@pytest.fixture
def locks(tmp_path: Path) -> Locks:
    """The locks of a run that works on an image."""
    found = Locks(str(tmp_path / 'locks'), 'kim', 0)
    found.acquire({IMAGE})
    return found


def test_read(locks: Locks) -> None:
    """Of the run that holds the lock: what the one before it has written there is not meant."""
    assert read_progress(locks, *IMAGE) is None
    copy = Copy([locks.held[IMAGE]])
    copy.is_at(0)
    assert read_progress(locks, *IMAGE) == {'percent': 0.0, 'seconds_left': None}
    copy.started = time.time() - 30
    copy.is_at(75)
    found = read_progress(locks, *IMAGE)
    assert found is not None
    assert found['percent'] == 75
    assert found['seconds_left'] in (9, 10, 11)
    copy.is_at(50)
    found = read_progress(locks, *IMAGE)
    assert found is not None
    assert found['seconds_left'] in (0, 1)
    os.pwrite(locks.held[IMAGE], b'lee (pid 1) since 12:00:00'.ljust(160), 0)
    assert read_progress(locks, *IMAGE) is None


@pytest.mark.parametrize('text', [b'', b'\xff' * 500, b' ' * 300, b'kim (pid 1) since 1 1 1 1'])
def test_other_content(locks: Locks, text: bytes) -> None:
    """A program that inherited the lock may have written anything."""
    Path(locks.folder, locks.file_name(*IMAGE)).write_bytes(text)
    assert read_progress(locks, *IMAGE) is None


def test_printed() -> None:
    """In whatever pieces it comes."""
    text = b'    (0.00/100%)\r    (50.00/100%)\r    (100.00/100%)\r    \n'

    class Pieces(io.BytesIO):
        def read1(self, size: int | None = -1) -> bytes:
            return self.read(7)

    assert [*printed_percents(Pieces(text))][-1] == 100
    assert 50 in [*printed_percents(Pieces(text))]
    assert [*printed_percents(io.BytesIO(b'nothing'))] == []


def test_transfer(tmp_path: Path) -> None:
    """Of a file whose size is known."""
    found: list[float] = []
    limits = Limits(None, 60, is_at=found.append)
    limits.digests(io.BytesIO(bytes(2**20)), 'a file')
    assert found == []
    limits.check_size(2**22, 'a file')
    limits.digests(io.BytesIO(bytes(2**22)), 'a file')
    assert found == [25, 50, 75, 100]


@pytest.mark.skipif(not shutil.which('qemu-img'), reason='qemu-img is not installed')
def test_what_qemu_img_prints(tmp_path: Path) -> None:
    """The real one."""
    disk = tmp_path / 'disk'
    disk.write_bytes(os.urandom(2**20))
    words = ['qemu-img', 'convert', '-p', '-f', 'raw', '-O', 'qcow2', disk, tmp_path / 'copy']
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert [*printed_percents(process.stdout)][-1] == 100


def test_told_by_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """By what it prints; one that it leaves behind holds nobody up."""
    found: list[float] = []
    with import_progress.told_by(found.append) as output:
        subprocess.run(['printf', '(25.00/100%%)\r'], stdout=output, check=True)
    assert found == [25]
    monkeypatch.setattr(import_progress, '_SECONDS', 0.01)
    with import_progress.told_by(found.append) as output:
        left = subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=output)
    left.communicate(b'(50.00/100%)')
    assert found == [25]


def test_seen_in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the files in it; what is no file counts nothing."""
    monkeypatch.setattr(import_progress, '_SECONDS', 0.01)
    (tmp_path / 'blobs').mkdir()
    (tmp_path / 'blobs' / 'one').write_bytes(bytes(50))
    (tmp_path / 'link').symlink_to('/etc/passwd')
    found: queue.Queue[float] = queue.Queue()
    with import_progress.seen_in(str(tmp_path), 200, found.put):
        assert found.get(timeout=60) == 25
        (tmp_path / 'blobs' / 'two').write_bytes(bytes(1000))
        while found.get(timeout=60) != 100:
            pass
