# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Restores into a file system without room for their copies, which touch nothing."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .conftest import STATE, backup_stores, keep, refused, run

SERVERS = STATE / 'servers'
SHORT = re.compile(
    r'(?:at least )?(\d+) MiB are copied into the file system of (\S+), where (\d+) MiB are free; '
    'free or add disk space$'
)


@contextmanager
def mounted(path: Path, size: str) -> Iterator[None]:
    """A small file system."""
    path.mkdir(0o711, exist_ok=True)
    words = ['mount', '-t', 'tmpfs', '-o', f'size={size},mode=711', 'none', str(path)]
    subprocess.run(words, check=True)
    try:
        yield
    finally:
        subprocess.run(['umount', str(path)], check=True)


@pytest.fixture(scope='module')
def small(host: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A store for backups, and a small file system for servers."""
    assert not run('server_info')['servers']
    with backup_stores(disk=tmp_path_factory.mktemp('store')), mounted(SERVERS, '160m'):
        yield


@contextmanager
def filled(free: int) -> Iterator[None]:
    """Fill the file system of the servers, but for so many bytes."""
    system = os.statvfs(SERVERS)
    ballast = SERVERS / 'ballast'
    with ballast.open('wb') as file:
        os.posix_fallocate(file.fileno(), 0, system.f_bavail * system.f_frsize - free)
    try:
        yield
    finally:
        ballast.unlink()


def shortage(text: str, path: Path) -> tuple[int, int]:
    """What is needed, and free, in MiB, as a message says."""
    found = SHORT.search(text)
    assert found, text
    assert found.group(2) == str(path)
    return int(found.group(1)), int(found.group(3))


def test_virtual_machine(small: None, no_guest: str) -> None:
    """It needs what its disk had then, not the size of that; it runs on if that does not fit."""
    server = keep('server', name='web', image=no_guest, flavor='g1.nano', state='stopped')['server']
    folder = SERVERS / server['id']
    words = ['qemu-io', '-c', 'write -P 7 4M 30M', '-f', 'qcow2', str(folder / 'root.qcow2')]
    subprocess.run(words, check=True, capture_output=True)
    keep('server', name='web', state='started')
    keep('backup', name='b', server='web')
    with filled(20 * 2**20):
        needed, free = shortage(refused('backup', name='b', state='restored', force=True), folder)
        assert 32 <= needed <= 36
        assert free == 20
        assert run('server_info', name='web')['servers'][0]['status'] == 'ACTIVE'
    images = STATE / 'images'
    with mounted(images, '8m'):
        short = shortage(refused('image', name='copy', backup='b'), images)
    assert short == (needed, 8)
    with filled(40 * 2**20):
        done = run('backup', name='b', state='restored', force=True)
        assert not done.get('failed'), done['msg']
    keep('image', name='copy', backup='b')
    keep('image', name='copy', state='absent')
    keep('backup', name='b', state='absent')
    keep('server', name='web', state='absent')


def test_container(small: None, root_image: str) -> None:
    """The files of a backup need at least what they take there; those of a snapshot all."""
    options = {'image': root_image, 'flavor': 'g1.nano', 'type': 'container'}
    server = keep('server', name='box', **options)['server']
    folder = SERVERS / server['id']
    keep('server_snapshot', server='box', name='s')
    made = keep('backup', name='b', server='box')['backup']
    snapshot = {'server': 'box', 'name': 's', 'state': 'restored'}
    with filled(2**20):
        needed, free = shortage(refused('backup', name='b', state='restored', force=True), folder)
        assert (needed, free) == (-(-made['size'] // 2**20), 1)
        files, free = shortage(refused('server_snapshot', **snapshot), folder)
        assert files > needed
        assert free == 1
        assert run('server_info', name='box')['servers'][0]['status'] == 'ACTIVE'
    for module, restored in (
        ('server_snapshot', snapshot),
        ('backup', {'name': 'b', 'state': 'restored', 'force': True}),
    ):
        done = run(module, **restored)
        assert not done.get('failed'), done['msg']
    keep('server', name='box', state='absent', delete_snapshots=True)
    keep('backup', name='b', state='absent')
