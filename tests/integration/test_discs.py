# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ISO images in the CD drives of a server, as its guest reads them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import BOOTED, STATE, keep, refused
from .test_ground import eventually

Guest = Callable[..., str]

WAIT = {'wait_for': 'ssh', 'wait_timeout': 300}
UDEV = 'systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket'
READ = 'sudo mount -o ro /dev/sr0 /mnt && cat /mnt/name && cat /proc/sys/kernel/random/boot_id'
# The guest numbers its drives in any order; one of them has its first-boot content.
READ_ALL = (
    'for drive in /dev/sr*; do sudo mount -o ro $drive /mnt; cat /mnt/name; sudo umount /mnt; done '
    '2>/dev/null'
)


def test_read(debian_server: dict[str, Any], ssh: Guest) -> None:
    """The guest reads the disc, and others after that while it runs, mounted or not.

    The udev of Debian unlocks the drive when it is asked to; without that it is locked by a mount.
    """
    address = debian_server['fixed_ip']
    name, boot = ssh(address, READ, 'debian').split()
    assert name == 'one'
    ssh(address, f'sudo umount /mnt; sudo systemctl stop {UDEV}; {READ}', 'debian')
    keep('server', name='real', hardware={'cdroms': ['two']})
    assert ssh(address, f'sudo umount /mnt; {READ}', 'debian').split() == ['two', boot]
    ssh(address, f'sudo umount /mnt; sudo systemctl start {UDEV}', 'debian')
    keep('server', name='real', hardware={'cdroms': ['one']})
    assert ssh(address, READ, 'debian').split() == ['one', boot]
    ssh(address, 'sudo umount /mnt', 'debian')


def test_drives(debian_server: dict[str, Any], ssh: Guest, soak: bool) -> None:
    """Drives are added and removed with a restart."""
    if not soak:
        pytest.skip('it takes two boots of Debian: make soak runs it')
    both = {'cdroms': ['two', 'one']}
    assert "cdroms from ['one'] to ['two', 'one']" in refused('server', name='real', hardware=both)
    keep('server', name='real', hardware=both, allow_restart=True, **WAIT)
    address = debian_server['fixed_ip']
    assert sorted(ssh(address, READ_ALL, 'debian').split()) == ['one', 'two']
    keep('server', name='real', hardware={'cdroms': []}, allow_restart=True, **WAIT)
    assert ssh(address, 'ls /dev/sr*', 'debian').split() == ['/dev/sr0']


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
