# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes security groups: each step may have been done by a run that was killed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import List, Set

from ..._cloud import Busy, Outcomes
from ..._model.change import Change, Changes
from ..._model.rule import AnyRule, ForeignRule, Rule
from ..._model.security_group import SecurityGroup
from ..api.api import Api, Raw, Raws
from ..api.lists import all_security_groups
from ..api.names import item_of
from ..api.parallel import each, together
from ..api.services import NETWORK
from .rule_items import Key, body_of, key_of, wanted_keys
from .security_group_ids import security_group_ids
from .tags import created_once, marks_of, write_description, write_tags

_PATH = '/security-groups'
_RULES = '/security-group-rules'
_ITEMS = 'security_group_rules'


class SecurityGroupWriter:
    """Creates, updates and deletes security groups."""

    def __init__(self, api: Api) -> None:
        """``api``: the services, as the project sees them."""
        self.api = api

    def create(self, changes: Changes) -> Outcomes:
        """Create groups with their rules."""
        return each(changes, self._create)

    def _create(self, change: Change) -> None:
        wanted = change.new(SecurityGroup)
        body = {'name': wanted.name}
        own = {'created_by': self.api.actor}
        ids = self._ids(wanted)
        group = created_once(self.api, _PATH, 'security_group', body, own)
        self._write(group, wanted, ids)

    def update(self, changes: Changes) -> Outcomes:
        """Add and remove rules; update descriptions and labels."""
        return each(changes, self._update)

    def _update(self, change: Change) -> None:
        wanted = change.new(SecurityGroup)
        groups = all_security_groups(self.api)
        group = item_of(change, groups, self.api.project_id)
        self._write(group, wanted, self._ids(wanted))

    def _ids(self, group: SecurityGroup) -> Mapping[str, str]:
        """The ids of the groups that the rules of a group name, apart from itself."""
        names: Set[str] = set()
        for rule in group.rules:
            if isinstance(rule, Rule) and rule.remote_group:
                names.add(rule.remote_group)
        return security_group_ids(self.api, names - {group.name})

    def _write(self, raw: Raw, wanted: SecurityGroup, others: Mapping[str, str]) -> None:
        """Write what differs: new rules before others are removed, so that traffic flows on.

        ``others``: the ids of the other groups that its rules name.
        """
        ids = {**others, wanted.name: raw['id']}
        own = marks_of(raw).own
        self._write_rules(raw, wanted.rules, ids)
        write_tags(self.api, _PATH, raw, wanted.labels, own)
        write_description(self.api, _PATH, 'security_group', raw, wanted.description)

    def _write_rules(self, raw: Raw, rules: Sequence[AnyRule], ids: Mapping[str, str]) -> None:
        wanted = wanted_keys(rules, ids)
        existing = raw['security_group_rules']
        self._add(raw['id'], wanted - _keys_of(existing))
        kept = {rule.id for rule in rules if isinstance(rule, ForeignRule)}
        removed: List[str] = []
        for rule in existing:
            is_wanted = not _is_special(rule) and key_of(rule) in wanted
            if not is_wanted and rule['id'] not in kept:
                removed.append(rule['id'])
        together([partial(self._remove, identity) for identity in removed])

    def _add(self, group_id: str, keys: Set[Key]) -> None:
        """Add rules, all in one request, apart from those that another run adds meanwhile."""
        if not keys:
            return
        bodies = [body_of(key, group_id) for key in sorted(keys, key=str)]
        try:
            self.api.post(NETWORK, _RULES, {_ITEMS: bodies})
        except Busy:
            existing = self.api.pages(NETWORK, _RULES, _ITEMS, security_group_id=group_id)
            missing = keys - _keys_of(existing)
            if missing == keys:
                raise
            self._add(group_id, missing)

    def _remove(self, identity: str) -> None:
        self.api.delete(NETWORK, f'{_RULES}/{identity}')

    def delete(self, changes: Changes) -> Outcomes:
        """Delete groups; those that are gone already are no error."""
        return each(changes, self._delete)

    def _delete(self, change: Change) -> None:
        self.api.delete(NETWORK, f'{_PATH}/{change.id}')


def _keys_of(existing: Raws) -> Set[Key]:
    return {key_of(rule) for rule in existing if not _is_special(rule)}


def _is_special(raw: Raw) -> bool:
    """Whether a rule has a remote that no key has."""
    return bool(raw.get('remote_address_group_id'))
