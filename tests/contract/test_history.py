# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The history: what was changed, by whom, and how it ended.

The fixture ``keep`` checks it after each task of the whole suite.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .clouds import CloudUnderTest
from .promises import Result, Run

pytestmark = pytest.mark.needs('history')
SIZE = {'vcpus': 1, 'memory': 64, 'disk': 1}


def history(run: Run, **options: Any) -> list[dict[str, Any]]:
    """Return what history_info returns; check mode returns the same."""
    found = run('history_info', **options)
    assert not found['changed']
    assert run('history_info', check=True, **options)['history'] == found['history']
    entries: list[dict[str, Any]] = found['history']
    return entries


def test_what_is_kept(run: Run, keep: Callable[..., Result]) -> None:
    """Also of what exists no more: who did what when, in which job, and what it changed."""
    created = keep('flavor', name='kept', **SIZE, actor='ann', job='17')['flavor']
    keep('flavor', name='kept', description='mine', actor='bob')
    keep('flavor', name='kept', state='absent', actor='bob')
    deletion, update, creation = history(run, kind='flavor', name='kept', limit=3)
    for entry in (deletion, update, creation):
        assert entry['id'] == created['id']
        assert entry['began_at'] <= entry['ended_at']
        assert entry['seconds'] >= 0
        assert (entry['result'], entry['error']) == ('ok', None)
        assert (entry['project'], entry['module']) == ('default', 'flavor')
    assert (creation['verb'], creation['changed_by'], creation['job']) == ('create', 'ann', '17')
    assert creation['before'] is None
    assert creation['after']['memory'] == 64
    assert (update['verb'], update['changed_by'], update['job']) == ('update', 'bob', None)
    assert (update['before'], update['after']) == ({'description': ''}, {'description': 'mine'})
    assert (deletion['verb'], deletion['after']) == ('delete', None)
    assert deletion['before']['description'] == 'mine'
    assert 'id' not in deletion['before']


def test_changes_of_other_kinds(
    run: Run, keep: Callable[..., Result], server: Callable[..., Result]
) -> None:
    """A task keeps all that it changes, with its module."""
    server('one', floating_ip='auto')
    keep('volume', name='data', size=1)
    keep('volume', name='data', server='one', state='attached')
    keep('volume', name='data', state='detached')
    keep('volume', name='data', state='absent')
    found = history(run, kind='volume', name='data', limit=4)
    assert [entry['verb'] for entry in found] == ['delete', 'detach', 'attach', 'create']
    assert {entry['module'] for entry in found} == {'volume'}
    assert found[2]['before'] != found[2]['after']


def test_failures(cloud: CloudUnderTest, run: Run) -> None:
    """A change that fails is kept with its error; a task that is refused changes nothing."""
    checksum = 'sha256:' + 64 * '0'
    failed = run('image', name='broken', path=cloud.image_path, checksum=checksum)
    (error,) = failed['errors']
    (entry,) = history(run, name='broken', limit=10)
    assert (entry['result'], entry['error']) == (error['code'], error['msg'])
    assert entry['ended_at'] is not None
    run('image', name='broken', state='absent')
    before = history(run)
    assert run('volume', name='broken', size=-1)['failed']
    assert run('volume', check=True, name='broken', size=1)['changed']
    assert history(run) == before


def test_filters(run: Run, keep: Callable[..., Result]) -> None:
    """By name, kind, user and time, the latest first."""
    for name in ('early', 'late'):
        keep('flavor', name=name, **SIZE, actor=f'user of {name}')
        keep('flavor', name=name, state='absent', actor=f'user of {name}')
    assert [(entry['name'], entry['verb']) for entry in history(run, kind='flavor', limit=4)] == [
        ('late', 'delete'),
        ('late', 'create'),
        ('early', 'delete'),
        ('early', 'create'),
    ]
    mine = history(run, changed_by='user of early')
    assert {entry['name'] for entry in mine} == {'early'}
    assert history(run, name='late', since='1d', until='0s') == history(run, name='late')
    assert history(run, name='late', since=mine[0]['began_at']) == history(run, name='late')
    assert history(run, name='late', until='1d') == []
    assert history(run, name='late', until='2026-01-31') == []
    assert history(run, name='late', since='2126-01-31T09:00:00+01:00') == []
    assert history(run, name='late', unfinished=True) == []
    assert history(run, name='nobody') == []


def test_refusals(run: Run) -> None:
    """With the option, the value, and what to use."""

    def refused(**options: Any) -> str:
        found = run('history_info', **options)
        assert found['failed']
        assert found['errors'][0]['code'] == 'invalid'
        text: str = found['msg']
        return text

    for text in ('yesterday', '7', '7y', '2026-13-01', '99-1', '-1d'):
        assert f'since: {text!r} is neither a time nor an age; use a form' in refused(since=text)
    assert "until: 'x' is neither a time nor an age" in refused(until='x')
    assert refused(since='1d', until='2d') == (
        'refused: since: 1d is later than until (2d); exchange them'
    )
    for limit in (0, 10_001):
        assert f'limit: {limit} is out of range; use 1 to 10000' in refused(limit=limit)
    assert 'value of kind must be one of: keypair, ' in refused(kind='house')
    assert refused(since='x', limit=0).count('; use ') == 2


@pytest.mark.needs('history')
def test_usage(run: Run, server: Callable[..., Result]) -> None:
    """Servers have hours; a bad time is refused. tests/unit/test_usage.py has the arithmetic."""
    server('one')
    server('two')
    found = run('server_info', usage={})['usage']
    mine = [one for one in found if one['name'] in ('one', 'two') and not one['deleted']]
    assert [one['name'] for one in mine] == ['one', 'two']
    assert all(one['hours'] >= 0 and one['to'] >= one['from'] for one in mine)
    everywhere = run('server_info', usage={}, all_projects=True)['usage']
    ids = [(one['project'], one['id']) for one in everywhere]
    assert [id for project, id in ids if project == 'default'] == [one['id'] for one in found]
    only = run('server_info', name='one', usage={'from': '1h'})['usage']
    assert {one['name'] for one in only} == {'one'}
    refused = run('server_info', usage={'from': 'yesterday'})
    assert 'neither a time nor an age' in refused['msg']
