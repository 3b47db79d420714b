# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Snapshots of servers by their types: in the disks, or copies of the files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..record.host import Host
from .snapshot_machines import Place, SnapshotMachines
from .snapshot_roots import SnapshotRoots

if TYPE_CHECKING:
    from .restoring import Restoring
    from .row_types import CompleteServer
    from .snapshot_rows import Disks


class SnapshotsOfServers:
    """The snapshots of all servers; all changes are idempotent."""

    def __init__(self, host: Host) -> None:
        """Make them on this host."""
        self._disks = SnapshotMachines(host)
        self._roots = SnapshotRoots(host)

    def create(self, place: Place, disks: Disks, server: CompleteServer) -> None:
        """Create the snapshot; what an interrupted run has left of it is taken if it is whole."""
        if place.is_container:
            self._roots.create(place, server)
        else:
            self._disks.create(place, disks)

    def delete(self, place: Place, disks: Disks) -> None:
        """Delete the snapshot, also while the server runs."""
        if place.is_container:
            self._roots.delete(place)
        else:
            self._disks.delete(place, disks)

    def restore(
        self,
        place: Place,
        disks: Disks,
        server: CompleteServer,
        with_memory: bool,
        restoring: Restoring,
    ) -> None:
        """Power the server off, restore what it has, and start it."""
        if place.is_container:
            self._roots.restore(place, server, restoring)
        else:
            self._disks.restore(place, disks, with_memory, restoring)
