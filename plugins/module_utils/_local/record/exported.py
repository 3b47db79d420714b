# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The record as members of the group hanok see it: from its export, which has no secrets.

The record itself has the key of the hashes of user data, and SQLite cannot read it without writing
beside it. The export is replaced as a whole before each commit.
"""

from __future__ import annotations

import json
import os
from typing import Any, Dict

from ..host.files import read_file
from .creation import fill
from .database import Damaged
from .looking import for_root, only_root
from .record import Record
from .tables import TABLES


class ExportedRecord(Record):
    """A record in memory with the rows of the export, which nothing writes."""

    def _open(self, lost: bool) -> None:
        try:
            found: Dict[str, Any] = json.loads(read_file(self.export_path) or '')
            self.version = int(found['version'])
        except (ValueError, KeyError, TypeError) as error:
            raise Damaged(
                f'the export {self.export_path} cannot be read: {error}; '
                'the next task that changes something writes it'
            ) from error
        self.check_version()
        self.connect(':memory:')
        self.migrate()
        fill(self, {table: found[table] for table in ('meta', *TABLES) if table in found})
        self.add_project()

    def secret(self) -> str:
        """Raise CloudError: the export does not have it."""
        raise for_root('what is recorded of user data and init scripts')


def record_for_members(folder: str, actor: str, project: str, lost: bool) -> Record:
    """Return what members of the group see of the record. Raises CloudError for other users.

    ``lost``: the record is to be rebuilt, which only root does.
    """
    if lost or not os.access(os.path.join(folder, 'hanok.json'), os.R_OK):
        raise only_root()
    return ExportedRecord(folder, actor, project=project)
