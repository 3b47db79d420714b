# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Key pairs: rows of the record."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Tuple

from ..._cloud import Outcomes
from ..._model.change import Changes
from ..._model.keypair import Keypair, fingerprint
from ..record.database import Query
from ..record.record import Record, description_columns, split_names

if TYPE_CHECKING:
    from .row_types import ListedKeypair

_LIST: Query[ListedKeypair] = Query("""SELECT k.*, (SELECT group_concat(name) FROM server s
  WHERE (s.key_name = k.name AND s.project = k.project)
  OR s.id IN (SELECT server_id FROM server_keypair WHERE keypair_id = k.id)) AS used
  FROM keypair k WHERE ?1 IS NULL OR name IN (SELECT value FROM json_each(?1)) ORDER BY name""")


class LocalKeypairs:
    """Key pairs of the local cloud."""

    def __init__(self, record: Record) -> None:
        """Use this record."""
        self.record = record

    def list(self, names: Iterable[str] | None = None) -> Tuple[Keypair, ...]:
        """List all, or those with these names."""
        return tuple(
            Keypair(
                row['name'],
                row['public_key'],
                fingerprint(row['public_key']),
                row['description'],
                json.loads(row['labels']),
                used_by=split_names(row['used']),
                id=row['uuid'],
                created_by=row['created_by'],
                created_at=row['created_at'],
            )
            for row in self.record.named(_LIST, names)
        )

    def create(self, changes: Changes) -> Outcomes:
        """Register public keys."""
        return self.record.writer.create(
            changes,
            Keypair,
            lambda pair: {'public_key': pair.public_key, **description_columns(pair)},
        )

    def update(self, changes: Changes) -> Outcomes:
        """Update descriptions and labels."""
        return self.record.writer.update(changes, Keypair, description_columns)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete public keys."""
        return self.record.writer.delete(changes, is_all=True)
