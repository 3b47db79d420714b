# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A driver of cinder whose volumes are sparse files.

Their data is real: from images, to images, copied, in snapshots. Nobody attaches them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from cinder.image import image_utils
from cinder.volume import driver, volume_utils
from oslo_config import cfg


class VolumeFilesDriver(driver.VolumeDriver):
    """A directory of files."""

    VERSION = '1.0'

    def do_setup(self, context: Any) -> None:
        """Create the directory."""
        self._folder = Path(cfg.CONF.state_path, 'volumes')
        self._folder.mkdir(exist_ok=True)

    def check_for_setup_error(self) -> None:
        """Nothing can be wrong."""

    def local_path(self, volume: Any) -> str:
        """Return the path of a volume or snapshot."""
        return str(self._folder / volume.name)

    def create_volume(self, volume: Any) -> None:
        """Create an empty volume."""
        self._resize(volume, volume.size)

    def delete_volume(self, volume: Any) -> None:
        """Delete a volume or snapshot."""
        Path(self.local_path(volume)).unlink(missing_ok=True)

    def extend_volume(self, volume: Any, new_size: int) -> None:
        """Grow a volume."""
        self._resize(volume, new_size)

    def create_snapshot(self, snapshot: Any) -> None:
        """Copy a volume to a snapshot."""
        self._copy(snapshot.volume, snapshot, snapshot.volume_size)

    delete_snapshot = delete_volume

    def create_volume_from_snapshot(self, volume: Any, snapshot: Any) -> None:
        """Copy a snapshot to a volume."""
        self._copy(snapshot, volume, volume.size)

    def create_cloned_volume(self, volume: Any, src_vref: Any) -> None:
        """Copy a volume."""
        self._copy(src_vref, volume, volume.size)

    def revert_to_snapshot(self, context: Any, volume: Any, snapshot: Any) -> None:
        """Copy a snapshot to its volume."""
        self._copy(snapshot, volume, volume.size)

    def copy_image_to_volume(
        self,
        context: Any,
        volume: Any,
        image_service: Any,
        image_id: str,
        disable_sparse: bool = False,
    ) -> None:
        """Write an image to a volume."""
        path = self.local_path(volume)
        image_utils.fetch_to_raw(context, image_service, image_id, path, '1M', size=volume.size)
        self._resize(volume, volume.size)

    def copy_volume_to_image(
        self, context: Any, volume: Any, image_service: Any, image_meta: Any
    ) -> None:
        """Upload a volume."""
        path = self.local_path(volume)
        volume_utils.upload_volume(context, image_service, image_meta, path, volume)

    def initialize_connection(self, volume: Any, connector: Any, **_options: Any) -> Any:
        """Return what a hypervisor would attach."""
        data = {'device_path': self.local_path(volume), 'access_mode': 'rw'}
        return {'driver_volume_type': 'local', 'data': data}

    def terminate_connection(self, volume: Any, connector: Any, **_options: Any) -> None:
        """Nothing is attached."""

    def ensure_export(self, context: Any, volume: Any) -> None:
        """Nothing is exported."""

    def create_export(self, context: Any, volume: Any, connector: Any) -> None:
        """Nothing is exported."""

    def remove_export(self, context: Any, volume: Any) -> None:
        """Nothing is exported."""

    def get_volume_stats(self, refresh: bool = False) -> dict[str, Any]:
        """Return the properties of the directory, which is never full."""
        return {
            'volume_backend_name': 'files',
            'vendor_name': 'tests',
            'driver_version': self.VERSION,
            'storage_protocol': 'file',
            'total_capacity_gb': 'infinite',
            'free_capacity_gb': 'infinite',
            'reserved_percentage': 0,
            'multiattach': True,
        }

    def _resize(self, volume: Any, gib: int) -> None:
        with Path(self.local_path(volume)).open('ab') as file:
            os.truncate(file.fileno(), gib << 30)

    def _copy(self, source: Any, target: Any, gib: int) -> None:
        command = ('cp', '--sparse=always', '--reflink=auto')
        image_utils.utils.execute(*command, self.local_path(source), self.local_path(target))
        self._resize(target, gib)
