# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images: qcow2 files without a backing file, which are the backing files of servers' disks."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Dict, List, Tuple

from ..._cloud import CloudError, Outcome
from ..._model.change import AFTER_APPLY, Change
from ..._model.image import DIGITS, Image, is_url_of, min_disk_gb
from ..._model.status import TaskState
from ..record.database import Query
from ..record.host import Host
from ..record.record import description_columns, split_names
from .pools import Disk, pool_of

if TYPE_CHECKING:
    from .row_types import ListedImage

_LIST: Query[ListedImage] = Query("""SELECT i.*, (SELECT group_concat(s.name)
  FROM server s WHERE s.image_id = i.id) AS used
  FROM image i WHERE ?1 IS NULL OR i.name IN (SELECT value FROM json_each(?1)) ORDER BY i.name""")
_CHUNK = 1 << 20


class LocalImages:
    """Images of the local cloud."""

    def __init__(self, host: Host, url: str | None) -> None:
        """``url``: the complete one of this task; only a part of it is recorded."""
        self.host, self.record, self.url = host, host.record, url
        self.pool = pool_of(host)

    def list(self, names: Iterable[str] | None = None) -> Tuple[Image, ...]:
        """All images, or those with these names."""
        rows = self.host.rows_in_progress('image', lambda: self.record.named(_LIST, names))
        return tuple(
            self.host.with_progress('image', row, _image(row, self._is_disk_missing(row)))
            for row in rows
        )

    def _is_disk_missing(self, row: ListedImage) -> bool:
        image = self.pool.image(row['uuid'])
        return row['task_state'] is None and not self.pool.exists(image)

    def source_problem(self, source: str) -> str:
        """Why a file cannot become an image, as far as known before the import; else empty."""
        kind, _colon, file = source.partition(':')
        if kind != 'path':
            return ''
        if not os.path.isfile(file):
            return f'{file} is not a file on this host'
        from .image_import import check_file

        try:
            check_file(file)
        except (CloudError, OSError) as error:
            return str(error)
        return ''

    def source_digests(self, name: str, source: str) -> Dict[str, str] | None:
        """The digest of a source file; as recorded while the file is unchanged since the import."""
        imported = _imported(self.record.value('SELECT imported FROM image WHERE name = ?', name))
        source_file = source.partition(':')[2]
        if not imported or not os.path.isfile(source_file):
            return None
        if _stamp(os.stat(source_file)) == {key: imported.get(key) for key in _STAMP}:
            return {'sha256': imported['sha256']}
        with open(source_file, 'rb') as file:
            return {'sha256': _digest(file)}

    def resolve_checksum(self, checksum: str, source: str) -> str:
        """A checksum as kind:digest; one that names a checksum file is looked up there."""
        from . import checksums

        return checksums.resolve(checksum, source, self.host.timeout)

    def create(self, changes: Sequence[Change]) -> List[Outcome]:
        """Create images from files, downloads and disks of servers."""
        with self.record.transaction():
            for change in changes:
                self._reserve(change.new(Image))
        return self.host.finish(
            self.host.for_each(changes, self._build),
            'UPDATE main.image SET task_state = NULL WHERE id = ?',
        )

    def update(self, changes: Sequence[Change]) -> List[Outcome]:
        """Update sources, descriptions and labels."""
        return self.record.writer.update(
            changes, Image, lambda image: {'source': image.source, **description_columns(image)}
        )

    def delete(self, changes: Sequence[Change]) -> List[Outcome]:
        """Delete images that are not in use."""
        begun = self.record.writer.begin_deletion(changes, 'server', 'image_id')
        return self.host.finish(
            self.host.then_each(begun, self._delete), 'DELETE FROM main.image WHERE id = ?'
        )

    def _delete(self, change: Change) -> None:
        from . import image_import
        from .pool_writer import writer_of

        image = self._disk(change)
        writer_of(self.host).remove(image)
        image_import.remove(image.path)

    def _reserve(self, image: Image) -> None:
        columns = {'source': image.source, 'checksum': image.checksum, **description_columns(image)}
        row = self.record.find('image', image.name)
        if row is not None:  # of an interrupted run
            self.record.update('image', row, columns)
        else:
            identity = {'uuid': str(uuid.uuid4()), 'name': image.name}
            self.record.insert('image', {**identity, **columns, 'task_state': TaskState.CREATING})

    def _disk(self, change: Change) -> Disk:
        row = self.record.row_of(change)
        return self.pool.image(self.record.value('SELECT uuid FROM image WHERE id = ?', row))

    def _build(self, change: Change) -> None:
        target, locks = self._disk(change), self.host.held_lock('image', change.name)
        kind, _colon, name = change.new(Image).source.partition(':')
        if kind == 'server':
            server = self.record.value('SELECT uuid FROM server WHERE name = ?', name)
            from .pool_writer import writer_of

            writer = writer_of(self.host)
            writer.flatten(writer.root(server), target, locks)
            size, imported = writer.size(target), None
        else:
            size, imported = self._import(change.new(Image), target.path, locks)
        with self.record.transaction() as sql:
            sql.execute(
                'UPDATE main.image SET size = ?, imported = ? WHERE id = ?',
                (size, imported, self.record.row_of(change)),
            )

    def _import(self, image: Image, target: str, locks: Sequence[int]) -> Tuple[int, str]:
        """Import an untrusted file; return the size of its disk, and its digests and stamp."""
        from .image_import import Import, check_digests

        kind, _colon, location = image.source.partition(':')
        stamp: Dict[str, int] = {}
        with Import(self.host, target, locks) as process:
            if kind == 'url':
                process.download(self._complete_url(image.source, location), location)
            else:
                stamp = _stamp(process.copy(location))
            if image.checksum is not None:
                checksum = self.resolve_checksum(image.checksum, image.source)
                check_digests(checksum, process.digests)
            size = process.convert(location)
        return size, json.dumps({**process.digests, **stamp})

    def _complete_url(self, source: str, recorded: str) -> str:
        """The URL of this task if the source is recorded of it, else the recorded one."""
        if self.url is not None and is_url_of(self.url, source):
            return self.url
        return recorded


_STAMP = ('device', 'inode', 'size', 'mtime_ns')


def _stamp(found: os.stat_result) -> Dict[str, int]:
    """The values by which an unchanged file is recognized."""
    return dict(zip(_STAMP, (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)))


def _imported(text: str | None) -> Dict[str, Any]:
    """The digests and the stamp of the imported file; empty if unknown."""
    return json.loads(text) if text else {}


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _image(row: ListedImage, disk_missing: bool) -> Image:
    size, imported = row['size'], _imported(row['imported'])
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
        digests={kind: digest for kind, digest in imported.items() if kind in DIGITS},
        size=AFTER_APPLY if size is None else size,
        min_disk=AFTER_APPLY if size is None else min_disk_gb(size),
    )
