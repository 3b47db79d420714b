# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Flavors: those of the operator; members usually cannot create any."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Dict, Tuple
from urllib.parse import quote

from ..._cloud import Busy, Gone, NoAnswer, Outcomes
from ..._model.change import AFTER_APPLY, Change, Changes
from ..._model.flavor import FAMILIES, Flavor
from ..._model.flavor_limits import LIMITS
from ..._model.sharing import PUBLIC, SHARED
from ..api.api import Api, Raw
from ..api.lists import all_flavors, all_servers, users_by
from ..api.marks import Marks, from_metadata, to_metadata
from ..api.parallel import each
from ..api.services import COMPUTE
from .flavor_access import IS_PUBLIC, set_access, sharing_of, unknown_projects


class Flavors:
    """Flavors that the project may use."""

    def __init__(self, api: Api) -> None:
        """``api``: the services, as the project sees them."""
        self.api = api

    def list(self, names: Iterable[str] | None = None) -> Tuple[Flavor, ...]:
        """List all flavors, or those with these names."""
        found = all_flavors(self.api)
        if names is not None:
            wanted = set(names)
            found = [raw for raw in found if raw['name'] in wanted]
        users = self._users() if found else {}
        return tuple(_flavor(self.api, raw, users) for raw in found)

    def _users(self) -> Mapping[str, Tuple[str, ...]]:
        """The names of the servers of this project by flavor."""
        servers = all_servers(self.api)
        return users_by(servers, lambda server: server['flavor']['original_name'])

    def create(self, changes: Changes) -> Outcomes:
        """Create flavors."""
        return each(changes, self._create)

    def _create(self, change: Change) -> None:
        flavor = change.new(Flavor)
        identity = self._created(flavor)
        self._write_marks(identity, flavor, self.api.actor, {})
        set_access(self.api, identity, flavor)

    def _created(self, flavor: Flavor) -> str:
        """Create a flavor without marks; return its id."""
        body = {
            'name': flavor.name,
            'vcpus': flavor.vcpus,
            'ram': flavor.memory,
            'disk': flavor.disk,
            'description': flavor.description or None,
            IS_PUBLIC: flavor.visibility == PUBLIC,
        }
        try:
            answer = self.api.post(COMPUTE, '/flavors', {'flavor': body})
        except (Busy, NoAnswer):
            # It exists: of another run at the same time, or of this one without an answer.
            for raw in self.api.pages(COMPUTE, '/flavors/detail', 'flavors', is_public='None'):
                if _is_equal(raw, body):
                    return str(raw['id'])
            raise
        return str(answer['flavor']['id'])

    def update(self, changes: Changes) -> Outcomes:
        """Update the family, the description, the labels and the limits of flavors."""
        return each(changes, self._update)

    def _update(self, change: Change) -> None:
        before = change.old(Flavor)
        flavor = change.new(Flavor)
        raw = self._found(change)
        identity = raw['id']
        if flavor.description != before.description:
            body = {'description': flavor.description or None}
            self.api.put(COMPUTE, f'/flavors/{identity}', {'flavor': body})
        self._write_marks(identity, flavor, flavor.created_by, raw['extra_specs'])
        if flavor.shared_with != before.shared_with:
            set_access(self.api, identity, flavor)

    def _found(self, change: Change) -> Raw:
        for raw in all_flavors(self.api):
            if raw['id'] == change.id:
                return raw
        raise Gone

    def limit_problem(self, limits: Iterable[str]) -> str:
        """Nothing is known of the hypervisors."""
        return ''

    def sharing_problem(self, current: Flavor, wanted: Flavor) -> str:
        """Return whether Nova cannot share it so, or Keystone has no such project."""
        is_public = PUBLIC in {current.visibility, wanted.visibility}
        if current.id != AFTER_APPLY and is_public and current.visibility != wanted.visibility:
            return (
                f'visibility: flavor {current.name} is {current.visibility}, and Nova makes no '
                'flavor public later, or private; create another one'
            )
        if wanted.visibility == SHARED and not wanted.shared_with:
            return f'shared_with: flavor {current.name} would be shared with nobody; name projects'
        return unknown_projects(self.api, wanted.shared_with)

    def _write_marks(
        self,
        identity: str,
        flavor: Flavor,
        created_by: str,
        before: Mapping[str, str],
    ) -> None:
        """Write the marks; extra specifications of others stay."""
        own = {'family': flavor.family, 'created_by': created_by}
        wanted = {**to_metadata(flavor.labels, own), **specs_of(flavor.limits)}
        path = f'/flavors/{identity}/os-extra_specs'
        self.api.post(COMPUTE, path, {'extra_specs': wanted})
        labels = _marks(before).labels
        existing = {**to_metadata(labels, {}), **specs_of(limits_of(before))}
        for key in set(existing) - set(wanted):
            self.api.delete(COMPUTE, f'{path}/{quote(key)}')

    def delete(self, changes: Changes) -> Outcomes:
        """Delete flavors; those that are gone already are no error."""
        return each(changes, self._delete)

    def _delete(self, change: Change) -> None:
        self.api.delete(COMPUTE, f'/flavors/{change.id}')


def limits_of(extra_specs: Mapping[str, str]) -> Mapping[str, int]:
    """The limits in extra specifications; those that Nova could not read are none."""
    found: Dict[str, int] = {}
    for option, limit in LIMITS.items():
        value = extra_specs.get(limit.extra_spec, '')
        if value.isdigit() and int(value):
            found[option] = limit.from_spec(int(value))
    return found


def specs_of(limits: Mapping[str, int]) -> Mapping[str, str]:
    """The extra specifications of limits."""
    return {
        LIMITS[option].extra_spec: str(value * LIMITS[option].factor)
        for option, value in limits.items()
    }


def _is_equal(raw: Raw, body: Raw) -> bool:
    return all(raw[option] == value for option, value in body.items())


def _marks(extra_specs: Mapping[str, str]) -> Marks:
    """The marks in extra specifications; keys with a namespace of Nova (hw:...) are no labels."""
    marks = from_metadata(extra_specs)
    labels = {key: value for key, value in marks.labels.items() if ':' not in key}
    return marks._replace(labels=labels)


def _flavor(api: Api, raw: Raw, users: Mapping[str, Tuple[str, ...]]) -> Flavor:
    name = raw['name']
    marks = _marks(raw.get('extra_specs', {}))
    family = marks.own.get('family', '')
    if family not in FAMILIES:
        family = 'general'
    visibility, others = sharing_of(api, raw)
    return Flavor(
        name,
        family,
        raw['vcpus'],
        raw['ram'],
        raw['disk'],
        description=raw['description'] or '',
        labels=marks.labels,
        limits=limits_of(raw.get('extra_specs', {})),
        visibility=visibility,
        shared_with=others,
        used_by=users.get(name, ()),
        id=raw['id'],
        created_by=marks.created_by,
        created_at='',  # Nova does not tell
    )
