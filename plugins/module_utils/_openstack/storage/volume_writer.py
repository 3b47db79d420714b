# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Creating, updating, attaching, detaching and deleting volumes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Dict, List
from urllib.parse import quote
from uuid import uuid4

from ..._cloud import Busy, CloudError, Gone, NoAnswer, Outcomes
from ..._model.change import AFTER_APPLY, Change, Changes
from ..._model.volume import Volume
from ..api.api import Api, Raw
from ..api.doubles import stays, until_one_stays
from ..api.lists import all_images, all_servers, all_volumes, by_id
from ..api.names import age, the_id, with_name
from ..api.parallel import each
from ..api.polling import await_one
from ..api.services import COMPUTE, VOLUME
from .root_volumes import with_names
from .snapshot_rows import with_full_names
from .volume_rows import creation_body, is_ours, label_changes, marks_of


class VolumeWriter:
    """Writes volumes of a project."""

    def __init__(self, api: Api) -> None:
        """``api``: the services, as the project sees them."""
        self.api = api

    def create(self, changes: Changes) -> Outcomes:
        """Create volumes, empty or as copies."""
        return each(changes, self._create)

    def _create(self, change: Change) -> None:
        volume = change.new(Volume)
        first = until_one_stays(partial(self._attempt, volume))
        self._await(first['id'], _is_idle)

    def _attempt(self, volume: Volume) -> Raw | None:
        """Create a volume; return what is there then, which may be nothing."""
        identity = self._created(volume)
        try:
            self._await(identity, _is_available)
        except CloudError:
            # It is empty, or part of a copy, and nobody can use it.
            if self._status(identity).startswith('error'):
                self.api.delete(VOLUME, f'/volumes/{identity}')
            raise
        ours = partial(self._ours, volume.name)
        created = next((raw for raw in ours() if raw['id'] == identity), None)
        if created is None or stays(created, ours):
            return created
        self.api.notes.append(
            f'another run has created volume {volume.name} at the same time; it is kept'
        )
        self.api.delete(VOLUME, f'/volumes/{identity}')
        return next((raw for raw in ours() if raw['id'] != identity), None)

    def _created(self, volume: Volume) -> str:
        """Let Cinder begin to create a volume; return its id."""
        token = str(uuid4())
        body = creation_body(volume, self.api.actor, token, self._source(volume))
        try:
            answer = self.api.post(VOLUME, '/volumes', {'volume': body})
        except NoAnswer:
            for raw in self._ours(volume.name):
                if marks_of(raw).own.get('token') == token:
                    return str(raw['id'])
            raise
        return str(answer['volume']['id'])

    def _source(self, volume: Volume) -> Dict[str, str]:
        """What a volume is a copy of, in the words of Cinder."""
        kind, _colon, name = (volume.source or '').partition(':')
        project = self.api.project_id
        if kind == 'image':
            return {'imageRef': the_id('image', name, all_images(self.api), project)}
        if kind == 'source_volume':
            volumes = with_names(all_volumes(self.api), all_servers(self.api))
            return {'source_volid': the_id('volume', name, volumes, project)}
        if kind == 'snapshot':
            snapshots = with_full_names(self.api)
            return {'snapshot_id': the_id('volume_snapshot', name, snapshots, project)}
        return {}

    def _ours(self, name: str) -> List[Raw]:
        """The volumes of a name that this collection has created, the oldest first."""
        self.api.forget()
        found = with_name(all_volumes(self.api), name)
        return sorted(filter(is_ours, found), key=age)

    def update(self, changes: Changes) -> Outcomes:
        """Grow and move volumes, also while they are in use, and update what describes them."""
        return each(changes, self._update)

    def _update(self, change: Change) -> None:
        before = change.old(Volume)
        after = change.new(Volume)
        identity = self._id(change)
        path = f'/volumes/{identity}'
        if after.volume_type != before.volume_type:
            self._retype(identity, after.volume_type)
        if after.size > before.size:
            self._grow(identity, after.size)
        if after.description != before.description:
            body = {'description': after.description}
            self.api.put(VOLUME, path, {'volume': body})
        changed = label_changes(before, after)
        if changed.written:
            self.api.post(VOLUME, f'{path}/metadata', {'metadata': changed.written})
        for key in changed.removed:
            quoted = quote(key, safe='')
            self.api.delete(VOLUME, f'{path}/metadata/{quoted}')

    def _retype(self, identity: str, volume_type: str) -> None:
        """Give a volume another type; Cinder moves it if its back end requires that."""
        options = {'new_type': volume_type, 'migration_policy': 'on-demand'}
        self.api.post(VOLUME, f'/volumes/{identity}/action', {'os-retype': options})

        def is_retyped(raw: Raw) -> bool:
            return raw['volume_type'] == volume_type and _is_idle(raw)

        def failure(raw: Raw) -> str:
            # Cinder makes it retyping before it answers.
            return f'Cinder did not give it the type {volume_type}' if _is_idle(raw) else ''

        self._await(identity, is_retyped, failure)

    def _grow(self, identity: str, size: int) -> None:
        def is_grown(raw: Raw) -> bool:
            return raw['size'] == size and _is_idle(raw)

        body = {'os-extend': {'new_size': size}}
        self.api.post(VOLUME, f'/volumes/{identity}/action', body)
        self._await(identity, is_grown)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete volumes; those that are gone already are no error."""
        return each(changes, self._delete)

    def _delete(self, change: Change) -> None:
        identity = self._id(change)
        self.api.delete(VOLUME, f'/volumes/{identity}')
        with suppress(Gone):
            self._await(identity, lambda raw: False)

    def attach(self, changes: Changes) -> Outcomes:
        """Attach volumes to servers."""
        return each(changes, self._attach)

    def _attach(self, change: Change) -> None:
        identity = self._existing(change)
        server = self._server_id(change.new(Volume).server)
        path = f'/servers/{server}/os-volume_attachments'
        body = {'volumeId': identity}
        try:
            self.api.post(COMPUTE, path, {'volumeAttachment': body})
        except NoAnswer:
            if self._status(identity) == 'available':
                raise

        def is_attached(raw: Raw) -> bool:
            return raw['status'] == 'in-use' and _has(raw, server)

        def failure(raw: Raw) -> str:
            if not _is_available(raw):
                return ''
            self._check_stays(server)
            return 'the server did not attach it'

        self._await(identity, is_attached, failure)

    def _check_stays(self, server: str) -> None:
        """Raise Busy if a server is gone, or is being deleted."""
        answer = self.api.find(COMPUTE, f'/servers/{server}')
        if not answer or answer['server']['OS-EXT-STS:task_state'] == 'deleting':
            raise Busy('its server is being deleted by another run; run the task again')

    def detach(self, changes: Changes) -> Outcomes:
        """Detach volumes, and wait until the guests have released them."""
        return each(changes, self._detach)

    def _detach(self, change: Change) -> None:
        identity = self._existing(change)
        if self._has_left_servers(identity):
            self._await(identity, _is_available)
            return
        server = self._server_id(change.old(Volume).server)
        path = f'/servers/{server}/os-volume_attachments/{identity}'
        self.api.delete(COMPUTE, path)

        def is_detached(raw: Raw) -> bool:
            return _is_idle(raw) and not _has(raw, server)

        def failure(raw: Raw) -> str:
            # Nova makes it detaching before it answers.
            return 'the guest did not release it' if raw['status'] == 'in-use' else ''

        self._await(identity, is_detached, failure)

    def _has_left_servers(self, identity: str) -> bool:
        """Detach a volume in Cinder if the servers that had it are gone; return whether they are.

        Nova leaves it so if it deletes a server while the volume is being attached.
        """
        volume = self.api.get(VOLUME, f'/volumes/{identity}')['volume']
        servers = by_id(all_servers(self.api))
        attachments = volume['attachments']
        if not attachments or any(one['server_id'] in servers for one in attachments):
            return False
        for attachment in attachments:
            self.api.delete(VOLUME, f'/attachments/{attachment["attachment_id"]}')
        return True

    def _server_id(self, name: str | None) -> str:
        servers = all_servers(self.api)
        return the_id('server', name or '', servers, self.api.project_id)

    def _id(self, change: Change) -> str:
        """The id of the volume of a change."""
        if change.id is not None and change.id != AFTER_APPLY:
            return change.id
        volumes = all_volumes(self.api)
        return the_id('volume', change.name, volumes, self.api.project_id)

    def _existing(self, change: Change) -> str:
        """The id of the volume of a change. Raises Gone if it was deleted."""
        identity = self._id(change)
        if not self._status(identity):
            raise Gone
        return identity

    def _status(self, identity: str) -> str:
        answer = self.api.find(VOLUME, f'/volumes/{identity}')
        if not answer:
            return ''
        return str(answer['volume']['status'])

    def _await(
        self,
        identity: str,
        is_ready: Callable[[Raw], bool],
        failure: Callable[[Raw], str] = lambda raw: '',
    ) -> None:
        """Wait for a volume. ``failure``: why that is futile. Raises Gone if it is deleted."""

        def reason() -> str:
            raw = self.api.get(VOLUME, f'/volumes/{identity}')['volume']
            if is_ready(raw):
                return ''
            name = raw['name'] or identity
            status = raw['status']
            text = f'volume {name} is {status}'
            futile = failure(raw)
            if futile or status.startswith('error'):
                reasons = (text, futile, self._message(identity))
                raise CloudError('; '.join(filter(None, reasons)))
            return text

        await_one(self.api, reason)

    def _message(self, identity: str) -> str:
        """What Cinder tells users about the last error of a volume."""
        query = {
            'resource_uuid': identity,
            'limit': 1,
            'sort': 'created_at:desc',
        }
        with suppress(CloudError):
            answer = self.api.get(VOLUME, '/messages', query)
            for message in answer['messages']:
                return str(message['user_message'])
        return ''


def _is_available(raw: Raw) -> bool:
    return bool(raw['status'] == 'available')


def _is_idle(raw: Raw) -> bool:
    return raw['status'] in ('available', 'in-use')


def _has(raw: Raw, server: str) -> bool:
    """Whether a server has a volume."""
    return any(one['server_id'] == server for one in raw['attachments'])
