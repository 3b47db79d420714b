# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers as libvirt domains."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Callable, Dict, Iterable, Sequence, Set, Tuple

from ..._cloud import Outcomes
from ..._model.change import Changes, names_of
from ..._model.secret import Secrets
from ..._model.server import Server
from ..._model.server_type import CONTAINER
from ..._model.status import TaskState
from ..._model.user_data import UserDataHash
from ..record.host import Host
from ..record.projection import Projections
from . import server_queries as queries
from .server_status import status_of

if TYPE_CHECKING:
    from ..._model.console_log import ConsoleLog
    from ..._model.first_boot import FirstBoot
    from ..host.hypervisor import Machine
    from .row_types import ListedServer, ObservedServer
    from .server_writer import ServerWriter


class LocalServers:
    """Servers of the local cloud.

    What changes servers (server_writer.py) is imported at the first change: a task without changes
    does not load it.
    """

    def __init__(
        self, host: Host, projections: Callable[[], Projections], secrets: Secrets
    ) -> None:
        """``secrets``: of this task; they are never recorded."""
        self.host = host
        self.record = host.record
        self._projections = projections
        self.secrets = secrets

    # -- queries ---------------------------------------------------------------------------------

    def list(
        self, names: Iterable[str] | None = None, member_of: str | None = None
    ) -> Tuple[Server, ...]:
        """All servers, or those with these names and the members of a group."""
        selected = None if names is None else json.dumps(sorted(set(names)))
        return self.host.with_retry(lambda: self._observe(selected, member_of))

    def _observe(self, names: str | None, member_of: str | None) -> Tuple[Server, ...]:
        record = self.record
        selected = (names, member_of)
        rows = self.host.rows_in_progress('server', lambda: queries.server_rows(record, *selected))
        if not rows:
            return ()
        ports = queries.by_server(record.rows(queries.PORTS, *selected))
        bridge_ports = queries.by_server(record.rows(queries.BRIDGE_PORTS, *selected))
        groups = queries.by_server(record.rows(queries.GROUPS, *selected))
        volumes = queries.by_server(record.rows(queries.VOLUMES, *selected))
        machines = self._machines(rows)
        outdated = self._outdated(rows)
        found = []
        for row in rows:
            identity = row['id']
            machine = machines.get(row['uuid'])
            observed: ObservedServer = {
                **row,
                'ports': ports.get(identity, []),
                'bridge_ports': bridge_ports.get(identity, []),
                'groups': groups.get(identity, []),
                'volumes': volumes.get(identity, []),
            }
            server = self._server(observed, machine)
            if server.name in outdated:
                server = replace(server, outdated=('init_script',))
            server = self.host.with_progress('server', row, server)
            if server.task_state == TaskState.CREATING and row['phase']:
                server = replace(server, task_state=TaskState(row['phase']))
            if server.unfinished:
                from .last_failure import last_failure

                server = replace(server, failure=last_failure(record, server.name))
            status = status_of(server, machine, row['power'])
            found.append(server if status == server.status else replace(server, status=status))
        return tuple(found)

    def _machines(self, rows: Sequence[ListedServer]) -> Dict[str, Machine]:
        found = self.host.hypervisor.machines()
        if any(row['type'] == CONTAINER for row in rows):
            found.update(self.host.hypervisor.machines('lxc'))
        return found

    def _outdated(self, rows: Sequence[ListedServer]) -> Set[str]:
        if not self.host.only_looks:
            return queries.find_outdated(self.record, rows)
        if any(row['init_script_seal'] for row in rows):
            from ..record.looking import hide

            hide(self.host, 'which init scripts have changed since servers were created')
        return set()

    def _server(self, row: ObservedServer, machine: Machine | None) -> Server:
        from .server_translation import translated

        seed = self._seed(row)
        faults, reason = self._faults(row, machine, seed)
        return translated(row, machine, faults, reason, os.path.exists(seed))

    def _seed(self, row: ObservedServer) -> str:
        """What has the first-boot content: the CD of a machine, the root of a container."""
        name = 'root' if row['type'] == CONTAINER else 'seed.iso'
        return self.host.settings.path('servers', row['uuid'], name)

    def _faults(
        self, row: ObservedServer, machine: Machine | None, seed: str
    ) -> Tuple[Tuple[str, ...], str]:
        """The faults of a machine, and why it is paused; none while a task is in progress."""
        if row['task_state'] not in (None, TaskState.REPAIRING):
            return (), ''
        if row['type'] == CONTAINER:
            from .container_faults import container_faults

            return container_faults(self.host, row, machine, seed), ''
        from ..storage.pools import pool_of
        from .faults import machine_faults, pause_reason

        faults = machine_faults(row, machine, seed, pool_of(self.host))
        return faults, pause_reason(machine)

    def hash_user_data(self, user_data: str) -> UserDataHash:
        """User data as it would be recorded."""
        return UserDataHash.of(user_data, self.record.secret())

    def password_weakness(self, password: str) -> str:
        """Why a password is none by the policy of this host."""
        from .container_passwords import weakness

        return weakness(password)

    def address_owners(self, wanted: Iterable[Tuple[str, str]]) -> Dict[Tuple[str, str], str]:
        """The owners of fixed IPs and MACs, by network and address."""
        from .address_owners import address_owners

        return address_owners(self.record, wanted)

    def dns_owners(self, names: Iterable[str]) -> Dict[Tuple[str, str], Tuple[str, ...]]:
        """The servers and balancers with these DNS names, by network and name in lower case."""
        from ..network.dns_names import dns_owners

        return dns_owners(self.record, names)

    def hardware_choices(self) -> Dict[str, Tuple[str, ...]]:
        """What the machines of this host can have, by option of the hardware."""
        from .domain import has_kvm
        from .hardware_xml import choices

        return choices(self.host.hypervisor.qemu, has_kvm(self.host.settings.virt_type))

    # -- guests ----------------------------------------------------------------------------------

    def readiness(self, names: Sequence[str], wait_for: str, seconds: float) -> Dict[str, str]:
        """Why servers are not ready yet; empty if they are. ``seconds``: the time for the check."""
        from .server_guests import reasons

        return reasons(self.host, names, wait_for, seconds)

    def first_boots(self, names: Sequence[str]) -> Dict[str, FirstBoot]:
        """The results of the first boots of those of these servers that have a machine."""
        from .server_guests import first_boots

        if self.host.only_looks:
            from ..record.looking import hide

            hide(self.host, 'how the first boots of servers went')
            return {}
        return first_boots(self.host, names)

    def console_logs(self, names: Sequence[str], lines: int) -> Dict[str, ConsoleLog]:
        """The newest lines of the console logs of those of these servers that exist."""
        from .console import console_logs

        return console_logs(self.host, names, lines)

    # -- changes ---------------------------------------------------------------------------------

    def _writer(self) -> ServerWriter:
        from .server_writer import ServerWriter

        return ServerWriter(self.host, self._projections(), self.secrets)

    def create(self, changes: Changes) -> Outcomes:
        """Create servers."""
        existing = self.list(names_of(changes))
        return self._writer().create(changes, existing)

    def update(self, changes: Changes) -> Outcomes:
        """Update servers; those whose change has the effect restart are restarted."""
        return self._writer().update(changes)

    def repair(self, changes: Changes) -> Outcomes:
        """Define machines as recorded."""
        return self._writer().repair(changes)

    def act(self, changes: Changes) -> Outcomes:
        """Apply an action of the life cycle, which all changes have as their verb."""
        from .server_actions import ServerActions

        return ServerActions(self._writer()).act(changes)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete servers."""
        return self._writer().delete(changes)

    def limit(self, names: Iterable[str]) -> None:
        """Limit the machines of servers as their flavors do now."""
        self._writer().limit(names)

    def redefine(self, names: Iterable[str]) -> None:
        """Define the machines of servers after a change of their volumes."""
        self._writer().redefine(names)
