# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Flavors: the built-in catalogue, and rows of the record."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Dict, List, Tuple

from ..._cloud import Outcomes
from ..._model.change import Change, Changes
from ..._model.flavor import Flavor
from ..._model.flavor_limits import OF_NETWORK
from ..record.database import Query
from ..record.host import Host
from ..record.record import split_names
from .flavor_catalogue import CATALOGUE
from .flavor_rows import USED_BY_OTHERS, columns_of, has_other_limits

if TYPE_CHECKING:
    from .row_types import FlavorUser, ListedFlavor

_LIST: Query[ListedFlavor] = Query(f"""SELECT f.*,
  (SELECT group_concat(s.project || '/' || s.name) FROM main.server s WHERE {USED_BY_OTHERS})
    AS used,
  CASE f.project WHEN o.project THEN '' ELSE f.project END AS owner
  FROM flavor f, opened o ORDER BY f.name""")
_USERS: Query[FlavorUser] = Query(
    'SELECT flavor, name FROM server WHERE flavor IS NOT NULL ORDER BY name'
)


class LocalFlavors:
    """Flavors of the local cloud."""

    def __init__(self, host: Host, limit: Callable[[Iterable[str]], None]) -> None:
        """``limit``: limits the machines of servers as their flavors do now."""
        self.host = host
        self.record = host.record
        self.limit = limit

    def list(self, names: Iterable[str] | None = None) -> Tuple[Flavor, ...]:
        """List all, or those with these names."""
        users: Dict[str, List[str]] = {}
        for row in self.record.rows(_USERS):
            users.setdefault(row['flavor'], []).append(row['name'])
        rows = self.host.rows_in_progress('flavor', lambda: self.record.rows(_LIST))
        own = [self.host.with_progress('flavor', row, _flavor(row)) for row in rows]
        flavors = [
            replace(flavor, used_by=(*users.get(flavor.name, ()), *flavor.used_by))
            for flavor in (*CATALOGUE.values(), *own)
        ]
        requested = None if names is None else set(names)
        return tuple(flavor for flavor in flavors if requested is None or flavor.name in requested)

    def create(self, changes: Changes) -> Outcomes:
        """Create flavors."""
        if all(change.new(Flavor).visibility == 'private' for change in changes):
            return self.record.writer.create(changes, Flavor, columns_of)
        from .flavor_writer import create

        return create(self.record, changes)

    def update(self, changes: Changes) -> Outcomes:
        """Update flavors; their servers get other limits at once, also while they run."""
        if not any(map(_concerns_servers, changes)):
            return self.record.writer.update(changes, Flavor, columns_of)
        from .flavor_writer import update

        return update(self.host, self.limit, changes)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete flavors."""
        return self.record.writer.delete(changes, is_all=True)

    def limit_problem(self, limits: Iterable[str]) -> str:
        """Return why this host cannot limit bandwidth; empty if it can, or does not have to."""
        if not {*limits} & {*OF_NETWORK}:
            return ''
        from .flavor_writer import bandwidth_problem

        return bandwidth_problem()

    def sharing_problem(self, current: Flavor, wanted: Flavor) -> str:
        """Return whether others already share one of the name: servers know flavors by names."""
        from .flavor_writer import name_problem

        return name_problem(self.record, wanted)


def _concerns_servers(change: Change) -> bool:
    before, after = change.old(Flavor), change.new(Flavor)
    return has_other_limits(change) or (before.visibility, before.shared_with) != (
        after.visibility,
        after.shared_with,
    )


def _flavor(row: ListedFlavor) -> Flavor:
    return Flavor(
        row['name'],
        row['family'],
        row['vcpus'],
        row['memory'],
        row['disk'],
        row['max_vcpus'],
        row['max_memory'],
        row['description'],
        json.loads(row['labels']),
        json.loads(row['limits']),
        visibility=row['visibility'],
        shared_with=tuple(json.loads(row['shared_with'])),
        owner=row['owner'],
        used_by=split_names(row['used']),
        id=row['uuid'],
        created_by=row['created_by'],
        created_at=row['created_at'],
    )
