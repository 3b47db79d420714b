# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Creating, updating and deleting images."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from types import MappingProxyType
from typing import List, Tuple

from ..._cloud import CloudError, NoAnswer, Outcomes
from ..._model.change import AFTER_APPLY, Change, Changes
from ..._model.image import Image, min_disk_gb
from ..api.api import Api, Raw
from ..api.doubles import stays, until_one_stays
from ..api.lists import all_images
from ..api.names import age, the_id
from ..api.parallel import each
from ..api.polling import await_one
from ..api.properties import from_properties, protect, write_properties
from ..api.services import IMAGE
from .image_rows import existing, is_abandoned, ours, properties_of
from .image_source import SourceFile, Upload, verified
from .server_images import create_from_server, delete_snapshots, keep_root_only
from .volume_images import create_from_volume, size_of


class ImageWriter:
    """Writes images of a project.

    Glance deletes an image to which two runs send data. So each run creates its own, and of several
    the first stays that has its data; what has none then is of runs that are slower, or were
    killed.
    """

    def __init__(self, api: Api, url: str | None) -> None:
        """``url``: the complete one of this task; only a part of it is recorded."""
        self.api = api
        self.url = url

    def create(self, changes: Changes) -> Outcomes:
        """Create images from files, downloads, servers and volumes."""
        return each(changes, self._create)

    def _create(self, change: Change) -> None:
        image = change.new(Image)
        created = until_one_stays(partial(self._attempt, image))
        self._protect(str(created['id']), image.delete_protection)

    def _attempt(self, image: Image) -> Raw | None:
        """Create an image; return what is there then, which may be nothing."""
        name = image.name
        try:
            identity, is_own = self._created(image)
        except CloudError:
            # Another run may have been faster, and deleted what this one had begun.
            first = self._first(name)
            if first is None:
                raise
            return first
        created = next((raw for raw in self._active(name) if raw['id'] == identity), None)
        if created is None or not is_own or stays(created, partial(self._active, name)):
            self._delete_incomplete(name)
            return created
        self.api.notes.append(f'another run has created image {name} at the same time; it is kept')
        self._remove(identity)
        return self._first(name)

    def _created(self, image: Image) -> Tuple[str, bool]:
        """Create an image; return its id, and whether no other run had begun it."""
        if image.source.startswith(('server:', 'volume:')):
            begun = self._begun(image.name)
            return self._by_cloud(image, begun), begun is None
        first = self._first(image.name)
        if first is not None:
            return str(first['id']), False
        with verified(self.api, image, self.url) as source:
            return self._upload(image, source), True

    def _by_cloud(self, image: Image, begun: Raw | None) -> str:
        """Let Nova or Cinder create an image, or complete one that was begun; return its id."""
        is_of_volume = image.source.startswith('volume:')
        if begun is not None:
            identity = str(begun['id'])
        elif is_of_volume:
            identity = create_from_volume(self.api, image, self._until())
        else:
            identity = create_from_server(self.api, image, self._until())
        self._await(identity, image.name)
        raw = self._raw(identity)
        own = {'created_by': from_properties(raw).created_by or self.api.actor}
        if is_of_volume:
            own['size'] = size_of(self.api, image)
            self._write(raw, image, own, {'name': image.name})
        else:
            self._write(raw, image, own, keep_root_only(self.api, raw))
        return identity

    def _ours(self, name: str) -> List[Raw]:
        self.api.forget()
        return ours(all_images(self.api), name, self.api.project_id)

    def _until(self) -> str:
        """When the time of this run ends, in seconds since 1970."""
        left = self.api.deadline - time.monotonic()
        end = int(time.time() + left) + 1
        return str(end)

    def _active(self, name: str) -> List[Raw]:
        """The images of a name that have their data, with the time since which they have it."""
        found: List[Raw] = []
        for raw in self._ours(name):
            if raw['status'] == 'active':
                found.append({**raw, 'created_at': raw['updated_at']})
        return sorted(found, key=age)

    def _first(self, name: str) -> Raw | None:
        return next(iter(self._active(name)), None)

    def _begun(self, name: str) -> Raw | None:
        """What the cloud is creating, or has created; what it will not complete is deleted."""
        for raw in self._ours(name):
            status = raw['status']
            if status == 'active' or not is_abandoned(raw):
                return raw
            self.api.delete(IMAGE, f'/images/{raw["id"]}')
        return None

    def _upload(self, image: Image, source: SourceFile) -> str:
        """Upload a file to a new image; return its id."""
        size = source.disk.size or source.length
        own = {
            'created_by': self.api.actor,
            'imported': source.imported,
            'size': str(size),
            'until': self._until(),
        }
        properties = properties_of(image, own)
        identity = self._record(image, source.disk.name, min_disk_gb(size), properties)
        self._send(identity, image, source)
        return identity

    def _record(
        self,
        image: Image,
        disk_format: str,
        min_disk: int,
        properties: Mapping[str, str],
    ) -> str:
        """Create an image without data; return its id."""
        body = {
            'name': image.name,
            'disk_format': disk_format,
            'container_format': 'bare',
            'visibility': 'private',
            'min_disk': min_disk,
            **properties,
        }
        return str(self.api.post(IMAGE, '/images', body)['id'])

    def _send(self, identity: str, image: Image, source: SourceFile) -> None:
        """Send the data, and check what arrived; an image whose data is wrong is deleted."""
        try:
            failure = self._sent(identity, source)
            self._await(identity, image.name, failure)
            self._check(self._raw(identity), source)
        except CloudError:
            with suppress(CloudError):
                self.api.delete(IMAGE, f'/images/{identity}')
            raise

    def _sent(self, identity: str, source: SourceFile) -> str:
        """Send the data; return why it is not known whether they arrived."""
        try:
            self.api.upload(IMAGE, f'/images/{identity}/file', Upload(self.api, source))
        except NoAnswer as error:
            return str(error)
        return ''

    def _check(self, raw: Raw, source: SourceFile) -> None:
        """Compare what Glance has with what was verified: a file may change meanwhile."""
        algorithm = raw.get('os_hash_algo') or ''
        digest = raw.get('os_hash_value')
        verified_digest = source.digests.get(algorithm, digest)
        if raw['size'] != source.length or digest != verified_digest:
            raise CloudError('the file changed while it was uploaded; no image was created')

    def _await(self, identity: str, name: str, failure: str = '') -> None:
        """Wait until an image has its data. ``failure``: why it may never have it."""

        def reason() -> str:
            answer = self.api.find(IMAGE, f'/images/{identity}')
            status = answer.get('status', 'deleted')
            if status == 'active':
                return ''
            if status in ('deleted', 'killed', 'pending_delete'):
                raise CloudError(f'image {name}: the cloud could not create it; it is {status}')
            if status == 'queued' and failure:
                raise CloudError(f'image {name}: the upload was interrupted: {failure}')
            return f'image {name} is {status}'

        await_one(self.api, reason)

    def _delete_incomplete(self, name: str) -> None:
        """Delete the images of a name that have no data."""
        for raw in self._ours(name):
            if raw['status'] != 'active':
                self._remove(str(raw['id']))

    def _remove(self, identity: str) -> None:
        delete_snapshots(self.api, identity)
        self.api.delete(IMAGE, f'/images/{identity}')

    def _raw(self, identity: str) -> Raw:
        return self.api.get(IMAGE, f'/images/{identity}')

    def _id(self, change: Change) -> str:
        """The id of the image of a change."""
        if change.id is not None and change.id != AFTER_APPLY:
            return change.id
        images = existing(all_images(self.api))
        return the_id('image', change.name, images, self.api.project_id)

    def update(self, changes: Changes) -> Outcomes:
        """Update sources, descriptions and labels."""
        return each(changes, self._update)

    def _update(self, change: Change) -> None:
        raw = self._raw(self._id(change))
        image = change.new(Image)
        self._write(raw, image, from_properties(raw).own)
        self._protect(str(raw['id']), image.delete_protection)

    def _protect(self, identity: str, delete_protection: bool) -> None:
        """Let Glance protect an image from deletion by anybody, or lift that."""
        raw = self._raw(identity)
        if bool(raw.get('protected')) != delete_protection:
            protect(self.api, identity, delete_protection)

    def _write(
        self,
        raw: Raw,
        image: Image,
        own: Mapping[str, str],
        others: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Write what can be changed of an image. ``own``: what else is known of it."""
        wanted = {**properties_of(image, own), **others}
        if raw.get('description') and not image.description:
            wanted['description'] = ''
        write_properties(self.api, raw, wanted)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete images; those that are gone already are no error."""
        return each(changes, self._delete)

    def _delete(self, change: Change) -> None:
        identity = self._id(change)
        if change.old(Image).delete_protection:
            protect(self.api, identity, False)
        self._remove(identity)
