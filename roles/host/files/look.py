# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the role has to know of a host before it changes it, in one look. It changes nothing.

look.py DIRECTORIES MODULES    lists separated by commas: each directory with its mode before it
"""

from __future__ import annotations

import grp
import json
import re
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

TIMEOUT = 60  # seconds
ROOT = 0
# Settings with which virtlogd does not rotate a console log.
UNLIMITED = re.compile(r'^ *(max_size *= *0|stdio_handler *= *"file")', re.MULTILINE)
LOGS = ('/etc/libvirt/virtlogd.conf', '/etc/libvirt/qemu.conf')
MANAGERS = ('/etc/NetworkManager/conf.d', '/etc/systemd/network')


def main() -> None:
    """Print it as JSON."""
    directories, modules = (argument.split(',') for argument in sys.argv[1:])
    print(json.dumps({**files(directories), **kernel(modules), **firewalls()}))


def files(directories: list[str]) -> dict[str, Any]:
    """Files and directories: those that are not as they have to be, and what is in some."""
    return {
        'directories': [wanted for wanted in directories if not is_directory(wanted)],
        'has_group': group_id('hanok') is not None,
        'is_export_private': is_private(Path('/var/lib/hanok/hanok.json')),
        'settings': text_of('/etc/hanok/host.json'),
        'forwards_at_boot': Path('/etc/sysctl.d/60-hanok.conf').exists(),
        'unlimited': [
            f'{path}:{match[0]}' for path in LOGS for match in UNLIMITED.finditer(text_of(path))
        ],
        'managers': [path for path in MANAGERS if Path(path).is_dir()],
        # The directory that sd_booted(3) checks; systemd can be installed and not run.
        'systemd': Path('/run/systemd/system').is_dir(),
    }


def kernel(modules: list[str]) -> dict[str, Any]:
    """The kernel: its modules that can be loaded and are not, forwarding, and /dev/kvm."""
    return {
        'modules': [module for module in modules if is_to_be_loaded(module)],
        'forwards': text_of('/proc/sys/net/ipv4/ip_forward').strip() == '1',
        'is_kvm_closed': is_closed(Path('/dev/kvm')),
    }


def firewalls() -> dict[str, Any]:
    """Other firewalls: those that are active, and the chains of iptables that drop by policy."""
    rules = output_of('iptables', '--wait', '--list-rules')
    return {
        'ufw': 'Status: active' in output_of('ufw', 'status'),
        'firewalld': output_of('firewall-cmd', '--state').strip() == 'running',
        'dropping': re.findall(r'^-P (\S+) DROP$', rules, re.MULTILINE),
    }


def is_directory(wanted: str) -> bool:
    """Whether there is such a directory of root."""
    mode, _space, path = wanted.partition(' ')
    with suppress(OSError):
        about = Path(path).stat()
        owners = (about.st_uid, about.st_gid)
        return about.st_mode == stat.S_IFDIR | int(mode, 8) and owners == (ROOT, ROOT)
    return False


def is_private(path: Path) -> bool:
    """Whether a file exists that the group hanok cannot read."""
    with suppress(OSError):
        about = path.stat()
        return (about.st_gid, stat.S_IMODE(about.st_mode)) != (group_id('hanok'), 0o640)
    return False


def is_closed(device: Path) -> bool:
    """Whether a device exists that the group kvm, which exists, cannot use."""
    with suppress(OSError):
        about = device.stat()
        owners = (about.st_uid, about.st_gid)
        is_open = owners == (ROOT, group_id('kvm')) and about.st_mode & 0o060 == 0o060
        return group_id('kvm') is not None and not is_open
    return False


def is_to_be_loaded(module: str) -> bool:
    """Whether modprobe would load it; it is built in, loaded, or does not exist otherwise."""
    return 'insmod' in output_of('modprobe', '--dry-run', '--verbose', module)


def group_id(name: str) -> int | None:
    """The number of a group."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def text_of(path: str) -> str:
    """The text of a file; nothing if it does not exist."""
    try:
        return Path(path).read_text('utf-8')
    except FileNotFoundError:
        return ''


def output_of(*words: str) -> str:
    """What a program prints that succeeds; nothing if it fails, or is not installed."""
    environment = {'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL': 'C'}
    try:
        ran = subprocess.run(
            words,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ''
    return ran.stdout.decode(errors='replace') if ran.returncode == 0 else ''


if __name__ == '__main__':
    main()
