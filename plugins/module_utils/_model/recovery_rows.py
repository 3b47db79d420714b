# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rows of a record that is rebuilt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Dict, List, Union

from .checks import DEFAULT_PROJECT, RECOVERED_BY

Row = Dict[str, Union[int, str, None]]
Rows = Dict[str, List[Row]]
Metadata = Mapping[str, Any]
Disks = Mapping[str, Mapping[str, int]]


def uuids(rows: Rows, table: str) -> set[str]:
    """Return the UUIDs of a table."""
    return {str(row['uuid']) for row in rows.get(table, ()) if 'uuid' in row}


def project_of(row: Mapping[str, Any]) -> str:
    """Return the project of a row; records of older versions have none."""
    return str(row.get('project', DEFAULT_PROJECT))


def named(
    rows: Rows,
    table: str,
    name: str,
    project: str,
) -> Row | None:
    """Return the row of a name in a project."""
    for row in rows.get(table, ()):
        if row['name'] == name and project_of(row) == project:
            return row
    return None


def append(rows: Rows, table: str, row: Row) -> Row:
    """Add a row with the next id."""
    entries = rows.setdefault(table, [])
    ids = [int(other['id'] or 0) for other in entries]
    added = {
        'created_by': RECOVERED_BY,
        **row,
        'id': max(ids, default=0) + 1,
    }
    entries.append(added)
    return added


def insert(rows: Rows, table: str, row: Row) -> None:
    """Add a row that has its id."""
    rows.setdefault(table, []).append(row)
