# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Units, daemons, files and packages."""

from __future__ import annotations

import glob
import os
import re
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from host import (
    BEFORE,
    CACHE,
    CONFIG,
    DELETED,
    NOTES,
    STATE,
    URIS,
    Change,
    Changes,
    does,
    is_mount,
    output,
    remove,
    remove_empty,
    text_of,
    tries,
    writes,
)

UNITS = '/etc/systemd/system'
GUESTS = '/etc/default/libvirt-guests'
FILES = [
    '/etc/libvirt/hooks/*.d/hanok',
    '/etc/modules-load.d/hanok.conf',
    '/etc/sysctl.d/60-hanok.conf',
    '/etc/NetworkManager/conf.d/90-hanok.conf',
    '/etc/systemd/network/10-hanok.*',
    '/etc/systemd/system/timers.target.wants/hanok-*',
    '/usr/local/sbin/hanok-*',
    '/var/lib/systemd/timers/stamp-hanok-*',
    '/var/lib/libvirt/dnsmasq/hk[0-9]*',
]
PATIENCE = 60  # seconds until a daemon must have ended
DAEMONS = {  # without systemd: their pid files, in the order in which they end
    'libvirtd': '/run/libvirtd.pid',
    'virtlogd': '/run/virtlogd.pid',
    'dbus-daemon': '/run/dbus/pid',
}


def units() -> Changes:
    """Yield the units. They are stopped without their files: hanok-guests would stop all guests."""
    files = sorted(glob.glob(f'{UNITS}/hanok-*.service') + glob.glob(f'{UNITS}/hanok-*.timer'))
    drop_ins = sorted(glob.glob(f'{UNITS}/*.service.d/hanok.conf'))
    names = sorted({*map(os.path.basename, files), *active_units()})

    def apply() -> None:
        if is_booted():
            tries('systemctl', 'disable', *names)()
        for path in (*files, *drop_ins):
            remove(path)
        for path in drop_ins:
            remove_empty(os.path.dirname(path))
        if is_booted():
            tries('systemctl', 'daemon-reload')()
            tries('systemctl', 'stop', *names)()
            tries('systemctl', 'reset-failed', *names)()

    if names or drop_ins:
        yield Change(f'remove units {", ".join([*names, *drop_ins])}', apply)


def active_units() -> list[str]:
    """Return those that systemd runs, even if an interrupted run has removed their files."""
    listed = output('systemctl', 'list-units', '--plain', '--no-legend', 'hanok-*')
    return [line.split()[0] for line in listed.splitlines()]


def is_booted() -> bool:
    """Whether systemd is running."""
    return os.path.isdir('/run/systemd/system')


def guests() -> Changes:
    """Yield the settings of libvirt-guests, if they are still those of the role.

    They are replaced at once: half of a copy would not be known as those of the role.
    """
    before = f'{BEFORE}/libvirt-guests'
    now = text_of(GUESTS)
    if os.path.exists(before) and 'ON_BOOT=ignore' in now and now != text_of(before):
        yield Change(f'restore {GUESTS}', partial(os.replace, before, GUESTS))


def files() -> Changes:
    """Yield the files of the role and of libvirt's networks."""
    found = sorted(path for pattern in FILES for path in glob.glob(pattern))
    read = [path for path in found if '/systemd/network/' in path or 'NetworkManager' in path]
    for path in found:
        if path not in read:
            yield Change(f'remove {path}', partial(remove, path))
    for path in glob.glob('/etc/libvirt/hooks/*.d'):
        if not set(os.listdir(path)) - {'hanok'}:
            yield Change(f'remove {path}', partial(remove_empty, path))
    if read:
        yield Change(f'remove {", ".join(read)} for network managers', partial(forget, read))


def forget(paths: Sequence[str]) -> None:
    """Remove configuration of network managers, which then no longer apply it.

    They read it empty: an interrupted run would not know without the files that this is to be done.
    """
    for path in paths:
        writes(path, '')()
    tries('udevadm', 'control', '--reload')()
    tries('networkctl', 'reload')()
    tries('nmcli', 'general', 'reload', 'conf')()
    for path in paths:
        remove(path)


def state() -> Changes:
    """Yield the data.

    First what tells that there are some: with half of them no module could run. Of the data the
    export first: without it half of them is no record that was lost.
    """
    for path in sorted([*glob.glob(f'{STATE}/servers/*/root*'), *glob.glob(f'{STATE}/volumes/*')]):
        if os.path.isdir(path) and is_mount(path):
            yield Change(f'unmount {path}', does('umount', '--lazy', path))
    for path in (f'{CONFIG}/host.json', f'{STATE}/hanok.json'):
        if os.path.exists(path):
            yield Change(f'remove {path}', partial(remove, path))
    for path in (STATE, CACHE):
        if os.path.isdir(path) and (os.listdir(path) or not is_mount(path)):
            yield Change(f'remove {path}', partial(remove, path))


def daemons() -> Changes:
    """Yield the daemons that the role has started, unless others use libvirt."""
    record = '/run/hanok-daemons'
    started = [name for name in DAEMONS if name in text_of(record).split()]
    if not started:
        return
    others = [name for uri in URIS for name in machines(uri)]
    listed = output('virsh', '-c', URIS[0], 'net-list', '--name').split()
    others += [name for name in listed if not re.fullmatch(r'hk[0-9]+', name)]
    if others:
        NOTES.append(f'libvirt runs on, because it is in use: {", ".join(others)}')
    else:
        for name in started:
            yield Change(f'stop {name}', partial(stop, name))
    yield Change(f'remove {record}', lambda: remove(record))


def machines(uri: str) -> list[str]:
    """Return the machines that run, without those that would be deleted before."""
    listed = output('virsh', '-c', uri, 'list', '--uuid', '--name').splitlines()
    pairs = [line.split(maxsplit=1) for line in listed if line.strip()]
    return [name for uuid, name in pairs if uuid not in DELETED]


def stop(daemon: str) -> None:
    """End a daemon, and wait until it has ended."""
    try:
        pid = int(text_of(DAEMONS[daemon]))
    except ValueError:
        return
    deadline = time.monotonic() + PATIENCE
    while text_of(f'/proc/{pid}/comm').strip() == daemon and not is_zombie(pid):
        if time.monotonic() > deadline:
            raise SystemExit(f'{daemon}, process {pid}, has not ended after {PATIENCE} s; end it')
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        time.sleep(0.05)


def is_zombie(pid: int) -> bool:
    """Whether a process has ended, and waits for its parent."""
    return ') Z ' in text_of(f'/proc/{pid}/stat')


def packages() -> Changes:
    """Yield the packages that the role has installed, unless others need them."""
    recorded = text_of(f'{BEFORE}/packages').split()
    if not recorded and os.path.isdir(CONFIG):
        NOTES.append('packages: none is recorded as installed by the role; they stay')
    if not recorded:
        return
    status = output('dpkg-query', '-W', '-f', '${db:Status-Status} ${Package}\n', *recorded)
    lines = [line.split() for line in status.splitlines()]
    installed = sorted(name for state, name in lines if state == 'installed')
    if not installed:
        return
    taken = re.findall(r'^(?:Remv|Purg) (\S+)', output('apt-get', '-s', 'purge', *installed), re.M)
    others = sorted(set(taken) - set(installed))
    if others:
        NOTES.append(f'the packages stay: {", ".join(others)} need them')
        return
    words = ('env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-y', '-q')
    wait = ('-o', 'DPkg::Lock::Timeout=120')
    yield Change(f'purge packages {" ".join(installed)}', does(*words, *wait, 'purge', *installed))


def config() -> Changes:
    """Yield what the steps before need: what the role found at its first run."""
    if output('getent', 'group', 'hanok'):
        yield Change('delete group hanok', tries('groupdel', 'hanok'))
    if os.path.isdir(CONFIG):
        yield Change(f'remove {CONFIG}', lambda: remove(CONFIG))
