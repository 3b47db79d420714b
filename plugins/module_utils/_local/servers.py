# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers as libvirt domains. Every verb has one shape: a transaction writes what should be, steps make it so, a transaction says that it is done."""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Mapping, Sequence, Tuple

from .._cloud import CloudError, Outcome
from .._model.change import AFTER_APPLY, RESTART, Change
from .._model.server import Nic, Server
from . import addresses
from .firewalls import LocalFirewalls, bridge, tap
from .host import Host, await_
from .hypervisor import Machine, tolerate
from .record import described

if TYPE_CHECKING:  # what acts is imported where it acts: a task that finds nothing to do does not pay for it
    from .._model.first_boot import FirstBoot
    from . import domain

_CHOSEN = 'FROM server s WHERE (?1 IS NULL OR s.name IN (SELECT value FROM json_each(?1)) OR s.member_of = ?2)'
_SERVERS = f"""SELECT s.*, i.name AS image, i.uuid AS image_uuid, i.source AS image_source {_CHOSEN.replace('WHERE', 'JOIN image i ON i.id = s.image_id WHERE')}
  ORDER BY length(s.name), s.name"""
_PORTS = f"""SELECT p.*, n.name AS network, f.address AS floating FROM port p JOIN network n ON n.id = p.network_id
  LEFT JOIN floating_ip f ON f.port_id = p.id WHERE p.server_id IN (SELECT s.id {_CHOSEN}) ORDER BY p.server_id, p.position"""
_GROUPS = f"""SELECT p.server_id, p.id AS port_id, p.own_groups, g.name FROM port_security_group pg JOIN port p ON p.id = pg.port_id
  JOIN security_group g ON g.id = pg.group_id WHERE p.server_id IN (SELECT s.id {_CHOSEN}) ORDER BY g.name"""
_VOLUMES = f'SELECT * FROM volume WHERE server_id IN (SELECT s.id {_CHOSEN}) ORDER BY id'
_DONE = 'UPDATE server SET task_state = NULL WHERE name = ?'
_ASK_AGAIN = 3.0  # seconds; a power button pressed in the first second after a start is lost


class LocalServers:
    """Servers of the local cloud."""

    def __init__(self, host: Host, firewalls: LocalFirewalls, seeds: Mapping[str, str]) -> None:
        """``seeds``: user data of this run by its hash; it is never recorded."""
        self.host, self.record, self.firewalls, self.seeds = host, host.record, firewalls, seeds

    # -- looking ---------------------------------------------------------------------------------

    def list(self, names: Iterable[str] | None = None, member_of: str | None = None) -> Tuple[Server, ...]:
        """Look: all, those of these names, and the members of a group."""
        chosen = (None if names is None else json.dumps(sorted(set(names))), member_of)
        rows = self.record.rows(_SERVERS, *chosen)
        if not rows:
            return ()
        ports, groups, volumes = (_by_server(self.record.rows(query, *chosen)) for query in (_PORTS, _GROUPS, _VOLUMES))
        machines = self.host.hypervisor.machines()
        whole = [{**dict(row), 'ports': ports.get(row['id'], []), 'volumes': volumes.get(row['id'], [])} for row in rows]
        return tuple(self._server(row, groups.get(row['id'], []), machines.get(row['uuid'])) for row in whole)

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
            key_name=row['key_name'],
            user_data=row['user_data'],
            volume_size=row['volume_size'],
            init_script=row['init_script'],
            security_groups=tuple(dict.fromkeys(group['name'] for group in groups if not group['own_groups'])),
            networks=tuple(_nic(port, groups) for port in ports),
            floating_ip=next((port['floating'] for port in ports if port['floating']), None),
            volumes=tuple(volume['name'] for volume in row['volumes']),
            delete_protection=bool(row['delete_protection']),
            description=row['description'],
            labels=json.loads(row['labels']),
            member_of=row['member_of'],
            id=row['uuid'],
            task_state=row['task_state'],
            faults=faults,
            reason=reason,
            seeded=row['task_state'] is None or os.path.exists(self._folder(row['uuid'], 'seed.iso')),
            created_by=row['created_by'],
            created_at=row['created_at'],
        )

    def _state(self, row: Any, machine: Machine | None) -> Tuple[Tuple[str, ...], str]:
        """What is wrong with a machine, and why it stands still."""
        if row['task_state']:
            return (), ''
        from .faults import machine_faults, pause_reason

        volumes = [self.host.settings.path('volumes', volume['uuid'] + '.qcow2') for volume in row['volumes'] if volume['task_state'] is None]
        return machine_faults(row, machine, self._folder(row['uuid']), volumes), pause_reason(machine)

    def owners(self, wanted: Iterable[Tuple[str, str]]) -> Dict[Tuple[str, str], str]:
        """Who has these fixed addresses (network name, address)."""
        query = """SELECT coalesce(s.name, 'lb ' || b.name, 'port ' || p.name) FROM port p JOIN network n ON n.id = p.network_id
          LEFT JOIN server s ON s.id = p.server_id LEFT JOIN balancer b ON b.id = p.balancer_id WHERE n.name = ? AND p.address = ?"""
        found = {place: self.record.value(query, *place) for place in wanted}
        return {place: owner for place, owner in found.items() if owner is not None}

    def reached(self, names: Sequence[str], wait_for: str) -> Dict[str, str]:
        """What each of these servers lacks of what is waited for; empty: nothing."""
        from . import signs

        rows = self.record.named('SELECT * FROM server WHERE name IN (SELECT value FROM json_each(?1))', names)
        first = {port['server_id']: port for port in self.record.rows('SELECT * FROM port WHERE server_id IS NOT NULL AND position = 0')}

        def look(row: Any) -> str:
            port = first[row['id']]
            try:
                return signs.missing(self.host, row['uuid'], port['address'], port['mac'], self._folder(row['uuid'], 'console.log'), wait_for)
            except CloudError as error:
                raise CloudError(f'server {row["name"]}: {error}') from error

        return dict(zip([row['name'] for row in rows], self.host.side_by_side(look, rows)))

    def first_boots(self, names: Sequence[str]) -> Dict[str, FirstBoot]:
        """How the first boots of these servers went."""
        from . import signs

        def look(row: Any) -> FirstBoot:
            machine = self.host.hypervisor.qemu.lookupByUUIDString(row['uuid'])
            return signs.first_boot(machine, self._folder(row['uuid'], 'console.log'))

        there = self.host.hypervisor.machines()
        rows = [row for row in self.record.named('SELECT * FROM server WHERE name IN (SELECT value FROM json_each(?1))', names) if row['uuid'] in there]
        return dict(zip([row['name'] for row in rows], self.host.side_by_side(look, rows)))

    # -- changing --------------------------------------------------------------------------------

    def create(self, changes: Sequence[Change]) -> List[Outcome]:
        """Reserve all, make disks and seeds, load the firewall, then start. No server starts before its rules are loaded."""
        with self.record.transaction():
            for change in changes:
                self._reserve(change.after)
        rows = self._rows(changes)
        made = self.host.each(changes, lambda change: self._furnish(rows[change.name]))
        self.firewalls.apply()
        good = [outcome.change for outcome in made if not outcome.error]
        started = self.host.each(good, lambda change: self._settle(rows[change.name]))
        self.host.finish(started, _DONE)
        spent = {outcome.change.name: outcome.seconds or 0.0 for outcome in made}
        started = [outcome._replace(seconds=(outcome.seconds or 0.0) + spent[outcome.change.name]) for outcome in started]
        return [*(outcome for outcome in made if outcome.error), *started]

    def update(self, changes: Sequence[Change]) -> List[Outcome]:
        """Write what should be, and make it so: live where it can be, with a restart where that was allowed."""
        with self.record.transaction():
            for change in changes:
                self._rewrite(change)
        self.firewalls.apply()
        cut = [change.before.floating_ip for change in changes if change.before.floating_ip not in (None, change.after.floating_ip)]
        self.firewalls.cut(cut)
        rows = self._rows(changes)
        outcomes = self.host.each(changes, lambda change: self._remake(change, rows[change.name]))
        return self.host.finish(outcomes, _DONE)

    def repair(self, changes: Sequence[Change]) -> List[Outcome]:
        """Define machines again as the record says; what runs goes on as it is until its next start."""
        with self.record.transaction() as sql:
            sql.executemany(
                "UPDATE server SET power = ?, task_state = 'repairing' WHERE name = ?", [(_wanted(change.after), change.name) for change in changes]
            )
        rows = self._rows(changes)
        outcomes = self.host.each(changes, lambda change: self._furnish(rows[change.name]))
        self.firewalls.apply()
        good = [outcome.change for outcome in outcomes if not outcome.error]
        return [
            *(outcome for outcome in outcomes if outcome.error),
            *self.host.finish(self.host.each(good, lambda change: self._settle(rows[change.name])), _DONE),
        ]

    def resume(self, changes: Sequence[Change]) -> List[Outcome]:
        """Let paused servers go on."""
        return self._power(changes, 'started', 'resuming', lambda row: self._resume(row['uuid']))

    def start(self, changes: Sequence[Change]) -> List[Outcome]:
        """Power on."""
        return self._power(changes, 'started', 'powering-on', lambda row: self._power_on(row['uuid']))

    def stop(self, changes: Sequence[Change]) -> List[Outcome]:
        """Ask the guests to shut down, and wait until they have. One that does not stays as it is."""
        return self._power(changes, 'stopped', 'powering-off', self._shut_down)

    def power_off(self, changes: Sequence[Change]) -> List[Outcome]:
        """Pull the plug."""
        return self._power(changes, 'stopped', 'powering-off', lambda row: self._pull(row['uuid']))

    def delete(self, changes: Sequence[Change]) -> List[Outcome]:
        """Remove machines, root disks and automatic floating addresses; what was made on its own is detached and kept."""
        with self.record.transaction() as sql:
            sql.executemany("UPDATE server SET task_state = 'deleting' WHERE name = ?", [(change.name,) for change in changes])
        rows = self._rows(changes)
        outcomes = self.host.each(changes, lambda change: self._erase(rows[change.name]))
        gone = [rows[outcome.change.name]['id'] for outcome in outcomes if not outcome.error]
        chosen = 'SELECT value FROM json_each(?)'
        ports = f'SELECT id FROM port WHERE server_id IN ({chosen})'
        flows = [
            row['address']
            for table, column in (('port', 'id'), ('floating_ip', 'port_id'))
            for row in self.record.rows(f'SELECT address FROM {table} WHERE {column} IN ({ports})', json.dumps(gone))
        ]
        with self.record.transaction() as sql:
            sql.execute(f'DELETE FROM floating_ip WHERE automatic AND port_id IN ({ports})', (json.dumps(gone),))
            sql.execute(f'UPDATE port SET server_id = NULL, position = 0 WHERE name IS NOT NULL AND server_id IN ({chosen})', (json.dumps(gone),))
            sql.execute(f'UPDATE volume SET server_id = NULL WHERE server_id IN ({chosen})', (json.dumps(gone),))
            sql.execute(f'DELETE FROM server WHERE id IN ({chosen})', (json.dumps(gone),))
        self.firewalls.apply()
        self.firewalls.cut(flows)
        return outcomes

    # -- the record ------------------------------------------------------------------------------

    def _reserve(self, server: Server) -> None:
        import uuid

        if self.record.value('SELECT id FROM server WHERE name = ?', server.name) is not None:
            return  # an earlier run was interrupted: what it reserved is used
        columns = {
            column: getattr(server, column)
            for column in ('name', 'member_of', 'flavor', 'vcpus', 'memory', 'key_name', 'user_data', 'init_script', 'volume_size', 'power')
        }
        row = self.record.insert(
            'server',
            {
                'uuid': str(uuid.uuid4()),
                **columns,
                'image_id': self.record.value('SELECT id FROM image WHERE name = ?', server.image),
                'delete_protection': server.delete_protection,
                **described(server),
                'task_state': 'creating',
            },
        )
        for position, nic in enumerate(server.networks):
            self._plug(nic, position, row)
        self._write_groups(server, row)
        if server.floating_ip:
            self._float(row, server.floating_ip)

    def _rewrite(self, change: Change) -> None:
        server: Server = change.after
        row = self.record.value('SELECT id FROM server WHERE name = ?', server.name)
        columns = {column: getattr(server, column) for column in ('flavor', 'vcpus', 'memory', 'volume_size', 'delete_protection')}
        self.record.update('server', row, {**columns, **described(server), 'power': _wanted(server), 'task_state': 'updating'})
        if (change.before.security_groups, change.before.networks) != (server.security_groups, server.networks):
            self._write_groups(server, row)
        if change.before.floating_ip != server.floating_ip:
            addresses.unfloat(self.record, 'server_id', row)
            if server.floating_ip:
                self._float(row, server.floating_ip)

    def _plug(self, nic: Nic, position: int, server: int) -> None:
        """Give a server a connection: a new one, or a port that was made beforehand."""
        if nic.port is None:
            addresses.lease(self.record, nic, position, {'server_id': server})
            return
        free = self.record.value('SELECT id FROM port WHERE name = ? AND server_id IS NULL', nic.port)
        if free is None:
            raise CloudError(f'port {nic.port} is not free any more; run again')
        self.record.update('port', free, {'server_id': server, 'position': position})

    def _write_groups(self, server: Server, row: int) -> None:
        """The groups of its connections: their own, else the server's. Those of ports are the ports'."""
        ports = self.record.rows('SELECT id FROM port WHERE server_id = ? ORDER BY position', row)
        for port, nic in zip(ports, server.networks):
            if nic.port is None:
                self.record.update('port', port['id'], {'own_groups': int(nic.security_groups is not None)})
                addresses.write_groups(self.record, port['id'], server.security_groups if nic.security_groups is None else nic.security_groups)

    def _float(self, server: int, address: str) -> None:
        there = 'SELECT f.id FROM floating_ip f JOIN port p ON p.id = f.port_id WHERE p.server_id = ? AND f.address = ?'
        if self.record.value(there, server, address) is not None:
            return  # it leads to a port that the server was given
        port = self.record.value('SELECT id FROM port WHERE server_id = ? AND position = 0', server)
        addresses.float_to(self.record, self.host.settings.pools, port, None if address == AFTER_APPLY else address)

    def _rows(self, changes: Sequence[Change]) -> Dict[str, Any]:
        """The rows of servers with all that their machines are made of; read before the threads begin."""
        from . import metadata

        chosen = (json.dumps([change.name for change in changes]), None)
        ports, volumes = _by_server(self.record.rows(_PORTS, *chosen)), _by_server(self.record.rows(_VOLUMES, *chosen))
        keys = {row['name']: row['public_key'] for row in self.record.rows('SELECT name, public_key FROM keypair')}
        scripts = {row['name']: row['content'] for row in self.record.rows('SELECT name, content FROM init_script')}
        told = metadata.told(self.record, [change.name for change in changes])
        return {
            row['name']: {
                **dict(row),
                'ports': ports.get(row['id'], []),
                'volumes': volumes.get(row['id'], []),
                'public_key': keys.get(row['key_name'], ''),
                'metadata': metadata.element(told[row['name']]),
                'first_boot': scripts.get(row['init_script'], '') or self.seeds.get(row['user_data'] or '', ''),
            }
            for row in self.record.rows(_SERVERS, *chosen)
        }

    def _power(self, changes: Sequence[Change], power: str, task_state: str, step: Callable[[Any], None]) -> List[Outcome]:
        """What does not end well leaves the server as it was, and says so."""
        with self.record.transaction() as sql:
            sql.executemany('UPDATE server SET power = ?, task_state = ? WHERE name = ?', [(power, task_state, change.name) for change in changes])
        rows = self._rows(changes)

        def done(change: Change) -> None:
            step(rows[change.name])
            self._describe(rows[change.name])

        outcomes = self.host.each(changes, done)
        with self.record.transaction() as sql:
            for outcome in outcomes:
                now = _wanted(outcome.change.before) if outcome.error else power
                sql.execute('UPDATE server SET power = ?, task_state = NULL WHERE name = ?', (now, outcome.change.name))
        return outcomes

    # -- the machine -----------------------------------------------------------------------------

    def _folder(self, identity: str, *names: str) -> str:
        return self.host.settings.path('servers', identity, *names)

    def _furnish(self, row: Any) -> None:
        """Make the root disk and the seed."""
        from . import disks, images, seed

        folder, locks = self._folder(row['uuid']), self.host.held('server', row['name'])
        os.makedirs(os.path.dirname(folder), 0o711, exist_ok=True)
        os.makedirs(folder, 0o711, exist_ok=True)
        disks.create(self.host, os.path.join(folder, 'root.qcow2'), row['volume_size'], locks, images.path(self.host, row['image_uuid']))
        macs, clone = tuple(port['mac'] for port in row['ports']), row['image_source'].startswith('server:')
        content = seed.Seed(row['uuid'], row['name'], macs, row['public_key'], row['first_boot'], clone)
        seed.write(self.host, os.path.join(folder, 'seed.iso'), content, locks)

    def _machine(self, row: Any) -> domain.Machine:
        from . import domain

        return domain.Machine(
            name=machine_name(row['id'], row['name']),
            uuid=row['uuid'],
            memory=row['memory'],
            vcpus=row['vcpus'],
            folder=self._folder(row['uuid']),
            interfaces=tuple(domain.Interface(tap(port['id']), port['mac'], bridge(port['network_id'])) for port in row['ports']),
            disks=tuple(volume_disk(self.host, volume['uuid']) for volume in row['volumes'] if volume['task_state'] != 'detaching'),
            kvm=domain.kvm_works(self.host.settings.virt_type),
            metadata=row['metadata'],
        )

    def define(self, row: Any) -> Any:
        """Define the machine as the record says; what runs goes on as it was until its next start."""
        from . import domain

        return self.host.hypervisor.qemu.defineXML(domain.xml(self._machine(row)))

    def redefine(self, names: Iterable[str]) -> None:
        """Define the machines of servers of these names again, after what belongs to them has changed."""
        rows = self._rows([Change('server', name, 'update', None, None) for name in names])
        for row in rows.values():
            self.define(row)

    def _settle(self, row: Any) -> None:
        self.define(row).setAutostart(1 if row['power'] == 'started' else 0)
        if row['power'] == 'started':
            self._power_on(row['uuid'])

    def _remake(self, change: Change, row: Any) -> None:
        before, after = change.before, change.after
        if before.task_state is None and (before.vcpus, before.memory, before.volume_size) == (after.vcpus, after.memory, after.volume_size):
            self._describe(row)
            return
        machine = self.define(row)
        if machine.isActive() and (change.effect == RESTART or before.task_state is not None) and not _fits(machine, row):
            self._shut_down(row)
        self._grow(machine, row)
        self._settle(row)

    def _describe(self, row: Any) -> None:
        """Have the machine say what its server is now."""
        import libvirt

        from . import metadata

        machine = self.host.hypervisor.qemu.lookupByUUIDString(row['uuid'])
        where = libvirt.VIR_DOMAIN_AFFECT_CONFIG | (libvirt.VIR_DOMAIN_AFFECT_LIVE if machine.isActive() else 0)
        machine.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, row['metadata'], metadata.PREFIX, metadata.URI, where)

    def _grow(self, machine: Any, row: Any) -> None:
        from . import disks

        size, path = row['volume_size'] * 2**30, self._folder(row['uuid'], 'root.qcow2')
        if machine.isActive():
            if machine.blockInfo('vda')[0] < size:
                machine.blockResize('vda', size, 1)  # VIR_DOMAIN_BLOCK_RESIZE_BYTES
        elif disks.describe_own(self.host, path)['virtual-size'] < size:
            disks.grow(self.host, path, row['volume_size'], self.host.held('server', row['name']))

    def _power_on(self, identity: str) -> None:
        from . import signs

        with tolerate('OPERATION_INVALID'):  # it runs already
            machine = self.host.hypervisor.qemu.lookupByUUIDString(identity)
            machine.setAutostart(1)
            if not machine.isActive():
                signs.mark_start(self._folder(identity, 'console.log'))
            machine.create()

    def _resume(self, identity: str) -> None:
        with tolerate('OPERATION_INVALID'):  # it is not paused any more
            self.host.hypervisor.qemu.lookupByUUIDString(identity).resume()

    def _pull(self, identity: str) -> None:
        with tolerate('OPERATION_INVALID', 'NO_DOMAIN'):  # it does not run
            machine = self.host.hypervisor.qemu.lookupByUUIDString(identity)
            machine.setAutostart(0)
            machine.destroy()

    def _shut_down(self, row: Any) -> None:
        import time

        machine = self.host.hypervisor.qemu.lookupByUUIDString(row['uuid'])
        asked = [0.0]

        def down() -> bool:
            if not machine.isActive():
                return True
            if time.monotonic() - asked[0] > _ASK_AGAIN:
                with tolerate('OPERATION_INVALID'):
                    machine.shutdown()
                asked[0] = time.monotonic()
            return False

        if not await_(down, self.host.timeout):
            raise CloudError(f'the guest of {row["name"]} did not shut down in {self.host.timeout} s and stays as it is; force: true pulls the plug')
        if row['power'] == 'stopped':
            machine.setAutostart(0)

    def _erase(self, row: Any) -> None:
        import glob
        import shutil

        self._pull(row['uuid'])
        with tolerate('NO_DOMAIN'):
            self.host.hypervisor.qemu.lookupByUUIDString(row['uuid']).undefine()
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self._folder(row['uuid']))
        for log in glob.glob(f'/var/log/libvirt/qemu/{glob.escape(machine_name(row["id"], row["name"]))}.log*'):
            os.unlink(log)


def machine_name(row: int, name: str) -> str:
    """The name of a domain: from the row's number, with the server's for people who look with virsh."""
    return f'hanok-{row}-{name}'


def volume_disk(host: Host, identity: str) -> domain.Disk:
    """The disk of a volume; the serial is what of its id a guest can see."""
    from . import domain

    return domain.Disk(host.settings.path('volumes', identity + '.qcow2'), identity[:20])


def _fits(machine: Any, row: Any) -> bool:
    _state, most, _memory, vcpus, _time = machine.info()
    return bool(most == row['memory'] * 1024 and vcpus == row['vcpus'])


def _nic(port: Any, groups: Sequence[Any]) -> Nic:
    own = tuple(group['name'] for group in groups if group['port_id'] == port['id'])
    return Nic(port['network'], port['address'], port['mac'], port['name'], own if port['own_groups'] else None)


def _wanted(server: Server) -> str:
    """The power that is recorded: a paused server is one that is to run."""
    return 'stopped' if server.power == 'stopped' else 'started'


def _by_server(rows: Sequence[Any]) -> Dict[int, List[Any]]:
    found: Dict[int, List[Any]] = {}
    for row in rows:
        found.setdefault(row['server_id'], []).append(row)
    return found
