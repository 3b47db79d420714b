# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""EFI, secure boot and a TPM, as a guest has them, and what is left of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import STATE, keep, run
from .test_ground import eventually

Guest = Callable[..., str]

TPMS = Path('/var/lib/libvirt/swtpm')
WAIT = {'wait_for': 'ssh', 'wait_timeout': 300}


@pytest.fixture(scope='module')
def server(debian_image: str, key: str, open_group: str) -> Iterator[dict[str, Any]]:
    """A running server with EFI and a TPM."""
    yield keep(
        'server',
        name='firm',
        image=debian_image,
        flavor='g1.micro',
        key_name='test',
        security_groups=[open_group],
        hardware={'firmware': 'efi', 'tpm': True},
        **WAIT,
    )['server']
    keep('server', name='firm', state='absent', delete_snapshots=True)


def folder(server: dict[str, Any]) -> Path:
    """The folder of the files of a server."""
    return Path(STATE, 'servers', server['id'])


def test_efi(server: dict[str, Any], ssh: Guest) -> None:
    """The guest was booted by EFI, and sees the TPM."""
    paths = ['/sys/firmware/acpi/tables/TPM2', '/sys/firmware/efi']
    assert ssh(server['fixed_ip'], f'ls -d {" ".join(paths)}', 'debian').split() == paths
    assert (folder(server) / 'nvram.fd').exists()
    assert (TPMS / server['id']).is_dir()


def test_memory(server: dict[str, Any], ssh: Guest) -> None:
    """The guest continues where it was when the snapshot was made, with EFI and the TPM."""
    address, command = server['fixed_ip'], 'cat /proc/sys/kernel/random/boot_id; ls /tmp/after'
    before = ssh(address, f'{command} 2>&1 || true', 'debian')
    keep('server_snapshot', server='firm', name='running', memory=True)
    ssh(address, 'touch /tmp/after', 'debian')
    restored = run('server_snapshot', server='firm', name='running', state='restored')
    assert restored['changed'], restored
    assert ssh(address, f'{command} 2>&1 || true', 'debian') == before
    (shown,) = run('server_info', name='firm')['servers']
    assert (shown['status'], shown['status_reason']) == ('ACTIVE', None)


def test_renamed(server: dict[str, Any]) -> None:
    """What EFI keeps stays with the server that is renamed; disks alone are in a snapshot."""
    keep('server', name='firm', state='stopped', force=True)
    before = (folder(server) / 'nvram.fd').read_bytes()
    for name, new in (('firm', 'firmer'), ('firmer', 'firm')):
        renamed = run('server_action', name=name, action='rename', new_name=new)
        assert renamed['changed'], renamed
    keep('server_snapshot', server='firm', name='disks')
    keep('server', name='firm', state='started')
    keep('server', name='firm', state='stopped', force=True)
    assert (folder(server) / 'nvram.fd').read_bytes()[:64] == before[:64]


def test_secure_boot(server: dict[str, Any]) -> None:
    """What is not signed does not boot."""
    secure = {'firmware': 'efi', 'secure_boot': True}
    keep('server', name='firm', hardware=secure)
    keep('server', name='firm', state='started')
    console = folder(server) / 'console.log'
    eventually(lambda: b'Access Denied' in console.read_bytes(), 120)
    assert (folder(server) / 'nvram-secure.fd').exists()


def test_nothing_stays(server: dict[str, Any]) -> None:
    """A rebuilt server has a new TPM; one that loses its TPM loses what that keeps."""
    keep('server', name='firm', state='stopped', force=True)
    for name in ('running', 'disks'):
        keep('server_snapshot', server='firm', name=name, state='absent')
    marker = TPMS / server['id'] / 'marker'
    marker.touch()
    rebuilt = run('server_action', name='firm', action='rebuild')
    assert rebuilt['changed'], rebuilt
    assert not marker.exists()
    keep('server', name='firm', state='started')
    keep('server', name='firm', state='stopped', force=True)
    assert (TPMS / server['id']).is_dir()
    keep('server', name='firm', hardware={'tpm': False, 'secure_boot': False})
    assert not (TPMS / server['id']).exists()
    keep('server', name='firm', hardware={'tpm': True}, state='started')
    keep('server', name='firm', state='absent')
    assert not (TPMS / server['id']).exists()
    assert not folder(server).exists()
    assert not [*Path('/var/log/swtpm/libvirt/qemu').glob('hanok-*')]
