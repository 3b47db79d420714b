# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The records of earlier versions are migrated, read and rebuilt.

tests/integration/test_takeover.py takes them over together with everything that runs.
"""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.clouds import open_cloud
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.damage import damage
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.database import VERSION
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.record import Record
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.tables import TABLES
from ansible_collections.hanok.cloud.plugins.module_utils._model.kinds import KINDS
from ansible_collections.hanok.cloud.plugins.module_utils._model.recovery import (
    Remains,
    rebuild_rows,
)
from ansible_collections.hanok.cloud.tests.kept_records import KEPT, KeptRecord, differences

# Kinds that are read from the record only.
RECORDED = (
    'flavor',
    'floating_ip',
    'image',
    'init_script',
    'keypair',
    'port',
    'security_group',
    'volume',
)
# What these return otherwise than the earlier version, by the kept record.
CHANGED_RESULTS: dict[str, list[str]] = {
    '4': [
        'security_group.all-out.rules.0: lost',
        *(f'volume.{server}/root: added' for server in ('db', 'web-1', 'web-2')),
    ]
}
# The rows that a migration deletes, by kept record and table.
DELETED_ROWS: dict[tuple[str, str], set[int]] = {
    # an egress rule that allows everything, as the only egress rule of its group
    ('4', 'security_group_rule'): {15},
}

# The rows that a migration adds: the root disks of servers became volumes.
ADDED_ROWS: dict[tuple[str, str], list[int]] = {('4', 'volume'): [4, 5, 6]}

each_record = pytest.mark.parametrize('kept', KEPT, ids=str)


@each_record
def test_record_is_migrated(kept: KeptRecord, tmp_path: Path) -> None:
    """The first writer migrates the record: it is whole, and no other row is lost."""
    kept.write_database(tmp_path / 'hanok.db')
    record = migrated(tmp_path)
    with closing(record.sql):
        assert record.value('PRAGMA user_version') == VERSION
        assert record.rows('PRAGMA foreign_key_check') == []
        assert damage(record) == ''
        for table, expected in kept.read('export').items():
            if table not in ('meta', 'version'):
                found = record.rows(f'SELECT id FROM {table} ORDER BY id')
                deleted = DELETED_ROWS.get((str(kept), table), set())
                ids = [row['id'] for row in expected if row['id'] not in deleted]
                added = ADDED_ROWS.get((str(kept), table), [])
                assert [row['id'] for row in found] == [*ids, *added], table


@each_record
def test_record_is_rebuilt_from_its_export(kept: KeptRecord, tmp_path: Path) -> None:
    """The export of an earlier version becomes the same record as its database."""
    export = kept.read('export')
    del export['version']
    for name in ('migrated', 'rebuilt'):
        (tmp_path / name).mkdir()
    kept.write_database(tmp_path / 'migrated' / 'hanok.db')
    rebuilt = Record(str(tmp_path / 'rebuilt'), 'me', lost=True)
    rebuilt.writer.rebuild(rebuild_rows(Remains(export))[0])
    expected = migrated(tmp_path / 'migrated')
    with closing(rebuilt.sql), closing(expected.sql):
        for table in TABLES:
            assert rows(rebuilt, table) == rows(expected, table), table


@each_record
def test_resources_are_read(
    kept: KeptRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the earlier version returned them, before the record is migrated."""
    kept.write_database(tmp_path / 'hanok.db')
    for entry in kept.read('files'):
        path = Path(entry['path'])
        if path.name == 'host.json':
            (tmp_path / path.name).write_text('\n'.join(entry['lines']), 'utf-8')
        elif 'disk' in entry and path.parent.name in ('images', 'volumes'):
            (tmp_path / path.parent.name).mkdir(exist_ok=True)
            (tmp_path / path.parent.name / path.name).touch()
    monkeypatch.setenv('HANOK_STATE', str(tmp_path))
    monkeypatch.setenv('HANOK_CONFIG', str(tmp_path))
    monkeypatch.setattr(os, 'geteuid', lambda: 0)
    info, found = kept.read('info'), []
    with open_cloud('local', 'default', 'me', 1) as cloud:
        for kind in RECORDED:
            items = getattr(cloud, KINDS[kind].plural).list(None)
            found += differences(info[kind], [item.public() for item in items], kind)
    assert found == CHANGED_RESULTS.get(str(kept), [])


def migrated(folder: Path) -> Record:
    """The record of a folder, opened for writing."""
    record = Record(str(folder), 'me')
    record.writer.open()
    return record


def rows(record: Record, table: str) -> list[dict[str, Any]]:
    """The rows of a table."""
    return [dict(row) for row in record.rows(f'SELECT * FROM {table} ORDER BY id')]
