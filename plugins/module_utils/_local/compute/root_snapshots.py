# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Snapshots of root disks while images of servers are copied: their guests write on meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..record.host import Host
from ..storage.pool_writer import writer_of
from ..storage.pools import Disk, tag_of
from .snapshot_machines import Place, SnapshotMachines


class RootSnapshot:
    """The snapshot of the root disk of a server, for an image of it."""

    def __init__(self, host: Host, server: str, image: str) -> None:
        """``server``: its name. ``image``: its name; both exist, or did."""
        find = host.record.value
        uuid = find('SELECT uuid FROM server WHERE name = ?', server) or ''
        tag = tag_of(find('SELECT uuid FROM image WHERE name = ?', image))
        locks = (('server', server), ('image', image))
        self._place = Place(f'{server}/{image}', tag, uuid, False, locks)
        self.snapshots = SnapshotMachines(host)
        self.disk: Disk = writer_of(host).root(uuid)

    @contextmanager
    def taken(self) -> Iterator[str]:
        """Its name in the disk; empty if no guest writes to that."""
        self.remove()  # of another instant
        if not self.snapshots.has_guest(self._place):
            yield ''
            return
        try:
            self.snapshots.create(self._place, (self.disk,))
            yield self._place.tag
        finally:
            self.remove()

    def remove(self) -> None:
        """Delete it, if an interrupted run has left it."""
        if self._place.machine:
            self.snapshots.delete(self._place, (self.disk,))
