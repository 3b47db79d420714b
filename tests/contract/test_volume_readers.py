# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes that several servers read; test_volume_readers.py of tests/integration: in guests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .clouds import CloudUnderTest
from .promises import Result, Run

Keep = Callable[..., Result]
Refused = Callable[..., str]
pytestmark = pytest.mark.usefixtures('image')  # before the first test, as it stays
READ = {'name': 'data', 'state': 'attached', 'read_only': True}
SHARED = pytest.mark.needs('read-only volumes')


def where(result: Result) -> tuple[Any, ...]:
    """Which servers have the volume, and how."""
    volume = result['volume']
    return volume['server'], volume['servers'], volume['read_only'], volume['status']


def verbs(result: Result) -> list[str]:
    """What was done with the volume, in this order."""
    return [step['what'].rpartition(' ')[2] for step in result['steps']]


def volumes_of(run: Run, name: str) -> tuple[list[str], list[str]]:
    """The volumes of a server, and those of them that it has read-only."""
    (found,) = run('server_info', name=name)['servers']
    return found['volumes'], found['read_only_volumes']


def test_unsupported(cloud: CloudUnderTest, run: Run, keep: Keep, refused: Refused) -> None:
    """What cannot attach it so says that, and attaches nothing."""
    if 'read-only volumes' in cloud.can:
        pytest.skip('it can')
    keep('volume', name='data', size=1)
    assert 'read_only: the cloud' in refused('volume', **READ, servers=['one', 'two'])
    keep('volume', name='data', state='absent')


@SHARED
def test_several_servers(run: Run, keep: Keep, refused: Refused, server: Keep) -> None:
    """They come and go one by one; what would write to it, or change it, is refused."""
    for name in ('one', 'two', 'three'):
        server(name)
    made = keep('volume', **READ, size=1, servers=['two', 'one'])
    assert where(made) == (None, ['one', 'two'], True, 'in-use')
    assert verbs(made) == ['create', 'attach']
    assert volumes_of(run, 'one') == (['data'], ['data'])
    assert volumes_of(run, 'three') == ([], [])
    assert not keep('volume', **READ, servers=['one', 'two'])['changed']
    assert not keep('volume', name='data')['changed']
    more = keep('volume', **READ, servers=['one', 'two', 'three'])
    assert (where(more)[1], verbs(more)) == (['one', 'three', 'two'], ['attach'])
    other = keep('volume', **READ, servers=['two', 'three'])
    assert (where(other)[1], verbs(other)) == (['three', 'two'], ['detach'])
    swapped = keep('volume', **READ, servers=['one', 'two'])
    assert (where(swapped)[1], verbs(swapped)) == (['one', 'two'], ['detach', 'attach'])
    text = refused('volume', name='data', state='attached', servers=['one', 'two'])
    assert 'one, two would all write to the volume, and destroy what is on it' in text
    for options in ({'size': 2}, {'volume_type': 'fast'}):
        assert 'its disk is not changed while servers read it' in refused(
            'volume', name='data', **options
        )
    assert 'volume data is attached to one, two; detach it first' in refused(
        'volume', name='data', state='absent'
    )
    assert 'volume data is attached read-only to one, two, and snapshots' in refused(
        'volume_snapshot', name='a', volume='data'
    )
    assert 'nothing grows on it' in refused('volume', name='data', grow=True)
    described = keep('volume', name='data', description='shared', labels={'a': 'b'})['volume']
    assert (described['description'], described['servers']) == ('shared', ['one', 'two'])
    keep('volume', name='copy', source_volume='data')
    keep('volume', name='copy', state='absent')
    assert where(keep('volume', name='data', state='detached', server='two'))[1] == ['one']
    assert not keep('volume', name='data', state='detached', servers=['two'])['changed']
    assert where(keep('volume', name='data', state='detached')) == (None, [], False, 'available')
    keep('volume', name='data', state='absent')


@SHARED
def test_one_server(run: Run, keep: Keep, refused: Refused, server: Keep) -> None:
    """Writable or read-only: from the one to the other it is detached; else it stays as it is."""
    server('one')
    server('two')
    keep('volume', name='data', size=1, server='one', state='attached')
    shared = keep('volume', **READ, servers=['one', 'two'])
    assert (where(shared)[1:3], verbs(shared)) == ((['one', 'two'], True), ['detach', 'attach'])
    alone = keep('volume', name='data', server='one', state='attached')
    assert (where(alone), verbs(alone)) == (('one', ['one'], True, 'in-use'), ['detach'])
    written = keep('volume', **{**READ, 'read_only': False}, server='one')
    assert (where(written), verbs(written)) == (
        ('one', ['one'], False, 'in-use'),
        ['detach', 'attach'],
    )
    assert not keep('volume', name='data', servers=['one'], state='attached')['changed']
    assert volumes_of(run, 'one') == (['data'], [])
    read = keep('volume', **READ, server='two')
    assert where(read) == ('two', ['two'], True, 'in-use')
    moved = keep('volume', name='data', server='one', state='attached')
    assert where(moved) == ('one', ['one'], False, 'in-use')
    keep('volume', name='data', state='detached')
    keep('volume', name='data', state='absent')


@SHARED
def test_life_of_the_servers(run: Run, keep: Keep, server: Keep) -> None:
    """One is renamed, or deleted: the volume stays with the others."""
    for name in ('one', 'two'):
        server(name)
    keep('volume', **READ, size=1, servers=['one', 'two'])
    assert run('server_action', name='one', action='rename', new_name='uno')['changed']
    assert where(keep('volume', name='data'))[1] == ['two', 'uno']
    run('server_action', name='uno', action='rename', new_name='one')
    keep('server', name='one', state='absent')
    assert where(keep('volume', name='data')) == ('two', ['two'], True, 'in-use')
    assert volumes_of(run, 'two') == (['data'], ['data'])
    keep('server', name='two', state='absent')
    assert where(keep('volume', name='data')) == (None, [], False, 'available')
    keep('volume', name='data', state='absent')


@SHARED
@pytest.mark.needs('snapshots of servers', 'backups')
def test_snapshots_and_backups(run: Run, keep: Keep, server: Keep) -> None:
    """Those of a server are without it, and say so; it can be detached while there are some."""
    server('one')
    keep('volume', **READ, size=1, server='one')
    made = keep('server_snapshot', server='one', name='a')
    assert made['server_snapshot']['volumes'] == {'one/root': 1}
    options = {'name': 'b', 'server': 'one', 'include_volumes': True}
    for module, warned in (
        ('server_snapshot', run('server_snapshot', check=True, server='one', name='c')),
        ('backup', run('backup', check=True, **options)),
    ):
        what = 'snapshot' if module == 'server_snapshot' else module
        text = f'volume data: attached read-only; it is not in the {what}'
        assert text in str(warned['warnings']), module
    keep('backup', **options)
    keep('backup', name='b', server='one', state='absent')
    assert keep('volume', name='data', state='detached')['volume']['server_snapshots'] == []
    keep('server_snapshot', server='one', name='a', state='absent')
    keep('volume', name='data', state='absent')
