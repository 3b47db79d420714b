# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Creating and deleting images."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO, Callable, ContextManager, Dict, Protocol, Tuple

from ..._cloud import Busy, CloudError, Outcomes
from ..._cloud.images import checksums
from ..._cloud.images.source_files import check_digests, complete_url, stamp
from ..._model.change import Change, Changes
from ..._model.image import Image
from ..._model.image_url import REGISTRY
from ..._model.server_type import OCI, ROOT_TAR, ROOTS
from ..._model.status import TaskState
from ..record.host import Host
from ..record.protection import protected_columns
from . import image_import
from .pool_writer import writer_of
from .pools import Disk, pool_of

if TYPE_CHECKING:
    from .row_types import ListedBackup

_DONE = 'UPDATE main.image SET task_state = NULL WHERE id = ?'
_BUILT = 'UPDATE main.image SET size = ?, imported = ?, application = ? WHERE id = ?'
_APPLICATION = """SELECT i.application FROM server s JOIN main.image i ON i.id = s.image_id
  WHERE s.name = ?"""
_OWN = 'SELECT id FROM image WHERE name = ? AND project = ?'
_UNFINISHED = """SELECT source FROM image WHERE name = ? AND project = ?
  AND task_state IS NOT NULL"""
_DELETED = 'DELETE FROM main.image WHERE id = ?'
_FILE = """SELECT uuid || ' ' || disk_format FROM image WHERE name = ? AND project = ?
  AND task_state IS NULL"""


def _columns(image: Image) -> Dict[str, object]:
    """The columns that can be changed."""
    user = {'os_admin_user': image.os_admin_user}
    shared = {
        'visibility': image.visibility,
        'shared_with': json.dumps(list(image.shared_with)),
    }
    return {'source': image.source, **user, **shared, **protected_columns(image)}


def opened(host: Host, name: str) -> BinaryIO:
    """Open the file of an image of the project."""
    found = host.record.value(_FILE, name, host.record.project)
    if found is None:
        raise Busy(f'image {name} is no longer available; run the task again')
    return open(pool_of(host).image(*found.split()).path, 'rb')


class RootSnapshot(Protocol):
    """The snapshot of the root disk of a server, for an image of it."""

    disk: Disk

    def taken(self) -> ContextManager[str]:
        """Its name in the disk while it is there; empty if no guest writes to that."""

    def remove(self) -> None:
        """Delete it, if an interrupted run has left it."""


class ImageWriter:
    """Writes images of the local cloud."""

    def __init__(
        self, host: Host, url: str | None, snapshot_of: Callable[[str, str], RootSnapshot]
    ) -> None:
        """``url``, ``snapshot_of``: see LocalImages."""
        self.host = host
        self.record = host.record
        self.work = host.work
        self.url = url
        self.snapshot_of = snapshot_of
        self.pool = pool_of(host)

    def create(self, changes: Changes) -> Outcomes:
        """Create images from files, downloads, and what is in the cloud."""
        for image in [change.new(Image) for change in changes]:
            former = self.record.value(_UNFINISHED, image.name, self.record.project)
            if former and former != image.source:
                self._remove_snapshot(former, image.name)
        with self.record.writer.transaction():
            for change in changes:
                self._reserve(change.new(Image))
        built = self.work.for_each(changes, self._build)
        return self.work.finish(built, _DONE)

    def update(self, changes: Changes) -> Outcomes:
        """Update what can be changed of images."""
        return self.record.writer.update(changes, Image, _columns)

    def delete(self, changes: Changes, uses: str) -> Outcomes:
        """Delete images that are not in use.

        ``uses``: the condition for a server s that uses the image with the id ?1.
        """
        begun = self.record.writer.begin_deletion(changes, 'server', uses)
        deleted = self.work.then_each(begun, self._delete)
        return self.work.finish(deleted, _DELETED)

    def _delete(self, change: Change) -> None:
        if change.old(Image).unfinished:
            self._remove_snapshot(change.old(Image).source, change.name)
        self._clean(change)

    def _remove_snapshot(self, source: str, name: str) -> None:
        """Remove what an interrupted run may have left in the disk of its source."""
        kind, _colon, server = source.partition(':')
        if kind == 'server':
            self.snapshot_of(server, name).remove()

    def _clean(self, change: Change) -> None:
        """Remove all files of an image: an interrupted run may have had another format."""
        identity = self._identity(change)
        for disk_format in ('', ROOT_TAR):
            image = self.pool.image(identity, disk_format)
            writer_of(self.host).remove(image)
            image_import.remove(image.path)

    def _reserve(self, image: Image) -> None:
        columns = {
            **_columns(image),
            'checksum': image.checksum,
            'disk_format': image.disk_format,
        }
        row = self.record.value(_OWN, image.name, self.record.project)
        if row is not None:  # of an interrupted run
            self.record.writer.update_row('image', row, columns)
            return
        columns['uuid'] = str(uuid.uuid4())
        columns['name'] = image.name
        columns['task_state'] = TaskState.CREATING
        self.record.writer.insert_row('image', columns)

    def _identity(self, change: Change) -> str:
        row = self.record.row_of(change)
        return str(self.record.value('SELECT uuid FROM image WHERE id = ?', row))

    def _build(self, change: Change) -> None:
        image = change.new(Image)
        self._clean(change)
        target = self.pool.image(self._identity(change), image.disk_format)
        locks = self.work.held_lock('image', change.name)
        kind, _colon, name = image.source.partition(':')
        if kind == 'server':
            application = self.record.value(_APPLICATION, name)
            size = self._copy(name, image, target, locks)
            imported = None
        elif kind in ('volume', 'snapshot'):
            size = self._copy_volume(image.source, target, locks)
            application = imported = None
        elif kind == 'backup':
            size, application = self._copy_backup(name, target, locks)
            imported = None
        else:
            size, imported, application = self._import(image, target.path, locks)
        row = self.record.row_of(change)
        with self.record.writer.transaction() as sql:
            sql.execute(_BUILT, (size, imported, application, row))

    def _copy(self, name: str, image: Image, target: Disk, locks: Sequence[int]) -> int:
        """Copy the root disk, or the files, of a server; return the size in bytes."""
        if image.disk_format in ROOTS:
            from ..host.root_disks import mount_root
            from .root_archives import pack

            server = self.record.value('SELECT uuid FROM server WHERE name = ?', name)
            with image_import.Import(self.host, target.path, locks) as process:
                root = self.host.settings.path('servers', server, 'root')
                mount_root(root)
                return pack(process, root, f'server: {name}', image.disk_format == OCI)
        writer, snapshot = writer_of(self.host), self.snapshot_of(name, image.name)
        with snapshot.taken() as tag:
            writer.flatten(snapshot.disk, target, locks, tag)
        return writer.size(target)

    def _copy_volume(self, source: str, target: Disk, locks: Sequence[int]) -> int:
        """Copy a volume, or a snapshot of one; return the size in bytes."""
        from .volume_sources import locks_of, source_of

        writer = writer_of(self.host)
        found = source_of(self.record, self.pool, source)
        if found is None or found.disk.fault:
            raise CloudError(found.disk.fault if found else f'{source} has no disk')
        held = [*locks, *locks_of(self.record, self.work, found.volume)]
        writer.flatten(found.disk, target._replace(size=found.size), held, found.tag)
        return writer.size(target)

    def _copy_backup(self, name: str, target: Disk, locks: Sequence[int]) -> Tuple[int, str | None]:
        """Copy what a backup has, if that is what was written then.

        Return its size in bytes, and what it runs if that is no init.
        """
        from .backup_chain import Chain, rows_of_chain
        from .backup_rows import rows_of

        for row in rows_of(self.record, [name]):
            chain = Chain(self.host.settings, rows_of_chain(self.record, row), 'backup')
            folder = chain.folder
            chain.check([folder.name])
            held = [*locks, *self.work.held_lock('backup', name)]
            if row['has_files']:
                return self._copy_files(row, folder.copy, target, held), row['application']
            writer = writer_of(self.host)
            writer.flatten(chain.disk(folder.name), target, held)
            return writer.size(target), None
        raise Busy(f'backup {name} was deleted by another run; run the task again')

    def _copy_files(self, row: ListedBackup, path: str, target: Disk, locks: Sequence[int]) -> int:
        """Copy the files of a container in a backup; return the size in bytes."""
        from .root_archives import unpack_backup

        with image_import.Import(self.host, target.path, locks) as process:
            is_application = bool(row['application'])
            return unpack_backup(process, path, f'backup: {row["name"]}', is_application)

    def _import(
        self, image: Image, target: str, locks: Sequence[int]
    ) -> Tuple[int, str | None, str | None]:
        """Import an untrusted file.

        Return the size of its disk, its digests and stamp, and what it runs if that is no init.
        """
        kind, _colon, location = image.source.partition(':')
        source_stamp: Dict[str, int] = {}
        with image_import.Import(self.host, target, locks) as process:
            if location.startswith(REGISTRY):
                return self._fetch(process, image, location)
            if kind == 'url':
                url = complete_url(self.url, image.source)
                process.download(url, location)
            else:
                copied = process.copy(location)
                source_stamp = stamp(copied)
            if image.checksum is not None:
                checksum = checksums.resolve(image.checksum, image.source, self.host.timeout)
                check_digests(checksum, process.digests)
            size, application = _kept(process, image.disk_format, location)
        known = {**process.digests, **source_stamp}
        return size, json.dumps(known), application

    def _fetch(
        self, process: image_import.Import, image: Image, location: str
    ) -> Tuple[int, str | None, str | None]:
        """Fetch an image from a registry; return what an import does."""
        from .oci_images import unpack_oci
        from .oci_registries import from_registry

        size, application = unpack_oci(
            process,
            f'url: {location}',
            lambda folder: from_registry(folder, location, image.checksum),
        )
        return size, json.dumps(process.digests), application.recorded() if application else None


def _kept(process: image_import.Import, disk_format: str, name: str) -> Tuple[int, str | None]:
    """Make what was copied the image; return its size in bytes, and what it runs."""
    if disk_format == OCI:
        from .oci_images import from_archive, unpack_oci

        size, application = unpack_oci(process, name, from_archive)
        return size, application.recorded() if application else None
    return _size_of_kept(process, disk_format, name), None


def _size_of_kept(process: image_import.Import, disk_format: str, name: str) -> int:
    if disk_format == 'iso':
        return process.keep(name)
    if disk_format == ROOT_TAR:
        from .root_archives import unpack

        return unpack(process, name)
    return process.convert(name)
