# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes: those of Cinder, root volumes of servers among them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Tuple

from ..._cloud import Outcomes
from ..._model.change import Changes
from ..._model.guest_disk import GuestDisk
from ..._model.volume import Volume
from ..._model.volume_type import VolumeType
from ..api.api import Api
from ..api.lists import all_servers, all_snapshots, all_volumes
from ..api.names import age, named
from ..api.parallel import together
from ..api.services import VOLUME
from .root_volumes import with_names
from .volume_rows import holders_of, is_ours, volume_of

if TYPE_CHECKING:
    from .volume_writer import VolumeWriter


class Volumes:
    """Volumes of a project."""

    def __init__(self, api: Api) -> None:
        """``api``: the services, as the project sees them."""
        self.api = api

    def list(self, names: Iterable[str] | None = None) -> Tuple[Volume, ...]:
        """List all volumes, or those with these names."""
        api = self.api
        together([partial(one, api) for one in (all_volumes, all_servers, all_snapshots)])
        snapshots = sorted(all_snapshots(api), key=age)
        volumes = all_volumes(api)
        servers = all_servers(api)
        holders = holders_of(volumes, servers)
        known = with_names(volumes, servers)
        found = named(known, names, api.project_id, is_ours)
        items = [volume_of(raw, holders.get(raw['id']), snapshots) for raw in found]
        return tuple(sorted(items, key=lambda volume: volume.name))

    def types(self) -> Tuple[VolumeType, ...]:
        """List the types that volumes of the project can have."""
        found = self.api.listed(VOLUME, '/types', 'volume_types')
        return tuple(VolumeType(raw['name']) for raw in found)

    def is_mounted(self, name: str, server: str) -> bool | None:
        """Return None for a volume that a server has: what guests do is not visible."""
        for volume in self.list([name]):
            if volume.server:
                return None
        return False

    def guest_disk(self, name: str) -> GuestDisk:
        """Refuse: what guests do is not visible."""
        return GuestDisk(refused='this cloud does not see into guests; grow it there')

    def grows_mounted(self) -> bool:
        """Return True: it has no containers."""
        return True

    def mount_problem(self, server: str, path: str) -> str:
        """Return nothing: it has no containers."""
        return ''

    def _writer(self) -> VolumeWriter:
        from .volume_writer import VolumeWriter

        return VolumeWriter(self.api)

    def create(self, changes: Changes) -> Outcomes:
        """Create volumes, empty or as copies."""
        return self._writer().create(changes)

    def update(self, changes: Changes) -> Outcomes:
        """Grow volumes, also while they are in use, and update descriptions and labels."""
        return self._writer().update(changes)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete volumes; those that are gone already are no error."""
        return self._writer().delete(changes)

    def attach(self, changes: Changes) -> Outcomes:
        """Attach volumes to servers."""
        return self._writer().attach(changes)

    def detach(self, changes: Changes) -> Outcomes:
        """Detach volumes, and wait until the guests have released them."""
        return self._writer().detach(changes)
