# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The export of the record: its rows as JSON.

With the metadata of machines and the disks it is sufficient to rebuild the record.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Dict

from ..._cloud import CloudError
from ..host.files import write_atomically
from .database import SECRET, Database
from .tables import TABLES

READERS = 'hanok'  # the group that may look; the role host makes it


def export(database: Database, path: str) -> None:
    """Write all rows to a file, except what a new record has of its own. Raises CloudError."""
    meta = database.fetch('SELECT * FROM meta WHERE key NOT IN (?, ?)', SECRET, 'metadata_written')
    tables: Dict[str, Sequence[Dict[str, Any]]] = {'meta': [dict(row) for row in meta]}
    for table in TABLES:
        tables[table] = [
            dict(row) for row in database.fetch(f'SELECT * FROM main.{table} ORDER BY id')
        ]
    version = database.value('PRAGMA user_version')
    try:
        write_atomically(path, json.dumps({'version': version, **tables}), group=READERS)
    except OSError as error:
        raise CloudError(
            f'the export of the record cannot be written: {error}; nothing was recorded'
        ) from error
