# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Flavors: the built-in catalogue, and rows of the record."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Dict, List, Tuple

from ..._cloud import Outcomes
from ..._model.change import Changes
from ..._model.flavor import Flavor
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

    def __init__(self, host: Host) -> None:
        """Use the record of ``host``."""
        self.record = host.record

    def list(self, names: Iterable[str] | None = None) -> Tuple[Flavor, ...]:
        """List all, or those with these names."""
        users: Dict[str, List[str]] = {}
        for row in self.record.rows(_USERS):
            users.setdefault(row['flavor'], []).append(row['name'])
        rows = self.record.rows(_LIST)
        flavors = [
            replace(flavor, used_by=tuple(users.get(flavor.name, ())))
            for flavor in (*CATALOGUE.values(), *map(_flavor, rows))
        ]
        requested = None if names is None else set(names)
        return tuple(flavor for flavor in flavors if requested is None or flavor.name in requested)

    def create(self, changes: Changes) -> Outcomes:
        """Create flavors."""
        return self.record.writer.create(changes, Flavor, _columns)

    def update(self, changes: Changes) -> Outcomes:
        """Update the family, the description and the labels."""
        return self.record.writer.update(changes, Flavor, _columns)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete flavors."""
        return self.record.writer.delete(changes, is_all=True)


def _columns(flavor: Flavor) -> Dict[str, object]:
    return {
        **{column: getattr(flavor, column) for column in COLUMNS},
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
        id=row['uuid'],
        created_by=row['created_by'],
        created_at=row['created_at'],
    )
