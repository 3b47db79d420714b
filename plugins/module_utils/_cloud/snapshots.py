# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The contract of snapshots and backups, and of their schedules."""

from __future__ import annotations

from typing import Iterable, Mapping, Protocol, Tuple

from .._model.backup import Backup
from .._model.change import Changes
from .._model.schedule import Schedule
from .._model.server_snapshot import ServerSnapshot
from .._model.volume_snapshot import VolumeSnapshot
from . import Outcomes


class ServerSnapshots(Protocol):
    """Snapshots of servers; their names are those of the servers, a slash, and their own."""

    def list(
        self, names: Iterable[str] | None = None, server: str | None = None
    ) -> Tuple[ServerSnapshot, ...]:
        """List all snapshots, or those with these names, or of this server."""

    def create(self, changes: Changes) -> Outcomes:
        """Create snapshots; a creation that was interrupted is completed."""

    def update(self, changes: Changes) -> Outcomes:
        """Update descriptions and labels."""

    def restore(self, changes: Changes) -> Outcomes:
        """Restore servers to their snapshots; with the effect restart, without memory."""

    def shortage(self, name: str) -> str:
        """Return why there is no room for what a restore copies now; empty: there is."""

    def delete(self, changes: Changes) -> Outcomes:
        """Delete snapshots."""


class VolumeSnapshots(Protocol):
    """Snapshots of volumes; their names are those of the volumes, a slash, and their own.

    ``latest_only``: whether only the latest one of a volume is restored, while that is detached and
    has the size of then.
    """

    latest_only: bool

    def list(
        self, names: Iterable[str] | None = None, volume: str | None = None
    ) -> Tuple[VolumeSnapshot, ...]:
        """List all snapshots, or those with these names, or of this volume, the oldest first."""

    def create(self, changes: Changes) -> Outcomes:
        """Create snapshots, also of volumes in use; one that was interrupted is completed."""

    def update(self, changes: Changes) -> Outcomes:
        """Update descriptions and labels."""

    def restore(self, changes: Changes) -> Outcomes:
        """Take volumes that are not in use back to their snapshots, with the sizes of then."""

    def delete(self, changes: Changes) -> Outcomes:
        """Delete snapshots."""


class Backups(Protocol):
    """Backups of servers in stores, which are apart from the disks."""

    def stores(self) -> Mapping[str, str]:
        """Return why each store cannot be used now, by name; empty: it can."""

    def list(self, names: Iterable[str] | None = None) -> Tuple[Backup, ...]:
        """List all backups, or those with these names, the oldest first."""

    def bases(self, server: str) -> Mapping[str, str]:
        """Return why no incremental backup of a server can be based on each; empty: one can.

        By name; only of those that are complete.
        """

    def create(self, changes: Changes) -> Outcomes:
        """Create backups; one that was interrupted is completed.

        With the effect restart the guest shuts down before, or is powered off with power off, and
        runs again before the disk is copied.
        """

    def update(self, changes: Changes) -> Outcomes:
        """Update descriptions, labels and protection."""

    def restore(self, changes: Changes) -> Outcomes:
        """Give servers their disks back; they run afterwards if they did.

        With the effect power off the guest is not asked to shut down.
        """

    def delete(self, changes: Changes) -> Outcomes:
        """Delete backups; with the effect power off, also from a store that cannot be used."""

    def shortage(self, name: str, makes_image: bool = False) -> str:
        """Return why there is no room for what a restore copies now; empty: there is.

        ``makes_image``: for an image of the backup instead.
        """

    def interrupt(self, name: str) -> None:
        """From now on, whoever makes the backup is asked to end when this run waits for it."""


class Schedules(Protocol):
    """Schedules, which a cloud runs by itself."""

    def obstacle(self) -> str:
        """Return why the cloud cannot run schedules now; empty if it can."""

    def next_run(self, on_calendar: str) -> str | None:
        """Return when it is the time of a calendar expression; None if never again.

        Raises Invalid for a text that is no such expression.
        """

    def list(self, names: Iterable[str] | None = None) -> Tuple[Schedule, ...]:
        """List all schedules, or those with these names."""

    def create(self, changes: Changes) -> Outcomes:
        """Create schedules."""

    def update(self, changes: Changes) -> Outcomes:
        """Update schedules, and what runs them."""

    def delete(self, changes: Changes) -> Outcomes:
        """Delete schedules; what they made stays."""
