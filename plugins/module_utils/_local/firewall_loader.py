# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make rules, bridges and routes of this host match the record."""

from __future__ import annotations

import os
from functools import partial
from typing import Any, List, Tuple

from .._model.datapath import Datapath
from . import dhcp, flows, loaded
from .datapaths import datapath
from .devices import bridge_name
from .files import read_file, write_atomically
from .firewall_state import FirewallState, is_loaded, sysctls
from .kernel import write_sysctl
from .libvirt_networks import start_network
from .network_faults import address_faults, gateway_address, network_fault
from .ruleset import render


class FirewallLoader:
    """Writes the projection of the record that forwards packets."""

    def __init__(self, state: FirewallState) -> None:
        """Write what ``state`` reads."""
        self.state, self.host, self.record = state, state.host, state.record

    def apply(self) -> None:
        """Load the rules, start networks that are down, and set kernel settings.

        The rules are loaded in one transaction of the kernel, whichever other runs do it too. The
        file is written first: a network that starts loads it (network-hook), and could not start
        with a damaged one. nft reads a file, because it would load the first half of a text from a
        pipe if this run were killed while writing. Programs inherit the lock, so that they cannot
        load old rules over new ones. The loaded state is saved last: whoever reads it knows that
        the rest is done. Flows that the old rules allowed are ended after that; a file marks that
        they are still to be ended.
        """
        with self.host.locks.projection('firewall') as lock:
            outside = self.state.outside()
            revision, text = self._rendered(outside)
            self._save(self.state.rules_path, text)
            saved = self.state.saved()
            is_current = saved.source == loaded.digest(text) and is_loaded(saved, revision)
            if not is_current:
                self._save(self.state.uncut_path, '')
                self.host.run('nft', '-f', self.state.rules_path, locks=[lock])
            self._start_networks(lock)
            self._write_dhcp_and_load_balancers()
            self._write_kernel_settings(lock)
            if not is_current:
                new = loaded.SavedState(loaded.current(), loaded.digest(text), outside)
                self._save(self.state.saved_path, new.text())
            self._end_flows(outside, lock)

    def save_rules(self) -> None:
        """Write the file that the network hook loads when a network starts."""
        with self.host.locks.projection('firewall'):
            self._save(self.state.rules_path, self._rendered(self.state.outside())[1])

    def _rendered(self, outside: Tuple[str, ...]) -> Tuple[str, str]:
        revision, path = self._datapath(outside)
        return revision, render(path, revision)

    def _datapath(self, outside: Tuple[str, ...]) -> Tuple[str, Datapath]:
        """Return the revision and the datapath of one state of the record."""
        by_bridge = loaded.has_bridge_meta()
        self.record.sql.execute('BEGIN')
        try:
            path = datapath(self.record, self.host.settings, outside, by_bridge)
            return self.state.revision(), path
        finally:
            self.record.sql.execute('COMMIT')

    def _start_networks(self, lock: int) -> None:
        """Start networks that are down or broken, and attach devices to their bridges again.

        Networks in a task state are left to the run that creates or deletes them.
        """
        lines: List[str] = []
        for row in self.record.rows('SELECT * FROM network WHERE task_state IS NULL'):
            if network_fault(row):
                self.host.with_retry(partial(start_network, self.host, row))
            elif address_faults([row]):
                lines += _address_commands(row)
        if lines:
            text = ''.join(line + '\n' for line in lines)
            self.host.run('ip', '-batch', '-', text=text, locks=[lock])
        for tap, bridge in self.state.detached_taps().items():
            self.host.run('ip', 'link', 'set', tap, 'master', bridge)

    def _write_dhcp_and_load_balancers(self) -> None:
        networks = self.record.rows("SELECT id FROM network WHERE task_state IS NOT 'deleting'")
        dhcp.write(self.host, [row['id'] for row in networks])
        if self.record.value('SELECT count(*) FROM balancer'):
            from .lb_config import synchronise

            synchronise(self.host)

    def _write_kernel_settings(self, lock: int) -> None:
        for key, value in sysctls(self.state.bridges()).items():
            write_sysctl(key, value)
        self.state.floating.apply(lock)

    def _end_flows(self, outside: Tuple[str, ...], lock: int) -> None:
        if self.state.has_flows_to_end():
            flows.delete_stale(self.host, lock)
            os.unlink(self.state.uncut_path)
        if self.state.has_denied_flows_to_end():
            from .denied_flows import delete_denied

            delete_denied(self.host, self._datapath(outside)[1], lock)

    def _save(self, path: str, text: str) -> None:
        """Write a file that is read when the host boots, if it differs."""
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        if read_file(path) != text:
            write_atomically(path, text)


def _address_commands(row: Any) -> List[str]:
    """The commands of ip(8) that repair the faults of ``address_faults``."""
    bridge = bridge_name(row['id'])
    return [
        f'link set {bridge} up',
        f'address replace {gateway_address(row)} broadcast + dev {bridge}',
        f'route replace {row["cidr"]} dev {bridge} proto kernel scope link src {row["gateway"]}',
    ]
