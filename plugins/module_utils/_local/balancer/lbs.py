# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Load balancers, as they are observed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Iterable, Set, Tuple

from ..._cloud import Outcomes
from ..._model.change import Changes
from ..._model.lb import NO_MONITOR, Lb, MemberHealth
from ..record.host import Host
from ..record.projection import Projections
from . import lb_files, lb_rows

if TYPE_CHECKING:
    from .lb_writer import LbWriter

# VIR_CONNECT_LIST_DOMAINS_ACTIVE and _PERSISTENT: a container that runs and starts at boot
_ACTIVE_AND_PERSISTENT = 1 | 4


class LocalLbs:
    """Load balancers of the local cloud."""

    def __init__(self, host: Host, projections: Projections) -> None:
        """Manage load balancers."""
        self.host = host
        self.record = host.record
        self.projections = projections

    def list(self, names: Iterable[str] | None = None) -> Tuple[Lb, ...]:
        """All load balancers, or those with these names."""
        rows = self.host.rows_in_progress('lb', lambda: lb_rows.list_rows(self.record, names))
        running = self.host.with_retry(self._running) if rows else set()
        members = lb_rows.members_by_lb(self.record)
        found = []
        for row in rows:
            uuid = row['uuid']
            folder = lb_files.folder_of(self.host, uuid)
            is_running = uuid in running and (self.host.only_looks or lb_files.is_usable(folder))
            lb = lb_rows.lb_of(row, members.get(row['id'], ()), is_running)
            lb = replace(lb, health=self._health(lb))
            found.append(self.host.with_progress('lb', row, lb))
        return tuple(found)

    def _health(self, lb: Lb) -> Tuple[MemberHealth, ...]:
        if lb.health_check is None:
            return unchecked(lb.members)
        from . import member_health

        text = None
        if self.host.only_looks:
            from ..record.looking import hide

            hide(self.host, 'the health of members of load balancers')
        elif lb.running:
            from . import haproxy_socket

            folder = lb_files.folder_of(self.host, lb.id)
            text = haproxy_socket.query(folder, 'show stat')
        return member_health.health(text, lb.members)

    def _running(self) -> Set[str]:
        domains = self.host.hypervisor.lxc.listAllDomains(_ACTIVE_AND_PERSISTENT)
        return {domain.UUIDString() for domain in domains}

    def _writer(self) -> LbWriter:
        from .lb_writer import LbWriter

        return LbWriter(self.host, self.projections)

    def create(self, changes: Changes) -> Outcomes:
        """Create load balancers and start them."""
        return self._writer().create(changes)

    def update(self, changes: Changes) -> Outcomes:
        """Update load balancers without dropping connections; start those that do not run."""
        return self._writer().update(changes)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete load balancers and their automatic floating IPs."""
        return self._writer().delete(changes)


def unchecked(members: Iterable[str]) -> Tuple[MemberHealth, ...]:
    """The health of members without a health check."""
    return tuple(MemberHealth(member, NO_MONITOR) for member in members)
