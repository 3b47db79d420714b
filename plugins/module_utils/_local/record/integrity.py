# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the file of the record is damaged; damage.py looks at the data in it."""

from __future__ import annotations

from .database import RECOVER, Damaged, Database

_RESOURCES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'history'"


def check_integrity(database: Database, has_history: bool = True) -> None:
    """Raise Damaged for damage in parts that this run has not read; done before writing.

    ``has_history``: whether to check all. The history may be larger than all else.
    """
    parts = ['1'] if has_history else [row['name'] for row in database.fetch(_RESOURCES)]
    for part in parts:
        found = database.fetch(f'PRAGMA main.quick_check({part})')[0][0]
        if found != 'ok':
            problem = ' '.join(str(found).split())
            raise Damaged(f'the record {database.path} is damaged: {problem}; {RECOVER}')
