# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Load balancers: HAProxy under s6 in a libvirt-LXC container with its own network and root."""

from __future__ import annotations

from dataclasses import replace
from typing import Iterable, List, Sequence, Set, Tuple

from .._cloud import Outcome
from .._model.change import Change
from .._model.lb import Lb, MemberHealth
from .._model.lifecycle import TaskState
from . import lb_files, lb_rows
from .host import Host
from .projection import Projections

# VIR_CONNECT_LIST_DOMAINS_ACTIVE and _PERSISTENT: a container that runs and starts at boot
_ACTIVE_AND_PERSISTENT = 1 | 4
_DONE = 'UPDATE balancer SET task_state = NULL WHERE id = ?'


class LocalLbs:
    """Load balancers of the local cloud."""

    def __init__(self, host: Host, projections: Projections) -> None:
        """Manage load balancers."""
        self.host, self.record, self.projections = host, host.record, projections

    def list(self, names: Iterable[str] | None = None) -> Tuple[Lb, ...]:
        """All load balancers, or those with these names."""
        rows = self.host.rows_in_progress('lb', lambda: lb_rows.list_rows(self.record, names))
        running = self.host.with_retry(self._running) if rows else set()
        members = lb_rows.members_by_lb(self.record)
        found = []
        for row in rows:
            is_current = lb_files.is_current(lb_files.folder_of(self.host, row['uuid']))
            is_running = row['uuid'] in running and is_current
            lb = lb_rows.lb_of(row, members.get(row['id'], ()), is_running)
            lb = replace(lb, health=self._health(lb))
            found.append(self.host.with_progress('lb', row, lb))
        return tuple(found)

    def _health(self, lb: Lb) -> Tuple[MemberHealth, ...]:
        from . import haproxy_socket, member_health

        if lb.health_check is None:
            return member_health.unchecked(lb.members)
        text = None
        if lb.running:
            text = haproxy_socket.query(lb_files.folder_of(self.host, lb.id), 'show stat')
        return member_health.health(text, lb.members)

    def _running(self) -> Set[str]:
        domains = self.host.hypervisor.lxc.listAllDomains(_ACTIVE_AND_PERSISTENT)
        return {domain.UUIDString() for domain in domains}

    def create(self, changes: Sequence[Change]) -> List[Outcome]:
        """Create load balancers and start them."""
        with self.record.transaction():
            for change in changes:
                lb_rows.reserve(self.record, self.host.pools, change.after)
        self.projections.apply()
        return self.host.finish(self.host.for_each(changes, self._build), _DONE)

    def update(self, changes: Sequence[Change]) -> List[Outcome]:
        """Update load balancers without dropping connections; start those that do not run."""
        begun = self.record.change_rows(
            changes,
            lambda change, row: lb_rows.update(self.record, self.host.pools, change, row),
        )
        self.projections.apply()
        return self.host.finish(self.host.then_each(begun, self._build), _DONE)

    def _build(self, change: Change) -> None:
        from .lb_config import configure
        from .lb_containers import LbContainers

        containers, row = LbContainers(self.host), lb_rows.row_of(self.record, change)
        containers.prepare(row)
        members = lb_rows.members_by_lb(self.record).get(row['id'], ())
        configure(self.host, row, members)
        containers.define(row)
        containers.start(row)

    def delete(self, changes: Sequence[Change]) -> List[Outcome]:
        """Delete load balancers and their automatic floating IPs."""
        begun = self.record.change_rows(
            changes,
            lambda _change, row: self.record.update(
                'balancer', row, {'task_state': TaskState.DELETING}
            ),
        )
        outcomes = self.host.then_each(begun, self._delete)
        self.projections.end_stale_flows()
        with self.record.transaction():
            for outcome in outcomes:
                if not outcome.error:
                    lb_rows.delete(self.record, self.record.row_of(outcome.change))
        self.projections.apply()
        return outcomes

    def _delete(self, change: Change) -> None:
        from .lb_containers import LbContainers

        LbContainers(self.host).delete(lb_rows.row_of(self.record, change))
