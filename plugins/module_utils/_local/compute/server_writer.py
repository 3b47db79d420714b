# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers are created, updated and deleted.

Each change has three parts: a transaction records the desired state, steps apply it, and a
transaction clears the task state.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Callable, Dict, Iterable, List, Mapping, Sequence

from ..._cloud import Outcome, Outcomes
from ..._model.change import Change, Changes, names_of
from ..._model.effect import RESTART
from ..._model.secret import Secrets
from ..._model.server import Server
from ..._model.server_type import CONTAINER
from ..._model.status import TaskState
from ..network import dns_names
from ..record.host import Host
from ..record.projection import Projections
from . import server_rows
from .machine_types import MachinesOfServers
from .server_row_deletion import delete
from .server_status import recorded_power

if TYPE_CHECKING:
    from .row_types import CompleteServer

_DONE = 'UPDATE main.server SET task_state = NULL, phase = NULL WHERE id = ?'
_EXTENDED = 'UPDATE main.volume SET task_state = NULL WHERE server_id = ? AND bootable'


class ServerWriter:
    """Changes servers in the record and on the host."""

    def __init__(self, host: Host, projections: Projections, secrets: Secrets) -> None:
        """``secrets``: of this task; they are never recorded."""
        self.host = host
        self.record = host.record
        self.projections = projections
        self.secrets = secrets
        self.machines = MachinesOfServers(host)

    def create(self, changes: Changes, existing: Sequence[Server]) -> Outcomes:
        """Record servers, create their disks, load the firewall, then start them.

        No server starts before its rules are loaded. ``existing``: those of these servers that an
        interrupted run has recorded.
        """
        outdated = self._delete_outdated(changes, existing)
        with self.record.writer.transaction():
            balancers = {name: server_rows.delete_reserved(self.record, name) for name in outdated}
            new = [
                change.name
                for change in changes
                if server_rows.reserve(self.record, self.host.pools, change.new(Server))
            ]
            dns_names.check_dns_names(self.record, 'server', new)
            for name in outdated:
                server_rows.join(self.record, name, balancers[name])
        return self._build([Outcome(change) for change in changes])

    def _delete_outdated(self, changes: Changes, existing: Sequence[Server]) -> List[str]:
        """Delete the machines of servers that were recorded with other options, and never launched.

        Return their names.
        """
        reserved = {server.name: server.completed() for server in existing if not server.launched}
        outdated: List[Change] = []
        for change in changes:
            wanted = change.new(Server)
            if reserved.get(change.name, wanted) != wanted:
                outdated.append(change)
        rows = self.complete_rows(outdated) if outdated else {}
        for row in rows.values():
            self.host.with_retry(partial(self._erase, row))
        return names_of(outdated)

    def update(self, changes: Changes) -> Outcomes:
        """Update servers: while they run if possible, with a restart if the change allows one."""
        self.host.work.start_clock()
        _check_growth(changes)
        begun = self.record.writer.change(
            changes,
            lambda change, row: server_rows.update(self.record, self.host.pools, change, row),
        )
        self.projections.apply()
        rows = self.complete_rows(changes)
        restarted = ids_of(begun, rows, _may_restart)
        self.projections.drain(restarted)

        def resize(change: Change) -> None:
            row = rows[change.name]
            self.machines.of(row).resize(change, row)

        outcomes = self.host.work.then_each(begun, resize)
        self.projections.undrain(restarted)
        return self.host.work.finish(outcomes, _DONE, _EXTENDED)

    def repair(self, changes: Changes) -> Outcomes:
        """Define machines as recorded; running ones change at their next start."""

        def begin(change: Change, row: int) -> None:
            values = {
                'power': recorded_power(change.new(Server)),
                'task_state': TaskState.REPAIRING,
            }
            self.record.writer.update_row('server', row, values)

        begun = self.record.writer.change(changes, begin)
        return self._build(begun)

    def _build(self, begun: Outcomes) -> Outcomes:
        """Create disks and seeds, load the firewall, then define machines and start them."""
        rows = self.complete_rows([outcome.change for outcome in begun])

        def prepare(change: Change) -> None:
            row = rows[change.name]
            self.machines.of(row).prepare(row)

        def start(change: Change) -> None:
            row = rows[change.name]
            self.machines.of(row).define_and_start(row)

        self._show(rows, TaskState.BLOCK_DEVICE_MAPPING)
        prepared = self.host.work.then_each(begun, prepare)
        self._show(rows, TaskState.NETWORKING)
        self.projections.apply()
        self._show(rows, TaskState.SPAWNING)
        there = [outcome.change for outcome in prepared if not outcome.error]
        started = self.host.work.for_each(there, start)
        seconds = {outcome.change.name: outcome.seconds or 0.0 for outcome in prepared}
        built = [
            outcome._replace(seconds=(outcome.seconds or 0.0) + seconds[outcome.change.name])
            for outcome in started
        ]
        failed = [outcome for outcome in prepared if outcome.error]
        return self.host.work.finish([*failed, *built], _DONE)

    def _show(self, rows: Mapping[str, CompleteServer], phase: TaskState) -> None:
        """Let other runs see how far the creation of servers is. The export does without."""
        new = [
            (phase, row['id']) for row in rows.values() if row['task_state'] == TaskState.CREATING
        ]
        if new:
            with self.record.writer.transaction(exports=False) as sql:
                sql.executemany('UPDATE main.server SET phase = ? WHERE id = ?', new)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete machines, root disks and automatic floating IPs; detach what has its own name."""
        begun = self.record.writer.set(changes, {'task_state': TaskState.DELETING})
        rows = self.complete_rows(changes)
        erase: Callable[[CompleteServer], None] = self._erase
        if any(row['snapshots'] != '[]' for row in rows.values()):
            from .snapshot_writer import with_snapshots

            erase = with_snapshots(self.host, rows, erase)
        outcomes = self.host.work.then_each(begun, lambda change: erase(rows[change.name]))
        deleted = [rows[outcome.change.name]['id'] for outcome in outcomes if not outcome.error]
        self.projections.end_stale_flows()
        with self.record.writer.transaction():
            delete(self.record, deleted)
            self.record.writer.end(outcomes)
        self.projections.apply()
        return outcomes

    def _erase(self, row: CompleteServer) -> None:
        self.machines.of(row).erase(row)

    def redefine(self, names: Iterable[str]) -> None:
        """Define the machines of servers after a change of their volumes.

        The lock keeps another run from writing their metadata meanwhile.
        """
        rows = self.rows_named(list(names)).values()
        with self.host.locks.projection('metadata'):
            for row in rows:
                machines = self.machines.of(row)
                if self.host.settings.volume_types:
                    from .volume_limits_writer import limit

                    limit(self.host, machines, [row])
                self.host.with_retry(partial(machines.define, row))
        for row in rows:
            self.machines.of(row).renew_volumes(row)

    def limit(self, names: Iterable[str]) -> None:
        """Limit the machines of servers as their flavors do now, also while they run."""
        rows = self.rows_named(list(names)).values()
        self.host.work.in_parallel(
            lambda row: self.host.with_retry(partial(self.machines.of(row).limit, row)), list(rows)
        )

    def complete_rows(self, changes: Changes) -> Dict[str, CompleteServer]:
        """The rows of the servers of changes, with all values of their machines, by name."""
        return self.rows_named([change.name for change in changes])

    def rows_named(self, names: Sequence[str]) -> Dict[str, CompleteServer]:
        """The rows of servers, with all values of their machines, by name."""
        rows = server_rows.complete_rows(self.record, self.secrets.user_data, names)
        if self.secrets.root_password:
            from .container_passwords import add_password

            add_password(rows, self.secrets.root_password, self.record.secret())
        return rows


def ids_of(
    begun: Outcomes, rows: Mapping[str, CompleteServer], is_meant: Callable[[Change], bool]
) -> List[int]:
    """The row ids of the servers whose changes are meant, of those that have begun."""
    changes = [outcome.change for outcome in begun if not outcome.error]
    return [rows[change.name]['id'] for change in changes if is_meant(change)]


def _check_growth(changes: Changes) -> None:
    """Refuse what this process may not do with the files of containers that run."""
    for change in changes:
        before, after = change.old(Server), change.new(Server)
        if before.type == CONTAINER and before.volume_size < after.volume_size:
            from .container_roots import check_growth

            check_growth(change.name, before.power != 'stopped')


def _may_restart(change: Change) -> bool:
    """Whether a server that runs is restarted, or an interrupted run may have begun that."""
    return change.effect == RESTART or change.old(Server).unfinished is not None
