# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images: qcow2 files without a backing file, which are the backing files of servers' disks.

The file of an ISO image has the same name, and is the ISO image as it was imported.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from typing import TYPE_CHECKING, BinaryIO, Callable, Dict, Tuple

from ..._cloud import Outcomes
from ..._cloud.images import source_files
from ..._model.change import AFTER_APPLY, Changes
from ..._model.image import DIGITS, Image, min_disk_gb
from ..._model.server_type import OCI, ROOT_TAR
from ..record.database import Query
from ..record.host import Host
from ..record.record import split_names
from .pools import pool_of

if TYPE_CHECKING:
    from .image_writer import ImageWriter, RootSnapshot
    from .row_types import ListedImage

# The condition for a server s that uses the image with an id; CDs are those of its project.
USES = """({id} IN (s.image_id, s.rescue_image_id)
  OR (SELECT name FROM image WHERE id = {id} AND project = s.project) IN (
  SELECT value FROM json_each(s.hardware, '$.cdroms')))"""
# Servers of others are called PROJECT/NAME; who shares an image sees them, others do not.
_LIST: Query[ListedImage] = Query(f"""SELECT i.*,
  (SELECT group_concat(CASE s.project WHEN o.project THEN '' ELSE s.project || '/' END || s.name)
    FROM main.server s, opened o WHERE o.project IN (s.project, i.project)
    AND {USES.format(id='i.id')}) AS used,
  CASE i.project WHEN o.project THEN '' ELSE i.project END AS owner
  FROM image i, opened o WHERE ?1 IS NULL OR i.name IN (SELECT value FROM json_each(?1))
  ORDER BY i.name""")


class LocalImages:
    """Images of the local cloud."""

    of_attached = True

    def __init__(
        self, host: Host, url: str | None, snapshot_of: Callable[[str, str], RootSnapshot]
    ) -> None:
        """``url``: the complete one of this task; only a part of it is recorded.

        ``snapshot_of``: that of the root disk of a server, by its name, for an image, by its name.
        """
        self.host = host
        self.snapshot_of = snapshot_of
        self.record = host.record
        self.url = url
        self.pool = pool_of(host)

    def list(self, names: Iterable[str] | None = None) -> Tuple[Image, ...]:
        """All images, or those with these names."""
        rows = self.host.rows_in_progress('image', lambda: self.record.named(_LIST, names))
        return tuple(map(self._observed, rows))

    def _observed(self, row: ListedImage) -> Image:
        image = _image(row, self._is_disk_missing(row))
        image = self.host.with_progress('image', row, image)
        if not image.task_state:
            return image
        from ..host.progress import shown

        return shown(self.host.locks, 'image', image.name, image)

    def _is_disk_missing(self, row: ListedImage) -> bool:
        if row['task_state'] is not None:
            return False
        image = self.pool.image(row['uuid'], row['disk_format'])
        return not self.pool.exists(image)

    def source_problem(self, source: str, disk_format: str) -> str:
        """Why a file cannot become an image, as far as known before the import; else empty."""
        from ..._cloud.images.disk_format import identify, identify_iso
        from ..._cloud.images.root_archive import identify_root

        identifies: Dict[str, Callable[[BinaryIO, str], object]] = {
            'iso': identify_iso,
            ROOT_TAR: identify_root,
            OCI: identify_root,
        }
        if disk_format == OCI and not (shutil.which('skopeo') and shutil.which('umoci')):
            return (
                'disk_format: oci needs skopeo and umoci; run the role hanok.cloud.host, which '
                'installs them'
            )
        return source_files.source_problem(source, identifies.get(disk_format, identify))

    def source_digests(self, name: str, source: str) -> Dict[str, str] | None:
        """The digest of a source file; as recorded while the file is unchanged since the import."""
        text = self.record.value('SELECT imported FROM image WHERE name = ?', name)
        return source_files.current_digests(source_files.imported(text), source)

    def resolve_checksum(self, checksum: str, source: str) -> str:
        """A checksum as kind:digest; one that names a checksum file is looked up there."""
        from ..._cloud.images import checksums

        return checksums.resolve(checksum, source, self.host.timeout)

    def opened(self, name: str) -> BinaryIO:
        """Open the file of an image, which has no backing file."""
        from .image_writer import opened

        return opened(self.host, name)

    def _writer(self) -> ImageWriter:
        from .image_writer import ImageWriter

        return ImageWriter(self.host, self.url, self.snapshot_of)

    def create(self, changes: Changes) -> Outcomes:
        """Create images from files, downloads and disks of servers."""
        return self._writer().create(changes)

    def update(self, changes: Changes) -> Outcomes:
        """Update what can be changed of images."""
        return self._writer().update(changes)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete images that are not in use."""
        return self._writer().delete(changes, USES.format(id='?1'))


def _image(row: ListedImage, disk_missing: bool) -> Image:
    size = row['size']
    application = None
    if row['application']:
        from ..._model.application import application_from

        application = application_from(row['application'])
    imported = source_files.imported(row['imported'])
    digests = {kind: digest for kind, digest in imported.items() if kind in DIGITS}
    return Image(
        row['name'],
        row['source'],
        row['checksum'],
        row['description'],
        json.loads(row['labels']),
        used_by=split_names(row['used']),
        id=row['uuid'],
        created_by=row['created_by'],
        created_at=row['created_at'],
        disk_missing=disk_missing,
        digests=digests,
        size=AFTER_APPLY if size is None else size,
        min_disk=AFTER_APPLY if size is None else min_disk_gb(size),
        disk_format=row['disk_format'],
        application=application,
        os_admin_user=row['os_admin_user'],
        visibility=row['visibility'],
        shared_with=tuple(json.loads(row['shared_with'])),
        owner=row['owner'],
        delete_protection=bool(row['delete_protection']),
    )
