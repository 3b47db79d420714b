# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The history of the local cloud: written in the transactions of the changes.

tests/contract/test_history.py tests what every cloud keeps.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.execute import execute
from ansible_collections.hanok.cloud.plugins.module_utils._cloud import CloudError, Outcome
from ansible_collections.hanok.cloud.plugins.module_utils._local.catalogue.keypairs import (
    LocalKeypairs,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.compute.last_failure import (
    last_failure,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.host.settings import Pool, Settings
from ansible_collections.hanok.cloud.plugins.module_utils._local.network.floating_ips import (
    LocalFloatingIps,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.network.security_groups import (
    LocalSecurityGroups,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.damage import damage
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.history import LocalHistory
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.host import Host
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.integrity import (
    check_integrity,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.journal import MAX_TEXT
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.record import Record
from ansible_collections.hanok.cloud.plugins.module_utils._model.change import AFTER_APPLY, Change
from ansible_collections.hanok.cloud.plugins.module_utils._model.floating_ip import FloatingIp
from ansible_collections.hanok.cloud.plugins.module_utils._model.history import (
    HistoryEntry,
    HistoryRequest,
    Origin,
    timestamp,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.init_script import InitScript
from ansible_collections.hanok.cloud.plugins.module_utils._model.keypair import Keypair
from ansible_collections.hanok.cloud.plugins.module_utils._model.kinds import KINDS, Verb
from ansible_collections.hanok.cloud.plugins.module_utils._model.security_group import SecurityGroup
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import Server
from ansible_collections.hanok.cloud.tests.memory_cloud import Memory, MemoryCloud

ORIGIN = Origin('keypair', '17')
PAIR = Keypair('k', f'ssh-ed25519 {"A" * 68}', 'SHA256:x')
CREATION = Change('keypair', 'k', Verb.CREATE, None, PAIR, why='because')
VOLUME = {
    'uuid': 'u',
    'name': 'v',
    'size': 1,
    'description': '',
    'labels': '{}',
    'task_state': 'creating',
}
Keep = Callable[[Callable[[Sequence[Change]], Sequence[Outcome]], Change], Sequence[Outcome]]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A host with a writable record."""
    record = Record(str(tmp_path), 'me')
    record.writer.open()
    pools = (Pool('default', ('198.18.0.0/24',)),)
    yield Host(Settings(str(tmp_path), str(tmp_path), pools=pools, history_days=7), record, 1)
    record.sql.close()


@pytest.fixture
def keep(host: Host) -> Keep:
    """Apply a change as a task does."""
    return lambda apply, change: LocalHistory(host).keep(ORIGIN, [change], apply)


def entries(host: Host) -> list[HistoryEntry]:
    """The history, the latest change first, as other runs see it."""
    reader = Record(host.record.folder, 'you')
    with closing(reader.sql):
        return list(LocalHistory(Host(host.settings, reader, 1)).list(HistoryRequest()))


def results(host: Host) -> list[tuple[str, str | None]]:
    """The verbs and results of the history, the latest change first."""
    return [(entry.verb, entry.result) for entry in entries(host)]


def commits(host: Host) -> list[str]:
    """The commits from now on."""
    found: list[str] = []
    host.record.sql.set_trace_callback(lambda text: text == 'COMMIT' and found.append(text))
    return found


# -- transactions --------------------------------------------------------------------------------


def test_a_change_of_rows_only_is_one_transaction(host: Host, keep: Keep) -> None:
    """It is begun and ended where it is made."""
    found = commits(host)
    keep(LocalKeypairs(host.record).create, CREATION)
    (entry,) = entries(host)
    (pair,) = LocalKeypairs(host.record).list()
    assert (entry.result, entry.id, entry.why, entry.job) == ('ok', pair.id, 'because', '17')
    keep(
        LocalKeypairs(host.record).update,
        Change('keypair', 'k', Verb.UPDATE, pair, Keypair(**{**vars(pair), 'description': 'd'})),
    )
    keep(LocalKeypairs(host.record).delete, Change('keypair', 'k', Verb.DELETE, pair, None))
    assert results(host) == [('delete', 'ok'), ('update', 'ok'), ('create', 'ok')]
    assert {entry.id for entry in entries(host)} == {pair.id}
    assert len(found) == 3


def test_nothing_is_kept_of_what_was_rolled_back(host: Host, keep: Keep) -> None:
    """But that it failed, and why."""
    (Path(host.record.folder) / 'hanok.json.part').mkdir()  # the export cannot be written
    with pytest.raises(CloudError, match='nothing was recorded'):
        keep(LocalKeypairs(host.record).create, CREATION)
    (entry,) = entries(host)
    assert (entry.result, entry.id) == ('failed', None)
    assert 'nothing was recorded' in str(entry.error)
    (Path(host.record.folder) / 'hanok.json.part').rmdir()
    keep(LocalKeypairs(host.record).create, CREATION)
    assert results(host) == [('create', 'ok'), ('create', 'failed')]


def test_what_fails_after_its_transaction(host: Host, keep: Keep) -> None:
    """The change is begun with the rows, and ends when they are projected, or fail to be."""
    seen: list[list[tuple[str, str | None]]] = []

    class Failing:
        def apply(self) -> None:
            seen.append(results(host))
            if len(seen) == 2:
                raise CloudError('nft: failed')

    groups: Any = LocalSecurityGroups(host, Failing())  # type: ignore[arg-type]
    for name in ('one', 'two'):
        change = Change('security_group', name, Verb.CREATE, None, SecurityGroup(name))
        if name == 'one':
            keep(groups.create, change)
        else:
            with pytest.raises(CloudError):
                keep(groups.create, change)
    assert seen == [[('create', None)], [('create', None), ('create', 'ok')]]
    two, one = entries(host)
    assert (one.name, one.result) == ('one', 'ok')
    assert (two.name, two.result, two.error) == ('two', 'failed', 'nft: failed')
    assert two.id is not None  # the group exists


def test_a_killed_run_is_unfinished(host: Host, keep: Keep) -> None:
    """What it has begun has no result; the run that completes it adds a change of its own."""

    def killed(changes: Sequence[Change]) -> Sequence[Outcome]:
        with host.record.writer.transaction():
            host.record.writer.insert_row('volume', VOLUME)
        raise KeyboardInterrupt

    change = Change('volume', 'v', Verb.CREATE, None, PAIR)
    with pytest.raises(KeyboardInterrupt):
        keep(killed, change)
    (entry,) = entries(host)
    assert (entry.name, entry.id, entry.result, entry.ended_at) == ('v', 'u', None, None)
    keep(
        lambda changes: host.work.finish(
            [Outcome(one) for one in changes], 'UPDATE main.volume SET task_state = NULL WHERE id=?'
        ),
        change,
    )
    assert results(host) == [('create', 'ok'), ('create', None)]


@pytest.mark.parametrize('kind', ['firewall', 'private_key', 'image_file'])
def test_changes_outside_the_record(kind: str, host: Host, keep: Keep) -> None:
    """They make no transaction: the history begins before them."""
    seen = []

    def killed(changes: Sequence[Change]) -> Sequence[Outcome]:
        seen.append(results(host))
        raise KeyboardInterrupt

    change = Change(kind, 'x', Verb.LOAD, None, PAIR)
    with pytest.raises(KeyboardInterrupt):
        keep(killed, change)
    assert seen == [[('load', None)]]
    assert results(host) == [('load', None)]
    keep(lambda changes: [Outcome(one, None, 1.5) for one in changes], change)
    assert results(host) == [('load', 'ok'), ('load', None)]
    assert entries(host)[0].seconds == 1.5


def test_a_defect_is_kept(host: Host, keep: Keep) -> None:
    """An error that nobody expects ends the task; the change has failed."""

    def defect(changes: Sequence[Change]) -> Sequence[Outcome]:
        raise ZeroDivisionError('oh')

    with pytest.raises(ZeroDivisionError):
        keep(defect, CREATION)
    (entry,) = entries(host)
    assert (entry.result, entry.error) == ('defect', 'oh')


def test_a_history_that_cannot_be_written_is_a_warning(host: Host, keep: Keep) -> None:
    """When the changes are done, or have failed for a reason of their own."""

    def fill_disk(changes: Sequence[Change]) -> Sequence[Outcome]:
        host.record.sql.execute('PRAGMA query_only = ON')
        return [Outcome(change) for change in changes]

    assert keep(fill_disk, CREATION)[0].error is None
    assert len(host.notes) == 1
    assert host.notes[0].startswith('the history is incomplete: the record')
    assert entries(host) == []


def test_an_address_names_what_has_no_name(host: Host, keep: Keep) -> None:
    """A floating IP without a name is called like its address, which its change does not know."""

    class Nothing:
        def apply(self) -> None:
            """Do nothing."""

    items: Any = LocalFloatingIps(host, Nothing())  # type: ignore[arg-type]
    for name in ('named', AFTER_APPLY):
        item = FloatingIp(name, AFTER_APPLY)
        keep(items.create, Change('floating_ip', name, Verb.CREATE, None, item))
    listed = {item.id: item.name for item in items.list()}
    assert listed == {str(entry.id): entry.name for entry in entries(host)}
    assert [entry.name for entry in entries(host)] == ['198.18.0.2', 'named']
    missing = Change(
        'floating_ip', AFTER_APPLY, Verb.CREATE, None, FloatingIp(AFTER_APPLY, '1.1.1.1')
    )
    with pytest.raises(CloudError, match='no longer available'):
        keep(items.create, missing)
    assert entries(host)[0].id is None


@pytest.mark.parametrize(
    ('error', 'why'),
    [
        (None, ''),
        (CloudError('the disk is full'), 'the disk is full'),
        (KeyboardInterrupt(), 'the run that began it at 2'),
    ],
)
def test_why_a_change_of_a_server_was_not_completed(
    error: BaseException | None, why: str, host: Host, keep: Keep
) -> None:
    """By the last change that was begun with it, whether it failed or was killed."""

    def apply(changes: Sequence[Change]) -> Sequence[Outcome]:
        host.record.writer.write_history()
        if isinstance(error, KeyboardInterrupt):
            raise error
        return [Outcome(changes[0], error)]

    server = Server('web')
    with suppress(KeyboardInterrupt):
        keep(apply, Change('server', 'web', Verb.UPDATE, server, server))
    assert last_failure(host.record, 'web').startswith(why)
    assert bool(last_failure(host.record, 'web')) == bool(why)
    assert last_failure(host.record, 'other') == ''
    host.record.sql.execute('DROP TABLE main.history')
    assert last_failure(host.record, 'web') == ''


# -- what is kept, and how long ------------------------------------------------------------------


def test_texts_are_bounded(host: Host, keep: Keep) -> None:
    """Each option, the reason and the error."""
    script = InitScript('i', '#!/bin/sh\n' + 'x' * 5000, labels={'a' * 60: 'b' * 990, 'c': 'd'})
    change = Change('init_script', 'i', Verb.CREATE, None, script, why='w' * 5000)
    keep(lambda changes: [Outcome(one, CloudError('e' * 5000)) for one in changes], change)
    (entry,) = entries(host)
    assert entry.after is not None
    assert entry.after['content'] == script.content[:MAX_TEXT] + '... (5010 characters)'
    assert entry.after['labels'].startswith('{"aaa')
    assert entry.after['language'] == 'shell'
    for text in (entry.after['labels'], entry.why, entry.error):
        assert MAX_TEXT < len(str(text)) < MAX_TEXT + 30


def test_old_rows_are_deleted(host: Host, keep: Keep) -> None:
    """In the transaction that adds one, by the setting of the host: here a week."""
    keep(LocalKeypairs(host.record).create, CREATION)
    for age in ('6d', '8d'):
        columns = 'project, began_at, actor, module, kind, name, verb, why'
        with host.record.writer.transaction() as sql:
            sql.execute(
                f"INSERT INTO history ({columns}) VALUES ('default', ?, '', '', '', ?, '', '')",
                (timestamp(age), age),
            )
    (pair,) = LocalKeypairs(host.record).list()
    keep(LocalKeypairs(host.record).delete, Change('keypair', 'k', Verb.DELETE, pair, None))
    assert [entry.name for entry in entries(host)] == ['k', '6d', 'k']
    plan = host.record.rows('EXPLAIN QUERY PLAN DELETE FROM main.history WHERE began_at < ?', '')
    assert 'USING INDEX history_began_at' in plan[0]['detail']


def test_the_history_of_other_projects_is_not_shown(host: Host, keep: Keep) -> None:
    """Each project has its own."""
    host.record.project = 'other'
    keep(LocalKeypairs(host.record).create, CREATION)
    assert entries(host) == []
    assert len(LocalHistory(host).list(HistoryRequest())) == 1


def test_the_history_is_not_exported(host: Host, keep: Keep) -> None:
    """Each transaction writes the export, which has the resources only."""
    keep(LocalKeypairs(host.record).create, CREATION)
    text = Path(host.record.export_path).read_text(encoding='utf-8')
    assert 'history' not in text
    assert 'because' not in text


def test_damage_of_the_history_is_reported(host: Host, keep: Keep) -> None:
    """As that of other tables."""
    keep(LocalKeypairs(host.record).create, CREATION)
    assert damage(host.record) == ''
    host.record.sql.execute("UPDATE main.history SET after = '{'")
    assert 'history.after: JSONDecodeError' in damage(host.record)


@pytest.mark.parametrize('how', ['readable', 'partly', 'garbage', 'missing'])
def test_a_rebuilt_record_keeps_what_can_be_read(host: Host, keep: Keep, how: str) -> None:
    """Of the damaged one; without one, the history begins anew."""
    keep(LocalKeypairs(host.record).create, CREATION)
    rows = json.loads(Path(host.record.export_path).read_text(encoding='utf-8'))
    if how == 'partly':  # rows that the table rejects
        host.record.sql.executescript(
            'PRAGMA writable_schema = ON; UPDATE main.sqlite_master SET sql = '
            "replace(sql, 'module TEXT NOT NULL', 'module TEXT') WHERE name = 'history';"
        )
        host.record.sql.close()
        with closing(sqlite3.connect(host.record.path, isolation_level=None)) as sql:
            sql.execute(
                'INSERT INTO history (project, began_at, actor, kind, name, verb, why) '
                "VALUES ('default', '2026', '', '', '', '', '')"
            )
    else:
        host.record.sql.execute('PRAGMA wal_checkpoint(TRUNCATE)')
        host.record.sql.close()
    if how == 'garbage':
        Path(host.record.path).write_bytes(b'garbage' * 1000)
    elif how == 'missing':
        Path(host.record.path).unlink()
    host.record = Record(host.record.folder, 'me', lost=True)
    host.record.writer.rebuild(rows)
    expected = [('create', 'ok')] if how in ('readable', 'partly') else []
    assert results(host) == expected
    assert [pair.name for pair in LocalKeypairs(host.record).list()] == ['k']


def test_a_damaged_history_does_not_stop_changes(host: Host) -> None:
    """Writers check what they need; the playbook recover checks all, and keeps what is readable."""
    columns = 'project, began_at, actor, module, kind, name, verb, why'
    with host.record.writer.transaction() as sql:
        for number in range(300):
            sql.execute(
                f"INSERT INTO history ({columns}) VALUES ('default', ?, '', '', '', ?, '', ?)",
                (timestamp('1d'), str(number), 'x' * 500),
            )
    host.record.sql.execute('PRAGMA wal_checkpoint(TRUNCATE)')
    host.record.sql.close()
    path = Path(host.record.path)
    page = path.stat().st_size - 20 * 4096  # one of those that were added last
    with path.open('r+b') as file:
        file.seek(page)
        file.write(b'\xff' * 4096)
    record = Record(host.record.folder, 'me')
    record.writer.open()
    record.writer.create([CREATION], Keypair, lambda pair: {'public_key': pair.public_key})
    with pytest.raises(CloudError, match=r'is damaged.*hanok\.cloud\.recover rebuilds'):
        check_integrity(record)
    record.sql.close()
    host.record = Record(host.record.folder, 'me', lost=True)
    host.record.writer.rebuild({})
    found = host.record.rows('SELECT name FROM history ORDER BY id')
    names = [row['name'] for row in found]
    assert (names[0], names[-1]) == ('0', '299')
    assert 200 < len(names) < 300


def test_every_operation_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever applies changes, of a cloud or of a module, does so in the history."""
    cloud, kept = MemoryCloud(Memory(), 'me'), []

    def keep(_origin: Origin, changes: Sequence[Change], apply: Any) -> Sequence[Outcome]:
        kept.extend(changes)
        outcomes: Sequence[Outcome] = apply(changes)
        return outcomes

    def applied(some: Sequence[Change]) -> Sequence[Outcome]:
        assert kept[-len(some) :] == some
        return [Outcome(change) for change in some]

    monkeypatch.setattr(cloud.history, 'keep', keep)
    changes = [Change(kind, 'x', verb, None, PAIR) for kind in KINDS for verb in Verb]
    operations = {(change.kind, change.verb): applied for change in changes}
    outcomes = execute(cloud, operations, ORIGIN, changes)  # type: ignore[arg-type]
    assert [outcome.change for outcome in outcomes] == kept == changes


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('2026-01-31', '2026-01-31T00:00:00Z'),
        ('2026-01-31T09:00:00Z', '2026-01-31T09:00:00Z'),
        ('2026-01-31 09:00:00.5+01:00', '2026-01-31T08:00:00Z'),
        (' 2026-01-31T09:00 ', '2026-01-31T09:00:00Z'),
        ('0001-01-01T00:00:00+10:00', None),
        ('1000000d', None),
        ('999999w', None),
        ('d', None),
        ('7 d', None),
        ('\u0667d', None),  # a digit of another script
        ('', None),
    ],
)
def test_timestamps(text: str, expected: str | None) -> None:
    """Times are UTC unless they have an offset; what is out of range is neither time nor age."""
    assert timestamp(text) == expected
