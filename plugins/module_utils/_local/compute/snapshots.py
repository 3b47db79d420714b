# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Snapshots of servers: internal ones of their qcow2 disks, so that there are no chains.

What changes them (snapshot_writer.py) is imported at the first change.
"""

from __future__ import annotations

import struct
from functools import cached_property
from typing import TYPE_CHECKING, Callable, Dict, Iterable, Tuple

from ..._cloud import Outcomes
from ..._model.change import Changes
from ..._model.server_snapshot import ServerSnapshot
from ..record.host import Host
from ..storage.pools import pool_of, tag_of
from .snapshot_rows import Disks, disks_of, snapshot_of, snapshot_rows

if TYPE_CHECKING:
    from ..record.projection import Projections
    from ..storage.qcow2 import Usage
    from .row_types import ListedSnapshot
    from .snapshot_writer import SnapshotWriter


class LocalServerSnapshots:
    """Snapshots of servers of the local cloud."""

    def __init__(self, host: Host, projections: Callable[[], Projections]) -> None:
        """Manage the snapshots of this host."""
        self.host = host
        self.record = host.record
        self._projections = projections

    def list(
        self, names: Iterable[str] | None = None, server: str | None = None
    ) -> Tuple[ServerSnapshot, ...]:
        """All snapshots, or those with these names, or of this server."""
        wanted = None if names is None else list(names)
        rows = self.host.rows_in_progress(
            'server', lambda: snapshot_rows(self.record, wanted, server)
        )
        if not rows:
            return ()
        disks = disks_of(self.record, pool_of(self.host), rows)
        usages: Dict[str, Dict[str, Usage]] = {}
        return tuple(self._snapshot(row, disks[row['id']], usages) for row in rows)

    def _snapshot(
        self, row: ListedSnapshot, disks: Disks, usages: Dict[str, Dict[str, Usage]]
    ) -> ServerSnapshot:
        """The snapshot of a row. ``usages``: of disks that were read, by their paths."""
        for disk in disks:
            if disk.path not in usages:
                usages[disk.path] = _usage(disk.path)
        tag = tag_of(row['uuid'])
        found = [usages[disk.path].get(tag) for disk in disks]
        known = [one for one in found if one]
        is_known = bool(disks) and len(known) == len(disks)  # a container has none
        own = sum(one.own for one in known) if is_known else None
        changed = sum(one.changed for one in known) if is_known else None
        return self.host.with_progress('server', row, snapshot_of(row, own, changed))

    @cached_property
    def _writer(self) -> SnapshotWriter:
        from .snapshot_writer import SnapshotWriter

        return SnapshotWriter(self.host, self._projections())

    def create(self, changes: Changes) -> Outcomes:
        """Create snapshots; one that was interrupted is completed."""
        return self._writer.create(changes)

    def update(self, changes: Changes) -> Outcomes:
        """Update descriptions and labels."""
        return self._writer.update(changes)

    def restore(self, changes: Changes) -> Outcomes:
        """Restore servers; with the effect restart, without the memory of the guest."""
        return self._writer.restore(changes)

    def shortage(self, name: str) -> str:
        """Why there is no room for what a restore copies now; empty: there is."""
        from .restore_room import RestoreRoom

        return RestoreRoom(self.host).of_snapshot(name)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete snapshots."""
        return self._writer.delete(changes)


def _usage(path: str) -> Dict[str, Usage]:
    from ..storage.qcow2 import usage

    try:
        return usage(path)
    except (OSError, ValueError, struct.error):  # missing, or written to meanwhile
        return {}
