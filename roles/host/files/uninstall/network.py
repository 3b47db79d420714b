# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Networks, rules of firewalls, devices, and the forwarding of packets."""

from __future__ import annotations

import glob
import json
import os
import re

from host import (
    BEFORE,
    CONFIG,
    DELETED,
    NOTES,
    STATE,
    URIS,
    Change,
    Changes,
    does,
    output,
    text_of,
    tries,
    writes,
)

DELAY = '/proc/sys/net/ipv4/neigh/{}/proxy_delay'
FORWARDING = '/proc/sys/net/ipv4/ip_forward'
DEFINITIONS = '/etc/libvirt/qemu/networks'
RULES = [('FORWARD', '-i'), ('FORWARD', '-o'), ('INPUT', '-i')]
ROUTED = ('docker0', 'virbr0')  # bridges of others that need forwarding


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
        answers = any(line.split()[:3] == [address, 'dev', device] for line in existing)
        if answers and not DELETED:  # no floating IP is associated when all are deleted
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
