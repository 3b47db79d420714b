# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images: qcow2 files that stand by themselves; servers' disks are written on top of them."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, BinaryIO, Dict, List, Tuple

from .._cloud import CloudError, Outcome
from .._model.change import AFTER_APPLY, Change
from .._model.image import DIGITS, Image, min_disk_gb
from . import disks
from .host import Host
from .record import description_columns, split_names

_LIST = """SELECT i.*, (SELECT group_concat(s.name) FROM server s WHERE s.image_id = i.id) AS used
  FROM image i WHERE ?1 IS NULL OR i.name IN (SELECT value FROM json_each(?1)) ORDER BY i.name"""
_CHUNK = 1 << 20


class LocalImages:
    """Images of the local cloud."""

    def __init__(self, host: Host, urls: Mapping[str, str]) -> None:
        """Images on record and under the state folder. ``urls``: those of this run by what is recorded of them, as sources."""
        self.host, self.record, self.urls = host, host.record, urls

    def list(self, names: Iterable[str] | None = None) -> Tuple[Image, ...]:
        """Look: all, or those of these names."""
        return tuple(
            _image(row, self._is_disk_missing(row)) for row in self.record.named(_LIST, names)
        )

    def _is_disk_missing(self, row: Any) -> bool:
        return row['task_state'] is None and not os.path.exists(path(self.host, row['uuid']))

    def source_problem(self, source: str) -> str:
        """What speaks against making an image of a path, as far as it can be seen beforehand."""
        kind, _colon, where = source.partition(':')
        if kind != 'path':
            return ''
        if not os.path.isfile(where):
            return f'{where} is not a file on this host'
        from .image_import import check_file

        try:
            check_file(where)
        except (CloudError, OSError) as error:
            return str(error)
        return ''

    def source_digests(self, name: str, source: str) -> Dict[str, str] | None:
        """What a path holds is read only where the file is not the one, unaltered, that the image was made of."""
        made_of = _imported(self.record.value('SELECT imported FROM image WHERE name = ?', name))
        where = source.partition(':')[2]
        if not made_of or not os.path.isfile(where):
            return None
        if _stamp(os.stat(where)) == {key: made_of.get(key) for key in _STAMP}:
            return {'sha256': made_of['sha256']}
        with open(where, 'rb') as file:
            return {'sha256': _digest(file)}

    def resolve_checksum(self, checksum: str, source: str) -> str:
        """A file of checksums is fetched, and has a line for the file."""
        from . import checksums

        return checksums.resolve(checksum, source, self.host.timeout)

    def create(self, changes: Sequence[Change]) -> List[Outcome]:
        """Fetch, check and copy what images are made of."""
        with self.record.transaction():
            for change in changes:
                self._reserve(change.after)
        os.makedirs(self.host.settings.path('images'), 0o711, exist_ok=True)
        return self.host.finish(
            self.host.for_each(changes, self._build),
            'UPDATE image SET task_state = NULL WHERE name = ?',
        )

    def update(self, changes: Sequence[Change]) -> List[Outcome]:
        """Change what is said about images."""
        with self.record.transaction():
            for change in changes:
                self.record.update_named(
                    'image',
                    change.name,
                    {'source': change.after.source, **description_columns(change.after)},
                )
        return [Outcome(change) for change in changes]

    def delete(self, changes: Sequence[Change]) -> List[Outcome]:
        """Remove images that no server stands on."""
        self.record.begin_deletion(
            'image', [change.name for change in changes], 'server', 'image_id'
        )
        return self.host.finish(
            self.host.for_each(changes, self._erase), 'DELETE FROM image WHERE name = ?'
        )

    def _erase(self, change: Change) -> None:
        from . import image_import

        target = self._path(change.name)
        disks.remove(target)
        image_import.remove(target)

    def _reserve(self, image: Image) -> None:
        columns = {'source': image.source, 'checksum': image.checksum, **description_columns(image)}
        row = self.record.value('SELECT id FROM image WHERE name = ?', image.name)
        if row is not None:  # an earlier run was interrupted
            self.record.update('image', row, columns)
        else:
            self.record.insert(
                'image',
                {
                    'uuid': str(uuid.uuid4()),
                    'name': image.name,
                    **columns,
                    'task_state': 'creating',
                },
            )

    def _path(self, name: str) -> str:
        return path(self.host, self.record.value('SELECT uuid FROM image WHERE name = ?', name))

    def _build(self, change: Change) -> None:
        target, locks = self._path(change.name), self.host.held_lock('image', change.name)
        kind, _colon, where = change.after.source.partition(':')
        if kind == 'server':
            server = self.record.value('SELECT uuid FROM server WHERE name = ?', where)
            disks.flatten(
                self.host,
                self.host.settings.path('servers', server, 'root.qcow2'),
                'qcow2',
                target,
                locks,
            )
            size, made_of = disks.describe_own(self.host, target)['virtual-size'], None
        else:
            size, made_of = self._imported(change.after, target, locks)
        with self.record.transaction() as sql:
            sql.execute(
                'UPDATE image SET size = ?, imported = ? WHERE name = ?',
                (size, made_of, change.name),
            )

    def _imported(self, image: Image, target: str, locks: Sequence[int]) -> Tuple[int, str]:
        """Make an image of what others made; its size, and what it was made of."""
        from .image_import import Import, check_digests

        kind, _colon, where = image.source.partition(':')
        stamp: Dict[str, int] = {}
        with Import(self.host, target, locks) as making:
            if kind == 'url':
                making.download(self.urls.get(image.source, where), where)
            else:
                stamp = _stamp(making.copy(where))
            if image.checksum is not None:
                check_digests(self.resolve_checksum(image.checksum, image.source), making.digests)
            size = making.convert(where)
        return size, json.dumps({**making.digests, **stamp})


_STAMP = ('device', 'inode', 'size', 'mtime_ns')


def _stamp(found: os.stat_result) -> Dict[str, int]:
    """By what one sees that a file was not altered since."""
    return dict(zip(_STAMP, (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)))


def _imported(text: str | None) -> Dict[str, Any]:
    """What an image was made of; nothing where that is not known."""
    return json.loads(text) if text else {}


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def path(host: Host, identity: str) -> str:
    """The file of an image."""
    return host.settings.path('images', identity + '.qcow2')


def _image(row: Any, disk_missing: bool) -> Image:
    size: Dict[str, Any] = (
        {} if row['size'] is None else {'size': row['size'], 'min_disk': min_disk_gb(row['size'])}
    )
    return Image(
        row['name'],
        row['source'],
        row['checksum'],
        row['description'],
        json.loads(row['labels']),
        used_by=split_names(row['used']),
        task_state=row['task_state'],
        created_by=row['created_by'],
        created_at=row['created_at'],
        disk_missing=disk_missing,
        digests={
            kind: digest for kind, digest in _imported(row['imported']).items() if kind in DIGITS
        },
        **(size or {'size': AFTER_APPLY, 'min_disk': AFTER_APPLY}),
    )
