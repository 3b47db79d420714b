# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Key pairs: Nova keeps the name and the public key, for a user in all projects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import List, Set, Tuple
from urllib.parse import quote

from ..._cloud import Busy, NoAnswer, Outcome, Outcomes
from ..._model.change import Change, Changes
from ..._model.keypair import Keypair, fingerprint
from ..api.api import Api, Raw
from ..api.lists import all_servers, users_by
from ..api.parallel import each
from ..api.services import COMPUTE


class Keypairs:
    """Key pairs of the user."""

    def __init__(self, api: Api) -> None:
        """``api``: the services, as the user."""
        self.api = api

    def list(self, names: Iterable[str] | None = None) -> Tuple[Keypair, ...]:
        """List all key pairs, or those with these names.

        Only a key pair that is requested by its name has the date of its creation.
        """
        wanted = None if names is None else set(names)
        found = self._named(wanted)
        users = self._users() if found else {}
        return tuple(self._keypair(raw, users) for raw in found)

    def _named(self, names: Set[str] | None) -> List[Raw]:
        if names is None:
            return self._all()
        if len(names) == 1:
            return self._one(*names)
        return [raw for raw in self._all() if raw['name'] in names]

    def _one(self, name: str) -> List[Raw]:
        answer = self.api.find(COMPUTE, _path(name))
        return [answer['keypair']] if answer else []

    def _all(self) -> List[Raw]:
        found = self.api.listed(COMPUTE, '/os-keypairs', 'keypairs')
        return [raw['keypair'] for raw in found]

    def _users(self) -> Mapping[str, Tuple[str, ...]]:
        """The names of the servers of this project by key pair."""
        servers = all_servers(self.api)
        return users_by(servers, lambda server: server['key_name'] or '')

    def _keypair(self, raw: Raw, users: Mapping[str, Tuple[str, ...]]) -> Keypair:
        name = raw['name']
        public_key = raw['public_key']
        return Keypair(
            name,
            public_key,
            fingerprint(public_key),
            used_by=users.get(name, ()),
            id=name,
            # Nova lists only those of the user.
            created_by=self.api.actor,
            created_at=raw.get('created_at') or '',
        )

    def create(self, changes: Changes) -> Outcomes:
        """Import public keys."""
        return each(changes, self._create)

    def _create(self, change: Change) -> None:
        keypair = change.new(Keypair)
        name = keypair.name
        public_key = keypair.public_key
        body = {
            'name': name,
            'public_key': public_key,
            'type': 'ssh',
        }
        try:
            self.api.post(COMPUTE, '/os-keypairs', {'keypair': body})
        except (Busy, NoAnswer):
            # It exists: of another run at the same time, or of this one without an answer.
            found = [fingerprint(raw['public_key']) for raw in self._one(name)]
            if found != [fingerprint(public_key)]:
                raise

    def update(self, changes: Changes) -> Outcomes:
        """Do nothing: all that can be updated is refused by the profile."""
        return [Outcome(change) for change in changes]

    def delete(self, changes: Changes) -> Outcomes:
        """Delete key pairs; those that are gone already are no error."""
        return each(changes, self._delete)

    def _delete(self, change: Change) -> None:
        self.api.delete(COMPUTE, _path(change.name))


def _path(name: str) -> str:
    quoted = quote(name, safe='')
    return f'/os-keypairs/{quoted}'
