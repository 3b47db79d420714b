# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Snapshots of volumes; test_volumes.py of tests/integration: their content."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .clouds import CloudUnderTest
from .promises import Result, Run

Keep = Callable[..., Result]
Refused = Callable[..., str]
pytestmark = pytest.mark.usefixtures('image')  # before the first test, as it stays


def names(run: Run, **options: Any) -> list[str]:
    """The names of snapshots."""
    return [one['name'] for one in run('volume_snapshot_info', **options)['volume_snapshots']]


def restore(run: Run, **options: Any) -> Result:
    """Restore a snapshot, as check mode predicts; it is done each time."""
    options = {**options, 'state': 'restored'}
    predicted, done, again = (
        run('volume_snapshot', check=check, **options) for check in (True, False, False)
    )
    assert not done.get('failed'), done['msg']
    assert predicted['changed'] is done['changed'] is again['changed'] is True
    assert predicted['diff'] == done['diff']
    return done


def only_the_latest(cloud: CloudUnderTest) -> bool:
    """Whether the cloud takes a volume back to no other one."""
    with cloud.open('default') as opened:
        found: bool = opened.volume_snapshots.latest_only
        return found


def test_life_of_snapshots(cloud: CloudUnderTest, run: Run, keep: Keep, refused: Refused) -> None:
    """Made, changed, restored with the size, copied, deleted in any order; they keep the volume."""
    keep('volume', name='data', size=1)
    made = keep('volume_snapshot', volume='data', name='first', labels={'a': 'b'})
    item = made['volume_snapshot']
    assert (item['volume'], item['name'], item['size']) == ('data', 'first', 1)
    assert (item['status'], item['labels']) == ('available', {'a': 'b'})
    keep('volume_snapshot', volume='data', name='first', description='mine', labels={})
    restored = restore(run, volume='data', name='first', labels={'c': 'd'})['volume_snapshot']
    assert (restored['description'], restored['labels']) == ('mine', {'c': 'd'})
    keep('volume', name='data', size=2)
    keep('volume_snapshot', volume='data', name='second')
    assert names(run, volume='data') == ['first', 'second']
    assert names(run, name='second') == ['second']
    assert keep('volume', name='data')['volume']['snapshots'] == ['first', 'second']
    assert refused('volume', name='data', state='absent') == (
        'refused: volume data has snapshots (first, second); delete those first (volume_snapshot: '
        'state: absent)'
    )
    copy = keep('volume', name='copy', snapshot='data/first')['volume']
    assert (copy['size'], copy['source'], copy['snapshots']) == (1, 'snapshot:data/first', [])
    assert 'needs (2 GB)' in refused('volume', name='small', snapshot='data/second', size=1)
    if only_the_latest(cloud):
        text = refused('volume_snapshot', volume='data', name='first', state='restored')
        assert 'data/second is later; data has 2 GB, and had 1; this cloud restores only' in text
    else:
        restore(run, volume='data', name='first')
        assert keep('volume', name='data')['volume']['size'] == 1
        assert refused('volume', name='larger', snapshot='data/second') == (
            'refused: snapshot: data/second has 2 GB, and its volume has only 1 since another one '
            'was restored; extend that first (volume: size: 2)'
        )
    restore(run, volume='data', name='second')
    assert keep('volume', name='data')['volume']['size'] == 2
    keep('volume_snapshot', volume='data', name='first', state='absent')
    keep('volume_snapshot', volume='data', name='second', state='absent')
    assert names(run) == []
    for name in ('data', 'copy'):
        keep('volume', name=name, state='absent')


def test_while_in_use(
    cloud: CloudUnderTest, run: Run, keep: Keep, refused: Refused, server: Keep
) -> None:
    """Made and deleted, but not restored, while a server has it that runs; it may move on."""
    server('one', state='started')
    keep('volume', name='data', size=1, server='one', state='attached')
    keep('volume_snapshot', volume='data', name='first')
    text = refused('volume_snapshot', volume='data', name='first', state='restored')
    assert 'volume data is attached to one, which is running; stop that first' in text
    copy = keep('volume', name='copy', snapshot='data/first')['volume']
    assert copy['source'] == 'snapshot:data/first'
    keep('volume_snapshot', volume='data', name='second')
    keep('volume_snapshot', volume='data', name='first', state='absent')
    if 'power off' in cloud.can:  # no guest runs in it that could release a disk
        keep('server', name='one', state='stopped', force=True)
    keep('volume', name='data', state='detached')
    restore(run, volume='data', name='second')
    keep('server', name='one', state='absent')
    keep('volume_snapshot', volume='data', name='second', state='absent')
    for name in ('data', 'copy'):
        keep('volume', name=name, state='absent')


def test_refusals(run: Run, refused: Refused) -> None:
    """With the option, the value, and the way out."""
    text = run('volume_snapshot', volume='nowhere', name='s')['msg']
    assert 'volume nowhere does not exist; available: ' in text
    assert not run('volume_snapshot', volume='nowhere', name='s', state='absent')['changed']
    assert refused('volume_snapshot', volume='one/root', name='s') == (
        'refused: volume: one/root is a root volume; make a snapshot of its server '
        '(server_snapshot: server: one)'
    )
    assert "'a/b' is not a valid name" in refused('volume_snapshot', volume='data', name='a/b')
    text = run('volume_snapshot', volume='data', name='t', state='restored')['msg']
    assert 'volume_snapshot data/t does not exist; available: none' in text
    text = run('volume', name='new', snapshot='data/t')['msg']
    assert 'volume_snapshot data/t does not exist; available: none' in text
