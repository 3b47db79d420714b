# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""EFI, secure boot and a TPM, as a guest has them, and what is left of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .conftest import STATE, keep, run
from .test_ground import eventually

Guest = Callable[..., str]

TPMS = Path('/var/lib/libvirt/swtpm')


def folder(server: dict[str, Any]) -> Path:
    """The folder of the files of a server."""
    return Path(STATE, 'servers', server['id'])


def test_efi(debian_server: dict[str, Any], ssh: Guest) -> None:
    """The guest was booted by EFI, and sees the TPM."""
    paths = ['/sys/firmware/acpi/tables/TPM2', '/sys/firmware/efi']
    assert ssh(debian_server['fixed_ip'], f'ls -d {" ".join(paths)}', 'debian').split() == paths
    assert (folder(debian_server) / 'nvram.fd').exists()
    assert (TPMS / debian_server['id']).is_dir()


def test_memory(debian_server: dict[str, Any], ssh: Guest) -> None:
    """The guest continues where it was when the snapshot was made, with EFI and the TPM."""
    address = debian_server['fixed_ip']
    command = 'cat /proc/sys/kernel/random/boot_id; ls /tmp/after'
    before = ssh(address, f'{command} 2>&1 || true', 'debian')
    keep('server_snapshot', server='real', name='running', memory=True)
    ssh(address, 'touch /tmp/after', 'debian')
    restored = run('server_snapshot', server='real', name='running', state='restored')
    assert restored['changed'], restored
    assert ssh(address, f'{command} 2>&1 || true', 'debian') == before
    (shown,) = run('server_info', name='real')['servers']
    assert (shown['status'], shown['status_reason']) == ('ACTIVE', None)


def test_renamed(debian_server: dict[str, Any]) -> None:
    """What EFI keeps stays with the server that is renamed; disks alone are in a snapshot."""
    keep('server', name='real', state='stopped', force=True)
    before = (folder(debian_server) / 'nvram.fd').read_bytes()
    for name, new in (('real', 'unreal'), ('unreal', 'real')):
        renamed = run('server_action', name=name, action='rename', new_name=new)
        assert renamed['changed'], renamed
    keep('server_snapshot', server='real', name='disks')
    keep('server', name='real', state='started')
    keep('server', name='real', state='stopped', force=True)
    assert (folder(debian_server) / 'nvram.fd').read_bytes()[:64] == before[:64]


def test_secure_boot(debian_server: dict[str, Any]) -> None:
    """What is not signed does not boot."""
    secure = {'firmware': 'efi', 'secure_boot': True}
    keep('server', name='real', hardware=secure)
    keep('server', name='real', state='started')
    console = folder(debian_server) / 'console.log'
    eventually(lambda: b'Access Denied' in console.read_bytes(), 120)
    assert (folder(debian_server) / 'nvram-secure.fd').exists()


def test_nothing_stays(debian_server: dict[str, Any]) -> None:
    """A rebuilt server has a new TPM; one that loses its TPM loses what that keeps."""
    keep('server', name='real', state='stopped', force=True)
    for name in ('running', 'disks'):
        keep('server_snapshot', server='real', name=name, state='absent')
    marker = TPMS / debian_server['id'] / 'marker'
    marker.touch()
    rebuilt = run('server_action', name='real', action='rebuild')
    assert rebuilt['changed'], rebuilt
    assert not marker.exists()
    keep('server', name='real', state='started')
    keep('server', name='real', state='stopped', force=True)
    assert (TPMS / debian_server['id']).is_dir()
    keep('server', name='real', hardware={'tpm': False, 'secure_boot': False})
    assert not (TPMS / debian_server['id']).exists()
    keep('server', name='real', hardware={'tpm': True}, state='started')
    keep('server', name='real', state='absent')
    assert not (TPMS / debian_server['id']).exists()
    assert not folder(debian_server).exists()
    assert not [*Path('/var/log/swtpm/libvirt/qemu').glob('hanok-*')]
