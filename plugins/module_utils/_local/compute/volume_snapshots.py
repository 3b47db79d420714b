# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Snapshots of volumes: internal ones of their qcow2 files, like those of servers.

What changes them (volume_snapshot_writer.py) is imported at the first change.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Callable, Tuple

from ..._cloud import Outcomes
from ..._model.change import Changes
from ..._model.volume_snapshot import VolumeSnapshot
from ..record.host import Host
from .volume_snapshot_rows import rows_of

if TYPE_CHECKING:
    from ..record.projection import Projections
    from .row_types import ListedVolumeSnapshot
    from .volume_snapshot_writer import VolumeSnapshotWriter


class LocalVolumeSnapshots:
    """Snapshots of volumes of the local cloud."""

    latest_only = False

    def __init__(self, host: Host, projections: Callable[[], Projections]) -> None:
        """Manage the snapshots of this host."""
        self.host = host
        self._projections = projections

    def list(
        self, names: Iterable[str] | None = None, volume: str | None = None
    ) -> Tuple[VolumeSnapshot, ...]:
        """All snapshots, or those with these names, or of this volume."""
        wanted = None if names is None else [*names]
        host = self.host
        rows = host.rows_in_progress('volume', lambda: rows_of(host.record, wanted, volume))
        return tuple(host.with_progress('volume', row, _snapshot(row)) for row in rows)

    @cached_property
    def _writer(self) -> VolumeSnapshotWriter:
        from .volume_snapshot_writer import VolumeSnapshotWriter

        return VolumeSnapshotWriter(self.host, self._projections())

    def create(self, changes: Changes) -> Outcomes:
        """Create snapshots; one that was interrupted is completed."""
        return self._writer.create(changes)

    def update(self, changes: Changes) -> Outcomes:
        """Update descriptions and labels."""
        return self._writer.update(changes)

    def restore(self, changes: Changes) -> Outcomes:
        """Take volumes back to their snapshots, with the sizes of then."""
        return self._writer.restore(changes)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete snapshots."""
        return self._writer.delete(changes)


def _snapshot(row: ListedVolumeSnapshot) -> VolumeSnapshot:
    return VolumeSnapshot(
        row['full_name'],
        row['size'],
        row['description'],
        json.loads(row['labels']),
        row['uuid'],
        created_by=row['created_by'],
        created_at=row['created_at'],
    )
