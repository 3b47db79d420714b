# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules, bridges and routes of this host: a projection of the record, written whole when it differs."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterable, Sequence
from functools import partial
from ipaddress import IPv4Network
from typing import Any, Dict, List, Set, Tuple

from .._cloud import CloudError, Outcome
from .._model.change import Change
from .._model.firewall import Firewall
from .host import Host
from .record import read_whole, write_whole

FLOATING_DEVICE = 'hanok0'  # floating addresses are routed to it; nothing answers behind it when the rules are gone
_PATIENCE = 10.0  # seconds that other runs get to finish what looks broken
_UNCUT = 'uncut'  # a file: rules were loaded, and what flowed by the old ones has not been ended yet
_BRIDGE_SETTINGS = {'conf/{}/proxy_arp_pvlan': '1', 'conf/{}/send_redirects': '0', 'neigh/{}/proxy_delay': '0'}


class LocalFirewalls:
    """The firewall of the local cloud; there is one, by the name host."""

    def __init__(self, host: Host) -> None:
        """The firewall of this host."""
        self.host, self.record = host, host.record
        self._uncut = host.settings.path('datapath', _UNCUT)

    def list(self, names: Iterable[str] | None = None) -> Tuple[Firewall, ...]:
        """Look: whether the host is as the record says."""
        faults = self._faults() if self._bridges() else []
        return (Firewall(faults=tuple(self._lasting() if faults else ())),)

    def _lasting(self) -> List[str]:
        """What is wrong when other runs have had time to finish: what they are at work on looks broken for moments."""
        revision, until = self.revision(), time.monotonic() + _PATIENCE
        while True:
            others = self.host.locks.others_at_work()
            faults = self._faults(revision if others else None)
            if not others or not faults or time.monotonic() > until:
                return faults
            time.sleep(0.05)

    def load(self, changes: Sequence[Change]) -> List[Outcome]:
        """Make the host as the record says; what machines say is written at the end of each run that changes something."""
        return self.host.each(changes, lambda change: self.apply())

    def apply(self) -> None:
        """Start networks that are down, load the rules, set what the kernel has to know. One transaction in the kernel, whoever else does it too.

        nft reads a file: of a text that comes through a pipe it would load the first half, should this run be killed while it writes. Programs hold the
        lock too: they do not load old rules over new ones. Flows that the old rules allowed are ended after that; a file says that it is still to be done.
        """
        from . import flows

        with self.host.locks.projection('firewall') as lock:
            self._start_networks()
            self._members()
            revision, text = self._rendered()
            rules = self._keep('ruleset.nft', text)
            self._kernel(lock)
            if not self._loaded(revision):  # the last but one: who finds the revision loaded knows that the rest is done
                self._keep(_UNCUT, '')
                self.host.run('nft', '-f', rules, locks=[lock])
            if os.path.exists(self._uncut):
                flows.cut(self.host, lock)
                os.unlink(self._uncut)

    def cut(self) -> None:
        """End connections by addresses of what is being deleted, before these are free for others."""
        from . import flows

        with self.host.locks.projection('firewall') as lock:
            flows.cut(self.host, lock)

    def tell(self) -> None:
        """Have machines say what the record says of their servers now."""
        if not self._told():
            from . import metadata

            self.host.steadily(lambda: metadata.write(self.host))

    def _told(self) -> bool:
        meta = self._meta()
        return bool(meta['metadata'] == meta['metadata_written'])

    def _meta(self) -> Dict[str, Any]:
        return {row['key']: row['value'] for row in self.record.rows('SELECT key, value FROM meta')}

    def _bridges(self, task_state: str = "IS NOT 'deleting'") -> Dict[str, str]:
        """The bridge of each network: its name."""
        return {bridge(row['id']): row['name'] for row in self.record.rows(f'SELECT id, name FROM network WHERE task_state {task_state} ORDER BY id')}

    def revision(self) -> str:
        """What the loaded rules are named by: the record, and how often what concerns them was changed."""
        meta = self._meta()
        return f'{meta["record"]}_{meta["revision"]}'

    def _faults(self, reached: str | None = None) -> List[str]:
        """What is not as the record says. A network that is being made, or whose making was interrupted, is left to who makes it.

        ``reached``: others are at work, and what they do last is left to them; of this revision or a later one the rules must be.
        """
        bridges = self._bridges('IS NULL')
        down = {name: fault for device, name in bridges.items() if (fault := _network_fault(device, name))}
        faults = list(down.values())
        faults += [f'{device} is plugged into no bridge' for device in self._unplugged()]
        if not (self._loaded(self.revision()) if reached is None else self._reached(reached)):
            faults.append('the firewall rules are not those of the record')
        if reached is None and os.path.exists(self._uncut):
            faults.append('connections by addresses that lead elsewhere now may go on')
        if reached is None and not self._told():
            faults.append('machines do not say of their servers what is recorded')
        settings = {
            'ip_forward': '1',
            **{key.format(device): value for device, name in bridges.items() if name not in down for key, value in _BRIDGE_SETTINGS.items()},
        }
        faults += [f'net.ipv4.{key.replace("/", ".")} is not {value}' for key, value in settings.items() if _read(key) != value]
        routed = _routes(FLOATING_DEVICE)
        faults += [f'floating addresses {cidr} have no route' for cidr in self._pool_networks() if cidr not in routed]
        return faults

    def _loaded(self, revision: str) -> bool:
        ran = subprocess.run(['nft', 'list', 'chain', 'inet', 'hanok', f'rev_{revision}'], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        return ran.returncode == 0

    def _reached(self, revision: str) -> bool:
        """Whether rules of this state of the record or of a later one are loaded."""
        record, number = revision.rsplit('_', 1)
        ran = subprocess.run(['nft', 'list', 'chains', 'inet'], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        return any(int(loaded) >= int(number) for loaded in re.findall(f'chain rev_{record}_([0-9]+) ', ran.stdout))

    def _rendered(self) -> Tuple[str, str]:
        from .datapaths import datapath
        from .ruleset import render

        self.record.sql.execute('BEGIN')
        try:
            revision, path = self.revision(), datapath(self.record)
        finally:
            self.record.sql.execute('COMMIT')
        return revision, render(path, revision)

    def _start_networks(self) -> None:
        """A network that does not work is started anew, and what was on it is plugged in again; one that is still being made is left to who makes it."""
        for row in self.record.rows('SELECT * FROM network WHERE task_state IS NULL'):
            if _network_fault(bridge(row['id']), row['name']):
                from .networks import bring_up

                self.host.steadily(partial(bring_up, self.host, row))
        for device, home in self._unplugged().items():
            self.host.run('ip', 'link', 'set', device, 'master', home)

    def _unplugged(self) -> Dict[str, str]:
        """The devices of servers and balancers that run, and are on no bridge: the bridge on which each belongs."""
        devices = {name for name in os.listdir('/sys/class/net') if name.startswith('hkp') and not os.path.exists(f'/sys/class/net/{name}/master')}
        if not devices:
            return {}
        ports = self.record.rows('SELECT p.id, p.network_id FROM port p JOIN network n ON n.id = p.network_id WHERE n.task_state IS NULL')
        return {tap(row['id']): bridge(row['network_id']) for row in ports if tap(row['id']) in devices}

    def _members(self) -> None:
        """DHCP reservations, names, and the configurations of balancers."""
        from . import dhcp

        dhcp.write(self.host, [row['id'] for row in self.record.rows("SELECT id FROM network WHERE task_state IS NOT 'deleting'")])
        if self.record.value('SELECT count(*) FROM balancer'):
            from .lbs import synchronise

            synchronise(self.host)

    def _kernel(self, lock: int) -> None:
        _write('ip_forward', '1')
        for device in self._bridges():
            for key, value in _BRIDGE_SETTINGS.items():
                _write(key.format(device), value)
        batch = self._batch()
        self._keep('ip.batch', ''.join(line + '\n' for line in batch))
        self._addresses(batch, lock)

    def _batch(self) -> List[str]:
        """What ip(8) has to do, in its batch form; a host that boots does it again from the file."""
        lines = [f'route replace {cidr} dev {FLOATING_DEVICE}' for cidr in self._pool_networks()]
        uplinks = {pool.name: pool.uplink for pool in self.host.settings.pools if pool.uplink}
        for row in self.record.rows('SELECT address, pool FROM floating_ip ORDER BY id'):
            if row['pool'] in uplinks:
                lines.append(f'neigh replace proxy {row["address"]} dev {uplinks[row["pool"]]}')
        return [f'link add {FLOATING_DEVICE} type dummy', f'link set {FLOATING_DEVICE} up', *lines]

    def _pool_networks(self) -> List[str]:
        return [str(IPv4Network(cidr)) for pool in self.host.settings.pools for cidr in pool.addresses]

    def _addresses(self, batch: List[str], lock: int) -> None:
        if not os.path.isdir(f'/sys/class/net/{FLOATING_DEVICE}'):
            self._floating_device()
        wanted = [line for line in batch if not line.startswith('link')]
        stale = [f'route del {cidr} dev {FLOATING_DEVICE}' for cidr in _routes(FLOATING_DEVICE) - set(self._pool_networks())]
        for uplink in sorted({pool.uplink for pool in self.host.settings.pools if pool.uplink}):
            _write(f'neigh/{uplink}/proxy_delay', '0')
            for address in self._proxied(uplink):
                if f'neigh replace proxy {address} dev {uplink}' not in wanted:
                    stale.append(f'neigh del proxy {address} dev {uplink}')
        self.host.run('ip', '-batch', '-', text=''.join(line + '\n' for line in (*stale, f'link set {FLOATING_DEVICE} up', *wanted)), locks=[lock])

    def _floating_device(self) -> None:
        try:
            self.host.run('ip', 'link', 'add', FLOATING_DEVICE, 'type', 'dummy')
        except CloudError:  # a kernel without dummy: an empty bridge does
            self.host.run('ip', 'link', 'add', FLOATING_DEVICE, 'type', 'bridge')

    def _proxied(self, uplink: str) -> Set[str]:
        """Addresses of our pools that the host answers for on an uplink; what others set there is not ours."""
        pools = [IPv4Network(cidr) for cidr in self._pool_networks()]
        lines = self.host.run('ip', '-4', 'neigh', 'show', 'proxy', 'dev', uplink).splitlines()
        addresses = {line.split()[0] for line in lines if line.strip()}
        return {address for address in addresses if any(IPv4Network(address).subnet_of(pool) for pool in pools)}

    def _keep(self, name: str, text: str) -> str:
        """Keep a projection where a host that boots finds it; its path."""
        path = self.host.settings.path('datapath', name)
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        if read_whole(path) != text:
            write_whole(path, text)
        return path


def _network_fault(device: str, name: str) -> str:
    """What is wrong with a network; empty: nothing."""
    if not os.path.isdir(f'/sys/class/net/{device}'):
        return f'network {name} is down'
    try:
        with open(f'/run/libvirt/network/{device}.pid', encoding='ascii') as file, open(f'/proc/{int(file.read())}/comm', encoding='ascii') as program:
            serves = program.read().strip() == 'dnsmasq'
    except (OSError, ValueError):
        serves = False
    return '' if serves else f'network {name} gives out no addresses'


def bridge(network: int) -> str:
    """The device of a network, by the number of its row."""
    return f'hk{network}'


def tap(port: int) -> str:
    """The device of a port, by the number of its row; the firewall binds addresses to it."""
    return f'hkp{port}'


def _read(key: str) -> str:
    try:
        with open(f'/proc/sys/net/ipv4/{key}', encoding='ascii') as file:
            return file.read().strip()
    except OSError:
        return ''


def _write(key: str, value: str) -> None:
    path = f'/proc/sys/net/ipv4/{key}'
    if os.path.exists(path) and _read(key) != value:
        with open(path, 'w', encoding='ascii') as file:
            file.write(value)


def routes() -> List[Tuple[str, str]]:
    """The IPv4 routes of this host's main table: (device, CIDR), without default routes."""
    found = []
    with open('/proc/net/route', encoding='ascii') as file:
        for line in file.readlines()[1:]:
            words = line.split()
            target, mask = (int.from_bytes(bytes.fromhex(words[column]), 'little') for column in (1, 7))
            if mask:
                found.append((words[0], f'{".".join(str(target >> shift & 255) for shift in (24, 16, 8, 0))}/{bin(mask).count("1")}'))
    return found


def _routes(device: str) -> Set[str]:
    return {cidr for name, cidr in routes() if name == device}
