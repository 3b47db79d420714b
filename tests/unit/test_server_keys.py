# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The key pairs of a server in the record and in the metadata of its machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._cloud import CloudError
from ansible_collections.hanok.cloud.plugins.module_utils._local.catalogue.keypairs import (
    LocalKeypairs,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.compute import server_rows
from ansible_collections.hanok.cloud.plugins.module_utils._local.compute.server_queries import (
    key_names,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.compute.server_queries import (
    server_rows as server_rows_of,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.record import metadata
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.record import Record
from ansible_collections.hanok.cloud.plugins.module_utils._model.change import Change
from ansible_collections.hanok.cloud.plugins.module_utils._model.keypair import Keypair
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import Server

KEYS = {
    name: f'ssh-ed25519 {letter * 64}'
    for name, letter in (('one', 'A'), ('two', 'B'), ('three', 'C'))
}
# Neither the order of creation nor that of the names.
ORDER = ('two', 'three', 'one')


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """A record of three servers with different key pairs."""
    opened = Record(str(tmp_path), 'me')
    opened.writer.open()
    image = {'uuid': 'i', 'name': 'i', 'source': 'path:/i', 'description': '', 'labels': '{}'}
    with opened.writer.transaction():
        opened.writer.insert_row('image', image)
        for name, key in KEYS.items():
            opened.writer.insert_row('keypair', {'name': name, 'public_key': key})
        for name, keys in (('many', ORDER), ('single', ('one',)), ('none', ())):
            server = Server(name, image='i', key_names=keys, networks=(), security_groups=())
            server_rows.reserve(opened, (), server)
    return opened


def test_round_trip(record: Record) -> None:
    """In order, as in the server and on its first-boot disk."""
    rows = server_rows_of(record, None, None)
    found = {row['name']: key_names(row) for row in rows}
    assert found == {'many': ORDER, 'single': ('one',), 'none': ()}
    complete = server_rows.complete_rows(record, None, list(found))
    assert complete['many']['public_keys'] == tuple(KEYS[name] for name in ORDER)
    assert (complete['single']['public_keys'], complete['none']['public_keys']) == (
        (KEYS['one'],),
        (),
    )


def test_used_by(record: Record) -> None:
    """By every server that has it; it cannot be deleted before those."""
    pairs = LocalKeypairs(record)
    used = {pair.name: pair.used_by for pair in pairs.list()}
    assert used == {'one': ('many', 'single'), 'two': ('many',), 'three': ('many',)}
    for name in KEYS:
        with pytest.raises(CloudError, match='FOREIGN KEY'):
            pairs.delete([Change('keypair', name, 'delete', Keypair(name, ''), None)])
    with record.writer.transaction():
        server_rows.delete(record, [row['id'] for row in record.rows('SELECT id FROM server')])
    pairs.delete([Change('keypair', name, 'delete', Keypair(name, ''), None) for name in KEYS])
    assert pairs.list() == ()


def test_key_pair_deleted_meanwhile(record: Record) -> None:
    """The server is not recorded."""
    server = Server('late', image='i', key_names=('one', 'gone'), networks=(), security_groups=())

    def reserve() -> None:
        with record.writer.transaction():
            server_rows.reserve(record, (), server)

    with pytest.raises(CloudError, match='keypair gone no longer exists; run the task again'):
        reserve()
    assert record.value("SELECT count(*) FROM server WHERE name = 'late'") == 0


@pytest.mark.parametrize('name', ORDER)
def test_metadata(record: Record, name: str) -> None:
    """The first one separately, as in older versions; a change of any makes a new revision."""
    record.sql.execute('UPDATE main.server SET task_state = NULL')
    identity = record.value("SELECT uuid FROM server WHERE name = 'many'")
    told = json.loads(metadata.server_metadata(record, [identity])[identity])
    said = [told['keypair'], *told['more_keypairs']]
    assert [pair['name'] for pair in said] == list(ORDER)
    before = record.value("SELECT value FROM meta WHERE key = 'metadata'")
    record.sql.execute("UPDATE main.keypair SET description = 'other' WHERE name = ?", (name,))
    assert record.value("SELECT value FROM meta WHERE key = 'metadata'") > before


def test_recovery_from_export(record: Record, tmp_path: Path) -> None:
    """From its export."""
    rows = json.loads((tmp_path / 'hanok.json').read_text(encoding='utf-8'))
    record.sql.close()
    again = Record(str(tmp_path), 'me', lost=True)
    again.writer.rebuild({**rows, 'meta': []})
    found = {row['name']: key_names(row) for row in server_rows_of(again, None, None)}
    assert found == {'many': ORDER, 'single': ('one',), 'none': ()}
