# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Snapshots of servers that are stopped; test_snapshots.py of tests/integration: of guests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .clouds import CloudUnderTest
from .promises import Result, Run

Keep = Callable[..., Result]
pytestmark = pytest.mark.needs('snapshots of servers')


def snapshots(run: Run, **options: Any) -> dict[str, Result]:
    """The snapshots by name."""
    found = run('server_snapshot_info', **options)['server_snapshots']
    return {one['name']: one for one in found}


def restore(run: Run, **options: Any) -> Result:
    """Restore a snapshot, as check mode predicts; it is done each time."""
    options = {**options, 'state': 'restored'}
    predicted, done, again = (
        run('server_snapshot', check=check, **options) for check in (True, False, False)
    )
    assert not done.get('failed'), done['msg']
    assert predicted['changed'] is done['changed'] is again['changed'] is True
    assert predicted['diff'] == done['diff']
    assert [step['what'] for step in predicted['steps']] == [step['what'] for step in done['steps']]
    return done


def test_life_of_snapshots(run: Run, keep: Keep, server: Keep) -> None:
    """Made, listed as a tree, restored with the sizes of all disks, deleted in any order."""
    server('one')
    keep('volume', name='data', size=1)
    keep('volume', name='data', server='one', state='attached')
    first = keep('server_snapshot', server='one', name='first', labels={'a': 'b'})
    item = first['server_snapshot']
    assert item['volumes'] == {'data': 1, 'one/root': 1}
    assert (item['server'], item['name'], item['memory']) == ('one', 'first', False)
    assert (item['status'], item['parent'], item['current']) == ('available', None, True)
    keep('server_snapshot', server='one', name='first', description='mine', labels={})
    keep('volume', name='data', size=2)
    keep('server', name='one', volume_size=2)
    for name in ('second', 'third'):
        keep('server_snapshot', server='one', name=name)
    assert run('server_info', name='one')['servers'][0]['snapshots'] == ['first', 'second', 'third']
    (volume,) = run('volume_info', name='data')['volumes']
    assert volume['server_snapshots'] == ['one/first', 'one/second', 'one/third']
    tree = snapshots(run, server='one')
    assert [(one['parent'], one['current']) for one in tree.values()] == [
        (None, False),
        ('first', False),
        ('second', True),
    ]

    restored = restore(run, server='one', name='first')
    assert restored['server_snapshot']['current']
    assert restored['server_snapshot']['description'] == 'mine'
    (shown,) = run('server_info', name='one')['servers']
    assert (shown['status'], shown['volume_size']) == ('SHUTOFF', 1)
    assert run('volume_info', name='data')['volumes'][0]['size'] == 1
    keep('server_snapshot', server='one', name='branch')
    tree = snapshots(run, server='one')
    assert (tree['branch']['parent'], tree['branch']['current']) == ('first', True)

    for state in ('started', 'paused'):
        keep('server', name='one', state=state)
    restore(run, server='one', name='third')
    assert run('server_info', name='one')['servers'][0]['status'] == 'ACTIVE'
    keep('server', name='one', state='stopped', force=True)
    assert run('volume_info', name='data')['volumes'][0]['size'] == 2
    keep('server_snapshot', server='one', name='second', state='absent')
    keep('server_snapshot', server='one', name='third', state='absent')
    tree = snapshots(run, server='one')
    assert [(one['name'], one['current']) for one in tree.values()] == [
        ('first', True),
        ('branch', False),
    ]
    keep('server_snapshot', server='one', name='first', state='absent')
    assert snapshots(run)['branch']['parent'] is None
    keep('server_snapshot', server='one', name='branch', state='absent')
    keep('volume', name='data', state='detached')
    keep('volume', name='data', state='absent')


def test_what_snapshots_hold(
    run: Run, keep: Keep, refused: Callable[..., str], server: Keep
) -> None:
    """Server and volumes stay, until their deletion means the snapshots, too."""
    server('one')
    keep('volume', name='data', size=1)
    keep('volume', name='data', server='one', state='attached')
    keep('server_snapshot', server='one', name='kept')
    assert refused('volume', name='data', state='detached') == (
        'refused: volume data is part of snapshots of its server (one/kept); delete those first '
        '(server_snapshot: state: absent)'
    )
    assert refused('server', name='one', state='absent') == (
        'refused: server one has snapshots (kept), which are deleted with it; set '
        'delete_snapshots: true to allow that'
    )
    assert 'server one has snapshots (kept), which a rebuild would lose' in refused(
        'server_action', name='one', action='rebuild'
    )
    keep('volume', name='later', size=1)
    keep('volume', name='later', server='one', state='attached')
    warned = restore(run, server='one', name='kept')
    assert 'volume later: attached after the snapshot one/kept was made' in str(warned['warnings'])
    keep('volume', name='later', state='detached')
    keep('volume', name='later', state='absent')
    deleted = keep('server', name='one', state='absent', delete_snapshots=True)
    assert 'with its snapshots kept' in deleted['msg']
    assert snapshots(run) == {}
    (volume,) = run('volume_info', name='data')['volumes']
    assert (volume['server'], volume['server_snapshots']) == (None, [])
    keep('volume', name='data', state='absent')


def test_refusals(run: Run, keep: Keep, refused: Callable[..., str], server: Keep) -> None:
    """With the option, the value, and the way out."""
    text = run('server_snapshot', server='nowhere', name='s')['msg']
    assert 'server nowhere does not exist; available: ' in text
    assert not run('server_snapshot', server='nowhere', name='s', state='absent')['changed']
    server('one')
    assert refused('server_snapshot', server='one', name='s', memory=True) == (
        'refused: memory: server one is SHUTOFF, and only a running guest has memory to keep; '
        'start the server, or leave memory out'
    )
    assert "'a/b' is not a valid name" in refused('server_snapshot', server='one', name='a/b')
    assert refused('server_snapshot', server='one', name='s', state='absent', memory=True) == (
        'refused: memory: it requires state: present or restored'
    )
    keep('server_snapshot', server='one', name='s')
    assert 'memory is false, requested true: delete the snapshot' in refused(
        'server_snapshot', server='one', name='s', memory=True
    )
    assert 'one/s has no memory; leave memory out' in refused(
        'server_snapshot', server='one', name='s', state='restored', memory=True
    )
    text = run('server_snapshot', server='one', name='t', state='restored')['msg']
    assert 'server_snapshot one/t does not exist; available: one/s' in text
    keep('server_snapshot', server='one', name='s', state='absent')


def test_renamed_server(cloud: CloudUnderTest, run: Run, keep: Keep, server: Keep) -> None:
    """Its snapshots have its new name, too."""
    server('two')
    keep('server_snapshot', server='two', name='s')
    run('server_action', name='two', action='rename', new_name='one')
    assert [one['server'] for one in snapshots(run).values()] == ['one']
    (shown,) = run('server_info', name='one')['servers']
    assert shown['snapshots'] == ['s']
    restore(run, server='one', name='s')
    keep('server_snapshot', server='one', name='s', state='absent')
    keep('server', name='one', state='absent')


def test_projects(cloud: CloudUnderTest, run: Run, keep: Keep, server: Keep) -> None:
    """A snapshot of another project has another name."""
    server('one')
    keep('server_snapshot', server='one', name='s')
    assert snapshots(run, project='other') == {}
    predicted = run('server_snapshot', check=True, project='other', server='one', name='s')
    assert 'server one does not exist' in str(predicted['warnings'])
    keep('server_snapshot', server='one', name='s', state='absent')
