# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ISO images in the CD drives of a server, which boots from them. test_debian.py reads them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .conftest import BOOT_SECTOR, BOOTED, STATE, keep
from .test_ground import eventually

# Real mode: reads the second sector of the disk it is on, by the firmware, and runs it.
READS = bytes.fromhex('31c08ec0bb007eb80102b9020030f6cd13ea007e0000')


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


def test_disk_on_sata(host: None, tmp_path: Path) -> None:
    """A guest boots from a disk on SATA, and reads it. The kernels of others have no driver."""
    raw, path = tmp_path / 'raw', tmp_path / 'sata.qcow2'
    raw.write_bytes(READS.ljust(510, b'\0') + b'\x55\xaa' + BOOT_SECTOR.ljust(2**20, b'\0'))
    words = ['qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', raw, path]
    subprocess.run(words, check=True)
    keep('image', name='sata', path=str(path))
    options = {'image': 'sata', 'flavor': 'g1.nano', 'hardware': {'os_type': 'other'}}
    created = keep('server', name='sata', **options, state='started')['server']
    assert created['hardware']['disk_bus'] == 'sata'
    console = Path(STATE, 'servers', created['id'], 'console.log')
    eventually(lambda: BOOTED in console.read_bytes())
    keep('server', name='sata', state='absent')
    keep('image', name='sata', state='absent')
