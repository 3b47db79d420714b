# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the firewall is compared with: the record, the last load, and the devices of the host."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Dict, List, Tuple

from . import loaded
from .devices import bridge_name, tap_name
from .files import read_file
from .floating_routes import FloatingRoutes
from .host import Host
from .netlink import default_devices

_SYSCTLS = {
    'conf/{}/proxy_arp_pvlan': '1',
    'conf/{}/send_redirects': '0',
    'neigh/{}/proxy_delay': '0',
}
_PORTS = """SELECT p.id, p.network_id FROM port p
  JOIN network n ON n.id = p.network_id WHERE n.task_state IS NULL"""
_IS_ENDING_REQUESTED = 'SELECT EXISTS (SELECT 1 FROM security_group WHERE to_cut)'


class FirewallState:
    """Reads what concerns the firewall; changes nothing."""

    def __init__(self, host: Host) -> None:
        """Read the record of ``host``."""
        self.host, self.record = host, host.record
        self.floating = FloatingRoutes(host)
        self.rules_path = host.settings.path('datapath', 'ruleset.nft')
        self.saved_path = host.settings.path('datapath', 'loaded')
        # This file exists while flows of reassigned addresses are still to be ended.
        self.uncut_path = host.settings.path('datapath', 'uncut')

    def revision(self) -> str:
        """The revision of the rules: the id of the record and the number of relevant changes."""
        meta = self._meta()
        return f'{meta["record"]}_{meta["revision"]}'

    def is_metadata_current(self) -> bool:
        """Whether the metadata of machines was written since the last change that concerns it."""
        meta = self._meta()
        return bool(meta['metadata'] == meta['metadata_written'])

    def _meta(self) -> Dict[str, Any]:
        return {row['key']: row['value'] for row in self.record.rows('SELECT key, value FROM meta')}

    def bridges(self) -> List[str]:
        """The bridges of all networks that are not being deleted."""
        query = "SELECT id FROM network WHERE task_state IS NOT 'deleting' ORDER BY id"
        return [bridge_name(row['id']) for row in self.record.rows(query)]

    def saved(self) -> loaded.SavedState:
        """The rules as they were loaded last."""
        return loaded.parse(read_file(self.saved_path) or '')

    def outside(self) -> Tuple[str, ...]:
        """The devices through which servers may reach the outside.

        These are the devices of the host's default routes, the uplinks of pools, and those that the
        operator set.
        """
        configured = {*self.host.settings.outside_devices, *self.floating.uplinks()}
        return tuple(sorted(configured | default_devices()))

    def has_flows_to_end(self) -> bool:
        """Whether flows of reassigned addresses are still to be ended."""
        return os.path.exists(self.uncut_path)

    def has_denied_flows_to_end(self) -> bool:
        """Whether a security group requests to end flows that its rules no longer allow."""
        return bool(self.record.value(_IS_ENDING_REQUESTED))

    def detached_taps(self) -> Dict[str, str]:
        """The running devices of servers and load balancers without a bridge, and their bridge."""
        taps = {
            name
            for name in os.listdir('/sys/class/net')
            if name.startswith('hkp') and not os.path.exists(f'/sys/class/net/{name}/master')
        }
        if not taps:
            return {}
        return {
            tap_name(row['id']): bridge_name(row['network_id'])
            for row in self.record.rows(_PORTS)
            if tap_name(row['id']) in taps
        }


def is_loaded(saved: loaded.SavedState, revision: str) -> bool:
    """Whether the kernel has the rules of this revision, exactly as they were loaded."""
    return saved.rules.revision == revision and loaded.current() == saved.rules


def sysctls(bridges: Iterable[str]) -> Dict[str, str]:
    """The settings under net.ipv4 that forwarding for these bridges needs."""
    settings = {'ip_forward': '1'}
    for bridge in bridges:
        for key, value in _SYSCTLS.items():
            settings[key.format(bridge)] = value
    return settings
