# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images: those of the project, and those of others that it may use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, BinaryIO, Tuple

from ..._cloud import Outcomes, Unsupported
from ..._cloud.images import source_files
from ..._model.change import Changes
from ..._model.image import Image
from ..._model.secret import Secrets
from ..api.api import Api, Raws
from ..api.lists import all_images, all_servers
from ..api.names import named
from ..api.properties import from_properties
from .image_rows import existing, image_of, is_ours, users_of

if TYPE_CHECKING:
    from .image_writer import ImageWriter


class Images:
    """Images that the project may use."""

    of_attached = False  # Cinder: only if its operator allows it (enable_force_upload)

    def __init__(self, api: Api, secrets: Secrets) -> None:
        """``api``: the services, as the project sees them."""
        self.api = api
        self.secrets = secrets

    def list(self, names: Iterable[str] | None = None) -> Tuple[Image, ...]:
        """List all images, or those with these names."""
        found = self._named(names)
        users = users_of(all_servers(self.api)) if found else {}
        images = [image_of(raw, users) for raw in found]
        return tuple(sorted(images, key=lambda image: image.name))

    def _named(self, names: Iterable[str] | None) -> Raws:
        images = existing(all_images(self.api))
        return named(images, names, self.api.project_id, is_ours)

    def source_problem(self, source: str, disk_format: str) -> str:
        """Return why a file cannot become an image, as far as known before; else empty."""
        from .image_source import identified

        return source_files.source_problem(source, identified)

    def source_digests(self, name: str, source: str) -> Mapping[str, str] | None:
        """Return the digest of a file; as recorded while it is unchanged since the upload."""
        for raw in self._named([name]):
            text = from_properties(raw).own.get('imported')
            return source_files.current_digests(source_files.imported(text), source)
        return None

    def resolve_checksum(self, checksum: str, source: str) -> str:
        """Return a checksum as kind:digest; one that names a checksum file is looked up there."""
        from ..._cloud.images import checksums

        return checksums.resolve(checksum, source, self.api.timeout)

    def opened(self, name: str) -> BinaryIO:
        """Refuse; the profile does before."""
        raise Unsupported('export_path: use the client of OpenStack (image save)', 'export_path')

    def _writer(self) -> ImageWriter:
        from .image_writer import ImageWriter

        return ImageWriter(self.api, self.secrets.url)

    def create(self, changes: Changes) -> Outcomes:
        """Create images from files and downloads, which are verified here, servers and volumes."""
        return self._writer().create(changes)

    def update(self, changes: Changes) -> Outcomes:
        """Update sources, descriptions and labels."""
        return self._writer().update(changes)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete images; those that are gone already are no error."""
        return self._writer().delete(changes)
