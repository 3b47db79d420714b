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
from ..record.record import description_columns
from .flavor_catalogue import CATALOGUE

if TYPE_CHECKING:
    from ..record.rows import FlavorRow
    from .row_types import FlavorUser

_LIST: Query[FlavorRow] = Query('SELECT * FROM flavor ORDER BY name')
_USERS: Query[FlavorUser] = Query(
    'SELECT flavor, name FROM server WHERE flavor IS NOT NULL ORDER BY name'
)
COLUMNS = ('family', 'vcpus', 'memory', 'disk', 'max_vcpus', 'max_memory')


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
            replace(flavor, used_by=tuple(users.get(flavor.name, ())))
            for flavor in (*CATALOGUE.values(), *own)
        ]
        requested = None if names is None else set(names)
        return tuple(flavor for flavor in flavors if requested is None or flavor.name in requested)

    def create(self, changes: Changes) -> Outcomes:
        """Create flavors."""
        return self.record.writer.create(changes, Flavor, columns_of)

    def update(self, changes: Changes) -> Outcomes:
        """Update flavors; their servers get other limits at once, also while they run."""
        if not any(map(_has_other_limits, changes)):
            return self.record.writer.update(changes, Flavor, columns_of)
        from .flavor_writer import update_limits

        return update_limits(self.host, changes, columns_of, self.limit)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete flavors."""
        return self.record.writer.delete(changes, is_all=True)

    def limit_problem(self, limits: Iterable[str]) -> str:
        """Return why this host cannot limit bandwidth; empty if it can, or does not have to."""
        if not {*limits} & {*OF_NETWORK}:
            return ''
        from .flavor_writer import bandwidth_problem

        return bandwidth_problem()


def _has_other_limits(change: Change) -> bool:
    before = change.old(Flavor)
    return before.unfinished is not None or before.limits != change.new(Flavor).limits


def columns_of(flavor: Flavor) -> Dict[str, object]:
    return {
        **{column: getattr(flavor, column) for column in COLUMNS},
        'limits': json.dumps(dict(sorted(flavor.limits.items()))),
        **description_columns(flavor),
    }


def _flavor(row: FlavorRow) -> Flavor:
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
        id=row['uuid'],
        created_by=row['created_by'],
        created_at=row['created_at'],
    )
