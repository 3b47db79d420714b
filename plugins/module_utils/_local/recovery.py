# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The record, when it is lost: what is left of the cloud on this host, and a new record made of it."""

from __future__ import annotations

import glob
import json
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Network
from typing import Any, Dict, List, Tuple

from .._cloud import CloudError, Names, Observed, Outcome
from .._model.change import Change
from .._model.recovery import INTERRUPTED, RecordState, Remains, Rows, planned_state, rebuild_rows
from . import disks, metadata
from .cloud import this_host
from .firewalls import LocalFirewalls
from .record import LOST, VERSION, Damaged, NewerVersion, Record

_UNSOUND = (
    KeyError,
    TypeError,
    AttributeError,
    ValueError,
    StopIteration,
)  # what reading raises of things that we never wrote
_DISKS = {'server': ('servers', 'root.qcow2'), 'volume': ('volumes', ''), 'image': ('images', '')}
_BRIDGE = re.compile(r'hk([0-9]+)\Z')
_UUID = re.compile(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z')


class LocalRecovery:
    """A cloud that has a record to rebuild, and nothing else."""

    def __init__(self, actor: str, timeout: int) -> None:
        """``actor``: who asks. ``timeout``: seconds to wait for who is just changing the record."""
        self.actor, self.host = actor, this_host(actor, timeout, lost=True)

    @property
    def notes(self) -> List[str]:
        """What is to be told as warnings."""
        return self.host.locks.notes

    @property
    def records(self) -> LocalRecovery:
        """There is one."""
        return self

    def list(self, names: Iterable[str] | None = None) -> Tuple[RecordState, ...]:
        """Look: the record as it is. A host without one, and without anything left of a cloud, has nothing to rebuild."""
        if not os.path.exists(self.host.record.path):
            remains = self._remains()
            left = (
                remains.export is not None
                or remains.machines
                or remains.balancers
                or remains.networks
                or any(remains.disks.values())
            )
            return (RecordState(state='missing' if left else 'whole'),)
        try:
            return (self._there(),)
        except Damaged:
            return (RecordState(state='damaged'),)

    def _there(self) -> RecordState:
        """The record that is there. Raises Damaged when it cannot be read whole."""
        record = Record(self.host.settings.state, self.actor)
        try:
            record.check_integrity()
            rows = {
                table: count
                for table in _tables()
                if (count := record.value(f'SELECT count(*) FROM {table}'))
            }
            lost = record.lost_items()
            return (
                RecordState(rows=rows)
                if lost is None
                else RecordState(state=INTERRUPTED, rows=rows, lost=tuple(lost))
            )
        finally:
            record.sql.close()

    def rebuilt(self) -> RecordState:
        """What the record would be, rebuilt."""
        rows, lost = self._rebuilt()
        return planned_state(lost, rows)

    def _rebuilt(self) -> Tuple[Rows, List[str]]:
        remains = self._remains()
        try:
            return rebuild_rows(remains)
        except _UNSOUND as error:
            raise CloudError(
                f'the export {self.host.record.export_path} holds what hanok.cloud does not write ({type(error).__name__}: {error}); '
                'move it away to have the record rebuilt from machines and disks alone'
            ) from error

    def create(self, changes: Sequence[Change]) -> List[Outcome]:
        """Rebuild the record, and have everything written that is written from it. Until that is done it says that it is not, and what was lost."""
        if changes[0].before.state == INTERRUPTED:
            self.host.record.write()
        else:
            rows, lost = self._rebuilt()
            self.host.record.rebuild(
                {**rows, 'meta': [*rows.get('meta', ()), {'key': LOST, 'value': json.dumps(lost)}]}
            )
        firewalls = LocalFirewalls(self.host)
        firewalls.apply()
        firewalls.write_metadata()
        with self.host.record.transaction() as sql:
            sql.execute('DELETE FROM meta WHERE key = ?', (LOST,))
        return [Outcome(change) for change in changes]

    def _remains(self) -> Remains:
        machines: Dict[str, Any] = {}
        balancers: Dict[str, Any] = {}
        unreadable: List[str] = []
        for domain in (
            *self.host.hypervisor.qemu.listAllDomains(),
            *self.host.hypervisor.lxc.listAllDomains(),
        ):
            text = (
                metadata.read(domain)
                if domain.isPersistent()
                else metadata.read(domain, metadata.AFFECT_LIVE)
            )
            try:
                found = _told(text, bool(domain.isActive() or domain.autostart())) if text else {}
            except _UNSOUND:
                unreadable.append(domain.UUIDString())
                continue
            if found:
                (machines if 'server' in found else balancers)[domain.UUIDString()] = found
        return Remains(
            export=_exported(self.host.record.export_path),
            machines=machines,
            balancers=balancers,
            networks=tuple(
                network
                for one in self.host.hypervisor.qemu.listAllNetworks()
                if (network := _network(one))
            ),
            disks={kind: self._disks(kind) for kind in _DISKS},
            unreadable=tuple(unreadable),
        )

    def _disks(self, kind: str) -> Dict[str, int]:
        folder, name = _DISKS[kind]
        found = {}
        for path in glob.glob(
            self.host.settings.path(folder, '*', name)
            if name
            else self.host.settings.path(folder, '*.qcow2')
        ):
            identity = (
                os.path.basename(os.path.dirname(path))
                if name
                else os.path.basename(path)[: -len('.qcow2')]
            )
            if _UUID.match(identity):
                found[identity] = int(disks.info(self.host, path)['virtual-size'])
        return found

    @contextmanager
    def locked(self, look: Callable[[], Tuple[Observed, Names]]) -> Iterator[Observed]:
        """Hold the record."""
        with self.host.locks.projection('record'):
            yield look()[0]

    def damage(self) -> str:
        """The record is what this is about: nothing further is known of it."""
        return ''

    def close(self) -> None:
        """Let go of the record and of libvirt."""
        self.host.hypervisor.close()
        self.host.record.sql.close()


def _told(text: str, runs: bool) -> Dict[str, Any]:
    """What a machine says of its server, with the power that it has, or a container of its balancer. Raises what is in _UNSOUND when it is something else."""
    found: Dict[str, Any] = json.loads(text)
    if 'balancer' in found:
        rebuild_rows(Remains(balancers={'': found}))
        return found
    found['server'] = {
        **found['server'],
        'power': 'started' if runs else 'stopped',
        'task_state': None,
    }
    rebuild_rows(Remains(machines={'': found}))
    return found


def _network(network: Any) -> Dict[str, Any] | None:
    """What a network of libvirt says of itself, if it is ours."""
    found, number = ET.fromstring(network.XMLDesc()), _BRIDGE.match(network.name())  # noqa: S314 (libvirt's own)
    ip = found.find('ip')
    if number is None or ip is None:
        return None
    try:
        cidr = IPv4Network(f'{ip.get("address")}/{ip.get("prefix")}', strict=False)
    except ValueError:  # somebody has made something else of it
        return None
    return {
        'id': int(number.group(1)),
        'uuid': network.UUIDString(),
        'cidr': str(cidr),
        'gateway': ip.get('address'),
    }


def _tables() -> Tuple[str, ...]:
    from .schema import TABLES

    return TABLES


def _exported(path: str) -> Rows | None:
    """The rows of the export; None when there is none that can be read. Raises CloudError for one of a newer version."""
    try:
        with open(path, encoding='utf-8') as file:
            found: Dict[str, Any] = json.load(file)
        version = int(found.pop('version'))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if version > VERSION:
        raise NewerVersion(
            f'the export {path} is of version {version}, this hanok.cloud knows {VERSION}: update the collection'
        )
    known = {'meta', *_tables()}
    return {
        table: rows
        for table, rows in found.items()
        if table in known and isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
    }
