# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What snapshots hold and what has changed since, in files that QEMU has written."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._local.storage.qcow2 import (
    Usage,
    usage,
)

MIB = 2**20


@pytest.fixture(params=['cluster_size=1M,extended_l2=on', 'cluster_size=64k'])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A disk on top of an image."""
    image, path = tmp_path / 'image.qcow2', tmp_path / 'disk.qcow2'
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', image, '64M'], check=True)
    words = ['qemu-img', 'create', '-q', '-f', 'qcow2', '-o', request.param]
    subprocess.run([*words, '-b', image, '-F', 'qcow2', path, '600M'], check=True)
    return path


@pytest.fixture
def write(disk: Path) -> Callable[[int, int], None]:
    """Write a number of MiB at a MiB."""
    return lambda size, at: (
        subprocess.run(
            ['qemu-io', '-c', f'write {at}M {size}M', str(disk)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        and None
    )


def snapshot(action: str, name: str, disk: Path) -> None:
    """Create (-c), apply (-a) or delete (-d) a snapshot."""
    subprocess.run(['qemu-img', 'snapshot', '-q', action, name, disk], check=True)


def test_usage(disk: Path, write: Callable[[int, int], None]) -> None:
    """What others have does not count; what was written over since does."""
    write(4, 0)
    snapshot('-c', 'first', disk)
    assert usage(str(disk)) == {'first': Usage(0, 0)}
    write(2, 1)  # 2 MiB of the snapshot are its own now
    write(3, 550)  # not in the snapshot
    assert usage(str(disk)) == {'first': Usage(2 * MIB, 5 * MIB)}
    snapshot('-c', 'second', disk)
    write(1, 0)
    assert usage(str(disk)) == {'first': Usage(2 * MIB, 6 * MIB), 'second': Usage(0, MIB)}
    snapshot('-d', 'first', disk)
    assert usage(str(disk)) == {'second': Usage(MIB, MIB)}
    snapshot('-a', 'second', disk)
    assert usage(str(disk)) == {'second': Usage(0, 0)}
    snapshot('-d', 'second', disk)
    assert usage(str(disk)) == {}


def test_no_qcow2_file(tmp_path: Path) -> None:
    """A file of another kind is an error."""
    path = tmp_path / 'raw'
    path.write_bytes(bytes(4096))
    with pytest.raises(ValueError, match='no qcow2'):
        usage(str(path))
