# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images: qcow2 files that stand by themselves; servers' disks are written on top of them."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Dict, List, Tuple

from .._cloud import CloudError, Outcome
from .._model.change import AFTER_APPLY, Change
from .._model.image import Image, least_disk, recorded
from . import disks
from .host import Host
from .record import described, names_in

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
        return tuple(_image(row, self._gone(row)) for row in self.record.named(_LIST, names))

    def _gone(self, row: Any) -> bool:
        return row['task_state'] is None and not os.path.exists(path(self.host, row['uuid']))

    def source_problem(self, source: str) -> str:
        """What speaks against making an image of a path, as far as it can be seen beforehand."""
        kind, _colon, where = source.partition(':')
        if kind != 'path':
            return ''
        if not os.path.isfile(where):
            return f'{where} is not a file on this host'
        try:
            disks.describe(self.host, where)
        except CloudError as error:
            return str(error)
        return ''

    def create(self, changes: Sequence[Change]) -> List[Outcome]:
        """Fetch, check and copy what images are made of."""
        with self.record.transaction():
            for change in changes:
                self._reserve(change.after)
        os.makedirs(self.host.settings.path('images'), 0o711, exist_ok=True)
        return self.host.finish(self.host.each(changes, self._build), 'UPDATE image SET task_state = NULL WHERE name = ?')

    def update(self, changes: Sequence[Change]) -> List[Outcome]:
        """Change what is said about images."""
        with self.record.transaction():
            for change in changes:
                self.record.update_named('image', change.name, described(change.after))
        return [Outcome(change) for change in changes]

    def delete(self, changes: Sequence[Change]) -> List[Outcome]:
        """Remove images that no server stands on."""
        self.record.begin_deletion('image', [change.name for change in changes], 'server', 'image_id')
        return self.host.finish(self.host.each(changes, self._erase), 'DELETE FROM image WHERE name = ?')

    def _erase(self, change: Change) -> None:
        for path in (self._path(change.name), _download_of(self._path(change.name))):
            disks.remove(path)

    def _reserve(self, image: Image) -> None:
        columns = {'source': image.source, 'checksum': image.checksum, **described(image)}
        row = self.record.value('SELECT id FROM image WHERE name = ?', image.name)
        if row is not None:  # an earlier run was interrupted
            self.record.update('image', row, columns)
        else:
            self.record.insert('image', {'uuid': str(uuid.uuid4()), 'name': image.name, **columns, 'task_state': 'creating'})

    def _path(self, name: str) -> str:
        return path(self.host, self.record.value('SELECT uuid FROM image WHERE name = ?', name))

    def _build(self, change: Change) -> None:
        kind, _colon, where = change.after.source.partition(':')
        target, locks = self._path(change.name), self.host.held('image', change.name)
        if kind == 'server':
            server = self.record.value('SELECT uuid FROM server WHERE name = ?', where)
            disks.flatten(self.host, self.host.settings.path('servers', server, 'root.qcow2'), 'qcow2', target, locks)
        elif kind == 'url':
            self._fetched(self.urls.get(change.after.source, where), change.after.checksum, target, locks)
        else:
            _verify(where, change.after.checksum)
            disks.flatten(self.host, where, disks.describe(self.host, where)['format'], target, locks)
        size = disks.describe(self.host, target)['virtual-size']
        with self.record.transaction() as sql:
            sql.execute('UPDATE image SET size = ? WHERE name = ?', (size, change.name))

    def _fetched(self, url: str, checksum: str | None, target: str, locks: Sequence[int]) -> None:
        download = _download_of(target)
        try:
            _download(url, download)
            _verify(download, checksum)
            disks.flatten(self.host, download, disks.describe(self.host, download)['format'], target, locks)
        finally:
            disks.remove(download)


def path(host: Host, identity: str) -> str:
    """The file of an image."""
    return host.settings.path('images', identity + '.qcow2')


def _download_of(target: str) -> str:
    """Where what an image is made of is fetched to."""
    return target + '.download'


def _download(url: str, target: str) -> None:
    from http.client import HTTPException
    from urllib.error import URLError
    from urllib.request import build_opener

    try:
        with build_opener().open(url, timeout=60) as response, open(_private(target), 'wb') as file:  # only http and https get here
            while chunk := response.read(_CHUNK):
                file.write(chunk)
    except (URLError, OSError) as error:
        raise CloudError(f'url: {recorded(url)} cannot be fetched: {error}') from error
    except (HTTPException, ValueError) as error:  # their words may have all of the URL
        raise CloudError(f'url: {recorded(url)} cannot be fetched: {type(error).__name__}') from error


def _private(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)


def _verify(file: str, checksum: str | None) -> None:
    if checksum is None:
        return
    kind, _colon, wanted = checksum.partition(':')
    digest = hashlib.new(kind)
    with open(file, 'rb') as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != wanted:
        raise CloudError(f'checksum: what was delivered has {kind}:{digest.hexdigest()}, asked was {checksum}; nothing was made of it')


def _image(row: Any, gone: bool) -> Image:
    size: Dict[str, Any] = {} if row['size'] is None else {'size': row['size'], 'min_disk': least_disk(row['size'])}
    return Image(
        row['name'],
        row['source'],
        row['checksum'],
        row['description'],
        json.loads(row['labels']),
        used_by=names_in(row['used']),
        task_state=row['task_state'],
        created_by=row['created_by'],
        created_at=row['created_at'],
        gone=gone,
        **(size or {'size': AFTER_APPLY, 'min_disk': AFTER_APPLY}),
    )
