# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Security groups of Neutron."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, List, Tuple

from ..._cloud import Outcomes
from ..._model.change import Changes
from ..._model.security_group import SecurityGroup
from ..api.api import Api, Raw, Raws
from ..api.lists import all_ports, all_security_groups, names_by_id
from ..api.names import named
from ..api.parallel import together
from .port_users import PortUsers
from .rule_items import rules_of
from .tags import description_of, is_ours, marks_of

if TYPE_CHECKING:
    from .security_group_writer import SecurityGroupWriter


class SecurityGroups:
    """Security groups of a project, and those that are shared with it."""

    def __init__(self, api: Api) -> None:
        """``api``: the services, as the project sees them."""
        self.api = api

    def list(self, names: Iterable[str] | None = None) -> Tuple[SecurityGroup, ...]:
        """List all security groups, or those with these names."""
        api = self.api
        lists = (all_security_groups, all_ports)
        groups, ports = together([partial(one, api) for one in lists])
        users = PortUsers(api)
        items: List[SecurityGroup] = []
        for raw in named(groups, names, api.project_id, is_ours):
            used_by = users.names(_ports_with(raw, ports))
            items.append(_group(raw, groups, used_by))
        return tuple(items)

    def _writer(self) -> SecurityGroupWriter:
        from .security_group_writer import SecurityGroupWriter

        return SecurityGroupWriter(self.api)

    def create(self, changes: Changes) -> Outcomes:
        """Create groups with their rules."""
        return self._writer().create(changes)

    def update(self, changes: Changes) -> Outcomes:
        """Add and remove rules; update descriptions and labels."""
        return self._writer().update(changes)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete groups."""
        return self._writer().delete(changes)


def _group(raw: Raw, groups: Raws, used_by: Tuple[str, ...]) -> SecurityGroup:
    name = raw['name']
    identity = raw['id']
    marks = marks_of(raw)
    rules = rules_of(raw['security_group_rules'], names_by_id(groups))
    named_by = {group['name'] for group in groups if _names(group, identity)}
    return SecurityGroup(
        name,
        description_of(raw),
        marks.labels,
        rules,
        used_by,
        tuple(sorted(named_by - {name})),
        identity,
        marks.created_by,
        raw['created_at'],
    )


def _names(group: Raw, identity: str) -> bool:
    """Whether a rule of a group refers to the group with an id."""
    return any(rule['remote_group_id'] == identity for rule in group['security_group_rules'])


def _ports_with(group: Raw, ports: Raws) -> List[Raw]:
    return [port for port in ports if group['id'] in port['security_groups']]
