# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Errors: translated at the boundary of the local cloud, and returned with their codes."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.failure import Failure
from ansible_collections.hanok.cloud.plugins.module_utils._cloud import (
    Busy,
    CloudError,
    Invalid,
    Missing,
    Outcome,
    Refused,
    RefusedTask,
    TimedOut,
    Unsupported,
)
from ansible_collections.hanok.cloud.plugins.module_utils._cloud.several import Several
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.errors import (
    at_boundary,
    explain,
    translated,
    translating,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.record import Record
from ansible_collections.hanok.cloud.plugins.module_utils._model.problem import Problem
from ansible_collections.hanok.cloud.tests.contract.clouds import run_in_process
from ansible_collections.hanok.cloud.tests.memory_cloud import (
    Items,
    Memory,
    MemoryCloud,
    memory_opener,
)

libvirtError = type('libvirtError', (Exception,), {})
FULL = OSError(28, 'No space left on device')


@pytest.mark.parametrize(
    ('error', 'code', 'text'),
    [
        (CloudError('full'), 'failed', 'full'),
        (Invalid('x'), 'invalid', 'x'),
        (Refused('x'), 'refused', 'x'),
        (Missing('x'), 'missing', 'x'),
        (Busy('x'), 'busy', 'x'),
        (TimedOut('x'), 'timeout', 'x'),
        (Unsupported('x'), 'unsupported', 'x'),
        (FULL, 'failed', 'this host: [Errno 28] No space left on device'),
        (libvirtError('no domain'), 'failed', 'libvirt: no domain'),
    ],
)
def test_translated(error: Exception, code: str, text: str) -> None:
    """Each error has one code; ours stay as they are."""
    known = translated(error)
    assert known is not None
    assert (known.code, str(known)) == (code, text)


@pytest.mark.parametrize('error', [KeyError('cidr'), sqlite3.ProgrammingError('closed')])
def test_unexpected_error(error: Exception) -> None:
    """An error that nobody expects stays what it is."""
    assert translated(error) is None
    with pytest.raises(type(error)), translating():
        raise error


class Broken:
    """Items of a cloud."""

    size = 3

    def list(self) -> tuple[int, ...]:
        """Fail."""
        raise FULL


def test_boundary() -> None:
    """Methods raise our errors with the cause; values are passed on."""
    items = at_boundary(Broken())
    assert items.size == 3
    with pytest.raises(CloudError, match=r'this host: .*No space left') as raised:
        items.list()
    assert raised.value.__cause__ is FULL


def test_damage_explains(tmp_path: Path) -> None:
    """Damage of the record explains an unexpected error, and no other."""
    record = Record(str(tmp_path), 'me')
    record.writer.open()
    explain(record, KeyError('cidr'))
    values = {'uuid': 'n', 'name': 'lan', 'cidr': 'x', 'gateway': 'y'}
    with record.writer.transaction():
        record.writer.insert_row('network', {**values, 'description': '', 'labels': '{}'})
    explain(record, CloudError('known'))
    explain(record, SystemExit(1))
    explain(record, None)
    with pytest.raises(CloudError, match=r'contains data that hanok.cloud does not write'):
        explain(record, KeyError('cidr'))


def test_failure() -> None:
    """What an error does not say is about the item of the task."""
    failure = Failure()
    assert not failure
    failure.add(RefusedTask([Problem('size: no', 'size', 'invalid'), Problem('no', name='two')]))
    failure.add(Busy('waiting', kind='image', name='base'))
    failure.add(Several([TimedOut(f'{name}: late', 'wait_timeout', name=name) for name in 'ab']))
    assert failure.result('volume', 'one') == {
        'msg': 'refused: size: no; no; waiting; a: late; b: late',
        'errors': [
            entry('invalid', 'volume', 'one', 'size', 'size: no'),
            entry('refused', 'volume', 'two', None, 'no'),
            entry('busy', 'image', 'base', None, 'waiting'),
            entry('timeout', 'volume', 'a', 'wait_timeout', 'a: late'),
            entry('timeout', 'volume', 'b', 'wait_timeout', 'b: late'),
        ],
    }


def entry(code: str, kind: str, name: str, option: str | None, msg: str) -> dict[str, Any]:
    """An entry of ``errors``."""
    return {'code': code, 'kind': kind, 'name': name, 'option': option, 'msg': msg}


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    """A cloud in memory, on which modules run."""
    from ansible_collections.hanok.cloud.plugins.module_utils._ansible import run as edge

    found = Memory()
    monkeypatch.setattr(edge, 'open_cloud', memory_opener(found))
    return found


def test_busy(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A playbook can tell that another run holds what it needs."""

    def locked(self: MemoryCloud, observe: Any) -> Any:
        raise Busy('timed out waiting for volume one')

    monkeypatch.setattr(MemoryCloud, 'locked', locked)
    result = run_in_process('volume', name='one', size=1)
    assert result['errors'] == [
        entry('busy', 'volume', 'one', None, 'timed out waiting for volume one')
    ]


@pytest.mark.parametrize('one_by_one', [True, False])
def test_failed_change(memory: Memory, monkeypatch: pytest.MonkeyPatch, one_by_one: bool) -> None:
    """An error of one item, or of a whole call, is that of its change."""

    def create(self: Items, changes: Any) -> list[Outcome]:
        error = CloudError('the disk is full')
        if one_by_one:
            return [Outcome(change, error) for change in changes]
        raise error

    monkeypatch.setattr(Items, 'create', create)
    result = run_in_process('flavor', name='own', vcpus=1, memory=64, disk=1)
    assert result['msg'] == 'flavor own: the disk is full'
    assert result['errors'] == [entry('failed', 'flavor', 'own', None, 'the disk is full')]


def test_defect(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected error is ours."""

    def items(self: Items, names: Any = None) -> Any:
        raise KeyError('cidr')

    monkeypatch.setattr(Items, 'list', items)
    result = run_in_process('flavor', name='own', vcpus=1, memory=64, disk=1)
    assert [error['code'] for error in result['errors']] == ['defect']
    assert 'this is a defect of hanok.cloud' in result['msg']
