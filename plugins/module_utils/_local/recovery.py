# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The record, when it is lost: what is left of the cloud on this host, and a new record made of it."""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Dict, List, Tuple

from .._cloud import CloudError, Names, Outcome, Seen
from .._model.change import Change
from .._model.recovery import INTERRUPTED, RecordState, Remains, Rows, planned, rebuilt
from . import disks, metadata
from .cloud import this_host
from .firewalls import LocalFirewalls
from .hypervisor import tolerate
from .record import VERSION, NewerVersion, Record

_INACTIVE = 2  # VIR_DOMAIN_AFFECT_CONFIG: the metadata of the definition
_ELEMENT = 2  # VIR_DOMAIN_METADATA_ELEMENT
_DISKS = {'server': ('servers', 'root.qcow2'), 'volume': ('volumes', ''), 'image': ('images', '')}
_LOST = 'lost'  # in the record: what could not be brought back, as long as it is not done
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
            left = remains.export is not None or remains.machines or any(remains.disks.values())
            return (RecordState(state='missing' if left else 'whole'),)
        try:
            return (self._there(),)
        except NewerVersion:
            raise
        except CloudError:
            return (RecordState(state='damaged'),)

    def _there(self) -> RecordState:
        """The record that is there. Raises CloudError when it cannot be read whole."""
        record = Record(self.host.settings.state, self.actor)
        try:
            record.check_whole()
            rows = {table: count for table in _tables() if (count := record.value(f'SELECT count(*) FROM {table}'))}
            lost = record.value('SELECT value FROM meta WHERE key = ?', _LOST)
            return RecordState(rows=rows) if lost is None else RecordState(state=INTERRUPTED, rows=rows, lost=tuple(json.loads(lost)))
        finally:
            record.sql.close()

    def rebuilt(self) -> RecordState:
        """What the record would be, rebuilt."""
        rows, lost = rebuilt(self._remains())
        return planned(lost, rows)

    def create(self, changes: Sequence[Change]) -> List[Outcome]:
        """Rebuild the record, and have everything written that is written from it. Until that is done it says that it is not, and what was lost."""
        if self.list()[0].state == INTERRUPTED:
            self.host.record.write()
        else:
            rows, lost = rebuilt(self._remains())
            self.host.record.rebuild({**rows, 'meta': [*rows.get('meta', ()), {'key': _LOST, 'value': json.dumps(lost)}]})
        firewalls = LocalFirewalls(self.host)
        firewalls.apply()
        firewalls.tell()
        with self.host.record.transaction() as sql:
            sql.execute('DELETE FROM meta WHERE key = ?', (_LOST,))
        return [Outcome(change) for change in changes]

    def _remains(self) -> Remains:
        return Remains(_exported(self.host.record.export_path), self._machines(), {kind: self._disks(kind) for kind in _DISKS})

    def _machines(self) -> Dict[str, Any]:
        found = {}
        for identity, machine in self.host.hypervisor.machines().items():
            with tolerate('NO_DOMAIN_METADATA', 'NO_DOMAIN'):
                told = metadata.read(machine.domain.metadata(_ELEMENT, metadata.URI, _INACTIVE if machine.defined else 0))
                runs = machine.power != 'stopped' or machine.domain.autostart()
                found[identity] = {**told, 'server': {**told['server'], 'power': 'started' if runs else 'stopped', 'task_state': None}}
        return found

    def _disks(self, kind: str) -> Dict[str, int]:
        folder, name = _DISKS[kind]
        found = {}
        for path in glob.glob(self.host.settings.path(folder, '*', name) if name else self.host.settings.path(folder, '*.qcow2')):
            identity = os.path.basename(os.path.dirname(path)) if name else os.path.basename(path)[: -len('.qcow2')]
            if _UUID.match(identity):
                found[identity] = int(disks.describe_own(self.host, path)['virtual-size'])
        return found

    @contextmanager
    def changing(self, look: Callable[[], Tuple[Seen, Names]]) -> Iterator[Seen]:
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
        raise NewerVersion(f'the export {path} is of version {version}, this hanok.cloud knows {VERSION}: update the collection')
    known = {'meta', *_tables()}
    return {table: rows for table, rows in found.items() if table in known and isinstance(rows, list) and all(isinstance(row, dict) for row in rows)}
