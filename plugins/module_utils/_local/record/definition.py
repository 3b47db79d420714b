# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The statements that create the tables of the record, their indices and triggers."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import (
    Annotated,
    Any,
    Dict,
    List,
    NamedTuple,
    Sequence,
    Tuple,
    get_args,
    get_origin,
    get_type_hints,
)

from ..._model.checks import DEFAULT_GROUP
from .columns import Mark, Value
from .tables import ALL_TABLES

_SQL_TYPES = {int: 'INTEGER', str: 'TEXT', float: 'REAL'}
_KEY = 'PRIMARY KEY AUTOINCREMENT'
# A random UUID (RFC 9562, version 4).
_RANDOM_UUID = """lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4'
  || substr(hex(randomblob(2)), 2) || '-' || substr('89AB', 1 + (random() & 3), 1)
  || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))"""
_NEW_REVISION = "BEGIN UPDATE meta SET value = value + 1 WHERE key = 'revision'; END;"
_NEW_METADATA = "BEGIN UPDATE meta SET value = value + 1 WHERE key = 'metadata'; END;"
_META = """CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
INSERT INTO meta VALUES ('revision', 1), ('metadata', 0), ('metadata_written', 0),
  ('record', lower(hex(randomblob(6)))), ('secret', lower(hex(randomblob(32))));"""
# The columns of the security group that every project has.
DEFAULT_GROUP_COLUMNS = {
    'created_by': 'hanok.cloud',
    'name': DEFAULT_GROUP,
    'description': 'the group of servers for which none is named',
}
_VALUES = ', '.join(f"'{value}'" for value in DEFAULT_GROUP_COLUMNS.values())
_DEFAULT_GROUP = (
    f'INSERT INTO security_group ({", ".join(DEFAULT_GROUP_COLUMNS)}) VALUES ({_VALUES});'
)


class Column(NamedTuple):
    """A column as it is described."""

    type: type
    sql: str
    details: Sequence[object]
    value: Value | None
    refers_to: str  # a table; empty if none


@lru_cache
def columns_of(table: str) -> Dict[str, Column]:
    """Return the columns of a table by name."""
    hints = get_type_hints(ALL_TABLES[table].row, include_extras=True)
    return {name: _column(hint) for name, hint in hints.items()}


def creation() -> str:
    """Return the statements that create the tables, as a script."""
    tables = map(_create, ALL_TABLES)
    return '\n'.join([_META, *tables, indices_and_triggers(), _DEFAULT_GROUP])


def indices_and_triggers() -> str:
    """Return the statements that create the indices and triggers, as a script."""
    out: List[str] = []
    for table in ALL_TABLES:
        for statements in (_indices, _uuid, _rules, _metadata, _not_while_deleted):
            out += statements(table)
    for owner in ('server', 'balancer'):
        # Metadata that was written during a change may have been read before other changes.
        out.append(
            f'CREATE TRIGGER metadata_{owner}_done AFTER UPDATE OF task_state ON {owner} '
            'WHEN NEW.task_state IS NULL '
            f"AND OLD.task_state IN ('creating', 'updating', 'repairing') {_NEW_METADATA}"
        )
    return '\n'.join(out)


def _column(hint: Any) -> Column:
    """``hint``: a type, Optional or Annotated, or one in the other."""
    details: List[object] = []
    is_optional = False
    while hint not in _SQL_TYPES:
        is_annotated = get_origin(hint) is Annotated
        hint, *rest = get_args(hint)
        details += rest if is_annotated else ()
        is_optional = is_optional or not is_annotated
    texts = [_SQL_TYPES[hint], *(detail for detail in details if isinstance(detail, str))]
    if not is_optional and _KEY not in texts:
        texts.insert(1, 'NOT NULL')
    sql = ' '.join(texts)
    value = next((detail for detail in details if isinstance(detail, Value)), None)
    return Column(hint, sql, details, value, ''.join(re.findall(r'REFERENCES (\w+)', sql)))


def _marked(table: str, mark: Mark) -> List[str]:
    return [name for name, column in columns_of(table).items() if mark in column.details]


def _create(name: str) -> str:
    columns = [f'{column} {found.sql}' for column, found in columns_of(name).items()]
    return f'CREATE TABLE {name} ({", ".join([*columns, *ALL_TABLES[name].constraints])});'


def _indices(name: str) -> List[str]:
    return [
        f'CREATE INDEX {name}_{column} ON {name} ({column});'
        for column in _marked(name, Mark.INDEX)
    ]


def _uuid(name: str) -> List[str]:
    out = []
    for column in _marked(name, Mark.RANDOM_UUID):
        out += [
            f'CREATE UNIQUE INDEX {name}_{column} ON {name} ({column});',
            f"CREATE TRIGGER {name}_{column} AFTER INSERT ON {name} WHEN NEW.{column} = '' "
            f'BEGIN UPDATE {name} SET {column} = {_RANDOM_UUID} WHERE id = NEW.id; END;',
        ]
    return out


def _rules(name: str) -> List[str]:
    columns = ', '.join(_marked(name, Mark.RULES))
    return [
        f'CREATE TRIGGER firewall_{name}_{event.split()[0].lower()} AFTER {event} ON {name} '
        f'{_NEW_REVISION}'
        for event in ('INSERT', f'UPDATE OF {columns}', 'DELETE')
        if columns
    ]


def _metadata(name: str) -> List[str]:
    """Return the triggers that increment the revision of the metadata.

    Unless the only servers or load balancers that it concerns are being created, which increments
    it at the end, or being deleted.
    """
    table = ALL_TABLES[name]
    events: List[Tuple[str, Tuple[str, ...]]] = [
        (f'UPDATE OF {", ".join(_marked(name, Mark.METADATA))}', ('OLD', 'NEW'))
    ]
    if table.with_rows:
        events = [('INSERT', ('NEW',)), *events, ('DELETE', ('OLD',))]
    out = []
    for owner, ids in table.owners.items():
        for event, sides in events:
            concerned = ' OR '.join(f'id IN ({ids.format(row=side)})' for side in sides)
            out.append(
                f'CREATE TRIGGER metadata_{owner}_{name}_{event.split()[0].lower()} '
                f'AFTER {event} ON {name} WHEN EXISTS (SELECT 1 FROM {owner} '
                f"WHERE coalesce(task_state, '') NOT IN ('creating', 'deleting') "
                f'AND ({concerned})) {_NEW_METADATA}'
            )
    return out


def _not_while_deleted(name: str) -> List[str]:
    """Return the triggers that reject new references to rows that are being deleted."""
    out = []
    for column, found in columns_of(name).items():
        other = found.refers_to
        if other and 'task_state' in columns_of(other):
            out += [
                f'CREATE TRIGGER {name}_{column}_{event.split()[0].lower()} '
                f'BEFORE {event} ON {name} '
                f"WHEN (SELECT task_state FROM {other} WHERE id = NEW.{column}) = 'deleting' "
                f"BEGIN SELECT RAISE(ABORT, '{other} is being deleted'); END;"
                for event in ('INSERT', f'UPDATE OF {column}')
            ]
    return out
