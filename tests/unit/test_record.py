# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The record: atomic creation, reading without writing, and constraints of its tables."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._cloud import CloudError
from ansible_collections.hanok.cloud.plugins.module_utils._local.compute import server_queries
from ansible_collections.hanok.cloud.plugins.module_utils._local.host.files import write_atomically
from ansible_collections.hanok.cloud.plugins.module_utils._local.record import database, metadata
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.damage import damage
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.database import VERSION
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.record import Record
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.schema import VERSIONS
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.tables import (
    ALL_TABLES,
    TABLES,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.storage.images import USES
from ansible_collections.hanok.cloud.plugins.module_utils._model.change import Change
from ansible_collections.hanok.cloud.plugins.module_utils._model.kinds import Verb
from ansible_collections.hanok.cloud.plugins.module_utils._model.root_volume import root_columns
from ansible_collections.hanok.cloud.plugins.module_utils._model.user_data import UserDataHash
from ansible_collections.hanok.cloud.tests.filled_record import fill
from ansible_collections.hanok.cloud.tests.kept_records import write_version


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    """A writable record."""
    opened = Record(str(tmp_path), 'me')
    opened.writer.open()
    yield opened
    opened.sql.close()


def revision(record: Record) -> int:
    """The revision that projections are compared with."""
    return int(record.value("SELECT value FROM meta WHERE key = 'revision'"))


# -- the file ------------------------------------------------------------------------------------


def test_no_record_is_an_empty_cloud(tmp_path: Path) -> None:
    """Reading creates nothing, not even the folder."""
    record = Record(str(tmp_path / 'state'), 'me')
    assert [
        record.rows(f'SELECT * FROM {table}') for table in TABLES if table != 'security_group'
    ] == [[]] * (len(TABLES) - 1)
    assert [row['name'] for row in record.rows('SELECT name FROM security_group')] == ['default']
    assert list(tmp_path.iterdir()) == []


def test_creation_is_atomic(tmp_path: Path) -> None:
    """Readers find no record or one with tables; no other user may read it."""
    Record(str(tmp_path), 'me').writer.open()
    file = tmp_path / 'hanok.db'
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.glob('*.new*')) == []
    reader = Record(str(tmp_path), 'you')
    assert reader.version == VERSION == max(VERSIONS)
    assert reader.value('PRAGMA journal_mode') == 'wal'


def test_leftovers_of_a_crash_are_replaced(tmp_path: Path) -> None:
    """A record that was being created when the power failed is created again."""
    for suffix in ('', '-wal', '-shm'):
        (tmp_path / f'hanok.db.new{suffix}').write_bytes(b'half')
    record = Record(str(tmp_path), 'me')
    record.writer.open()
    assert record.value('SELECT count(*) FROM security_group') == 1
    assert list(tmp_path.glob('*.new*')) == []


@pytest.mark.parametrize('how', ['made', 'rebuilt'])
def test_the_log_of_a_removed_record_is_not_replayed(
    record: Record, tmp_path: Path, how: str
) -> None:
    """A killed run leaves the log of SQLite; a new record must not contain what it says."""
    with record.writer.transaction():
        record.writer.insert_row('keypair', {'name': 'old', 'public_key': 'ssh-ed25519 A'})
    for name in ('hanok.db', 'hanok.json'):
        (tmp_path / name).unlink()
    assert (tmp_path / 'hanok.db-wal').stat().st_size > 0
    new = Record(str(tmp_path), 'me', lost=how == 'rebuilt')
    if how == 'made':
        new.writer.open()
    else:
        new.writer.rebuild(
            {'security_group': [{'name': 'default', 'description': '', 'created_by': 'me'}]}
        )
    assert new.rows('PRAGMA integrity_check')[0][0] == 'ok'
    assert new.rows('SELECT name FROM keypair') == []
    new.sql.close()


DEFAULT = {'name': 'default', 'description': '', 'labels': '{}', 'created_by': 'me'}
VOLUME = {
    'id': 1,
    'uuid': 'v',
    'name': 'v',
    'size': 1,
    'description': '',
    'labels': '{}',
    'created_by': 'me',
}


@pytest.mark.parametrize(
    'rows',
    [
        {'security_group': [{}]},
        {'security_group': [{**DEFAULT, 'name': '\ud800'}]},
        {'security_group': [{**DEFAULT, 'labels': {}}]},
        {'security_group': [{**DEFAULT, 'id': 2**70}]},
        {'security_group': [DEFAULT], 'volume': [{**VOLUME, 'server_id': 5}]},
    ],
)
def test_invalid_rows_are_refused(tmp_path: Path, rows: dict[str, list[dict[str, object]]]) -> None:
    """They are reported, and no record is created."""
    with pytest.raises(CloudError, match='edited by hand'):
        Record(str(tmp_path), 'me', lost=True).writer.rebuild(rows)
    assert not (tmp_path / 'hanok.db').exists()


def test_each_record_has_its_own_secret(record: Record, tmp_path: Path) -> None:
    """A rebuilt record has a new one, as the export has none. Metadata has no first-boot hashes."""
    fill(record)
    record.sql.execute("UPDATE main.server SET user_data = 'sha256:xyz', root_password = 'xyz'")
    record.writer.export()
    rows = json.loads((tmp_path / 'hanok.json').read_text(encoding='utf-8'))
    del rows['version']
    new = Record(str(tmp_path / 'new'), 'me', lost=True)
    new.writer.rebuild(rows)
    assert len({record.secret(), new.secret(), Record(str(tmp_path / 'none'), 'me').secret()}) == 3
    assert '"user_data": "given"' in ''.join(metadata.server_metadata(record).values())
    assert '"root_password": "given"' in ''.join(metadata.server_metadata(record).values())
    assert 'xyz' not in ''.join(metadata.server_metadata(record).values())
    new.sql.close()


def test_rows_being_deleted_are_rebuilt(record: Record, tmp_path: Path) -> None:
    """With their dependents, whatever the order of tables; metadata is marked as out of date."""
    fill(record)
    record.sql.execute("UPDATE main.server SET task_state = 'deleting'")
    rows = {
        table: [dict(row) for row in record.rows(f'SELECT * FROM {table}')]
        for table in ('meta', *TABLES)
    }
    new = Record(str(tmp_path / 'new'), 'me', lost=True)
    new.writer.rebuild(rows)
    assert {
        table: [dict(row) for row in new.rows(f'SELECT * FROM {table}')] for table in TABLES
    } == {table: rows[table] for table in TABLES}
    meta = {row['key']: row['value'] for row in new.rows('SELECT * FROM meta')}
    assert meta['metadata'] > meta['metadata_written']
    new.sql.close()


def test_two_writers_create_one_record(tmp_path: Path) -> None:
    """Both started without a record and end with the same one."""
    one, other = Record(str(tmp_path), 'one'), Record(str(tmp_path), 'other')
    one.writer.open()
    other.writer.open()
    assert one.value("SELECT value FROM meta WHERE key = 'record'") == other.value(
        "SELECT value FROM meta WHERE key = 'record'"
    )


def test_readers_change_no_byte(record: Record, tmp_path: Path) -> None:
    """A reader leaves the file as it is and cannot write."""
    fill(record)
    record.sql.execute('PRAGMA wal_checkpoint(TRUNCATE)')
    file = tmp_path / 'hanok.db'
    before = file.read_bytes(), file.stat().st_mtime_ns
    reader = Record(str(tmp_path), 'you')
    assert [
        row['name']
        for row in reader.named(
            'SELECT name FROM server WHERE ?1 IS NULL OR name IN (SELECT value FROM json_each(?1))',
            ['s', 'x'],
        )
    ] == ['s']
    with pytest.raises(sqlite3.OperationalError, match='readonly'):
        reader.sql.executescript('DELETE FROM main.volume; DELETE FROM main.server;')
    reader.sql.close()
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before


def test_a_reader_sees_what_was_written_meanwhile(record: Record, tmp_path: Path) -> None:
    """Check mode during a run shows committed transactions only."""
    reader = Record(str(tmp_path), 'you')
    with record.writer.transaction():
        fill(record)
        assert reader.value('SELECT count(*) FROM server') == 0
    assert reader.value('SELECT count(*) FROM server') == 1
    reader.sql.close()


@pytest.mark.parametrize('how', ['read', 'write'])
def test_a_newer_record_is_left_alone(tmp_path: Path, how: str) -> None:
    """The error has both versions and what to do."""
    record = Record(str(tmp_path), 'me')
    if how == 'read':
        record.writer.open()
        record.sql.close()
    else:  # another run creates it after this run started
        Record(str(tmp_path), 'other').writer.open()
    with sqlite3.connect(tmp_path / 'hanok.db') as sql:
        sql.execute(f'PRAGMA user_version = {VERSION + 1}')
    sql.close()
    with pytest.raises(
        CloudError,
        match=rf'hanok\.db has version {VERSION + 1}, '
        rf'this hanok\.cloud supports {VERSION}: update the collection',
    ):
        Record(str(tmp_path), 'me') if how == 'read' else record.writer.open()


@pytest.mark.parametrize(
    'garbage',
    [
        b'this is no database, but it is long enough to be taken for one' * 40,
        b'SQLite format 3\x00' + b'\xff' * 4096,
    ],
)
def test_garbage_is_reported(tmp_path: Path, garbage: bytes) -> None:
    """A file that is not a record is reported with its path, and not changed."""
    (tmp_path / 'hanok.db').write_bytes(garbage)
    with pytest.raises(CloudError, match=rf'the record {tmp_path}/hanok\.db cannot be read'):
        Record(str(tmp_path), 'me')
    assert (tmp_path / 'hanok.db').read_bytes() == garbage


def test_export(record: Record, tmp_path: Path) -> None:
    """All rows of all tables as JSON, readable by root only."""
    ids = fill(record)
    record.writer.export()
    record.writer.export()
    file = tmp_path / 'hanok.json'
    exported = json.loads(file.read_text(encoding='utf-8'))
    assert set(exported) == {'version', 'meta', *TABLES}
    assert {table: exported[table][-1]['id'] for table in TABLES} == ids
    assert exported['server'][0]['created_by'] == 'me'
    assert record.secret() not in file.read_text(encoding='utf-8')
    kept = {row['key'] for row in exported['meta']}
    assert {key for key in record.meta() if key not in kept} == {'secret', 'metadata_written'}
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.glob('*.part')) == []


def test_metadata_that_is_written_is_not_exported(record: Record, tmp_path: Path) -> None:
    """Else a run that is killed there leaves a temporary file, and the next has nothing to do."""
    fill(record)
    record.writer.export()
    before = (tmp_path / 'hanok.json').stat()
    machines = SimpleNamespace(
        machines=lambda *_driver: {}, lxc=SimpleNamespace(listAllDomains=lambda _flag: [])
    )
    locks = SimpleNamespace(projection=lambda _name: nullcontext())
    host: Any = SimpleNamespace(record=record, hypervisor=machines, locks=locks)
    metadata.write(host)
    meta = record.meta()
    assert meta['metadata'] == meta['metadata_written'] > 0
    after = (tmp_path / 'hanok.json').stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_file_is_replaced_atomically(tmp_path: Path) -> None:
    """A reader of the old file continues with the old text."""
    file = tmp_path / 'file'
    write_atomically(str(file), 'the old text')
    with file.open(encoding='utf-8') as reader:
        write_atomically(str(file), 'new')
        assert (reader.read(), file.read_text(encoding='utf-8')) == ('the old text', 'new')


# -- versions ------------------------------------------------------------------------------------


@pytest.mark.parametrize('version', range(1, VERSION))
def test_an_older_version_is_migrated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    """Readers migrate a copy and leave the file alone; writers migrate it and keep every row."""
    write_version(tmp_path / 'hanok.db', version)
    with monkeypatch.context() as older:
        older.setattr(database, 'VERSION', version)
        record = Record(str(tmp_path), 'me')
        record.writer.open()
        ids = fill(record)
        record.sql.close()
    before = (tmp_path / 'hanok.db').read_bytes()
    reader = Record(str(tmp_path), 'me')
    read = {
        table: [tuple(row) for row in reader.rows(f'SELECT * FROM {table}')] for table in TABLES
    }
    assert (tmp_path / 'hanok.db').read_bytes() == before
    reader.writer.open()
    assert reader.value('PRAGMA user_version') == VERSION
    assert {
        table: [tuple(row) for row in reader.rows(f'SELECT * FROM {table}')] for table in TABLES
    } == read
    assert {table: reader.value(f'SELECT max(id) FROM {table}') for table in ids} == {
        **ids,
        'volume': ids['volume'] + (version < 6),  # the root volume
    }
    assert reader.rows('PRAGMA foreign_key_check') == []
    assert reader.rows('SELECT * FROM history') == []  # no resource, but a table
    revision_then = revision(reader)
    reader.writer.update_row('port', ids['port'], {'address': '10.0.0.6'})
    assert revision(reader) == revision_then + 1
    for table in ('server_snapshot', 'volume_snapshot', 'volume', 'server'):
        reader.sql.execute(f'DELETE FROM main.{table}')
    assert (
        reader.rows('SELECT id FROM port'),
        reader.value('SELECT port_id FROM floating_ip'),
    ) == ([], None)


def structure(record: Record) -> dict[str, list[tuple[object, ...]]]:
    """The columns, constraints, indices and triggers of the record by table; their order is free.

    Columns that a migration adds are the last ones.
    """
    found = {}
    for name, sql in record.rows("SELECT name, sql FROM main.sqlite_master WHERE type = 'table'"):
        columns = [tuple(row)[1:] for row in record.rows(f'PRAGMA main.table_info({name})')]
        checks = [('check', *expression) for expression in re.findall(r'CHECK \((.*?)\)', sql)]
        keys = [tuple(row)[2:] for row in record.rows(f'PRAGMA main.foreign_key_list({name})')]
        indices: list[tuple[object, ...]] = []
        for _number, index, is_unique, origin, partial in record.rows(
            f'PRAGMA main.index_list({name})'
        ):
            key = [row['name'] for row in record.rows(f'PRAGMA main.index_info({index})')]
            named = index if origin == 'c' else ''
            indices.append(('index', named, is_unique, origin, partial, *key))
        triggers = record.rows(
            "SELECT name, sql FROM main.sqlite_master WHERE type = 'trigger' AND tbl_name = ?", name
        )
        key_kind = ('AUTOINCREMENT' in sql, 'WITHOUT ROWID' in sql)
        facts = [key_kind, *columns, *checks, *keys, *indices, *map(tuple, triggers)]
        found[name] = sorted(facts, key=repr)
    return found


@pytest.mark.parametrize('version', range(1, VERSION))
def test_migrated_tables_are_as_described(tmp_path: Path, version: int) -> None:
    """A record of any version becomes the same as a new one: no statement was forgotten."""
    write_version(tmp_path / 'hanok.db', version)
    migrated = Record(str(tmp_path), 'me')
    new = Record(str(tmp_path / 'new'), 'me')
    assert structure(migrated) == structure(new)
    assert set(migrated.meta()) == set(new.meta())
    assert set(structure(new)) == {'meta', 'sqlite_sequence', *ALL_TABLES}


def test_rules_of_an_older_version_are_converted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any remote is any; what equals no egress rules is none. Also those of an older export."""
    narrow = {'direction': 'egress', 'protocol': 'tcp', 'port_min': 443, 'port_max': 443}
    everything = {'direction': 'egress', 'protocol': 'any', 'remote_cidr': '0.0.0.0/0'}
    write_version(tmp_path / 'hanok.db', 4)
    with monkeypatch.context() as older:
        older.setattr(database, 'VERSION', 4)
        record = Record(str(tmp_path), 'me')
        record.writer.open()
        for name, rules in (
            ('alone', [everything]),
            ('with_ingress', [everything, {**everything, 'direction': 'ingress'}]),
            ('with_egress', [everything, {**narrow, 'remote_cidr': '10.0.0.0/8'}]),
            ('to_group', [{**everything, 'remote_cidr': '', 'remote_group_id': 1}]),
        ):
            group = record.writer.insert_row('security_group', {'name': name, 'description': ''})
            for rule in rules:
                record.writer.insert_row('security_group_rule', {'group_id': group, **rule})
        tables = ['meta', *(table for table in TABLES if table in structure(record))]
        rows = {
            table: [dict(row) for row in record.fetch(f'SELECT * FROM main.{table}')]
            for table in tables
        }
        record.sql.close()
    rebuilt = Record(str(tmp_path / 'new'), 'me', lost=True)
    rebuilt.writer.rebuild(rows)
    for record in (Record(str(tmp_path), 'me'), rebuilt):
        found = record.rows(
            'SELECT g.name, r.direction, r.protocol, r.remote_cidr FROM security_group_rule r '
            'JOIN security_group g ON g.id = r.group_id ORDER BY r.id'
        )
        assert [tuple(row) for row in found] == [
            ('with_ingress', 'ingress', 'any', 'any'),
            ('with_egress', 'egress', 'any', 'any'),
            ('with_egress', 'egress', 'tcp', '10.0.0.0/8'),
            ('to_group', 'egress', 'any', ''),
        ]
        record.sql.close()


@pytest.mark.parametrize('task_state', [None, 'deleting'])
def test_root_disks_of_an_older_version_become_volumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task_state: str | None
) -> None:
    """Of all servers, with the size that is recorded; the ids of servers are not used again."""
    write_version(tmp_path / 'hanok.db', 5)
    with monkeypatch.context() as older:
        older.setattr(database, 'VERSION', 5)
        record = Record(str(tmp_path), 'me')
        record.writer.open()
        ids = fill(record)
        row = dict(record.rows('SELECT * FROM server')[0])
        for name in ('t', 'deleted'):
            record.writer.insert_row('server', {**row, 'id': None, 'uuid': name * 20, 'name': name})
        record.sql.execute("DELETE FROM main.server WHERE name = 'deleted'")
        record.sql.execute('UPDATE main.server SET task_state = ?', (task_state,))
        record.sql.close()
    record = Record(str(tmp_path), 'me')
    record.writer.open()
    columns = 'name, uuid, size, server_id, created_by, task_state'
    assert [tuple(row) for row in record.rows(f'SELECT {columns} FROM volume WHERE bootable')] == [
        ('s/root', 's8', 4, ids['server'], 'me', None),
        ('t/root', f'{"t" * 14}8{"t" * 5}', 4, ids['server'] + 1, 'me', None),
    ]
    kept = {name: value for name, value in row.items() if name != 'volume_size'}
    kept.update(rescue_image_id=None, resized_from=None, phase=None)
    kept.update(max_vcpus=None, max_memory=None, on_crash='restart')
    kept.update(hardware='{}', start_order=0, start_delay=0, type='vm')
    kept.update(dns_servers='[]', dns_domain='', root_password=None, swap=0, root_size=0)
    assert [dict(one) for one in record.rows("SELECT * FROM server WHERE name = 's'")] == [
        {**kept, 'task_state': task_state}
    ]
    new = {**kept, 'id': None, 'uuid': 'u', 'name': 'u'}
    assert record.writer.insert_row('server', new) == ids['server'] + 3
    record.sql.execute("UPDATE main.server SET task_state = 'deleting'")
    with pytest.raises(sqlite3.IntegrityError, match='server is being deleted'):
        record.writer.insert_row('volume', {**root_columns('u', 'u', ids['server'] + 3), 'size': 1})


UUID = re.compile('[0-9a-f]{8}-[0-9a-f]{4}-[48][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}')


def test_every_resource_has_an_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of an older record get one that stays the same, new ones get a random one."""
    write_version(tmp_path / 'hanok.db', 4)
    with monkeypatch.context() as older:
        older.setattr(database, 'VERSION', 4)
        record = Record(str(tmp_path), 'me')
        record.writer.open()
        fill(record)
        record.writer.insert_row('keypair', {'name': 'second', 'public_key': 'k'})
        record.sql.close()
    readers = [Record(str(tmp_path), 'me') for _reader in range(2)]
    readers[0].writer.open()
    for reader in readers:
        reader.writer.insert_row('keypair', {'name': 'new', 'public_key': 'k'})
    found = [
        {
            (table, row['name']): row['uuid']
            for table in ('keypair', 'flavor', 'security_group', 'port', 'floating_ip')
            for row in reader.rows(f'SELECT name, uuid FROM {table}')
        }
        for reader in readers
    ]
    assert all(UUID.fullmatch(value) for value in found[0].values())
    assert len(set(found[0].values())) == len(found[0])
    assert {key for key in found[0] if found[0][key] != found[1][key]} == {('keypair', 'new')}


# -- transactions --------------------------------------------------------------------------------


@pytest.mark.parametrize('error', [RuntimeError, KeyboardInterrupt])
def test_all_or_nothing(record: Record, error: type[BaseException]) -> None:
    """A failed transaction leaves nothing, and the next one works."""

    def fail() -> None:
        with record.writer.transaction():
            fill(record)
            raise error

    with pytest.raises(error):
        fail()
    assert record.value('SELECT count(*) FROM server') == 0
    with record.writer.transaction():
        fill(record)
    assert record.value('SELECT count(*) FROM server') == 1


@pytest.mark.parametrize(
    ('statement', 'why'),
    [
        (
            "INSERT INTO main.keypair (created_by, name, public_key) VALUES ('me', 'k', 'x')",
            'UNIQUE constraint failed: keypair.project, keypair.name',
        ),
        ('DELETE FROM main.image', 'FOREIGN KEY constraint failed'),
        ('DELETE FROM main.network', 'FOREIGN KEY constraint failed'),
        ('DELETE FROM main.keypair', 'FOREIGN KEY constraint failed'),
        ("DELETE FROM main.security_group WHERE name = 'g'", 'FOREIGN KEY constraint failed'),
        ('DELETE FROM main.server', 'FOREIGN KEY constraint failed'),  # it has a volume
        ('UPDATE main.port SET balancer_id = (SELECT id FROM balancer)', 'CHECK constraint failed'),
        ('UPDATE main.port SET server_id = NULL', 'CHECK constraint failed'),
    ],
)
def test_constraints_of_the_tables(record: Record, statement: str, why: str) -> None:
    """They are reported as a change by another task, and the transaction is rolled back."""
    fill(record)
    before = revision(record)

    def change() -> None:
        with record.writer.transaction() as sql:
            sql.execute(
                'INSERT INTO main.security_group (created_by, name, description) '
                "VALUES ('me', 'h', '')"
            )
            sql.execute(statement)

    with pytest.raises(
        CloudError, match=f'the record rejected the change: {why}.*run the task again'
    ):
        change()
    assert record.value("SELECT count(*) FROM security_group WHERE name = 'h'") == 0
    assert revision(record) == before


def test_deleting_a_server_deletes_its_dependents(record: Record) -> None:
    """Ports, their groups and memberships; a floating IP remains, without association."""
    fill(record)
    with record.writer.transaction() as sql:
        sql.execute('UPDATE main.volume SET server_id = NULL')
        sql.execute('DELETE FROM main.server')
    assert [
        record.value(f'SELECT count(*) FROM {table}')
        for table in ('port', 'port_security_group', 'balancer_member')
    ] == [0, 0, 0]
    assert [tuple(row) for row in record.rows('SELECT address, port_id FROM floating_ip')] == [
        ('172.24.0.9', None)
    ]


# -- triggers ------------------------------------------------------------------------------------

# The columns that the firewall, DHCP and the load balancers depend on, as in the schema: one that
# is forgotten there would leave outdated rules.
FIREWALL = {
    'network': ['cidr', 'gateway'],
    'security_group': ['name'],
    'security_group_rule': [
        'group_id',
        'direction',
        'protocol',
        'port_min',
        'port_max',
        'remote_cidr',
        'remote_group_id',
    ],
    'server': ['name'],
    'balancer': ['name', 'algorithm', 'listeners', 'health_check'],
    'balancer_member': ['balancer_id', 'server_id'],
    'port': ['network_id', 'address', 'mac'],
    'bridge_port': ['bridge'],
    'port_security_group': ['port_id', 'group_id'],
    'floating_ip': ['address', 'port_id'],
}
# The rows to delete before these rows.
BEFORE_DELETE = {
    'network': ['port'],
    'server': [
        'server_snapshot_disk',
        'server_snapshot',
        'volume_snapshot',
        'volume_reader',
        'volume',
    ],
    'security_group': ['port_security_group'],
}


@pytest.mark.parametrize('table', FIREWALL)
def test_the_firewall_has_a_revision(record: Record, table: str) -> None:
    """Inserts, updates of each relevant column, and deletes increment it."""
    revisions = [revision(record)]

    def bumped() -> bool:
        revisions.append(revision(record))
        return revisions[-1] > revisions[-2]

    ids = fill(record)
    assert bumped()
    for column in FIREWALL[table]:
        record.sql.execute(
            f'UPDATE main.{table} SET {column} = {column} WHERE id = ?', (ids[table],)
        )
        assert bumped(), column
    for other in BEFORE_DELETE.get(table, ()):
        record.sql.execute(f'DELETE FROM main.{other}')
        bumped()
    record.sql.execute(f'DELETE FROM main.{table} WHERE id = ?', (ids[table],))
    assert bumped()


def test_each_row_of_the_firewall_is_a_revision(record: Record) -> None:
    """Rows in every table increment it once for each table that the firewall depends on."""
    before = revision(record)
    fill(record)
    assert revision(record) - before == len(FIREWALL)


def test_cascading_deletes_increment_the_revision(record: Record) -> None:
    """The firewall does not depend on the table server, but on its dependents."""
    fill(record)
    record.sql.execute('UPDATE main.volume SET server_id = NULL')
    before = revision(record)
    record.sql.execute('DELETE FROM main.server')
    assert revision(record) > before


@pytest.mark.parametrize(
    'table',
    [
        'keypair',
        'flavor',
        'image',
        'server',
        'volume',
        'network',
        'security_group',
        'balancer',
        'floating_ip',
    ],
)
def test_descriptions_do_not_increment_the_revision(record: Record, table: str) -> None:
    """Columns without effect on packets do not reload the firewall."""
    fill(record)
    before = revision(record)
    column = 'public_key' if table == 'keypair' else 'description'
    record.sql.execute(f"UPDATE main.{table} SET {column} = 'other'")
    assert revision(record) == before


# Columns that never change while a server has a machine.
FIXED = {
    'id',
    'project',
    'created_by',
    'created_at',
    'uuid',
    'cidr',
    'gateway',
    'address',
    'mac',
    'bridge',
    'pool',
    'position',
    'task_state',
    'phase',
    'own_groups',
    'bootable',
}
FIXED |= {'server.' + column for column in ('user_data', 'init_script', 'key_name', 'member_of')}
FIXED |= {'server.root_password'}
FIXED |= {
    table + '.name'
    for table in ('network', 'port', 'volume', 'keypair', 'security_group', 'balancer')
}


@pytest.mark.parametrize('table', TABLES)
def test_the_metadata_has_a_revision(record: Record, table: str) -> None:
    """Exactly the changes that change the metadata of a server increment it."""
    ids = fill(record)

    def observe() -> tuple[dict[str, str], int]:
        return {
            **metadata.server_metadata(record),
            **metadata.balancer_metadata(record),
        }, int(record.value("SELECT value FROM meta WHERE key = 'metadata'"))

    found = []
    for column in [row['name'] for row in record.rows(f'PRAGMA table_info({table})')]:
        record.sql.execute('BEGIN')
        before, revision = observe()
        old = record.value(f'SELECT {column} FROM {table} WHERE id = ?', ids[table])
        if column not in FIXED and f'{table}.{column}' not in FIXED and not column.endswith('_id'):
            text = '{"tpm": true}' if column == 'hardware' else 'other'
            record.writer.update_row(
                table, ids[table], {column: old + 1 if isinstance(old, int) else text}
            )
            after, current = observe()
            assert (after != before) == (current > revision), column
            if current > revision:
                found.append(column)
        record.sql.execute('ROLLBACK')
    assert ('description' in found) == (
        table
        in ('server', 'image', 'keypair', 'network', 'port', 'floating_ip', 'volume', 'balancer')
    )


@pytest.mark.parametrize(
    ('statement', 'owner'),
    [
        ('DELETE FROM main.floating_ip', 'server'),
        ('UPDATE main.floating_ip SET port_id = NULL', 'server'),
        ('DELETE FROM main.port_security_group', 'server'),
        ('DELETE FROM main.bridge_port', 'server'),
        ('DELETE FROM main.balancer_member', 'balancer'),
    ],
)
@pytest.mark.parametrize('state', [None, 'updating', 'creating', 'deleting'])
def test_deleted_rows_increment_the_metadata_revision(
    record: Record, statement: str, owner: str, state: str | None
) -> None:
    """Not for a server that is being created, whose machine will have all, or deleted."""
    fill(record)
    record.sql.execute(f'UPDATE main.{owner} SET task_state = ?', (state,))
    before = record.value("SELECT value FROM meta WHERE key = 'metadata'")
    record.sql.execute(statement)
    assert (record.value("SELECT value FROM meta WHERE key = 'metadata'") > before) == (
        state in (None, 'updating')
    )


@pytest.mark.parametrize(
    ('other', 'table', 'column'),
    [
        ('image', 'server', 'image_id'),
        ('network', 'port', 'network_id'),
        ('server', 'volume', 'server_id'),
        ('server', 'balancer_member', 'server_id'),
    ],
)
@pytest.mark.parametrize('event', ['insert', 'update'])
def test_no_new_references_to_rows_being_deleted(
    record: Record, other: str, table: str, column: str, event: str
) -> None:
    """Neither inserts nor updates may refer to them."""
    row = fill(record)[table]
    kept = dict(record.rows(f'SELECT * FROM {table}')[0])
    record.sql.execute(f"UPDATE main.{other} SET task_state = 'deleting'")

    def change() -> None:
        with record.writer.transaction() as sql:
            if event == 'update':
                record.writer.update_row(table, row, {column: kept[column]})
                return
            if table == 'balancer_member':  # a duplicate would be rejected for another reason
                sql.execute('DELETE FROM main.balancer_member')
            record.writer.insert_row(
                table,
                {
                    **kept,
                    'id': None,
                    **{name: 'new' for name in ('uuid', 'name', 'address', 'mac') if name in kept},
                },
            )

    with pytest.raises(
        CloudError,
        match=f'the record rejected the change: {other} is being deleted; '
        'another task changed it meanwhile',
    ):
        change()
    assert [dict(found) for found in record.rows(f'SELECT * FROM {table}')] == [kept]


def test_references_to_rows_being_deleted_can_be_removed(record: Record) -> None:
    """Detaching a volume of a server that is being deleted is part of deleting it."""
    volume = fill(record)['volume']
    record.sql.execute("UPDATE main.server SET task_state = 'deleting'")
    record.writer.update_row('volume', volume, {'server_id': None, 'task_state': None})
    assert record.value('SELECT server_id FROM volume') is None


def test_export_is_never_older(record: Record, tmp_path: Path) -> None:
    """The export is written before the commit; without it nothing is committed."""

    def exported() -> list[str]:
        return [
            row['name']
            for row in json.loads((tmp_path / 'hanok.json').read_text(encoding='utf-8'))['keypair']
        ]

    with record.writer.transaction():
        record.writer.insert_row('keypair', {'name': 'one', 'public_key': 'k'})
    assert exported() == ['one']
    (tmp_path / 'hanok.json.part').mkdir()
    with pytest.raises(CloudError, match='nothing was recorded'), record.writer.transaction():
        record.writer.insert_row('keypair', {'name': 'two', 'public_key': 'k'})
    assert record.value('SELECT count(*) FROM keypair') == 1
    assert exported() == ['one']


@pytest.mark.parametrize(
    ('table', 'user', 'uses'),
    [('network', 'port', 'network_id = ?1'), ('image', 'server', USES.format(id='?1'))],
)
def test_rows_that_came_into_use_are_not_deleted(
    record: Record, table: str, user: str, uses: str
) -> None:
    """Another task may use them between the plan and its first transaction: nothing is deleted."""
    row, name = fill(record)[table], record.value(f'SELECT name FROM {table}')
    change = Change(table, name, Verb.DELETE, None, None)
    with pytest.raises(CloudError, match=f'{table} {name} is now in use by a {user}'):
        record.writer.begin_deletion([change], user, uses)
    assert record.value(f'SELECT task_state FROM {table} WHERE id = ?', row) is None
    record.sql.execute('DELETE FROM main.port')
    record.sql.execute('UPDATE main.volume SET server_id = NULL')
    record.sql.execute('DELETE FROM main.server')
    record.writer.begin_deletion([change], user, uses)
    assert record.value(f'SELECT task_state FROM {table} WHERE id = ?', row) == 'deleting'


DISC = '{"cdroms": ["disc"]}'


def test_image_in_a_cd_drive(record: Record) -> None:
    """It is not deleted, and in the metadata of the server, which a change of it is one of."""
    server = fill(record)['server']
    values = {'uuid': 'd', 'name': 'disc', 'source': 'path:/d', 'disk_format': 'iso'}
    record.writer.insert_row('image', {**values, 'description': '', 'labels': '{}'})
    change = Change('image', 'disc', Verb.DELETE, None, None)
    record.writer.update_row('server', server, {'hardware': DISC})
    with pytest.raises(CloudError, match='image disc is now in use by a server'):
        record.writer.begin_deletion([change], 'server', USES.format(id='?1'))
    text = next(iter(metadata.server_metadata(record).values()))
    (disc,) = json.loads(text)['cdroms']
    assert (disc['name'], disc['disk_format']) == ('disc', 'iso')
    before = record.value("SELECT value FROM meta WHERE key = 'metadata'")
    record.sql.execute("UPDATE main.image SET description = 'x' WHERE name = 'disc'")
    assert record.value("SELECT value FROM meta WHERE key = 'metadata'") == before + 1
    record.writer.update_row('server', server, {'hardware': '{}'})
    record.writer.begin_deletion([change], 'server', USES.format(id='?1'))


@pytest.mark.parametrize(
    ('statement', 'problem'),
    [
        ("UPDATE main.image SET disk_format = 'x'", "image.disk_format: ValueError: 'x' is not"),
        ("UPDATE main.server SET labels = '{'", 'server.labels: JSONDecodeError'),
        ("UPDATE main.server SET vcpus = 'x'", "server.vcpus is 'x'"),
        ("UPDATE main.network SET cidr = 'x'", 'network.cidr: AddressValueError'),
        ('UPDATE main.balancer SET listeners = \'[{"a": 1}]\'', 'balancer.listeners: TypeError'),
        (
            "UPDATE main.security_group_rule SET direction = 'x'",
            'security_group_rule: ValueError: direction',
        ),
        ('DELETE FROM main.volume WHERE bootable', 'server s has no root volume'),
    ],
)
def test_foreign_data_is_reported(record: Record, statement: str, problem: str) -> None:
    """After an unexpected error, with what to do; nothing is reported for a valid record."""
    server = fill(record)['server']
    record.writer.insert_row('volume', {**root_columns('s', 's', server), 'size': 4})
    record.sql.execute('UPDATE main.keypair SET public_key = ?', (f'ssh-ed25519 {"A" * 64}',))
    assert damage(record) == ''
    record.sql.execute(statement)
    assert re.search(
        f'{record.path} contains data that hanok.cloud does not write: '
        f'{re.escape(problem)}.*recover',
        damage(record),
    )


def test_missing_column_is_reported(record: Record) -> None:
    """Of the tables that have rows: of others nothing is read."""
    fill(record)
    with closing(sqlite3.connect(record.path)) as other:
        other.execute('ALTER TABLE keypair DROP COLUMN public_key')
    assert 'does not write: keypair.public_key is missing' in damage(record)


def test_a_server_with_an_outdated_init_script_is_found(record: Record) -> None:
    """By the hash of its script. Not found: unknown hashes, other keys, deleted scripts."""
    ids = fill(record)
    record.writer.update_row('server', ids['server'], {'init_script': 'i'})

    def outdated() -> set[str]:
        return server_queries.find_outdated(record, record.rows('SELECT * FROM server'))

    assert outdated() == set()
    seal = server_queries.init_script_hash(record, 'i')
    record.writer.update_row('server', ids['server'], {'init_script_seal': seal})
    assert outdated() == set()
    record.writer.update_row(
        'init_script', ids['init_script'], {'content': '#!/bin/sh\necho other\n'}
    )
    assert outdated() == {'s'}
    assert '"init_script_seal": null' in ''.join(metadata.server_metadata(record).values())
    record.writer.update_row(
        'server',
        ids['server'],
        {'init_script_seal': UserDataHash.of('#!/bin/sh', 'another secret')},
    )
    assert outdated() == set()
    record.writer.update_row('server', ids['server'], {'init_script_seal': seal})
    record.sql.execute('DELETE FROM main.init_script')
    assert outdated() == set()
