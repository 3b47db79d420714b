# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Init scripts: hidden images of Glance, which no ordinary list of images has.

The content is a property, not the data of the image: that cannot be written twice, so that an
update would need another image with another id, and a list would need a request for each script.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Dict, List, Tuple

from ..._cloud import CloudError, NoAnswer, Outcomes
from ..._model.change import AFTER_APPLY, Change, Changes
from ..._model.init_script import InitScript
from ..api.api import Api, Raw
from ..api.doubles import stays, until_one_stays
from ..api.lists import all_servers, users_by
from ..api.marks import from_metadata
from ..api.names import age, named, the_only, with_name
from ..api.parallel import each
from ..api.properties import from_properties, to_properties, write_properties
from ..api.services import IMAGE

_TAG = 'hanok:init_script'
# Glance has at most 65,535 bytes in a property, as many as base64 makes of 49,151 (profile.py).
_DATA = b'An init script of the Ansible collection hanok.cloud: see the property hanok:content.\n'


class InitScripts:
    """Init scripts of a project."""

    def __init__(self, api: Api) -> None:
        """``api``: the services, as the project sees them."""
        self.api = api

    def _all(self) -> List[Raw]:
        """The images of init scripts of the project."""
        options = {
            'limit': 1000,
            'os_hidden': 'true',
            'tag': _TAG,
            'owner': self.api.project_id,
        }
        found = self.api.listed(IMAGE, '/images', 'images', **options)
        return [raw for raw in found if script_of(raw) is not None]

    def list(self, names: Iterable[str] | None = None) -> Tuple[InitScript, ...]:
        """List all init scripts, or those with these names."""
        found = named(self._all(), names, self.api.project_id, lambda raw: True)
        users = self._users() if found else {}
        scripts: List[InitScript] = []
        for raw in found:
            script = script_of(raw, users.get(raw['name'], ()))
            if script:
                scripts.append(script)
        return tuple(sorted(scripts, key=attrgetter('name')))

    def seals(self) -> Mapping[str, str]:
        """Return the hashes of the contents of init scripts, by name.

        They are made when a script is written, because each takes time.
        """
        found = named(self._all(), None, self.api.project_id, lambda raw: True)
        return {raw['name']: from_properties(raw).own.get('seal', '') for raw in found}

    def _users(self) -> Mapping[str, Tuple[str, ...]]:
        """The servers that are being created, by the names of their init scripts."""
        servers = all_servers(self.api)
        created = [server for server in servers if server['status'] == 'BUILD']
        return users_by(created, _init_script)

    def create(self, changes: Changes) -> Outcomes:
        """Create init scripts."""
        return each(changes, self._create)

    def _create(self, change: Change) -> None:
        until_one_stays(partial(self._attempt, change))

    def _attempt(self, change: Change) -> Raw | None:
        """Create an init script; return what is there then, which may be nothing."""
        script = change.new(InitScript)
        body = {
            'name': script.name,
            'disk_format': 'raw',
            'container_format': 'bare',
            'visibility': 'private',
            'os_hidden': True,
            'tags': [_TAG],
            **self._properties(script, self.api.actor),
        }
        try:
            created: Raw = self.api.post(IMAGE, '/images', body)
        except NoAnswer:
            # Glance has created all of it, or nothing.
            created = self._found(change)
        identity = created['id']
        # Without data, it would remain queued, as an upload does that failed.
        self.api.upload(IMAGE, f'/images/{identity}/file', _DATA)
        same = partial(self._same, script.name)
        if stays(created, same):
            return created
        self._remove(identity)
        return min(same(), key=age, default=None)

    def _same(self, name: str) -> List[Raw]:
        """The images of init scripts with a name, as they are now."""
        self.api.forget()
        return with_name(self._all(), name)

    def update(self, changes: Changes) -> Outcomes:
        """Update init scripts; servers that are created from now on use the new content."""
        return each(changes, self._update)

    def _update(self, change: Change) -> None:
        script = change.new(InitScript)
        raw = self._found(change)
        created_by = from_properties(raw).created_by
        properties = self._properties(script, created_by)
        write_properties(self.api, raw, properties)

    def _properties(self, script: InitScript, created_by: str) -> Dict[str, str]:
        """The properties of the image of an init script, with its seal."""
        from ..api.hashes import hash_of

        seal = hash_of(script.content, self.api.project_id)
        return properties_of(script, created_by, str.__str__(seal))

    def _found(self, change: Change) -> Raw:
        if change.id in (None, AFTER_APPLY):
            return self._named(change.name)
        return self.api.get(IMAGE, f'/images/{change.id}')

    def _named(self, name: str) -> Raw:
        """The image of an init script. Raises Missing if it does not exist."""
        return the_only('init_script', name, self._all(), self.api.project_id)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete init scripts; those that are gone already are no error."""
        return each(changes, self._delete)

    def _delete(self, change: Change) -> None:
        self._remove(self._id(change))

    def _remove(self, identity: str) -> None:
        self.api.delete(IMAGE, f'/images/{identity}')

    def _id(self, change: Change) -> str:
        """The id of what a change deletes."""
        if change.id is not None and change.id != AFTER_APPLY:
            return change.id
        return str(self._found(change)['id'])

    def content(self, name: str) -> str:
        """Return the content of an init script. Raises Missing if it does not exist."""
        raw = self._named(name)
        script = script_of(raw)
        if script is None:
            raise CloudError(f'init_script {name}: its image {raw["id"]} has no content')
        return script.content


def _init_script(server: Raw) -> str:
    """The name of the init script of a server; empty if it has none."""
    marks = from_metadata(server['metadata'])
    return marks.own.get('init_script', '')


def script_of(raw: Raw, users: Sequence[str] = ()) -> InitScript | None:
    """Return the init script of an image; None if the image has none."""
    marks = from_properties(raw)
    content = _decoded(marks.own.get('content'))
    if content is None:
        return None
    return InitScript(
        raw['name'],
        content,
        marks.own.get('description', ''),
        marks.labels,
        used_by=tuple(sorted(users)),
        id=raw['id'],
        created_by=marks.created_by,
        created_at=raw['created_at'],
    )


def properties_of(script: InitScript, created_by: str, seal: str) -> Dict[str, str]:
    """Return the properties of the image of an init script."""
    own = {
        'content': _encoded(script.content),
        'description': script.description,
        'created_by': created_by,
        'seal': seal,
    }
    return to_properties(script.name, script.labels, own)


def _encoded(content: str) -> str:
    """A text in base64 without padding: databases do not have all characters of Unicode."""
    text = base64.b64encode(content.encode()).decode()
    return text.rstrip('=')


def _decoded(text: str | None) -> str | None:
    if text is None:
        return None
    padding = '=' * (-len(text) % 4)
    try:
        content = base64.b64decode(text + padding, validate=True)
        return content.decode()
    except (binascii.Error, ValueError):
        return None
