# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Security groups: rows of the record, and rules in the firewall."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Dict, List, Set, Tuple

from ..._cloud import Busy, Outcome, Outcomes
from ..._model.change import Change, Changes
from ..._model.rule import Rule
from ..._model.security_group import SecurityGroup
from ..record.database import Query
from ..record.host import Host
from ..record.projection import Projections
from ..record.record import description_columns, split_names

if TYPE_CHECKING:
    from ..record.rows import SecurityGroupRow
    from .row_types import ListedGroup, ListedRule

_RULES: Query[ListedRule] = Query("""SELECT r.*, o.name AS remote_group FROM security_group_rule r
  LEFT JOIN security_group o ON o.id = r.remote_group_id
  WHERE r.group_id IN (SELECT id FROM security_group
    WHERE ?1 IS NULL OR name IN (SELECT value FROM json_each(?1)))""")
_LIST: Query[ListedGroup] = Query("""SELECT g.*,
  (SELECT group_concat(DISTINCT coalesce(s.name, 'port ' || p.name))
    FROM port_security_group pg JOIN port p ON p.id = pg.port_id
    LEFT JOIN server s ON s.id = p.server_id WHERE pg.group_id = g.id) AS used,
  (SELECT group_concat(DISTINCT o.name)
    FROM security_group_rule r JOIN security_group o ON o.id = r.group_id
    WHERE r.remote_group_id = g.id AND o.id <> g.id) AS named
  FROM security_group g WHERE ?1 IS NULL OR g.name IN (SELECT value FROM json_each(?1))
  ORDER BY g.name""")
_NAMES: Query[SecurityGroupRow] = Query('SELECT * FROM security_group')
_DELETE_RULE = """DELETE FROM main.security_group_rule WHERE group_id = ? AND direction = ?
  AND protocol = ? AND port_min IS ? AND port_max IS ? AND remote_cidr = ?
  AND remote_group_id IS ?"""
_COLUMNS = ('direction', 'protocol', 'port_min', 'port_max', 'remote_cidr')


class LocalSecurityGroups:
    """Security groups of the local cloud."""

    def __init__(self, host: Host, projections: Projections) -> None:
        """Use the record of ``host``."""
        self.record = host.record
        self.projections = projections

    def list(self, names: Iterable[str] | None = None) -> Tuple[SecurityGroup, ...]:
        """List all, or those with these names."""
        names = None if names is None else list(names)
        rules: Dict[int, List[Rule]] = {}
        for rule in self.record.named(_RULES, names):
            rules.setdefault(rule['group_id'], []).append(_rule(rule))
        rows = self.record.named(_LIST, names)
        return tuple(_group(row, rules.get(row['id'], ())) for row in rows)

    def create(self, changes: Changes) -> Outcomes:
        """Create groups with their rules."""
        with self.record.writer.transaction():
            for change in changes:
                described = description_columns(change.new(SecurityGroup))
                values = {'name': change.name, **described}
                row = self.record.writer.insert_row('security_group', values)
                self._write_rules(change, row)
        return self._project([Outcome(change) for change in changes])

    def update(self, changes: Changes) -> Outcomes:
        """Update descriptions, labels and rules, effective at once for all members."""
        return self._project(self.record.writer.change(changes, self._update))

    def delete(self, changes: Changes) -> Outcomes:
        """Delete groups that are not in use."""
        return self._project(self.record.writer.delete(changes))

    def _update(self, change: Change, row: int) -> None:
        before = change.old(SecurityGroup)
        after = change.new(SecurityGroup)
        self.record.writer.update_row('security_group', row, description_columns(after))
        self._write_rules(change, row)
        if after.cut and after.rules != before.rules:
            self.record.sql.execute(
                'UPDATE main.security_group SET to_cut = to_cut + 1 WHERE id = ?', (row,)
            )

    def _write_rules(self, change: Change, row: int) -> None:
        groups = self.record.rows(_NAMES)
        ids = {group['name']: group['id'] for group in groups}
        before: Set[Rule] = set()
        if change.before is not None:
            before = _own_rules(change.old(SecurityGroup))
        after = _own_rules(change.new(SecurityGroup))
        for rule in before - after:
            self._delete_rule(row, rule, ids.get(rule.remote_group or ''))
        for rule in sorted(after - before):
            remote = rule.remote_group
            if remote is not None and remote not in ids:
                raise Busy(
                    f'security_group {remote} no longer exists; run the task again',
                    'rules',
                )
            self._insert_rule(row, rule, ids.get(remote or ''))

    def _delete_rule(self, group: int, rule: Rule, remote_group: int | None) -> None:
        values = [getattr(rule, column) for column in _COLUMNS]
        self.record.sql.execute(_DELETE_RULE, (group, *values, remote_group))

    def _insert_rule(self, group: int, rule: Rule, remote_group: int | None) -> None:
        values = {column: getattr(rule, column) for column in _COLUMNS}
        columns = {'group_id': group, **values, 'remote_group_id': remote_group}
        self.record.writer.insert_row('security_group_rule', columns)

    def _project(self, outcomes: Outcomes) -> Outcomes:
        self.projections.apply()
        return outcomes


def _rule(row: ListedRule) -> Rule:
    return Rule(
        row['direction'],
        row['protocol'],
        row['port_min'],
        row['port_max'],
        row['remote_cidr'],
        row['remote_group'],
    )


def _group(row: ListedGroup, rules: Iterable[Rule]) -> SecurityGroup:
    return SecurityGroup(
        row['name'],
        row['description'],
        json.loads(row['labels']),
        tuple(sorted(rules)),
        split_names(row['used']),
        split_names(row['named']),
        row['uuid'],
        row['created_by'],
        row['created_at'],
    )


def _own_rules(group: SecurityGroup) -> Set[Rule]:
    """All of its rules: this cloud has no foreign ones. A row that is no rule is damage."""
    return {rule for rule in group.rules if isinstance(rule, Rule)}
