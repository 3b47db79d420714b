# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The record: made whole, read without a trace, and what its tables keep true by themselves."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._cloud import CloudError
from ansible_collections.hanok.cloud.plugins.module_utils._local import metadata, server_queries
from ansible_collections.hanok.cloud.plugins.module_utils._local import record as record_module
from ansible_collections.hanok.cloud.plugins.module_utils._local.damage import damage
from ansible_collections.hanok.cloud.plugins.module_utils._local.files import write_atomically
from ansible_collections.hanok.cloud.plugins.module_utils._local.record import VERSION, Record
from ansible_collections.hanok.cloud.plugins.module_utils._local.schema import TABLES, VERSIONS
from ansible_collections.hanok.cloud.plugins.module_utils._model.user_data import UserDataHash


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    """A record that may be written."""
    opened = Record(str(tmp_path), 'me')
    opened.write()
    yield opened
    opened.sql.close()


def fill(record: Record) -> dict[str, int]:
    """A row in every table but the meta one; the ids by table."""
    ids = {}

    def add(table: str, **values: str | int | None) -> None:
        ids[table] = record.insert(table, values)

    add('keypair', name='k', public_key='ssh-ed25519 A')
    add('flavor', name='f', family='general', vcpus=1, memory=512, disk=4, description='')
    add('image', uuid='i', name='i', source='path:/i', description='', labels='{}')
    add(
        'network',
        uuid='n',
        name='n',
        cidr='10.0.0.0/24',
        gateway='10.0.0.1',
        description='',
        labels='{}',
    )
    add('security_group', name='g', description='')
    add(
        'security_group_rule',
        group_id=ids['security_group'],
        direction='ingress',
        protocol='any',
        remote_cidr='0.0.0.0/0',
    )
    server = {
        'member_of': None,
        'vcpus': 1,
        'memory': 512,
        'image_id': ids['image'],
        'key_name': 'k',
        'volume_size': 4,
        'power': 'started',
    }
    add('server', uuid='s', name='s', delete_protection=0, description='', labels='{}', **server)
    add(
        'balancer',
        uuid='b',
        name='b',
        algorithm='source_ip',
        listeners='[]',
        description='',
        labels='{}',
    )
    add('balancer_member', balancer_id=ids['balancer'], server_id=ids['server'])
    add(
        'port',
        network_id=ids['network'],
        server_id=ids['server'],
        position=0,
        address='10.0.0.5',
        mac='52:54:00:00:00:05',
    )
    add('port_security_group', port_id=ids['port'], group_id=ids['security_group'])
    add(
        'floating_ip',
        name='a',
        address='172.24.0.9',
        pool='p',
        port_id=ids['port'],
        automatic=0,
        description='',
        labels='{}',
    )
    add('volume', uuid='v', name='v', size=1, server_id=ids['server'], description='', labels='{}')
    if record.version > 1:
        add('init_script', name='i', content='#!/bin/sh', description='', labels='{}')
    if record.version > 3:
        add('server_keypair', server_id=ids['server'], keypair_id=ids['keypair'], position=1)
    return ids


def revision(record: Record) -> int:
    """The revision that projections are compared with."""
    return int(record.value("SELECT value FROM meta WHERE key = 'revision'"))


# -- the file ------------------------------------------------------------------------------------


def test_no_record_is_an_empty_cloud(tmp_path: Path) -> None:
    """Looking at it makes nothing, not even the folder."""
    record = Record(str(tmp_path / 'state'), 'me')
    assert [
        record.rows(f'SELECT * FROM {table}') for table in TABLES if table != 'security_group'
    ] == [[]] * (len(TABLES) - 1)
    assert [row['name'] for row in record.rows('SELECT name FROM security_group')] == ['default']
    assert list(tmp_path.iterdir()) == []


def test_it_is_made_whole(tmp_path: Path) -> None:
    """A reader meets no record or one with tables; nothing is left beside it, and nobody else may read it."""
    Record(str(tmp_path), 'me').write()
    file = tmp_path / 'hanok.db'
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.glob('*.new*')) == []
    reader = Record(str(tmp_path), 'you')
    assert reader.version == VERSION == len(VERSIONS)
    assert reader.value('PRAGMA journal_mode') == 'wal'


def test_what_a_crash_left_is_no_obstacle(tmp_path: Path) -> None:
    """A record that was being made when the power failed is made again."""
    for suffix in ('', '-wal', '-shm'):
        (tmp_path / f'hanok.db.new{suffix}').write_bytes(b'half')
    record = Record(str(tmp_path), 'me')
    record.write()
    assert record.value('SELECT count(*) FROM security_group') == 1
    assert list(tmp_path.glob('*.new*')) == []


@pytest.mark.parametrize('how', ['made', 'rebuilt'])
def test_a_log_of_a_record_that_is_gone_is_not_replayed(
    record: Record, tmp_path: Path, how: str
) -> None:
    """A killed run leaves SQLite's log; when somebody then removes the record alone, a new one must not take in what the log says."""
    with record.transaction():
        record.insert('keypair', {'name': 'old', 'public_key': 'ssh-ed25519 A'})
    for name in ('hanok.db', 'hanok.json'):
        (tmp_path / name).unlink()
    assert (tmp_path / 'hanok.db-wal').stat().st_size > 0
    new = Record(str(tmp_path), 'me', lost=how == 'rebuilt')
    if how == 'made':
        new.write()
    else:
        new.rebuild(
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
def test_rows_that_do_not_fit(tmp_path: Path, rows: dict[str, list[dict[str, object]]]) -> None:
    """They are told, and no record is made of them."""
    with pytest.raises(CloudError, match='edited by hand'):
        Record(str(tmp_path), 'me', lost=True).rebuild(rows)
    assert not (tmp_path / 'hanok.db').exists()


def test_the_secret_is_the_records_own(record: Record, tmp_path: Path) -> None:
    """Each record has one; a rebuilt one another, because no export has it. Machines say no hash of first-boot content."""
    fill(record)
    record.sql.execute("UPDATE server SET user_data = 'sha256:abc'")
    record.export()
    rows = json.loads((tmp_path / 'hanok.json').read_text(encoding='utf-8'))
    del rows['version']
    new = Record(str(tmp_path / 'new'), 'me', lost=True)
    new.rebuild(rows)
    assert len({record.secret(), new.secret(), Record(str(tmp_path / 'none'), 'me').secret()}) == 3
    assert '"user_data": "given"' in metadata.server_metadata(record, ['s'])['s']
    assert 'abc' not in metadata.server_metadata(record, ['s'])['s']
    new.sql.close()


def test_what_was_being_deleted_is_rebuilt(record: Record, tmp_path: Path) -> None:
    """With what is attached to it, whatever the order of tables; machines are to be told again."""
    fill(record)
    record.sql.execute("UPDATE server SET task_state = 'deleting'")
    rows = {
        table: [dict(row) for row in record.rows(f'SELECT * FROM {table}')]
        for table in ('meta', *TABLES)
    }
    new = Record(str(tmp_path / 'new'), 'me', lost=True)
    new.rebuild(rows)
    assert {
        table: [dict(row) for row in new.rows(f'SELECT * FROM {table}')] for table in TABLES
    } == {table: rows[table] for table in TABLES}
    meta = {row['key']: row['value'] for row in new.rows('SELECT * FROM meta')}
    assert meta['metadata'] > meta['metadata_written']
    new.sql.close()


def test_two_make_it_once(tmp_path: Path) -> None:
    """Both began when there was none: they end with the same one."""
    one, other = Record(str(tmp_path), 'one'), Record(str(tmp_path), 'other')
    one.write()
    other.write()
    assert one.value("SELECT value FROM meta WHERE key = 'record'") == other.value(
        "SELECT value FROM meta WHERE key = 'record'"
    )


def test_readers_change_no_byte(record: Record, tmp_path: Path) -> None:
    """The file is as it was, and a reader cannot write even by mistake."""
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
        reader.sql.executescript('DELETE FROM volume; DELETE FROM server;')
    reader.sql.close()
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before


def test_a_reader_sees_what_was_written_meanwhile(record: Record, tmp_path: Path) -> None:
    """Check mode during a run shows what is being done, but only what is whole."""
    reader = Record(str(tmp_path), 'you')
    with record.transaction():
        fill(record)
        assert reader.value('SELECT count(*) FROM server') == 0
    assert reader.value('SELECT count(*) FROM server') == 1
    reader.sql.close()


@pytest.mark.parametrize('how', ['read', 'write'])
def test_a_newer_record_is_left_alone(tmp_path: Path, how: str) -> None:
    """Both versions and the way out are told."""
    record = Record(str(tmp_path), 'me')
    if how == 'read':
        record.write()
        record.sql.close()
    else:  # somebody else makes it after this run began
        Record(str(tmp_path), 'other').write()
    with sqlite3.connect(tmp_path / 'hanok.db') as sql:
        sql.execute(f'PRAGMA user_version = {len(VERSIONS) + 1}')
    sql.close()
    with pytest.raises(
        CloudError,
        match=rf'hanok\.db has version {len(VERSIONS) + 1}, this hanok\.cloud supports {len(VERSIONS)}: update the collection',
    ):
        Record(str(tmp_path), 'me') if how == 'read' else record.write()


@pytest.mark.parametrize(
    'garbage',
    [
        b'this is no database, but it is long enough to be taken for one' * 40,
        b'SQLite format 3\x00' + b'\xff' * 4096,
    ],
)
def test_garbage_is_told(tmp_path: Path, garbage: bytes) -> None:
    """What is no record is a sentence with its path, and stays as it is."""
    (tmp_path / 'hanok.db').write_bytes(garbage)
    with pytest.raises(CloudError, match=rf'the record {tmp_path}/hanok\.db cannot be read'):
        Record(str(tmp_path), 'me')
    assert (tmp_path / 'hanok.db').read_bytes() == garbage


def test_export(record: Record, tmp_path: Path) -> None:
    """All rows of all tables as JSON, for nobody else's eyes."""
    ids = fill(record)
    record.export()
    record.export()
    file = tmp_path / 'hanok.json'
    exported = json.loads(file.read_text(encoding='utf-8'))
    assert set(exported) == {'version', 'meta', *TABLES}
    assert {table: exported[table][-1]['id'] for table in TABLES} == ids
    assert exported['server'][0]['created_by'] == 'me'
    assert record.secret() not in file.read_text(encoding='utf-8')
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.glob('*.part')) == []


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """Who has the old one open goes on reading the old one."""
    file = tmp_path / 'file'
    write_atomically(str(file), 'the old text')
    with file.open(encoding='utf-8') as reader:
        write_atomically(str(file), 'new')
        assert (reader.read(), file.read_text(encoding='utf-8')) == ('the old text', 'new')


# -- versions ------------------------------------------------------------------------------------


@pytest.mark.parametrize('version', range(1, len(VERSIONS)))
def test_an_older_version_is_brought_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    """A reader reads it as it will be and leaves the file alone; a writer makes it so; every row is still there."""
    with monkeypatch.context() as older:
        older.setattr(record_module, 'VERSION', version)
        writer = Record(str(tmp_path), 'me')
        writer.write()
        ids = fill(writer)
        writer.sql.close()
    before = (tmp_path / 'hanok.db').read_bytes()
    reader = Record(str(tmp_path), 'me')
    read = {
        table: [tuple(row) for row in reader.rows(f'SELECT * FROM {table}')] for table in TABLES
    }
    assert (tmp_path / 'hanok.db').read_bytes() == before
    reader.write()
    assert reader.value('PRAGMA user_version') == len(VERSIONS)
    assert {
        table: [tuple(row) for row in reader.rows(f'SELECT * FROM {table}')] for table in TABLES
    } == read
    assert {table: reader.value(f'SELECT max(id) FROM {table}') for table in ids} == ids
    assert reader.rows('PRAGMA foreign_key_check') == []
    revision_then = revision(reader)
    reader.update('port', ids['port'], {'address': '10.0.0.6'})
    assert revision(reader) == revision_then + 1
    reader.sql.executescript('DELETE FROM volume; DELETE FROM server;')
    assert (
        reader.rows('SELECT id FROM port'),
        reader.value('SELECT port_id FROM floating_ip'),
    ) == ([], None)


# -- transactions --------------------------------------------------------------------------------


@pytest.mark.parametrize('error', [RuntimeError, KeyboardInterrupt])
def test_all_or_nothing(record: Record, error: type[BaseException]) -> None:
    """What fails in the middle leaves nothing, and the next transaction works."""

    def fail() -> None:
        with record.transaction():
            fill(record)
            raise error

    with pytest.raises(error):
        fail()
    assert record.value('SELECT count(*) FROM server') == 0
    with record.transaction():
        fill(record)
    assert record.value('SELECT count(*) FROM server') == 1


@pytest.mark.parametrize(
    ('statement', 'why'),
    [
        (
            "INSERT INTO keypair (created_by, name, public_key) VALUES ('me', 'k', 'x')",
            'UNIQUE constraint failed: keypair.project, keypair.name',
        ),
        ('DELETE FROM image', 'FOREIGN KEY constraint failed'),
        ('DELETE FROM network', 'FOREIGN KEY constraint failed'),
        ('DELETE FROM keypair', 'FOREIGN KEY constraint failed'),
        ("DELETE FROM security_group WHERE name = 'g'", 'FOREIGN KEY constraint failed'),
        ('DELETE FROM server', 'FOREIGN KEY constraint failed'),  # it has a volume
        ('UPDATE port SET balancer_id = (SELECT id FROM balancer)', 'CHECK constraint failed'),
        ('UPDATE port SET server_id = NULL', 'CHECK constraint failed'),
    ],
)
def test_what_the_tables_refuse(record: Record, statement: str, why: str) -> None:
    """It is told as something that somebody else changed meanwhile; nothing of the transaction stays."""
    fill(record)
    before = revision(record)

    def change() -> None:
        with record.transaction() as sql:
            sql.execute(
                "INSERT INTO security_group (created_by, name, description) VALUES ('me', 'h', '')"
            )
            sql.execute(statement)

    with pytest.raises(
        CloudError, match=f'the record rejected the change: {why}.*run the task again'
    ):
        change()
    assert record.value("SELECT count(*) FROM security_group WHERE name = 'h'") == 0
    assert revision(record) == before


def test_a_server_takes_its_own_along(record: Record) -> None:
    """Ports, groups of ports and memberships go with it; an address that was taken on its own stays, attached to nobody."""
    fill(record)
    with record.transaction() as sql:
        sql.execute('UPDATE volume SET server_id = NULL')
        sql.execute('DELETE FROM server')
    assert [
        record.value(f'SELECT count(*) FROM {table}')
        for table in ('port', 'port_security_group', 'balancer_member')
    ] == [0, 0, 0]
    assert [tuple(row) for row in record.rows('SELECT address, port_id FROM floating_ip')] == [
        ('172.24.0.9', None)
    ]


# -- triggers ------------------------------------------------------------------------------------

# What the firewall, DHCP and the balancers are made of, said a second time: a column that is
# forgotten in the schema is a packet that goes astray.
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
    'balancer': ['name', 'algorithm', 'listeners', 'health_check'],
    'balancer_member': ['balancer_id', 'server_id'],
    'port': ['network_id', 'address', 'mac'],
    'port_security_group': ['port_id', 'group_id'],
    'floating_ip': ['address', 'port_id'],
}
# What has to go before these rows.
BEFORE_DELETE = {'network': ['port'], 'security_group': ['port_security_group']}


@pytest.mark.parametrize('table', FIREWALL)
def test_the_firewall_has_a_revision(record: Record, table: str) -> None:
    """A row made, each of the columns that matter written, and a row deleted: each makes a new one."""
    revisions = [revision(record)]

    def bumped() -> bool:
        revisions.append(revision(record))
        return revisions[-1] > revisions[-2]

    ids = fill(record)
    assert bumped()
    for column in FIREWALL[table]:
        record.sql.execute(f'UPDATE {table} SET {column} = {column} WHERE id = ?', (ids[table],))
        assert bumped(), column
    for other in BEFORE_DELETE.get(table, ()):
        record.sql.execute(f'DELETE FROM {other}')
        bumped()
    record.sql.execute(f'DELETE FROM {table} WHERE id = ?', (ids[table],))
    assert bumped()


def test_each_row_of_the_firewall_is_a_revision(record: Record) -> None:
    """Rows in every table: as many revisions as there are rows that the firewall is made of."""
    before = revision(record)
    fill(record)
    assert revision(record) - before == len(FIREWALL)


def test_what_goes_along_is_a_revision_too(record: Record) -> None:
    """A server is no table of the firewall; what goes with it is."""
    fill(record)
    record.sql.execute('UPDATE volume SET server_id = NULL')
    before = revision(record)
    record.sql.execute('DELETE FROM server')
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
def test_words_are_no_revision(record: Record, table: str) -> None:
    """What says nothing to a packet does not load the firewall again."""
    fill(record)
    before = revision(record)
    column = 'public_key' if table == 'keypair' else 'description'
    record.sql.execute(f"UPDATE {table} SET {column} = 'other'")
    assert revision(record) == before


# What never changes while a server has a machine.
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
    'pool',
    'position',
    'task_state',
    'own_groups',
}
FIXED |= {
    'server.' + column for column in ('name', 'user_data', 'init_script', 'key_name', 'member_of')
}
FIXED |= {
    table + '.name'
    for table in ('network', 'port', 'volume', 'keypair', 'security_group', 'balancer')
}


@pytest.mark.parametrize('table', TABLES)
def test_what_machines_say_has_a_revision(record: Record, table: str) -> None:
    """Whatever changes what is said of a server makes a new one, and nothing else does; so do rows that come and go."""
    ids = fill(record)

    def look() -> tuple[dict[str, str], int]:
        return {
            **metadata.server_metadata(record, ['s']),
            **metadata.balancer_metadata(record),
        }, int(record.value("SELECT value FROM meta WHERE key = 'metadata'"))

    found = []
    for column in [row['name'] for row in record.rows(f'PRAGMA table_info({table})')]:
        record.sql.execute('BEGIN')
        before, revision = look()
        old = record.value(f'SELECT {column} FROM {table} WHERE id = ?', ids[table])
        if column not in FIXED and f'{table}.{column}' not in FIXED and not column.endswith('_id'):
            record.update(table, ids[table], {column: old + 1 if isinstance(old, int) else 'other'})
            after, current = look()
            assert (after != before) == (current > revision), column
            found += [column] if current > revision else []
        record.sql.execute('ROLLBACK')
    assert ('description' in found) == (
        table
        in ('server', 'image', 'keypair', 'network', 'port', 'floating_ip', 'volume', 'balancer')
    )


@pytest.mark.parametrize(
    ('statement', 'owner'),
    [
        ('DELETE FROM floating_ip', 'server'),
        ('UPDATE floating_ip SET port_id = NULL', 'server'),
        ('DELETE FROM port_security_group', 'server'),
        ('DELETE FROM balancer_member', 'balancer'),
    ],
)
@pytest.mark.parametrize('state', [None, 'updating', 'creating', 'deleting'])
def test_what_comes_and_goes_is_said(
    record: Record, statement: str, owner: str, state: str | None
) -> None:
    """A server that is being made gets a machine that says all; one that is being deleted says nothing any more."""
    fill(record)
    record.sql.execute(f'UPDATE {owner} SET task_state = ?', (state,))
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
def test_nothing_new_for_what_is_being_deleted(
    record: Record, other: str, table: str, column: str, event: str
) -> None:
    """Neither a new row nor an old one may begin to refer to it."""
    row = fill(record)[table]
    kept = dict(record.rows(f'SELECT * FROM {table}')[0])
    record.sql.execute(f"UPDATE {other} SET task_state = 'deleting'")

    def change() -> None:
        with record.transaction() as sql:
            if event == 'update':
                record.update(table, row, {column: kept[column]})
                return
            if table == 'balancer_member':  # a second one like it would be refused for that
                sql.execute('DELETE FROM balancer_member')
            record.insert(
                table,
                {
                    **kept,
                    'id': None,
                    **{name: 'new' for name in ('uuid', 'name', 'address', 'mac') if name in kept},
                },
            )

    with pytest.raises(
        CloudError,
        match=f'the record rejected the change: {other} is being deleted; another task changed it meanwhile',
    ):
        change()
    assert [dict(there) for there in record.rows(f'SELECT * FROM {table}')] == [kept]


def test_what_is_being_deleted_can_be_let_go(record: Record) -> None:
    """Detaching a volume of a server that is being deleted is part of deleting it."""
    volume = fill(record)['volume']
    record.sql.execute("UPDATE server SET task_state = 'deleting'")
    record.update('volume', volume, {'server_id': None, 'task_state': None})
    assert record.value('SELECT server_id FROM volume') is None


def test_export_is_never_older(record: Record, tmp_path: Path) -> None:
    """What is recorded is exported before; what cannot be exported is not recorded."""

    def exported() -> list[str]:
        return [
            row['name']
            for row in json.loads((tmp_path / 'hanok.json').read_text(encoding='utf-8'))['keypair']
        ]

    with record.transaction():
        record.insert('keypair', {'name': 'one', 'public_key': 'k'})
    assert exported() == ['one']
    (tmp_path / 'hanok.json.part').mkdir()
    with pytest.raises(CloudError, match='nothing was recorded'), record.transaction():
        record.insert('keypair', {'name': 'two', 'public_key': 'k'})
    assert record.value('SELECT count(*) FROM keypair') == 1
    assert exported() == ['one']


@pytest.mark.parametrize(
    ('table', 'user', 'column'),
    [('network', 'port', 'network_id'), ('image', 'server', 'image_id')],
)
def test_what_came_into_use_is_not_deleted(
    record: Record, table: str, user: str, column: str
) -> None:
    """Between the plan and its first transaction somebody else may begin to use it: it stays as it is, not half deleted."""
    row, name = fill(record)[table], record.value(f'SELECT name FROM {table}')
    with pytest.raises(CloudError, match=f'{table} {name} is now in use by a {user}'):
        record.begin_deletion(table, [name], user, column)
    assert record.value(f'SELECT task_state FROM {table} WHERE id = ?', row) is None
    record.sql.execute('DELETE FROM port')
    record.sql.execute('UPDATE volume SET server_id = NULL')
    record.sql.execute('DELETE FROM server')
    record.begin_deletion(table, [name], user, column)
    assert record.value(f'SELECT task_state FROM {table} WHERE id = ?', row) == 'deleting'


@pytest.mark.parametrize(
    ('statement', 'told'),
    [
        ("UPDATE server SET labels = '{'", 'server.labels: JSONDecodeError'),
        ("UPDATE server SET vcpus = 'x'", "server.vcpus is 'x'"),
        ("UPDATE network SET cidr = 'x'", 'network.cidr: AddressValueError'),
        ('UPDATE balancer SET listeners = \'[{"a": 1}]\'', 'balancer.listeners: TypeError'),
        (
            "UPDATE security_group_rule SET direction = 'x'",
            'security_group_rule: ValueError: direction',
        ),
    ],
)
def test_what_we_never_write(record: Record, statement: str, told: str) -> None:
    """It explains what went wrong that nobody foresaw, and says what to do; a record that is in order explains nothing."""
    fill(record)
    record.sql.execute('UPDATE keypair SET public_key = ?', (f'ssh-ed25519 {"A" * 64}',))
    assert damage(record) == ''
    record.sql.execute(statement)
    assert re.search(
        f'{record.path} contains data that hanok.cloud does not write: {re.escape(told)}.*recover',
        damage(record),
    )


def test_a_script_that_was_changed_since_is_known(record: Record) -> None:
    """By what a server was made with; where nothing is known of that, or the key is another one, or the script is gone, it is not told."""
    ids = fill(record)
    record.update('server', ids['server'], {'init_script': 'i'})

    def older() -> set[str]:
        return server_queries.find_outdated(record, record.rows('SELECT * FROM server'))

    assert older() == set()
    seal = server_queries.init_script_hash(record, 'i')
    record.update('server', ids['server'], {'init_script_seal': seal})
    assert older() == set()
    record.update('init_script', ids['init_script'], {'content': '#!/bin/sh\necho other\n'})
    assert older() == {'s'}
    assert '"init_script_seal": null' in metadata.server_metadata(record, ['s'])['s']
    record.update(
        'server',
        ids['server'],
        {'init_script_seal': UserDataHash.of('#!/bin/sh', 'another secret')},
    )
    assert older() == set()
    record.update('server', ids['server'], {'init_script_seal': seal})
    record.sql.execute('DELETE FROM init_script')
    assert older() == set()
