# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ISO images in the CD drives of a server, as its guest reads them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import STATE, keep, refused
from .test_ground import eventually

Guest = Callable[..., str]

WAIT = {'wait_for': 'ssh', 'wait_timeout': 300}
BOOTED = b'this is the boot sector of the CD'
# Real mode: prints what follows on the serial port, and halts.
BOOT_SECTOR = bytes.fromhex('fc0e1fe800005e83c612baf803ac84c07403eeebf8f4ebfd') + BOOTED + b'\0'
UDEV = 'systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket'
READ = 'sudo mount -o ro /dev/sr0 /mnt && cat /mnt/name && cat /proc/sys/kernel/random/boot_id'
# The guest numbers its drives in any order; one of them has its first-boot content.
READ_ALL = (
    'for drive in /dev/sr*; do sudo mount -o ro $drive /mnt; cat /mnt/name; sudo umount /mnt; done '
    '2>/dev/null'
)


@pytest.fixture(scope='module')
def discs(host: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ...]]:
    """ISO images by the name that a file in each of them has; both boot."""
    names = ('one', 'two')
    for name in names:
        folder = tmp_path_factory.mktemp(name)
        (folder / 'name').write_text(f'{name}\n', 'ascii')
        (folder / 'boot').write_bytes(BOOT_SECTOR.ljust(2048, b'\0'))
        options = ('-quiet', '-r', '-b', 'boot', '-no-emul-boot', '-boot-load-size', '4')
        path = folder.with_suffix('.iso')
        subprocess.run(['genisoimage', *options, '-o', path, folder], check=True)
        created = keep('image', name=name, path=str(path), disk_format='iso')['image']
        kept = Path(STATE, 'images', f'{created["id"]}.qcow2')
        assert kept.read_bytes() == path.read_bytes()
    yield names
    for name in names:
        keep('image', name=name, state='absent')


@pytest.fixture(scope='module')
def server(
    debian_image: str, key: str, open_group: str, discs: tuple[str, ...]
) -> Iterator[dict[str, Any]]:
    """A running server with a disc."""
    yield keep(
        'server',
        name='reader',
        image=debian_image,
        flavor='g1.micro',
        key_name='test',
        security_groups=[open_group],
        hardware={'cdroms': ['one']},
        **WAIT,
    )['server']
    keep('server', name='reader', state='absent')


def test_read(server: dict[str, Any], ssh: Guest) -> None:
    """The guest reads the disc, and others after that while it runs, mounted or not.

    The udev of Debian unlocks the drive when it is asked to; without that it is locked by a mount.
    """
    address = server['fixed_ip']
    name, boot = ssh(address, READ, 'debian').split()
    assert name == 'one'
    ssh(address, f'sudo umount /mnt; sudo systemctl stop {UDEV}; {READ}', 'debian')
    keep('server', name='reader', hardware={'cdroms': ['two']})
    assert ssh(address, f'sudo umount /mnt; {READ}', 'debian').split() == ['two', boot]
    ssh(address, f'sudo umount /mnt; sudo systemctl start {UDEV}', 'debian')
    keep('server', name='reader', hardware={'cdroms': ['one']})
    assert ssh(address, READ, 'debian').split() == ['one', boot]
    ssh(address, 'sudo umount /mnt', 'debian')


def test_drives(server: dict[str, Any], ssh: Guest, soak: bool) -> None:
    """Drives are added and removed with a restart."""
    if not soak:
        pytest.skip('it takes two boots of Debian: make soak runs it')
    both = {'cdroms': ['two', 'one']}
    assert "cdroms from ['one'] to ['two', 'one']" in refused(
        'server', name='reader', hardware=both
    )
    keep('server', name='reader', hardware=both, allow_restart=True, **WAIT)
    address = server['fixed_ip']
    assert sorted(ssh(address, READ_ALL, 'debian').split()) == ['one', 'two']
    keep('server', name='reader', hardware={'cdroms': []}, allow_restart=True, **WAIT)
    assert ssh(address, 'ls /dev/sr*', 'debian').split() == ['/dev/sr0']


@pytest.mark.parametrize('kind', ['linux', 'other'])
def test_boot(server: dict[str, Any], kind: str) -> None:
    """The machine boots from the first disc, on each bus that a CD has."""
    console = Path(STATE, 'servers', server['id'], 'console.log')
    keep('server', name='reader', state='stopped', force=True)
    before = console.read_bytes().count(BOOTED)
    hardware = {'os_type': kind, 'cdroms': ['one', 'two'], 'boot_order': ['cdrom', 'disk']}
    keep('server', name='reader', hardware=hardware)
    keep('server', name='reader', state='started')
    eventually(lambda: console.read_bytes().count(BOOTED) > before)


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
