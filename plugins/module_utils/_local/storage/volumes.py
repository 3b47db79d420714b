# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes, as they are observed."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Callable, Iterable, Tuple

from ..._cloud import Outcomes
from ..._model.change import Changes
from ..._model.volume import Volume
from ..record.host import Host
from .pools import pool_of
from .volume_rows import LIST, volume_of

if TYPE_CHECKING:
    from ..._model.guest_disk import GuestDisk
    from ..._model.volume_type import VolumeType
    from ..record.projection import Projections
    from .row_types import ListedVolume
    from .volume_writer import Redefine, VolumeWriter


class LocalVolumes:
    """Volumes of the local cloud."""

    def __init__(
        self,
        host: Host,
        projections: Callable[[], Projections],
        redefine: Redefine,
    ) -> None:
        """``redefine``: define the machines of servers with these names as recorded."""
        self.host = host
        self.record = host.record
        self._projections = projections
        self._redefine = redefine

    def list(self, names: Iterable[str] | None = None) -> Tuple[Volume, ...]:
        """All volumes, or those with these names."""
        rows = self.host.rows_in_progress('volume', lambda: self.record.named(LIST, names))
        pool = pool_of(self.host)
        return tuple(self._with_progress(row, volume_of(row, pool)) for row in rows)

    def _with_progress(self, row: ListedVolume, volume: Volume) -> Volume:
        begun = row['task_state'], row['own_task_state'], row['snapshot_task_state']
        if not any((*begun, row['image_task_state'])):
            return volume
        from .volume_progress import with_progress

        return with_progress(self.host, row, volume)

    def types(self) -> Tuple[VolumeType, ...]:
        """The types that volumes can have."""
        from .volume_places import types_of

        return types_of(self.host.settings)

    def is_mounted(self, name: str, server: str) -> bool | None:
        """Whether a volume is mounted in its guest; None if the guest agent does not respond."""
        from .volume_guests import is_mounted

        return is_mounted(self.host, name, server)

    def guest_disk(self, name: str) -> GuestDisk:
        """What the running guest of a server uses of a volume that is attached to it."""
        from .volume_guests import guest_disk

        return guest_disk(self.host, name)

    def grows_mounted(self) -> bool:
        """Whether a file system of a container can become larger while that runs."""
        from ..host.capabilities import grows_mounted

        return grows_mounted() or self.host.only_looks

    def mount_problem(self, server: str, path: str) -> str:
        """Why a container cannot have a volume at a path; empty if no reason is known."""
        from .mount_points import problem_in

        return problem_in(self.host, server, path)

    @cached_property
    def _writer(self) -> VolumeWriter:
        from .volume_writer import VolumeWriter

        return VolumeWriter(self.host, self._projections(), self._redefine)

    def create(self, changes: Changes) -> Outcomes:
        """Create volumes, empty or as copies."""
        return self._writer.create(changes)

    def update(self, changes: Changes) -> Outcomes:
        """Grow volumes, also while in use, and update descriptions and labels."""
        return self._writer.update(changes)

    def attach(self, changes: Changes) -> Outcomes:
        """Attach volumes to servers."""
        return self._writer.attach(changes)

    def detach(self, changes: Changes) -> Outcomes:
        """Detach volumes, and wait until the guests have released them."""
        return self._writer.detach(changes)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete volumes that are not attached."""
        return self._writer.delete(changes)
