# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Load balancers: HAProxy under s6 in a libvirt-LXC container with a network and a root of its own."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import shutil
import socket
import time
import uuid
from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any, Dict, Iterable, List, Sequence, Set, Tuple

from .._cloud import CloudError, Outcome
from .._model.change import AFTER_APPLY, Change
from .._model.lb import HealthCheck, Lb, Listener, MemberHealth
from .._model.server import Nic
from . import addresses, containers, haproxy, metadata
from .devices import bridge_name, tap_name
from .dns_names import check_dns_names
from .firewalls import LocalFirewalls
from .host import Host, wait_until
from .hypervisor import tolerate
from .record import description_columns, read_file, write_atomically

_LIST = """SELECT b.*, n.name AS network, n.cidr, n.gateway, p.id AS port, p.network_id, p.address, p.mac, f.address AS floating
  FROM balancer b JOIN port p ON p.balancer_id = b.id JOIN network n ON n.id = p.network_id LEFT JOIN floating_ip f ON f.port_id = p.id
  WHERE ?1 IS NULL OR b.name IN (SELECT value FROM json_each(?1)) ORDER BY b.name"""
_MEMBERS = """SELECT m.balancer_id, s.name, p.address FROM balancer_member m JOIN server s ON s.id = m.server_id JOIN port p ON p.server_id = s.id
  JOIN port b ON b.balancer_id = m.balancer_id ORDER BY length(s.name), s.name, p.network_id <> b.network_id, p.position"""

_IN_ORDER = (
    1 | 4
)  # VIR_CONNECT_LIST_DOMAINS_ACTIVE and _PERSISTENT: it runs, and comes back when the host boots

_FORM = '3\n'  # of containers; one that was started in an older form is started anew
_SECONDS, _MOST_ANSWER = 3, 1 << 20  # for an answer of HAProxy, and its bytes
_MOST = 64  # bytes of a host name, which a container has from the name of its domain

_RUN = '#!/bin/sh\nexec 2>&1\nexec haproxy -W -f {folder}/haproxy.cfg\n'


class LocalLbs:
    """Load balancers of the local cloud."""

    def __init__(self, host: Host, firewalls: LocalFirewalls) -> None:
        """Balancers on record and in libvirt."""
        self.host, self.record, self.firewalls = host, host.record, firewalls

    def list(self, names: Iterable[str] | None = None) -> Tuple[Lb, ...]:
        """Look: all, or those of these names."""
        rows = self.record.named(_LIST, names)
        running = self.host.with_retry(self._running) if rows else set()
        members = _members(self.record)
        found = [
            _lb(row, members.get(row['id'], ()), row['uuid'] in running and self._is_current(row))
            for row in rows
        ]
        return tuple(replace(lb, health=self._health(lb)) for lb in found)

    def _health(self, lb: Lb) -> Tuple[MemberHealth, ...]:
        from . import member_health

        if lb.health_check is None:
            return member_health.unchecked(lb.members)
        text = ask(_folder(self.host, lb.id), 'show stat') if lb.running else None
        return member_health.health(text, lb.members)

    def _is_current(self, row: Any) -> bool:
        return _is_current(_folder(self.host, row['uuid']))

    def _running(self) -> Set[str]:
        return {
            domain.UUIDString() for domain in self.host.hypervisor.lxc.listAllDomains(_IN_ORDER)
        }

    def create(self, changes: Sequence[Change]) -> List[Outcome]:
        """Make balancers and start them."""
        with self.record.transaction():
            for change in changes:
                self._reserve(change.after)
        self.firewalls.apply()
        return self.host.finish(
            self.host.for_each(changes, self._build),
            'UPDATE balancer SET task_state = NULL WHERE name = ?',
        )

    def update(self, changes: Sequence[Change]) -> List[Outcome]:
        """Change balancers without dropping a connection; start those that are down."""
        with self.record.transaction():
            for change in changes:
                self._rewrite(change)
        self.firewalls.apply()
        return self.host.finish(
            self.host.for_each(changes, self._build),
            'UPDATE balancer SET task_state = NULL WHERE name = ?',
        )

    def delete(self, changes: Sequence[Change]) -> List[Outcome]:
        """Remove balancers and their automatic floating addresses."""
        with self.record.transaction() as sql:
            sql.executemany(
                "UPDATE balancer SET task_state = 'deleting' WHERE name = ?",
                [(change.name,) for change in changes],
            )
        outcomes = self.host.for_each(changes, self._erase)
        self.firewalls.end_stale_flows()
        with self.record.transaction() as sql:
            for name in [outcome.change.name for outcome in outcomes if not outcome.error]:
                sql.execute(
                    'DELETE FROM floating_ip WHERE automatic AND port_id IN (SELECT p.id FROM port p JOIN balancer b ON b.id = p.balancer_id WHERE b.name = ?)',
                    (name,),
                )
                sql.execute('DELETE FROM balancer WHERE name = ?', (name,))
        self.firewalls.apply()
        return outcomes

    def _reserve(self, lb: Lb) -> None:
        if self.record.value('SELECT id FROM balancer WHERE name = ?', lb.name) is not None:
            return  # an earlier run was interrupted: what it reserved is used
        row = self.record.insert(
            'balancer',
            {'uuid': str(uuid.uuid4()), 'name': lb.name, **_columns(lb), 'task_state': 'creating'},
        )
        addresses.create_port(self.record, Nic(lb.network), 0, {'balancer_id': row})
        self._write_members(row, lb.members)
        check_dns_names(self.record, 'lb', [lb.name])
        if lb.floating_ip:
            self._float(row, lb.floating_ip)

    def _rewrite(self, change: Change) -> None:
        lb: Lb = change.after
        row = self.record.value('SELECT id FROM balancer WHERE name = ?', lb.name)
        self.record.update('balancer', row, {**_columns(lb), 'task_state': 'updating'})
        if change.before.members != lb.members:
            self._write_members(row, lb.members)
        if change.before.floating_ip != lb.floating_ip:
            addresses.disassociate(self.record, 'balancer_id', row)
            if lb.floating_ip:
                self._float(row, lb.floating_ip)

    def _write_members(self, row: int, members: Sequence[str]) -> None:
        self.record.sql.execute('DELETE FROM balancer_member WHERE balancer_id = ?', (row,))
        for member in members:
            server = self.record.value('SELECT id FROM server WHERE name = ?', member)
            if server is None:
                raise CloudError(f'server {member} no longer exists; run the task again')
            self.record.insert('balancer_member', {'balancer_id': row, 'server_id': server})

    def _float(self, row: int, address: str) -> None:
        port = self.record.value('SELECT id FROM port WHERE balancer_id = ?', row)
        addresses.associate(
            self.record, self.host.pools, port, None if address == AFTER_APPLY else address
        )

    def _build(self, change: Change) -> None:
        row = self.record.named(_LIST, [change.name])[0]
        folder = _folder(self.host, row['uuid'])
        if not _is_current(folder):
            self._clear(row, folder)
        _prepare(folder)
        configure(self.host, row, _members(self.record).get(row['id'], ()))
        self._start(row, folder)

    def _clear(self, row: Any, folder: str) -> None:
        """Remove a container of an older form, with the folder that it could put links into."""
        self._remove_domain(row)
        containers.kill_orphans(row['uuid'])
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(os.path.join(folder, containers.SERVICES))

    def _start(self, row: Any, folder: str) -> None:
        """Define the container and start it."""
        containers.create_root(folder)
        domain = self.host.hypervisor.lxc.defineXML(self._xml(row, folder))
        domain.setAutostart(1)
        if not domain.isActive():
            containers.kill_orphans(row['uuid'])
            for path in (_socket(folder), os.path.join(folder, 'admin.sock')):  # of an older form
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
        with tolerate('OPERATION_INVALID'):  # it runs already
            domain.create()
        if not wait_until(lambda: _answers(domain, folder), self.host.timeout):
            raise CloudError(
                f'timed out after {self.host.timeout} s (wait_timeout) waiting for HAProxy of '
                f'{row["name"]}; its log is in /var/log/libvirt/lxc/{_name(row)}.log'
            )
        if not _is_current(folder):
            write_atomically(_form(folder), _FORM)

    def _xml(self, row: Any, folder: str) -> str:
        told = metadata.balancer_metadata(self.record)[row['uuid']]
        return containers.xml(
            containers.Container(
                name=_name(row),
                uuid=row['uuid'],
                folder=folder,
                metadata=metadata.element(told),
                mac=row['mac'],
                bridge=bridge_name(row['network_id']),
                device=tap_name(row['port']),
                address=row['address'],
                prefix=IPv4Network(row['cidr']).prefixlen,
                gateway=row['gateway'],
            )
        )

    def _remove_domain(self, row: Any) -> None:
        with tolerate('NO_DOMAIN'):
            domain = self.host.hypervisor.lxc.lookupByUUIDString(row['uuid'])
            with tolerate('OPERATION_INVALID'):  # it does not run
                domain.destroy()
            domain.undefine()

    def _erase(self, change: Change) -> None:
        row = self.record.named(_LIST, [change.name])[0]
        self._remove_domain(row)
        containers.kill_orphans(row['uuid'])
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(_folder(self.host, row['uuid']))
        for log in glob.glob(f'/var/log/libvirt/lxc/{glob.escape(_name(row))}.log*'):
            os.unlink(log)


def synchronise(host: Host) -> None:
    """Write the configuration of each balancer again where it is not what the record says, and have HAProxy take it up."""
    members = _members(host.record)
    for row in host.record.named(_LIST, None):
        if row['task_state'] is None and _is_current(_folder(host, row['uuid'])):
            configure(host, row, members.get(row['id'], ()))


def configure(host: Host, row: Any, members: Tuple[Tuple[str, str], ...]) -> None:
    """Write one configuration; one that HAProxy itself does not accept never replaces a good one.

    What HAProxy has taken up is kept beside it: a run that was killed before HAProxy was told is
    known by the difference.
    """
    folder = _folder(host, row['uuid'])
    if not os.path.isdir(folder):  # somebody removed it while the balancer runs
        _prepare(folder)
    path, taken_up = os.path.join(folder, 'haproxy.cfg'), os.path.join(folder, 'taken-up.cfg')
    text = haproxy.render(_lb(row, members, True), haproxy.Place(folder, row['address'], members))
    if read_file(path) == read_file(taken_up) == text:
        return
    write_atomically(path + '.new', text)
    host.run('haproxy', '-c', '-q', '-f', path + '.new')
    state = ask(folder, 'show servers state')
    write_atomically(
        os.path.join(folder, 'servers.state'), state or '1\n'
    )  # 1: the version of its format
    os.replace(path + '.new', path)
    if (
        state is not None
    ):  # SIGUSR2: HAProxy's master takes up the file, its old worker ends its connections
        try:
            containers.send_control(folder, b'2')
        except OSError as error:
            name = row['name']
            raise CloudError(
                f's6-supervise of {name} is not reached ({error}); remove {name} and make it anew'
            ) from error
    write_atomically(taken_up, text)


def _prepare(folder: str) -> None:
    """Make the folder of a balancer, with what s6 runs in it."""
    service = os.path.join(folder, 'services', 'haproxy')
    writable = [os.path.join(folder, name) for name in containers.WRITABLE]
    for path in (os.path.dirname(folder), folder, os.path.dirname(service), service, *writable):
        os.makedirs(path, 0o711, exist_ok=True)
    write_atomically(os.path.join(service, 'run'), _RUN.format(folder=folder), 0o700)


def ask(folder: str, command: str) -> str | None:
    """Ask HAProxy at its socket; None when there is no answer of a size and in a time that it would take."""
    try:
        with socket.socket(socket.AF_UNIX) as stream:
            stream.settimeout(_SECONDS)
            containers.connect(stream, _socket(folder))
            stream.sendall(command.encode() + b'\n')
            stream.shutdown(socket.SHUT_WR)
            answer = _whole(stream)
    except OSError:
        return None
    return None if answer is None else answer.decode(errors='replace')


def _whole(stream: socket.socket) -> bytes | None:
    until, answer = time.monotonic() + _SECONDS, b''
    while len(answer) <= _MOST_ANSWER and time.monotonic() < until:
        part = stream.recv(65536)
        if not part:
            return answer
        answer += part
    return None


def _folder(host: Host, identity: str) -> str:
    return host.settings.path('balancers', identity)


def _name(row: Any) -> str:
    """The name of a domain, with the balancer's for people who look with virsh, as far as it fits."""
    return f'hanok-lb-{row["id"]}-{row["name"]}'[:_MOST]


def _socket(folder: str) -> str:
    return os.path.join(folder, 'run', 'admin.sock')


def _form(folder: str) -> str:
    return os.path.join(folder, 'form')


def _is_current(folder: str) -> bool:
    """Tell whether the container was started in the form that this version gives it."""
    return read_file(_form(folder)) == _FORM


def _answers(domain: Any, folder: str) -> bool:
    return bool(domain.isActive()) and ask(folder, 'show info') is not None


def _members(record: Any) -> Dict[int, Tuple[Tuple[str, str], ...]]:
    """The members of each balancer, each with its address in the balancer's network, else its first one."""
    found: Dict[int, Dict[str, str]] = {}
    for row in record.rows(_MEMBERS):
        found.setdefault(row['balancer_id'], {}).setdefault(row['name'], row['address'])
    return {balancer: tuple(members.items()) for balancer, members in found.items()}


def _columns(lb: Lb) -> Dict[str, Any]:
    listeners = json.dumps([listener.public() for listener in lb.listeners])
    check = json.dumps(lb.health_check.public()) if lb.health_check else None
    return {
        'algorithm': lb.algorithm,
        'listeners': listeners,
        'health_check': check,
        **description_columns(lb),
    }


def _lb(row: Any, members: Sequence[Tuple[str, str]], running: bool) -> Lb:
    return Lb(
        name=row['name'],
        network=row['network'],
        algorithm=row['algorithm'],
        listeners=tuple(Listener(**listener) for listener in json.loads(row['listeners'])),
        members=tuple(name for name, _address in members),
        health_check=HealthCheck(**json.loads(row['health_check']))
        if row['health_check']
        else None,
        floating_ip=row['floating'],
        description=row['description'],
        labels=json.loads(row['labels']),
        address=row['address'],
        id=row['uuid'],
        running=running,
        task_state=row['task_state'],
        created_by=row['created_by'],
        created_at=row['created_at'],
    )
