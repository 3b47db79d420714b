# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The projections of the record on this host: repaired by each task of a networked kind."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import List, Tuple

from .._cloud import Outcomes
from .._model.change import Change, Changes
from .._model.kinds import Verb
from .balancer.lb_configs import LbConfigs
from .machine_metadata import MachineMetadata
from .network.bridges import Bridges, existing_bridges, steady_networks
from .network.dhcp import Dhcp
from .network.floating_routes import FloatingRoutes
from .network.kernel_settings import KernelSettings
from .network.pending_flows import PendingFlows
from .network.rules import Rules
from .record.host import Host
from .record.projection import Look, Projection

_GRACE_PERIOD = 10.0  # seconds that other runs get to finish what looks broken meanwhile


class LocalProjections:
    """The projections of the local cloud. In plans they are one item, the firewall named host."""

    def __init__(self, host: Host) -> None:
        """Project the record of ``host``."""
        self.host = host
        self.rules = Rules(host)
        self.routes = FloatingRoutes(host)
        self.flows = PendingFlows(host, self.rules)
        self.metadata = MachineMetadata(host)
        # In the order of writing: rules are loaded before networks start, flows end afterwards.
        self.network: Tuple[Projection, ...] = (
            self.rules,
            Bridges(host),
            Dhcp(host),
            LbConfigs(host),
            KernelSettings(host),
            self.routes,
            self.flows,
        )

    def start(self) -> None:
        """Start what ``changes`` would otherwise wait for."""
        if self.host.only_looks:
            return
        if existing_bridges(self.host.record):
            self.rules.start_listing()

    def changes(self) -> List[Change]:
        """Return the change that makes the host what the record says, if it differs."""
        bridges = existing_bridges(self.host.record)
        if not bridges:
            return []
        if self.host.only_looks:
            from .record.looking import hide

            hide(self.host, 'whether the firewall, DHCP and load balancers are as recorded')
            return []
        notes = self.host.notes
        faults = self._lasting_faults()
        foreign = _foreign_notes(bridges) if self.rules.has_others else ()
        for note in (*self.routes.notes(), *foreign):
            if note not in notes:
                notes.append(note)
        if not faults:
            return []
        from .firewall import Firewall

        current = Firewall(faults=tuple(faults))
        why = '; '.join(faults)
        return [Change('firewall', current.name, Verb.LOAD, current, Firewall(), why=why)]

    def obstacles(self) -> List[str]:
        """Return other firewalls of this host that drop packets of servers, one sentence each."""
        if self.host.only_looks:
            from .record.looking import hide

            hide(self.host, 'whether other firewalls drop packets of servers')
            return []
        return _foreign_notes(existing_bridges(self.host.record))

    def _faults(self, since: str | None) -> List[str]:
        look = Look(since, steady_networks(self.host.record))
        faults = [fault for projection in self.network for fault in projection.faults(look)]
        if since is None and not self.metadata.is_written():
            faults.append('the metadata of machines in libvirt is out of date')
        if since is None and self._has_other_limits():
            faults.append('the limits of volumes are not those of their types')
        return faults

    def _has_other_limits(self) -> bool:
        """Whether the settings have other limits of volume types than machines have."""
        host = self.host
        if not host.settings.volume_types and 'volume_limits' not in host.record.meta():
            return False  # and nothing is imported
        from .compute.volume_limits import is_due

        return is_due(host)

    def _lasting_faults(self) -> List[str]:
        """Faults that remain after other runs had time to finish what they are changing."""
        if not self._faults(None):
            return []  # the usual case, whatever other runs are doing; no locks are loaded
        revision = self.rules.revision()
        deadline = time.monotonic() + _GRACE_PERIOD
        while True:
            current = self.rules.revision()
            others = self.host.locks.has_other_runs()
            faults = self._faults(revision if others else None)
            is_final = not others and not self._has_changed(current)
            if not faults or is_final or time.monotonic() > deadline:
                return faults
            time.sleep(0.05)

    def _has_changed(self, revision: str) -> bool:
        """Whether another run is changing something, or did since the record had this revision."""
        return self.host.locks.has_other_runs() or self.rules.revision() != revision

    def load(self, changes: Changes) -> Outcomes:
        """Write the projections; metadata of machines is written at the end of each run."""
        return self.host.work.for_each(changes, lambda change: self.apply())

    def apply(self) -> None:
        """Write all projections but the metadata of machines.

        The loaded rules are recorded last: whoever reads that knows that the rest is done.
        """
        with self.host.locks.projection('firewall') as lock:
            for projection in self.network:
                projection.write(lock)
            if self._has_other_limits():
                from .compute.volume_limits_writer import apply

                apply(self.host)
            self.rules.confirm()

    def save_rules(self) -> None:
        """Write the file that the network hook loads when a network starts."""
        with self.host.locks.projection('firewall'):
            self.rules.save()

    def end_stale_flows(self) -> None:
        """End connections of addresses that are being released, before others can get them."""
        with self.host.locks.projection('firewall') as lock:
            self.flows.end_stale(lock)

    def drain(self, servers: Iterable[int]) -> None:
        """Let balancers finish what servers (rows) have been sent, and send them nothing new."""
        from .balancer.draining import drain

        drain(self.host, servers)

    def undrain(self, servers: Iterable[int]) -> None:
        """Let balancers send connections to servers (rows) that are healthy again."""
        from .balancer.draining import undrain

        undrain(self.host, servers)

    def write_metadata(self) -> None:
        """Write the metadata of machines, if the record has changed since it was written."""
        self.metadata.update()


def _foreign_notes(bridges: Sequence[str]) -> List[str]:
    from .network.foreign_firewalls import reports

    return [f'another firewall of this host: {report}' for report in reports(bridges)]
