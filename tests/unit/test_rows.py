# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The type of the rows of each query: mypy believes it, and here it is compared with the rows."""

from __future__ import annotations

import ast
import importlib
import typing
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._local.record import database, rows
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.record import Record
from ansible_collections.hanok.cloud.tests.filled_record import fill

UTILS = Path(__file__).resolve().parents[2] / 'plugins' / 'module_utils'
PACKAGE = 'ansible_collections.hanok.cloud.plugins.module_utils'
# They make queries of any table.
ANY_TABLE = {'database', 'record', 'creation', 'export', 'damage'}


def queries() -> Iterator[tuple[str, str, str]]:
    """The module, name and type of rows of all queries."""
    for path in sorted((UTILS / '_local').rglob('*.py')):
        module = '.'.join((PACKAGE, *path.relative_to(UTILS).with_suffix('').parts))
        tree = ast.parse(path.read_text('utf-8'))
        declared = [
            (node.target.id, node.annotation.slice.id)
            for node in tree.body
            if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation).startswith('Query[')
        ]
        made = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == 'Query'
        ]
        assert path.stem in ANY_TABLE or len(made) == len(declared), (
            f'{path}: declare queries as NAME: Query[SomeRow] = Query(...)'
        )
        for name, row in declared:
            yield module, name, row


def row_type(module: str, name: str) -> type:
    """The type that a module imports for mypy only: of a table, or of a query of its wing."""
    own = importlib.import_module(module.rpartition('.')[0] + '.row_types')
    return typing.cast('type', getattr(own, name, None) or getattr(rows, name))


@pytest.fixture(scope='module')
def record(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Record]:
    """A record with rows whose columns are set, and rows where they are NULL."""
    opened = Record(str(tmp_path_factory.mktemp('state')), 'me')
    opened.writer.open()
    with closing(opened.sql):
        fill(opened)
        opened.sql.executescript(SPARSE)
        yield opened


# What need not be set is not: no user, no owner, no name.
SPARSE = """
INSERT INTO main.keypair (created_by, name, public_key) VALUES ('me', 'unused', 'k');
INSERT INTO main.init_script (created_by, name, content, description, labels)
  VALUES ('me', 'unused', '#!/bin/sh', '', '{}');
INSERT INTO main.flavor (created_by, name, family, vcpus, memory, disk, description)
  VALUES ('me', 'unused', 'general', 1, 1, 1, '');
INSERT INTO main.image (created_by, uuid, name, source, description, labels)
  VALUES ('me', 'unused', 'unused', 's', '', '{}');
INSERT INTO main.network (created_by, uuid, name, cidr, gateway, description, labels)
  VALUES ('me', 'n2', 'unused', '10.2.0.0/24', '10.2.0.1', '', '{}');
INSERT INTO main.security_group (created_by, name, description, to_cut)
  VALUES ('me', 'unused', '', 1);
INSERT INTO main.security_group_rule
  (created_by, group_id, direction, protocol, port_min, port_max, remote_cidr, remote_group_id)
  SELECT 'me', id, 'ingress', 'tcp', 1, 2, '', id FROM main.security_group;
INSERT INTO main.server (created_by, uuid, name, vcpus, memory, image_id, power,
    delete_protection, description, labels, task_state)
  SELECT 'me', 's2', 'bare', 1, 1, id, 'stopped', 0, '', '{}', 'creating'
  FROM main.image LIMIT 1;
INSERT INTO main.volume
  (created_by, uuid, name, size, server_id, description, labels, task_state, bootable)
  SELECT 'me', uuid || '8', name || '/root', 1, id, '', '{}', iif(name = 's', 'extending', NULL), 1
  FROM main.server;
INSERT INTO main.balancer (created_by, uuid, name, algorithm, listeners, description, labels)
  VALUES ('me', 'b2', 'unused', 'source_ip', '[]', '', '{}');
INSERT INTO main.port (created_by, name, network_id, position, address, mac)
  SELECT 'me', 'free', id, 0, '10.9.0.9', '52:54:00:00:00:09' FROM main.network LIMIT 1;
INSERT INTO main.port (created_by, balancer_id, network_id, position, address, mac)
  SELECT 'me', b.id, n.id, 0, '10.9.0.10', '52:54:00:00:00:10'
  FROM main.network n, main.balancer b LIMIT 1;
INSERT INTO main.port_security_group (created_by, port_id, group_id)
  SELECT 'me', p.id, g.id FROM main.port p, main.security_group g
  WHERE p.name = 'free' AND g.name = 'default';
INSERT INTO main.floating_ip (created_by, address, pool, automatic, description, labels)
  VALUES ('me', '172.24.0.10', 'p', 1, '', '{}');
INSERT INTO main.volume (created_by, uuid, name, size, description, labels)
  VALUES ('me', 'v2', 'unused', 1, '', '{}');
"""


@pytest.mark.parametrize(
    ('module', 'name', 'row'),
    tuple(queries()),
    ids=lambda text: text.removeprefix(f'{PACKAGE}._local.'),
)
def test_rows_have_their_type(record: Record, module: str, name: str, row: str) -> None:
    """The names of columns, and the types of values: NULL only where it is said."""
    query = getattr(importlib.import_module(module), name)
    hints = typing.get_type_hints(row_type(module, row))
    cursor = None
    for count in range(9):
        try:
            cursor = record.sql.execute(query, [None] * count)
            break
        except database.sqlite3.ProgrammingError:  # another number of parameters
            continue
    assert cursor is not None
    assert {column[0] for column in cursor.description} == set(hints)
    for found in cursor:
        for column, hint in hints.items():
            allowed = typing.get_args(hint) or (hint,)
            assert isinstance(found[column], allowed), (column, found[column])
