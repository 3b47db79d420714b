# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Flavors: the built-in catalogue, and rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Dict, List, Tuple

from .._cloud import Outcome
from .._model.change import Change
from .._model.flavor import CATALOGUE, Flavor
from .host import Host
from .record import description_columns

COLUMNS = ('family', 'vcpus', 'memory', 'disk')


class LocalFlavors:
    """Flavors of the local cloud."""

    def __init__(self, host: Host) -> None:
        """Flavors on record."""
        self.record = host.record

    def list(self, names: Iterable[str] | None = None) -> Tuple[Flavor, ...]:
        """Look: all, or those of these names."""
        used: Dict[str, List[str]] = {}
        for row in self.record.rows('SELECT flavor, name FROM server ORDER BY name'):
            used.setdefault(row['flavor'], []).append(row['name'])
        own = [
            Flavor(
                row['name'],
                row['family'],
                row['vcpus'],
                row['memory'],
                row['disk'],
                row['description'],
                json.loads(row['labels']),
                used_by=tuple(used.get(row['name'], ())),
                created_by=row['created_by'],
                created_at=row['created_at'],
            )
            for row in self.record.rows('SELECT * FROM flavor ORDER BY name')
        ]
        wanted = None if names is None else set(names)
        known = [
            replace(flavor, used_by=tuple(used.get(flavor.name, ())))
            for flavor in CATALOGUE.values()
        ]
        return tuple(flavor for flavor in (*known, *own) if wanted is None or flavor.name in wanted)

    def create(self, changes: Sequence[Change]) -> List[Outcome]:
        """Add flavors."""
        with self.record.transaction():
            for change in changes:
                self.record.insert(
                    'flavor',
                    {
                        'name': change.name,
                        **{column: getattr(change.after, column) for column in COLUMNS},
                        **description_columns(change.after),
                    },
                )
        return [Outcome(change) for change in changes]

    def update(self, changes: Sequence[Change]) -> List[Outcome]:
        """Change what may change of them."""
        with self.record.transaction():
            for change in changes:
                self.record.update_named(
                    'flavor',
                    change.name,
                    {'family': change.after.family, **description_columns(change.after)},
                )
        return [Outcome(change) for change in changes]

    def delete(self, changes: Sequence[Change]) -> List[Outcome]:
        """Remove them."""
        with self.record.transaction() as sql:
            sql.executemany(
                'DELETE FROM flavor WHERE name = ?', [(change.name,) for change in changes]
            )
        return [Outcome(change) for change in changes]
