# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host that the role host has prepared in one world, for the worlds after it.

The role takes twenty seconds of a core. What it has written is copied, then the host is started as
at its boot. Another source, package or boot of the machine has the role run again.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import ansible.release

ROOT = Path(__file__).resolve().parents[2]
_KEPT = ROOT / 'build' / 'prepared-host'
_FOLDERS = ('etc', 'usr/local/sbin', 'var/cache/libvirt', 'var/lib/hanok', 'var/lib/libvirt')
_SOURCES = ('plugins', 'roles/host', 'scripts', 'tests/integration')
_MACHINE = ('/proc/sys/kernel/random/boot_id', '/var/lib/dpkg/status')
_KVM = Path('/dev/kvm')
_DAEMONS = ('dbus-daemon', 'virtlogd', 'libvirtd')


@contextmanager
def kept_host() -> Iterator[Path]:
    """The archive of its files, which nobody else writes meanwhile."""
    _KEPT.mkdir(parents=True, exist_ok=True)
    with (_KEPT / 'lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield _KEPT / f'{_digest()}.tar'


def _digest() -> str:
    """What the copy depends on."""
    paths = [Path(path) for path in _MACHINE]
    for folder in _SOURCES:
        files = (ROOT / folder).rglob('*')
        paths += sorted(path for path in files if path.suffix != '.pyc' and path.is_file())
    digest = hashlib.sha256(ansible.release.__version__.encode())
    for path in paths:
        digest.update(f'{path}\n'.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def keep(archive: Path) -> None:
    """Copy what the role has written, instead of older copies."""
    for old in _KEPT.glob('*.tar*'):
        old.unlink()
    part = archive.with_suffix('.tar.part')
    _run('tar', '--create', f'--file={part}', '--directory=/', *_FOLDERS)
    part.rename(archive)


def start(archive: Path) -> None:
    """Make this world that host: its files, devices, kernel settings and daemons."""
    _run(
        'tar',
        '--extract',
        '--same-owner',
        '--same-permissions',
        f'--file={archive}',
        '--directory=/',
    )
    with suppress(FileNotFoundError, LookupError):  # without the device, or without the group
        shutil.chown(_KVM, group='kvm')
        _KVM.chmod(_KVM.stat().st_mode | 0o060)
    for settings in sorted(Path('/etc/sysctl.d').glob('*hanok*')):
        _run('sysctl', '--quiet', f'--load={settings}')
    start_daemons(*_DAEMONS)


def start_daemons(*names: str) -> None:
    """Start daemons of libvirt, or start them again, as the role does."""
    if Path('/run/systemd/system').exists():
        _run('systemctl', 'start', *(f'{name}.socket' for name in names), *names)
        return
    _run('sh', str(ROOT / 'roles/host/files/daemons.sh'), 'start', *names)


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, timeout=120)
