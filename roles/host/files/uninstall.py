# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Take off this host what the role and the modules of hanok.cloud have brought.

    uninstall.py check|run [UUID...]

UUIDs: of resources that would be deleted before.
Prints {"changes": [...], "notes": [...], "problems": [...]}; with problems nothing is changed. What
is there is looked at first, and each change may be done twice: after an interruption the next run
goes on. The record and the settings go last.
"""

from __future__ import annotations

import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

BEFORE = '/etc/hanok/before'  # what the role found at its first run
STATE, CACHE, CONFIG = '/var/lib/hanok', '/var/cache/hanok', '/etc/hanok'
UNITS = '/etc/systemd/system'
DELAY = '/proc/sys/net/ipv4/neigh/{}/proxy_delay'
FORWARDING = '/proc/sys/net/ipv4/ip_forward'
DEFINITIONS = '/etc/libvirt/qemu/networks'
GUESTS = '/etc/default/libvirt-guests'
URIS = ('qemu:///system', 'lxc:///system')
# Of the domains that libvirt has defined, and of those that run.
DOMAINS = [
    f'{place}/libvirt/{kind}/*.xml' for place in ('/etc', '/run') for kind in ('qemu', 'lxc')
]
FILES = [
    '/etc/libvirt/hooks/*.d/hanok',
    '/etc/modules-load.d/hanok.conf',
    '/etc/sysctl.d/60-hanok.conf',
    '/etc/NetworkManager/conf.d/90-hanok.conf',
    '/etc/systemd/network/10-hanok.*',
    '/usr/local/sbin/hanok-*',
    '/var/lib/libvirt/dnsmasq/hk[0-9]*',
]
UUID = re.compile('<uuid>([0-9a-f-]{36})</uuid>')
RULES = [('FORWARD', '-i'), ('FORWARD', '-o'), ('INPUT', '-i')]
ROUTED = ('docker0', 'virbr0')  # bridges of others that need forwarding
PATIENCE = 60  # seconds until a daemon must have ended
DAEMONS = {  # without systemd: their pid files, in the order in which they end
    'libvirtd': '/run/libvirtd.pid',
    'virtlogd': '/run/virtlogd.pid',
    'dbus-daemon': '/run/dbus/pid',
}


class Change(NamedTuple):
    """What is there, and what takes it off."""

    text: str
    apply: Callable[[], object]


Changes = Iterator[Change]
NOTES: list[str] = []


def output(*words: str) -> str:
    """Return what a program prints; empty if it is not installed, or fails."""
    try:
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout
    except OSError:
        return ''


def does(*words: str) -> Callable[[], object]:
    """Return what runs a program that must succeed."""
    return lambda: subprocess.run(words, stdout=subprocess.DEVNULL, check=True)


def tries(*words: str) -> Callable[[], object]:
    """Return what runs a program, whose failure means that there is nothing to do."""
    return lambda: output(*words)


def text_of(path: str) -> str:
    """Return the text of a file; empty if there is none."""
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            return file.read()
    except OSError:
        return ''


def is_booted() -> bool:
    """Whether systemd is running."""
    return os.path.isdir('/run/systemd/system')


def is_mount(path: str) -> bool:
    """Whether something is mounted there, also of the same file system."""
    return any(line.split()[4] == path for line in text_of('/proc/self/mountinfo').splitlines())


def remove(path: str) -> None:
    """Remove a file or a folder; of a mount only what is in it."""
    if os.path.isdir(path) and not os.path.islink(path):
        for name in os.listdir(path):
            remove(os.path.join(path, name))
        if not is_mount(path):
            os.rmdir(path)
        return
    with suppress(FileNotFoundError):
        os.unlink(path)


def remove_empty(path: str) -> None:
    """Remove a folder unless somebody has put something into it."""
    with suppress(OSError):
        os.rmdir(path)


# -- what must not be there ------------------------------------------------------------------------


def problems(deleted: Sequence[str]) -> Iterator[str]:
    """Return why nothing can be taken off."""
    found = [text_of(path) for pattern in DOMAINS for path in sorted(glob.glob(pattern))]
    uuids = {uuid for text in found if 'hanok.cloud/xmlns' in text for uuid in UUID.findall(text)}
    others = recorded()
    left = sorted(uuids - others - set(deleted))
    if left:
        yield (
            f'libvirt has servers or load balancers that are not on record: {", ".join(left)}; '
            'run the playbook hanok.cloud.recover, which takes them over, or remove them with virsh'
        )
    if others - set(deleted):
        yield (
            'the record has resources of projects of which you are no admin: '
            f'{", ".join(sorted(others - set(deleted)))}; ask one of host_admins'
        )
    if networks() and not output('virsh', '--connect', URIS[0], 'uri'):
        yield 'libvirt does not answer; run the role with host_state: present, which starts it'


def recorded() -> set[str]:
    """Return the resources in the export of the record that may not be lost unintentionally."""
    try:
        export = json.loads(text_of(f'{STATE}/hanok.json'))
        return {
            row['uuid']
            for table in ('server', 'balancer', 'volume', 'image')
            for row in export[table]
            if not row.get('bootable')
        }
    except (ValueError, KeyError, TypeError):
        return set()


# -- steps -----------------------------------------------------------------------------------------


def units() -> Changes:
    """Yield the units. They are stopped without their files: hanok-guests would stop all guests."""
    files = sorted(glob.glob(f'{UNITS}/hanok-*.service') + glob.glob(f'{UNITS}/hanok-*.timer'))
    drop_ins = sorted(glob.glob(f'{UNITS}/*.service.d/hanok.conf'))
    names = [os.path.basename(path) for path in files]

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

    if files or drop_ins:
        yield Change(f'remove units {", ".join([*names, *drop_ins])}', apply)


def guests() -> Changes:
    """Yield the settings of libvirt-guests, if they are still those of the role."""
    before = f'{BEFORE}/libvirt-guests'
    now = text_of(GUESTS)
    if os.path.exists(before) and 'ON_BOOT=ignore' in now and now != text_of(before):
        yield Change(f'restore {GUESTS}', lambda: shutil.copyfile(before, GUESTS))


def networks() -> list[str]:
    """Return the networks of libvirt that are ours, as recovery knows them."""
    names = [os.path.basename(path)[:-4] for path in glob.glob(f'{DEFINITIONS}/hk*.xml')]
    running = [os.path.basename(path)[:-4] for path in glob.glob('/run/libvirt/network/hk*.xml')]
    return sorted({name for name in (*names, *running) if re.fullmatch(r'hk[0-9]+', name)})


def bridges() -> Changes:
    """Yield the networks in libvirt."""
    for name in networks():

        def apply(name: str = name) -> None:
            for command in ('net-destroy', 'net-undefine'):
                tries('virsh', '--quiet', '--connect', URIS[0], command, name)()
            if name in networks():
                raise SystemExit(f'libvirt does not remove its network {name}')

        yield Change(f'remove network {name} of libvirt', apply)


def tables() -> Changes:
    """Yield the rules of nftables."""
    for family in re.findall(r'^table (\w+) hanok$', output('nft', 'list', 'tables'), re.M):
        yield Change(
            f'delete table {family} hanok of nftables',
            does('nft', 'delete', 'table', family, 'hanok'),
        )


def devices() -> Changes:
    """Yield what answers for floating IPs, and the device to which they are routed."""
    existing = output('ip', 'neigh', 'show', 'proxy').splitlines()
    batch = text_of(f'{STATE}/datapath/ip.batch')
    for address, device in re.findall(r'^neigh \w+ proxy (\S+) dev (\S+)', batch, re.M):
        if any(line.split()[:3] == [address, 'dev', device] for line in existing):
            words = ('ip', 'neigh', 'del', 'proxy', address, 'dev', device)
            yield Change(f'no longer answer ARP for {address} on {device}', does(*words))
    for device in uplinks():
        path = DELAY.format(device)
        # Network namespaces have no default of their own; the kernel's is 80 (arp(7)).
        default = text_of(DELAY.format('default')) or '80\n'
        if text_of(path) not in ('', default):
            yield Change(f'restore proxy_delay of {device}', writes(path, default))
    if os.path.isdir('/sys/class/net/hanok0'):
        yield Change('delete device hanok0', does('ip', 'link', 'delete', 'hanok0'))


def uplinks() -> list[str]:
    """Return the uplinks of pools."""
    try:
        pools = json.loads(text_of(f'{CONFIG}/host.json'))['floating_pools']
        return sorted({pool['uplink'] for pool in pools if pool.get('uplink')})
    except (ValueError, KeyError, TypeError):
        return []


def writes(path: str, text: str) -> Callable[[], object]:
    """Return what sets a setting of the kernel."""

    def apply() -> None:
        with open(path, 'w', encoding='ascii') as file:
            file.write(text)

    return apply


def firewalls() -> Changes:
    """Yield what the role has added to other firewalls."""
    for line in output('ufw', 'show', 'added').splitlines():
        found = re.fullmatch(r'ufw (route )?(allow .*\bhk\+.*)', line)
        if found:
            text = f'ufw {found.group(1) or ""}delete {found.group(2)}'
            yield Change(f'run {text}', does(*text.split()))
    for scope in ('--permanent', ''):
        words = [*filter(None, ('firewall-cmd', scope, '--zone', 'trusted'))]
        if output(*words, '--query-interface', 'hk+').strip() == 'yes':
            text = ' '.join((*words, '--remove-interface', 'hk+'))
            yield Change(f'run {text}', does(*text.split()))
    listed = output('iptables', '--wait', '--list-rules').splitlines()
    for chain, direction in RULES:
        rule = f'{chain} {direction} hk+ -j ACCEPT'
        if f'-A {rule}' in listed:
            yield Change(
                f'remove from iptables: {rule}', does('iptables', '-w', '-D', *rule.split())
            )


def files() -> Changes:
    """Yield the files of the role and of libvirt's networks."""
    found = sorted(path for pattern in FILES for path in glob.glob(pattern))
    for path in found:
        yield Change(f'remove {path}', partial(remove, path))
    for path in glob.glob('/etc/libvirt/hooks/*.d'):
        if not set(os.listdir(path)) - {'hanok'}:
            yield Change(f'remove {path}', partial(remove_empty, path))
    if any('/network/' in path or 'NetworkManager' in path for path in found):
        yield Change('reload the configuration of network managers', reload_managers)


def reload_managers() -> None:
    """Let those that run read their configuration again."""
    tries('udevadm', 'control', '--reload')()
    tries('networkctl', 'reload')()
    tries('nmcli', 'general', 'reload', 'conf')()


def forwarding() -> Changes:
    """Yield the forwarding of packets, unless others need it."""
    if text_of(f'{BEFORE}/ip_forward').strip() != '0' or text_of(FORWARDING).strip() != '1':
        return
    setting = re.compile(r'^\s*net[./]ipv4[./]ip_forward\s*=\s*1', re.M)
    users = [path for path in sysctl_files() if setting.search(text_of(path))]
    users += [name for name in ROUTED if os.path.isdir(f'/sys/class/net/{name}')]
    if users:
        NOTES.append(f'the host still forwards packets, because of {", ".join(users)}')
        return
    yield Change('disable IP forwarding', does('sysctl', '-q', '-w', 'net.ipv4.ip_forward=0'))


def sysctl_files() -> list[str]:
    """Return the files that set sysctls at boot, without that of the role."""
    folders = ('/etc/sysctl.d', '/run/sysctl.d', '/usr/lib/sysctl.d')
    found = [path for folder in folders for path in glob.glob(f'{folder}/*.conf')]
    return ['/etc/sysctl.conf', *(path for path in found if not path.endswith('/60-hanok.conf'))]


def daemons() -> Changes:
    """Yield the daemons that the role has started, unless others use libvirt."""
    record = '/run/hanok-daemons'
    started = [name for name in DAEMONS if name in text_of(record).split()]
    if not started:
        return
    others = [name for uri in URIS for name in output('virsh', '-c', uri, 'list', '--name').split()]
    listed = output('virsh', '-c', URIS[0], 'net-list', '--name').split()
    others += [name for name in listed if not re.fullmatch(r'hk[0-9]+', name)]
    if others:
        NOTES.append(f'libvirt runs on, because it is in use: {", ".join(others)}')
    else:
        for name in started:
            yield Change(f'stop {name}', partial(stop, name))
    yield Change(f'remove {record}', lambda: remove(record))


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


def state() -> Changes:
    """Yield the data, and what tells that there are some: without it no module is run here."""
    for path in (STATE, CACHE):
        if os.path.isdir(path) and (os.listdir(path) or not is_mount(path)):
            yield Change(f'remove {path}', partial(remove, path))
    if os.path.exists(f'{CONFIG}/host.json'):
        yield Change(f'remove {CONFIG}/host.json', lambda: remove(f'{CONFIG}/host.json'))


def config() -> Changes:
    """Yield what the steps before need: what the role found at its first run."""
    if output('getent', 'group', 'hanok'):
        yield Change('delete group hanok', tries('groupdel', 'hanok'))
    if os.path.isdir(CONFIG):
        yield Change(f'remove {CONFIG}', lambda: remove(CONFIG))


STEPS = (
    units,
    guests,
    bridges,
    tables,
    devices,
    firewalls,
    files,
    forwarding,
    state,
    daemons,
    packages,
    config,
)


def apply(changes: Sequence[Change]) -> None:
    """Make the changes; one that fails ends the run, so that the record of what is left stays."""
    for change in changes:
        try:
            change.apply()
        except (OSError, subprocess.CalledProcessError) as error:
            raise SystemExit(f'{change.text}: {error}; see why, then run the role again') from error


def main(word: str, *deleted: str) -> None:
    """Take it off, or say what would be taken off."""
    refused = list(problems(deleted))
    changes = [] if refused else [change for step in STEPS for change in step()]
    if word == 'run':
        apply(changes)
    texts = [change.text for change in changes]
    print(json.dumps({'changes': texts, 'notes': NOTES, 'problems': refused}))


if __name__ == '__main__':
    main(*sys.argv[1:])
