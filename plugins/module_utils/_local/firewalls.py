# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules, bridges and routes of this host: a projection of the record, written whole when it differs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from functools import partial
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any, Dict, List, Tuple

from .._cloud import Outcome
from .._model.change import Change
from .._model.firewall import Firewall
from . import loaded
from .devices import bridge_name, tap_name
from .floating_routes import FloatingRoutes
from .host import Host
from .kernel import device_exists, is_up, read_sysctl, routes, write_sysctl
from .netlink import addresses, default_devices
from .record import read_file, write_atomically

if TYPE_CHECKING:
    from .._model.datapath import Datapath

_PATIENCE = 10.0  # seconds that other runs get to finish what looks broken
_UNCUT = (
    'uncut'  # a file: rules were loaded, and what flowed by the old ones has not been ended yet
)
_OTHER_RULES = 'the firewall rules are not those of the record'
_BRIDGE_SETTINGS = {
    'conf/{}/proxy_arp_pvlan': '1',
    'conf/{}/send_redirects': '0',
    'neigh/{}/proxy_delay': '0',
}


class LocalFirewalls:
    """The firewall of the local cloud; there is one, by the name host."""

    def __init__(self, host: Host) -> None:
        """The firewall of this host."""
        self.host, self.record = host, host.record
        self.floating = FloatingRoutes(host)
        self._uncut, self._rules = (
            host.settings.path('datapath', name) for name in (_UNCUT, 'ruleset.nft')
        )

    def list(self, names: Iterable[str] | None = None) -> Tuple[Firewall, ...]:
        """Look: whether the host is as the record says."""
        bridges = self._bridges()
        faults = self._faults() if bridges else []
        if bridges:
            notes = self.host.locks.notes
            notes += [
                note
                for note in (*self.floating.notes(), *self._suspects(bridges))
                if note not in notes
            ]
        return (Firewall(faults=tuple(self._lasting() if faults else ())),)

    def _suspects(self, bridges: Sequence[str]) -> List[str]:
        from .neighbours import suspects

        return [f'another firewall of this host: {suspect}' for suspect in suspects(bridges)]

    def _lasting(self) -> List[str]:
        """What is wrong when other runs have had time to finish: what they are at work on looks broken for moments."""
        revision, until = self.revision(), time.monotonic() + _PATIENCE
        while True:
            others = self.host.locks.has_other_runs()
            faults = self._faults(revision if others else None)
            if not others or not faults or time.monotonic() > until:
                return faults
            time.sleep(0.05)

    def load(self, changes: Sequence[Change]) -> List[Outcome]:
        """Make the host as the record says; what machines say is written at the end of each run that changes something."""
        return self.host.for_each(changes, lambda change: self.apply())

    def apply(self) -> None:
        """Load the rules, start networks that are down, set what the kernel has to know. One transaction in the kernel, whoever else does it too.

        The file is written first: a network that starts has it loaded (network-hook), and a damaged
        one would stop it. nft reads a file: of a text that comes through a pipe it would load the
        first half, should this run be killed while it writes. Programs hold the lock too: they do
        not load old rules over new ones. What was loaded is told last: who finds that knows that
        the rest is done. Flows that the old rules allowed are ended after that; a file says that it
        is still to be done.
        """
        from . import flows

        with self.host.locks.projection('firewall') as lock:
            outside = self._outside()
            revision, text = self._rendered(outside)
            self._keep('ruleset.nft', text)
            kept = self._kept()
            is_loaded = kept.source == loaded.digest(text) and _is_loaded(kept, revision)
            if not is_loaded:
                self._keep(_UNCUT, '')
                self.host.run('nft', '-f', self._rules, locks=[lock])
            self._start_networks(lock)
            self._members()
            self._kernel(lock)
            if not is_loaded:
                self._keep(
                    'loaded',
                    loaded.SavedState(loaded.current(), loaded.digest(text), outside).text(),
                )
            if os.path.exists(self._uncut):
                flows.delete_stale(self.host, lock)
                os.unlink(self._uncut)
            if self._to_cut():
                from .denied_flows import delete_denied

                delete_denied(self.host, self._datapath(outside)[1], lock)

    def save_rules(self) -> None:
        """Write the file that a network loads when it starts."""
        with self.host.locks.projection('firewall'):
            self._keep('ruleset.nft', self._rendered(self._outside())[1])

    def end_stale_flows(self) -> None:
        """End connections by addresses of what is being deleted, before these are free for others."""
        from . import flows

        with self.host.locks.projection('firewall') as lock:
            flows.delete_stale(self.host, lock)

    def write_metadata(self) -> None:
        """Have machines say what the record says of their servers now."""
        if not self._told():
            from . import metadata

            self.host.with_retry(lambda: metadata.write(self.host))

    def _to_cut(self) -> bool:
        return bool(self.record.value('SELECT EXISTS (SELECT 1 FROM security_group WHERE to_cut)'))

    def _told(self) -> bool:
        meta = self._meta()
        return bool(meta['metadata'] == meta['metadata_written'])

    def _meta(self) -> Dict[str, Any]:
        return {row['key']: row['value'] for row in self.record.rows('SELECT key, value FROM meta')}

    def _bridges(self) -> List[str]:
        """The bridge of each network."""
        return [
            bridge_name(row['id'])
            for row in self.record.rows(
                "SELECT id FROM network WHERE task_state IS NOT 'deleting' ORDER BY id"
            )
        ]

    def revision(self) -> str:
        """What the loaded rules are named by: the record, and how often what concerns them was changed."""
        meta = self._meta()
        return f'{meta["record"]}_{meta["revision"]}'

    def _faults(self, reached: str | None = None) -> List[str]:
        """What is not as the record says. A network that is being made, or whose making was interrupted, is left to who makes it.

        ``reached``: others are at work, and what they do last is left to them; of this revision or
        a later one the rules must be.
        """
        rows = self.record.rows(
            'SELECT id, name, cidr, gateway FROM network WHERE task_state IS NULL ORDER BY id'
        )
        down = {bridge_name(row['id']): fault for row in rows if (fault := _network_fault(row))}
        up = [row for row in rows if bridge_name(row['id']) not in down]
        faults = [*down.values(), *_address_faults(up)]
        faults += [f'{device} is plugged into no bridge' for device in self._unplugged()]
        faults += self._quiet_faults() if reached is None else self._reached_faults(reached)
        settings = {
            'ip_forward': '1',
            **{f'neigh/{uplink}/proxy_delay': '0' for uplink in self.floating.uplinks()},
        }
        for row in up:
            settings.update(
                {
                    key.format(bridge_name(row['id'])): value
                    for key, value in _BRIDGE_SETTINGS.items()
                }
            )
        faults += [
            f'net.ipv4.{key.replace("/", ".")} is not {value}'
            for key, value in settings.items()
            if read_sysctl(key) != value
        ]
        return faults + self.floating.faults()

    def _quiet_faults(self) -> List[str]:
        kept = self._kept()
        faults = [] if _is_loaded(kept, self.revision()) else [_OTHER_RULES]
        if not faults and (outside := self._outside_fault(kept.outside)):
            faults.append(outside)
        if not faults and loaded.digest(read_file(self._rules)) != kept.source:
            faults.append(
                'the firewall rules that are kept for the next boot are not those of the record'
            )
        if self._to_cut():
            faults.append('connections that the rules do not allow any more may go on')
        if os.path.exists(self._uncut):
            faults.append('connections by addresses that lead elsewhere now may go on')
        if not self._told():
            faults.append('machines do not say of their servers what is recorded')
        return faults + self.floating.idle_faults()

    def _reached_faults(self, revision: str) -> List[str]:
        """Rules of this state of the record or of a later one must be loaded, whole unless they are just being loaded."""
        record, number = revision.rsplit('_', 1)
        current, kept = loaded.current(), self._kept().rules
        is_whole = current == kept or current.revision != kept.revision
        return [] if is_whole and current.number(record) >= int(number) else [_OTHER_RULES]

    def _kept(self) -> loaded.SavedState:
        """What was loaded last."""
        return loaded.parse(read_file(self.host.settings.path('datapath', 'loaded')) or '')

    def _outside(self) -> Tuple[str, ...]:
        """The devices by which servers may get out: where this host gets out itself, uplinks, and what the operator named."""
        named = {*self.host.settings.outside_devices, *self.floating.uplinks()}
        return tuple(sorted(named | default_devices()))

    def _outside_fault(self, then: Sequence[str]) -> str:
        current = self._outside()
        if current == then:
            return ''
        told = [', '.join(devices) or 'no device' for devices in (then, current)]
        return f'servers may get out by {told[0]}, and the ways out of this host are by {told[1]}'

    def _rendered(self, outside: Sequence[str]) -> Tuple[str, str]:
        from .ruleset import render

        revision, path = self._datapath(outside)
        return revision, render(path, revision)

    def _datapath(self, outside: Sequence[str]) -> Tuple[str, Datapath]:
        from .datapaths import datapath

        self.record.sql.execute('BEGIN')
        try:
            return self.revision(), datapath(
                self.record, self.host.settings, outside, loaded.has_bridge_meta()
            )
        finally:
            self.record.sql.execute('COMMIT')

    def _start_networks(self, lock: int) -> None:
        """A network that does not work is started anew, and what was on it is plugged in again; one that is still being made is left to who makes it."""
        lines: List[str] = []
        for row in self.record.rows('SELECT * FROM network WHERE task_state IS NULL'):
            if _network_fault(row):
                from .networks import start_network

                self.host.with_retry(partial(start_network, self.host, row))
            elif _address_faults([row]):
                lines += _address_lines(row)
        if lines:
            self.host.run(
                'ip', '-batch', '-', text=''.join(line + '\n' for line in lines), locks=[lock]
            )
        for device, home in self._unplugged().items():
            self.host.run('ip', 'link', 'set', device, 'master', home)

    def _unplugged(self) -> Dict[str, str]:
        """The devices of servers and balancers that run, and are on no bridge: the bridge on which each belongs."""
        devices = {
            name
            for name in os.listdir('/sys/class/net')
            if name.startswith('hkp') and not os.path.exists(f'/sys/class/net/{name}/master')
        }
        if not devices:
            return {}
        ports = self.record.rows(
            'SELECT p.id, p.network_id FROM port p JOIN network n ON n.id = p.network_id WHERE n.task_state IS NULL'
        )
        return {
            tap_name(row['id']): bridge_name(row['network_id'])
            for row in ports
            if tap_name(row['id']) in devices
        }

    def _members(self) -> None:
        """DHCP reservations, names, and the configurations of balancers."""
        from . import dhcp

        dhcp.write(
            self.host,
            [
                row['id']
                for row in self.record.rows(
                    "SELECT id FROM network WHERE task_state IS NOT 'deleting'"
                )
            ],
        )
        if self.record.value('SELECT count(*) FROM balancer'):
            from .lbs import synchronise

            synchronise(self.host)

    def _kernel(self, lock: int) -> None:
        write_sysctl('ip_forward', '1')
        for device in self._bridges():
            for key, value in _BRIDGE_SETTINGS.items():
                write_sysctl(key.format(device), value)
        self.floating.apply(lock)

    def _keep(self, name: str, text: str) -> str:
        """Keep a projection where a host that boots finds it; its path."""
        path = self.host.settings.path('datapath', name)
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        if read_file(path) != text:
            write_atomically(path, text)
        return path


def _is_loaded(kept: loaded.SavedState, revision: str) -> bool:
    """Whether the kernel has these rules: all that was loaded, and nothing else in our tables."""
    return kept.rules.revision == revision and loaded.current() == kept.rules


def _network_fault(row: Any) -> str:
    """What is wrong with a network; empty: nothing."""
    from .dhcp import has_options

    device, name = bridge_name(row['id']), row['name']
    if not device_exists(device):
        return f'network {name} is down'
    try:
        with (
            open(f'/run/libvirt/network/{device}.pid', encoding='ascii') as file,
            open(f'/proc/{int(file.read())}/comm', encoding='ascii') as program,
        ):
            serves = program.read().strip() == 'dnsmasq'
    except (OSError, ValueError):
        serves = False
    if not serves:
        return f'network {name} gives out no addresses'
    if not has_options(row['id'], row['gateway']):
        return f'network {name} gives out addresses by other settings than ours'
    return ''


def _address_faults(rows: Iterable[Any]) -> List[str]:
    """Of networks whose bridges are there: those that lead nowhere, because somebody took the address of the host, or its route, or set the bridge down."""
    faults, there, routed = [], addresses(), set(routes())
    for row in rows:
        device, address = bridge_name(row['id']), _gateway(row)
        if not is_up(device):
            faults.append(f'{device} of network {row["name"]} is down')
        elif (device, address) not in there:
            faults.append(f'{device} of network {row["name"]} has lost the address {address}')
        elif (device, row['cidr']) not in routed:
            faults.append(f'{device} of network {row["name"]} has lost the route {row["cidr"]}')
    return faults


def _gateway(row: Any) -> str:
    return f'{row["gateway"]}/{IPv4Network(row["cidr"]).prefixlen}'


def _address_lines(row: Any) -> List[str]:
    """What ip(8) has to do about that."""
    device = bridge_name(row['id'])
    return [
        f'link set {device} up',
        f'address replace {_gateway(row)} broadcast + dev {device}',
        f'route replace {row["cidr"]} dev {device} proto kernel scope link src {row["gateway"]}',
    ]
