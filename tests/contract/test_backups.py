# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backups of servers that are stopped; test_backups.py of tests/integration: their content."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .promises import Result, Run

Keep = Callable[..., Result]
Refused = Callable[..., str]
pytestmark = pytest.mark.needs('backups')


def names(run: Run, **options: Any) -> list[str]:
    """The names of backups."""
    return [one['name'] for one in run('backup_info', **options)['backups']]


def restore(run: Run, **options: Any) -> Result:
    """Restore a backup, as check mode predicts; it is done each time."""
    options = {**options, 'state': 'restored'}
    predicted, done, again = (
        run('backup', check=check, **options) for check in (True, False, False)
    )
    assert not done.get('failed'), done['msg']
    assert predicted['changed'] is done['changed'] is again['changed'] is True
    assert predicted['diff'] == done['diff']
    return done


def test_life_of_backups(run: Run, keep: Keep, refused: Refused, server: Keep) -> None:
    """Made, changed, restored with the size of today; they outlive their server."""
    server('one', labels={'tier': 'web'})
    made = keep('backup', name='first', server='one', labels={'a': 'b'}, delete_protection=True)
    item = made['backup']
    assert (item['server'], item['store'], item['mode']) == ('one', 'disk', 'snapshot')
    assert (item['status'], item['status_reason'], item['labels']) == (
        'available',
        None,
        {'a': 'b'},
    )
    assert item['config']['labels'] == {'tier': 'web'}
    assert item['config']['networks'][0]['name'] == 'default'
    assert 'user_data' not in item['config']
    assert item['size'] > 0
    keep('backup', name='first', description='mine', labels={})
    restored = restore(run, name='first', labels={'c': 'd'})['backup']
    assert (restored['description'], restored['labels']) == ('mine', {'c': 'd'})
    size = item['volume_size']
    keep('server', name='one', volume_size=size + 1)
    keep('backup', name='second', server='one', mode='stop')
    restore(run, name='first')
    assert run('server_info', name='one')['servers'][0]['volume_size'] == size + 1
    assert names(run) == names(run, server='one') == ['first', 'second']
    assert names(run, name='second') == ['second']
    assert 'backup first is protected' in refused('backup', name='first', state='absent')
    assert run('server_action', name='one', action='rename', new_name='two')['changed']
    assert names(run, server='two') == ['first', 'second']
    run('server_action', name='two', action='rename', new_name='one')
    keep('server', name='one', state='absent')
    server('one')
    assert refused('backup', name='second', state='restored') == (
        'refused: backup second: the server one that it is of no longer exists'
    )
    for name in ('first', 'second'):
        keep('backup', name=name, state='absent', delete_protection=False)
    assert names(run) == []


def test_retention(run: Run, keep: Keep, server: Keep) -> None:
    """A new backup replaces older ones of the same server, but for protected ones."""
    server('one')
    server('two')
    keep('backup', name='other', server='two')
    keep('backup', name='a', server='one', delete_protection=True)
    for name, left in (('b', 'ab'), ('c', 'abc'), ('d', 'acd')):
        done = run('backup', name=name, server='one', keep_last=2)
        assert not done.get('failed'), done['msg']
        assert names(run, server='one') == [*left]
        for check in (True, False):
            assert not run('backup', name=name, server='one', keep_last=2, check=check)['changed']
    predicted = run('backup', name='d', keep_daily=1, check=True)
    done = run('backup', name='d', keep_daily=1)
    assert [step['what'] for step in done['steps']] == ['backup c: delete']
    assert predicted['diff'] == done['diff']
    failed = run('backup', name='e', server='none', keep_last=1)
    assert failed['failed']
    assert names(run) == ['other', 'a', 'd']
    for name in ('other', 'a', 'd'):
        keep('backup', name=name, state='absent', delete_protection=False)
    for name in ('one', 'two'):
        keep('server', name=name, state='absent')


def test_incremental(run: Run, keep: Keep, refused: Refused, server: Keep) -> None:
    """A server that does not run is backed up as a whole, which is told."""
    server('one')
    keep('backup', name='a', server='one')
    predicted, done = (
        run('backup', name='b', server='one', incremental=True, check=check)
        for check in (True, False)
    )
    assert predicted['diff'] == done['diff']
    why = 'not incremental: server one does not run'
    assert predicted['steps'][0]['why'] == done['steps'][0]['why'] == why
    assert (done['backup']['incremental'], done['backup']['base']) == (False, None)
    assert not run('backup', name='a', server='one', incremental=True)['changed']
    for state in ('absent', 'restored'):
        failed = run('backup', name='a', incremental=True, state=state)
        assert f'incremental: it requires state: present, not {state}' in failed['msg']
    for name in ('a', 'b'):
        keep('backup', name=name, state='absent')
    keep('server', name='one', state='absent')


def test_image(run: Run, keep: Keep, refused: Refused, server: Keep) -> None:
    """An image of a backup needs nothing else; a new server has what it held, and other options."""
    server('one')
    keep('backup', name='b', server='one')
    keep('server', name='one', state='absent')
    made = keep('image', name='old', backup='b')['image']
    assert (made['source'], made['disk_format']) == ('backup:b', 'qcow2')
    assert (
        'checksum: it requires path or url, not backup'
        in run('image', name='new', backup='b', checksum='sha256:' + '0' * 64)['msg']
    )
    assert 'backup c does not exist; available: b' in run('image', name='c', backup='c')['msg']
    assert 'the content of an image cannot be changed' in refused('image', name='old', server='b')
    keep('backup', name='b', state='absent')
    keep('image', name='old')
    server('two', image='old')
    keep('server', name='two', state='absent')
    keep('image', name='old', state='absent')


def test_volumes(run: Run, keep: Keep, refused: Refused, server: Keep) -> None:
    """Backups with volumes: restored together; new volumes of them, also when all else is gone."""
    server('one')
    for name in ('data', 'logs'):
        keep('volume', name=name, size=1, server='one', state='attached')
    made = keep('backup', name='all', server='one', include_volumes=True)['backup']
    assert made['include_volumes']
    assert [(item['name'], item['volume_size']) for item in made['volumes']] == [
        ('data', 1),
        ('logs', 1),
    ]
    assert all(item['size'] > 0 and item['checksum'] for item in made['volumes'])
    assert keep('backup', name='root', server='one')['backup']['volumes'] == []
    assert 'include_volumes is false, requested true: use another name' in refused(
        'backup', name='root', include_volumes=True
    )
    keep('volume', name='data', size=2)
    restore(run, name='all')
    assert run('volume_info', name='data')['volumes'][0]['size'] == 2
    keep('volume', name='logs', state='detached')
    assert 'the volume logs that is in it is not attached to one' in refused(
        'backup', name='all', state='restored'
    )
    keep('volume', name='logs', state='absent')
    restored = run('backup', name='all', state='restored')
    assert restored['changed']
    assert 'volume logs: it no longer exists, and is not restored' in str(restored['warnings'])
    for name in ('one', 'data'):
        keep('volume' if name == 'data' else 'server', name=name, state='absent')
    copy = keep('volume', name='copy', backup='all/logs', size=2)['volume']
    assert (copy['size'], copy['source']) == (2, 'backup:all/logs')
    assert (
        'backup all/none does not exist; available: all/data, all/logs'
        in (run('volume', name='x', backup='all/none')['msg'])
    )
    assert keep('volume', name='new', backup='all/data')['volume']['size'] == 1
    for kind, name in (
        ('volume', 'copy'),
        ('volume', 'new'),
        ('backup', 'all'),
        ('backup', 'root'),
    ):
        keep(kind, name=name, state='absent')


def test_nothing_to_abort(run: Run, keep: Keep, server: Keep) -> None:
    """A backup that does not exist, and one that is complete, which stays."""
    for check in (True, False):
        assert not run('backup', name='b', state='aborted', check=check)['changed']
    server('one')
    keep('backup', name='b', server='one')
    for check in (True, False):
        done = run('backup', name='b', state='aborted', check=check)
        assert not done['changed']
        assert done['backup']['status'] == 'available'
        assert 'backup b is complete, and stays; state: absent deletes it' in str(done['warnings'])
    failed = run('backup', name='b', state='aborted', mode='stop')
    assert 'mode: it requires state: present, not aborted' in failed['msg']
    keep('backup', name='b', state='absent')
    keep('server', name='one', state='absent')


def test_what_is_refused(run: Run, keep: Keep, refused: Refused, server: Keep) -> None:
    """Another server, another way, another store; a server with snapshots."""
    server('one')
    server('two')
    assert refused('backup', name='b') == (
        'refused: backup b does not exist; to create it, also set server'
    )
    assert 'tape is no backup store of this host; use one of disk' in refused(
        'backup', name='b', server='one', store='tape'
    )
    assert 'server none does not exist' in run('backup', name='b', server='none')['msg']
    keep('backup', name='b', server='one')
    assert refused('backup', name='b', server='two', mode='stop') == (
        'refused: backup b: server is one, requested two: use another name, or delete this backup '
        'first; backup b: mode is snapshot, requested stop: use another name, or delete this '
        'backup first'
    )
    for state in ('restored', 'absent'):
        assert 'backup b is of the server one, not of two' in refused(
            'backup', name='b', server='two', state=state
        )
    keep('server_snapshot', server='one', name='s')
    assert 'server one has snapshots (s)' in refused('backup', name='b', state='restored')
    found = run('backup', name='none', state='restored')
    assert 'backup none does not exist; available: b' in found['msg']
    keep('server_snapshot', server='one', name='s', state='absent')
    keep('backup', name='b', state='absent')
