# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Snapshots of volumes: those of Cinder."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import List, Tuple
from urllib.parse import quote

from ..._cloud import CloudError, Gone, NoAnswer, Outcomes
from ..._model.change import Change, Changes
from ..._model.volume_snapshot import VolumeSnapshot
from ..api.api import Api, Raw
from ..api.doubles import stays, until_one_stays
from ..api.lists import all_servers, all_volumes
from ..api.names import age, item_of, named, the_id, with_name
from ..api.parallel import each
from ..api.polling import await_one
from ..api.services import VOLUME
from .root_volumes import with_names
from .snapshot_rows import creation_body, is_ours, label_changes, snapshot_of, with_full_names

_PATH = '/snapshots'


class VolumeSnapshots:
    """Snapshots of the volumes of a project."""

    latest_only = True  # block storage API, "Revert volume to snapshot"

    def __init__(self, api: Api) -> None:
        """``api``: the services, as the project sees them."""
        self.api = api

    def list(
        self, names: Iterable[str] | None = None, volume: str | None = None
    ) -> Tuple[VolumeSnapshot, ...]:
        """List all snapshots, or those with these names, or of a volume, the oldest first."""
        found = named(with_full_names(self.api), names, self.api.project_id, is_ours)
        items = map(snapshot_of, sorted(found, key=age))
        return tuple(item for item in items if volume in (None, item.volume))

    def create(self, changes: Changes) -> Outcomes:
        """Create snapshots; what failed before is replaced."""
        return each(changes, self._create)

    def _create(self, change: Change) -> None:
        until_one_stays(partial(self._attempt, change.new(VolumeSnapshot)))

    def _attempt(self, snapshot: VolumeSnapshot) -> Raw | None:
        """Create a snapshot; return what is there then, which may be nothing."""
        ours = partial(self._ours, snapshot.name)
        for failed in ours():
            if failed['status'].startswith('error'):
                self._remove(failed['id'])
        identity = self._created(snapshot)
        try:
            self._await(identity)
        except CloudError:
            with suppress(CloudError):
                self.api.delete(VOLUME, f'{_PATH}/{identity}')
            raise
        created = next((raw for raw in ours() if raw['id'] == identity), None)
        if created is None or stays(created, ours):
            return created
        self._remove(identity)
        return next(iter(ours()), None)

    def _created(self, snapshot: VolumeSnapshot) -> str:
        """Let Cinder begin to create a snapshot; return its id."""
        api = self.api
        before = {raw['id'] for raw in self._ours(snapshot.name)}
        body = creation_body(snapshot, self._volume(snapshot), api.actor)
        try:
            answer = api.post(VOLUME, _PATH, {'snapshot': body})
        except NoAnswer:
            for raw in self._ours(snapshot.name):
                if raw['id'] not in before:
                    return str(raw['id'])
            raise
        return str(answer['snapshot']['id'])

    def _volume(self, snapshot: VolumeSnapshot) -> str:
        """The id of the volume of a snapshot."""
        volumes = with_names(all_volumes(self.api), all_servers(self.api))
        return the_id('volume', snapshot.volume, volumes, self.api.project_id)

    def _ours(self, name: str) -> List[Raw]:
        """The snapshots of a name that this collection has created, the oldest first."""
        self.api.forget()
        found = with_name(with_full_names(self.api), name)
        return sorted(filter(is_ours, found), key=age)

    def update(self, changes: Changes) -> Outcomes:
        """Update descriptions and labels."""
        return each(changes, self._update)

    def _update(self, change: Change) -> None:
        before, after = change.old(VolumeSnapshot), change.new(VolumeSnapshot)
        path = f'{_PATH}/{self._id(change)}'
        if after.description != before.description:
            body = {'description': after.description}
            self.api.put(VOLUME, path, {'snapshot': body})
        changed = label_changes(before, after)
        if changed.written:
            self.api.post(VOLUME, f'{path}/metadata', {'metadata': changed.written})
        for key in changed.removed:
            self.api.delete(VOLUME, f'{path}/metadata/{quote(key, safe="")}')

    def restore(self, changes: Changes) -> Outcomes:
        """Take volumes back to their snapshots."""
        return each(changes, self._restore)

    def _restore(self, change: Change) -> None:
        identity = self._id(change)
        volume = self._volume(change.new(VolumeSnapshot))
        body = {'revert': {'snapshot_id': identity}}
        self.api.post(VOLUME, f'/volumes/{volume}/action', body)
        self._await(identity)
        self._await_volume(volume)
        self._update(change)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete snapshots; those that are gone already are no error."""
        return each(changes, lambda change: self._remove(self._id(change)))

    def _remove(self, identity: str) -> None:
        """Delete a snapshot, and wait until it is gone: until then its volume cannot be deleted."""
        self.api.delete(VOLUME, f'{_PATH}/{identity}')
        with suppress(Gone):
            self._await(identity, 'deleted')

    def _id(self, change: Change) -> str:
        """The id of the snapshot of a change. Raises Gone if it was deleted."""
        return str(item_of(change, with_full_names(self.api), self.api.project_id)['id'])

    def _await(self, identity: str, wanted: str = 'available') -> None:
        """Wait for a snapshot. Raises Gone if it is deleted."""

        def reason() -> str:
            status = self.api.get(VOLUME, f'{_PATH}/{identity}')['snapshot']['status']
            return _problem(f'volume_snapshot {identity}', status, wanted)

        await_one(self.api, reason)

    def _await_volume(self, identity: str) -> None:
        """Wait until a volume has been restored."""

        def reason() -> str:
            status = self.api.get(VOLUME, f'/volumes/{identity}')['volume']['status']
            return _problem(f'volume {identity}', status, 'available')

        await_one(self.api, reason)


def _problem(what: str, status: str, wanted: str) -> str:
    """What is still to come; empty: nothing. Raises CloudError if that is futile."""
    if status == wanted:
        return ''
    text = f'{what} is {status}'
    if status.startswith('error'):
        raise CloudError(text)
    return text
