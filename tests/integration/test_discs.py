# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ISO images in the CD drives of a server, which boots from them. test_debian.py reads them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .conftest import BOOTED, STATE, keep
from .test_ground import eventually


@pytest.mark.parametrize('kind', ['linux', 'other'])
def test_boot(image: str, discs: tuple[str, ...], kind: str) -> None:
    """The machine boots from the first disc, on each bus that a CD has."""
    hardware = {'os_type': kind, 'cdroms': discs, 'boot_order': ['cdrom', 'disk']}
    size = {'image': image, 'flavor': 'g1.nano'}
    created = keep('server', name='reader', **size, hardware=hardware, state='started')['server']
    console = Path(STATE, 'servers', created['id'], 'console.log')
    eventually(lambda: BOOTED in console.read_bytes())
    keep('server', name='reader', state='absent')


def test_blank_disk(discs: tuple[str, ...], tmp_path: Path) -> None:
    """A disk that cannot boot lets the machine boot from the CD, to install something from it."""
    path = tmp_path / 'blank.qcow2'
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', path, '1G'], check=True)
    keep('image', name='blank', path=str(path))
    hardware = {'cdroms': ['one'], 'boot_order': ['disk', 'cdrom']}
    size = {'flavor': 'g1.nano', 'volume_size': 2}
    options = {**size, 'image': 'blank', 'hardware': hardware}
    created = keep('server', name='new', **options, state='started')['server']
    console = Path(STATE, 'servers', created['id'], 'console.log')
    eventually(lambda: BOOTED in console.read_bytes())
    keep('server', name='new', state='absent')
    keep('image', name='blank', state='absent')
