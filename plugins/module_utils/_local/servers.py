# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers as libvirt domains. Every verb has one shape: a transaction writes what should be, steps make it so, a transaction says that it is done."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Mapping, Sequence, Set, Tuple

from .._cloud import CloudError, Outcome
from .._model.change import Change
from .._model.server import Nic, Server
from .._model.user_data import UserDataHash
from .devices import bridge_name
from .firewalls import LocalFirewalls
from .host import THREADS, Host
from .hypervisor import Machine, tolerate

if (
    TYPE_CHECKING
):  # what acts is imported where it acts: a task that finds nothing to do does not pay for it
    from .._model.first_boot import FirstBoot
    from .machines import Machines

_CHOSEN = 'FROM server s WHERE (?1 IS NULL OR s.name IN (SELECT value FROM json_each(?1)) OR s.member_of = ?2)'
_KEYS = """(SELECT json_group_array(name) FROM (SELECT k.name FROM server_keypair sk
  JOIN keypair k ON k.id = sk.keypair_id WHERE sk.server_id = s.id ORDER BY sk.position))"""
SERVERS = f"""SELECT s.*, i.name AS image, i.uuid AS image_uuid, i.source AS image_source, {_KEYS} AS more_keys
  {_CHOSEN.replace('WHERE', 'JOIN image i ON i.id = s.image_id WHERE')}
  ORDER BY length(s.name), s.name"""
PORTS = f"""SELECT p.*, n.name AS network, f.address AS floating FROM port p JOIN network n ON n.id = p.network_id
  LEFT JOIN floating_ip f ON f.port_id = p.id WHERE p.server_id IN (SELECT s.id {_CHOSEN}) ORDER BY p.server_id, p.position"""
_GROUPS = f"""SELECT p.server_id, p.id AS port_id, p.own_groups, g.name FROM port_security_group pg JOIN port p ON p.id = pg.port_id
  JOIN security_group g ON g.id = pg.group_id WHERE p.server_id IN (SELECT s.id {_CHOSEN}) ORDER BY g.name"""
VOLUMES = f'SELECT * FROM volume WHERE server_id IN (SELECT s.id {_CHOSEN}) ORDER BY id'
_WATCHED = """SELECT s.*, p.address, p.mac, p.network_id, n.gateway FROM server s
  JOIN port p ON p.server_id = s.id AND p.position = 0 JOIN network n ON n.id = p.network_id
  WHERE s.name IN (SELECT value FROM json_each(?1))"""
_DONE = 'UPDATE server SET task_state = NULL WHERE name = ?'


class LocalServers:
    """Servers of the local cloud."""

    def __init__(self, host: Host, firewalls: LocalFirewalls, secrets: Mapping[str, str]) -> None:
        """``secrets``: user data of this run by its hash; it is never recorded."""
        self.host, self.record, self.firewalls, self.secrets = host, host.record, firewalls, secrets

    # -- looking ---------------------------------------------------------------------------------

    def list(
        self, names: Iterable[str] | None = None, member_of: str | None = None
    ) -> Tuple[Server, ...]:
        """Look: all, those of these names, and the members of a group."""
        chosen = (None if names is None else json.dumps(sorted(set(names))), member_of)
        found: Tuple[Server, ...] = self.host.with_retry(lambda: self._seen(chosen))
        return found

    def _seen(self, chosen: Tuple[str | None, str | None]) -> Tuple[Server, ...]:
        rows = self.record.rows(SERVERS, *chosen)
        if not rows:
            return ()
        ports, groups, volumes = (
            by_server(self.record.rows(query, *chosen)) for query in (PORTS, _GROUPS, VOLUMES)
        )
        machines = self.host.hypervisor.machines()
        older = self._outdated(rows)
        whole = [
            {**dict(row), 'ports': ports.get(row['id'], []), 'volumes': volumes.get(row['id'], [])}
            for row in rows
        ]
        found = (
            self._server(row, groups.get(row['id'], []), machines.get(row['uuid'])) for row in whole
        )
        return tuple(
            replace(server, outdated=('init_script',)) if server.name in older else server
            for server in found
        )

    def _outdated(self, rows: Sequence[Any]) -> Set[str]:
        """The names of servers that were made with another text of their init script."""
        if not any(row['init_script'] for row in rows):
            return set()
        from .server_rows import outdated

        return outdated(self.record, rows)

    def _server(self, row: Any, groups: Sequence[Any], machine: Machine | None) -> Server:
        """What is under way, or was interrupted, ends with the power that the record says, and is not looked at closer; so for a machine that is gone."""
        ports = row['ports']
        faults, reason = self._state(row, machine)
        return Server(
            name=row['name'],
            power=row['power'] if row['task_state'] or machine is None else machine.power,
            flavor=row['flavor'],
            vcpus=row['vcpus'],
            memory=row['memory'],
            image=row['image'],
            key_names=key_names(row),
            user_data=None if row['user_data'] is None else UserDataHash(row['user_data']),
            volume_size=row['volume_size'],
            init_script=row['init_script'],
            security_groups=tuple(
                dict.fromkeys(group['name'] for group in groups if not group['own_groups'])
            ),
            networks=tuple(_nic(port, groups) for port in ports),
            floating_ip=next((port['floating'] for port in ports if port['floating']), None),
            volumes=tuple(volume['name'] for volume in row['volumes']),
            delete_protection=bool(row['delete_protection']),
            guest_agent=bool(row['guest_agent']),
            description=row['description'],
            labels=json.loads(row['labels']),
            member_of=row['member_of'],
            id=row['uuid'],
            task_state=row['task_state'],
            faults=faults,
            reason=reason,
            seeded=os.path.exists(self.host.settings.path('servers', row['uuid'], 'seed.iso')),
            launched=row['task_state'] != 'creating'
            or bool(row['volumes'])
            or (machine is not None and machine.power != 'stopped'),
            created_by=row['created_by'],
            created_at=row['created_at'],
        )

    def _state(self, row: Any, machine: Machine | None) -> Tuple[Tuple[str, ...], str]:
        """What is wrong with a machine, and why it stands still."""
        if row['task_state'] not in (None, 'repairing'):
            return (), ''
        from .faults import machine_faults, pause_reason

        volumes = [
            self.host.settings.path('volumes', volume['uuid'] + '.qcow2')
            for volume in row['volumes']
            if volume['task_state'] is None
        ]
        return machine_faults(
            row, machine, self.host.settings.path('servers', row['uuid']), volumes
        ), pause_reason(machine)

    def hash_user_data(self, user_data: str) -> UserDataHash:
        """First-boot content as it would be recorded."""
        return UserDataHash.of(user_data, self.record.secret())

    def address_owners(self, wanted: Iterable[Tuple[str, str]]) -> Dict[Tuple[str, str], str]:
        """Who has these fixed addresses and MACs (network name, address or MAC)."""
        query = """SELECT coalesce(s.name, 'lb ' || b.name, 'port ' || p.name) FROM port p JOIN network n ON n.id = p.network_id
          LEFT JOIN server s ON s.id = p.server_id LEFT JOIN balancer b ON b.id = p.balancer_id WHERE n.name = ?1 AND ?2 IN (p.address, p.mac)"""
        found = {place: self.record.value(query, *place) for place in wanted}
        return {place: owner for place, owner in found.items() if owner is not None}

    def dns_owners(self, names: Iterable[str]) -> Dict[Tuple[str, str], Tuple[str, ...]]:
        """Who has these DNS names, servers and balancers: by network and name in lower case."""
        from .dns_names import dns_owners

        return dns_owners(self.record, names)

    def readiness(self, names: Sequence[str], wait_for: str, seconds: float) -> Dict[str, str]:
        """What each of these servers lacks of what is waited for; empty: nothing. ``seconds``: what the guests have to answer."""
        from . import readiness

        rows = self.record.named(_WATCHED, names)
        until = time.monotonic() + max(1.0, seconds)
        gone = sorted(set(names) - {row['name'] for row in rows})
        if gone:
            raise CloudError(
                f'server {", ".join(gone)} no longer exists: it was deleted while this task waited for {wait_for}'
            )

        def look(row: Any) -> str:
            place = (
                row['address'],
                row['mac'],
                self._console(row),
                bridge_name(row['network_id']),
                row['gateway'],
            )
            server = readiness.Watched(row['uuid'], *place, bool(row['guest_agent']))
            try:
                return str(
                    self.host.with_retry(
                        lambda: readiness.missing(self.host, server, wait_for, until)
                    )
                )
            except CloudError as error:
                raise CloudError(f'server {row["name"]}: {error}') from error

        return dict(zip([row['name'] for row in rows], self.host.in_parallel(look, rows)))

    def first_boots(self, names: Sequence[str]) -> Dict[str, FirstBoot]:
        """How the first boots of these servers went."""
        from . import readiness

        until = time.monotonic() + max(1, self.host.timeout)
        there = self.host.with_retry(self.host.hypervisor.machines)
        rows = [row for row in self.record.named(_WATCHED, names) if row['uuid'] in there]

        def look(row: Any) -> FirstBoot | None:
            with tolerate('NO_DOMAIN'):  # it is gone since
                machine = self.host.hypervisor.qemu.lookupByUUIDString(row['uuid'])
                return readiness.first_boot(machine, self._console(row), until)
            return None

        found = dict(zip([row['name'] for row in rows], self.host.in_parallel(look, rows)))
        return {name: boot for name, boot in found.items() if boot}

    def _console(self, row: Any) -> str:
        return self.host.settings.path('servers', row['uuid'], 'console.log')

    # -- changing --------------------------------------------------------------------------------

    def create(self, changes: Sequence[Change]) -> List[Outcome]:
        """Reserve all, make disks and seeds, load the firewall, then start. No server starts before its rules are loaded."""
        from . import dns_names, server_rows

        others = self._others(changes)
        with self.record.transaction():
            for name in others:
                server_rows.forget(self.record, name)
            new = [
                change.name
                for change in changes
                if server_rows.reserve(self.record, self.host.pools, change.after)
            ]
            dns_names.check_dns_names(self.record, 'server', new)
        return self._build(changes)

    def _others(self, changes: Sequence[Change]) -> List[str]:
        """Servers that an earlier run could not make, and that are to be made otherwise: what there is of them is erased."""
        names = [change.name for change in changes]
        if not self.record.named(
            'SELECT 1 FROM server WHERE name IN (SELECT value FROM json_each(?1))', names
        ):
            return []
        current = {
            server.name: replace(server, task_state=None, seeded=True, launched=True)
            for server in self.list(names)
            if not server.launched
        }
        others = [
            change
            for change in changes
            if change.name in current and current[change.name] != change.after
        ]
        rows, machines = self._whole(others), self._machines()
        for change in others:
            self.host.with_retry(partial(machines.delete, rows[change.name]))
        return [change.name for change in others]

    def update(self, changes: Sequence[Change]) -> List[Outcome]:
        """Write what should be, and make it so: live where it can be, with a restart where that was allowed."""
        from . import server_rows

        with self.record.transaction():
            for change in changes:
                server_rows.rewrite(self.record, self.host.pools, change)
        self.firewalls.apply()
        rows, machines = self._whole(changes), self._machines()
        outcomes = self.host.for_each(
            changes, lambda change: machines.resize(change, rows[change.name])
        )
        return self.host.finish(outcomes, _DONE)

    def repair(self, changes: Sequence[Change]) -> List[Outcome]:
        """Define machines again as the record says; what runs goes on as it is until its next start."""
        from .server_rows import wanted

        with self.record.transaction() as sql:
            sql.executemany(
                "UPDATE server SET power = ?, task_state = 'repairing' WHERE name = ?",
                [(wanted(change.after), change.name) for change in changes],
            )
        return self._build(changes)

    def _build(self, changes: Sequence[Change]) -> List[Outcome]:
        """Make disks and seeds, load the firewall, then define machines and start them."""
        rows, machines = self._whole(changes), self._machines()
        made = self.host.for_each(changes, lambda change: machines.prepare(rows[change.name]))
        self.firewalls.apply()
        good = [outcome.change for outcome in made if not outcome.error]
        started = self.host.finish(
            self.host.for_each(good, lambda change: machines.define_and_start(rows[change.name])),
            _DONE,
        )
        spent = {outcome.change.name: outcome.seconds or 0.0 for outcome in made}
        started = [
            outcome._replace(seconds=(outcome.seconds or 0.0) + spent[outcome.change.name])
            for outcome in started
        ]
        return [*(outcome for outcome in made if outcome.error), *started]

    def resume(self, changes: Sequence[Change]) -> List[Outcome]:
        """Let paused servers go on."""
        return self._power(changes, 'started', 'resuming', self._machines().resume)

    def start(self, changes: Sequence[Change]) -> List[Outcome]:
        """Power on."""
        return self._power(changes, 'started', 'powering-on', self._machines().power_on)

    def stop(self, changes: Sequence[Change]) -> List[Outcome]:
        """Ask the guests to shut down, and wait until they have. One that does not stays as it is."""
        machines = self._machines()
        return self._power(
            changes, 'stopped', 'powering-off', machines.shut_down, machines.press_power_button
        )

    def power_off(self, changes: Sequence[Change]) -> List[Outcome]:
        """Pull the plug."""
        return self._power(changes, 'stopped', 'powering-off', self._machines().power_off)

    def delete(self, changes: Sequence[Change]) -> List[Outcome]:
        """Remove machines, root disks and automatic floating addresses; what was made on its own is detached and kept."""
        from . import server_rows

        with self.record.transaction() as sql:
            sql.executemany(
                "UPDATE server SET task_state = 'deleting' WHERE name = ?",
                [(change.name,) for change in changes],
            )
        rows, machines = self._whole(changes), self._machines()
        outcomes = self.host.for_each(changes, lambda change: machines.delete(rows[change.name]))
        gone = [rows[outcome.change.name]['id'] for outcome in outcomes if not outcome.error]
        self.firewalls.end_stale_flows()
        with self.record.transaction():
            server_rows.remove(self.record, gone)
        self.firewalls.apply()
        return outcomes

    def _power(
        self,
        changes: Sequence[Change],
        power: str,
        task_state: str,
        step: Callable[[Any], None],
        before: Callable[[Any], None] | None = None,
    ) -> List[Outcome]:
        """What does not end well leaves the server as it was, and says so.

        ``before``: asked of all first, where there are more than can be waited for at once: they
        have one time for it.
        """
        from .server_rows import wanted

        with self.record.transaction() as sql:
            sql.executemany(
                'UPDATE server SET power = ?, task_state = ? WHERE name = ?',
                [(power, task_state, change.name) for change in changes],
            )
        rows = self._whole(changes)
        if before and len(changes) > THREADS:
            self.host.for_each(changes, lambda change: before(rows[change.name]))
        outcomes = self.host.for_each(changes, lambda change: step(rows[change.name]))
        with self.record.transaction() as sql:
            for outcome in outcomes:
                current = wanted(outcome.change.before) if outcome.error else power
                sql.execute(
                    'UPDATE server SET power = ?, task_state = NULL WHERE name = ?',
                    (current, outcome.change.name),
                )
        return outcomes

    def redefine(self, names: Iterable[str]) -> None:
        """Define the machines of servers of these names again, after their volumes have changed; not while others write what machines say of these."""
        machines = self._machines()
        with self.host.locks.projection('metadata'):
            for row in self._whole(
                [Change('server', name, 'update', None, None) for name in names]
            ).values():
                self.host.with_retry(partial(machines.define, row))

    def _whole(self, changes: Sequence[Change]) -> Dict[str, Any]:
        from . import server_rows

        return server_rows.whole(self.record, self.secrets, [change.name for change in changes])

    def _machines(self) -> Machines:
        from .machines import Machines

        return Machines(self.host)


def by_server(rows: Sequence[Any]) -> Dict[int, List[Any]]:
    """Rows that name a server, by its number."""
    found: Dict[int, List[Any]] = {}
    for row in rows:
        found.setdefault(row['server_id'], []).append(row)
    return found


def key_names(row: Any) -> Tuple[str, ...]:
    """The key pairs of a server, the first of them first."""
    return () if row['key_name'] is None else (row['key_name'], *json.loads(row['more_keys']))


def _nic(port: Any, groups: Sequence[Any]) -> Nic:
    own = tuple(group['name'] for group in groups if group['port_id'] == port['id'])
    return Nic(
        port['network'],
        port['address'],
        port['mac'],
        port['name'],
        own if port['own_groups'] else None,
    )
