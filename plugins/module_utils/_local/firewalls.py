# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules, bridges and routes of this host: a projection of the record.

Reading is here and in firewall_state.py and firewall_faults.py; what changes the host is in
firewall_loader.py, which is imported when needed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import List

from .._cloud import Outcome
from .._model.change import Change
from .._model.kinds import Verb
from .firewall import Firewall
from .firewall_state import FirewallState
from .host import Host

_GRACE_PERIOD = 10.0  # seconds that other runs get to finish what looks broken meanwhile


class LocalFirewalls:
    """The firewall of the local cloud; there is one, named host."""

    def __init__(self, host: Host) -> None:
        """Project the record of ``host``."""
        self.host, self.state = host, FirewallState(host)
        self.floating = self.state.floating

    def changes(self) -> List[Change]:
        """Return the change that makes the host what the record says, if it differs."""
        bridges = self.state.bridges()
        if not bridges:
            return []
        notes = self.host.locks.notes
        faults = self._lasting_faults()
        for note in (*self.floating.notes(), *_foreign_notes(bridges)):
            if note not in notes:
                notes.append(note)
        if not faults:
            return []
        current = Firewall(faults=tuple(faults))
        why = '; '.join(faults)
        return [Change('firewall', current.name, Verb.LOAD, current, Firewall(), why=why)]

    def obstacles(self) -> List[str]:
        """Return other firewalls of this host that drop packets of servers, one sentence each."""
        return _foreign_notes(self.state.bridges())

    def _lasting_faults(self) -> List[str]:
        """Faults that remain after other runs had time to finish what they are changing."""
        from .firewall_faults import find_faults

        faults = find_faults(self.state)
        if not faults:
            return []
        revision, deadline = self.state.revision(), time.monotonic() + _GRACE_PERIOD
        while True:
            current, others = self.state.revision(), self.host.locks.has_other_runs()
            faults = find_faults(self.state, revision if others else None)
            is_final = not others and not self._has_changed(current)
            if not faults or is_final or time.monotonic() > deadline:
                return faults
            time.sleep(0.05)

    def _has_changed(self, revision: str) -> bool:
        """Whether another run is changing something, or did since the record had this revision."""
        return self.host.locks.has_other_runs() or self.state.revision() != revision

    def load(self, changes: Sequence[Change]) -> List[Outcome]:
        """Apply the projection; metadata of machines is written at the end of each run."""
        return self.host.for_each(changes, lambda change: self.apply())

    def apply(self) -> None:
        """Load the rules, start networks that are down, and set kernel settings."""
        from .firewall_loader import FirewallLoader

        FirewallLoader(self.state).apply()

    def save_rules(self) -> None:
        """Write the file that the network hook loads when a network starts."""
        from .firewall_loader import FirewallLoader

        FirewallLoader(self.state).save_rules()

    def end_stale_flows(self) -> None:
        """End connections of addresses that are being released, before others can get them."""
        from . import flows

        with self.host.locks.projection('firewall') as lock:
            flows.delete_stale(self.host, lock)

    def write_metadata(self) -> None:
        """Write the metadata of machines, if the record has changed since it was written."""
        if not self.state.is_metadata_current():
            from . import metadata

            self.host.with_retry(lambda: metadata.write(self.host))


def _foreign_notes(bridges: Sequence[str]) -> List[str]:
    from .foreign_firewalls import reports

    return [f'another firewall of this host: {report}' for report in reports(bridges)]
