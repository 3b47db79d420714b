# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes that are copies; test_volumes.py of tests/integration: their content."""

from __future__ import annotations

from collections.abc import Callable

from .clouds import CloudUnderTest
from .promises import Result, Run

Keep = Callable[..., Result]
Refused = Callable[..., str]


def test_copy_of_an_image(keep: Keep, refused: Refused, run: Run, image: str) -> None:
    """It is as large as the image, or larger, and keeps what it was created with."""
    made = keep('volume', name='data', image=image)['volume']
    assert (made['size'], made['source'], made['status']) == (1, f'image:{image}', 'available')
    larger = keep('volume', name='more', image=image, size=2)['volume']
    assert larger['size'] == 2
    assert not keep('volume', name='data')['changed']
    assert refused('volume', name='data', source_volume='more') == (
        f'refused: volume data: source is image:{image}, requested source_volume:more: a volume '
        'keeps what it was created with; delete and re-create it, or use another name'
    )
    missing = run('volume', name='none', image='nothing')
    assert 'image nothing does not exist; available: ' in missing['msg']
    assert not run('volume', name='none', image='nothing', state='absent').get('changed')
    for name in ('data', 'more'):
        keep('volume', name=name, state='absent')


def test_copy_of_a_volume(
    cloud: CloudUnderTest, keep: Keep, refused: Refused, run: Run, server: Keep
) -> None:
    """It is as large as the other, which may have a server that is off, or be the root volume."""
    server('one', volume_size=2)
    keep('volume', name='data', size=2, server='one', state='attached')
    made = keep('volume', name='copy', source_volume='data')['volume']
    assert (made['size'], made['source'], made['server']) == (2, 'source_volume:data', None)
    text = refused('volume', name='small', source_volume='data', size=1)
    assert 'size: 1 GB is less than source_volume data needs (2 GB); use at least that' in text
    assert 'cannot be a copy of itself' in refused('volume', name='new', source_volume='new')
    assert (
        'volume nothing does not exist' in run('volume', name='x', source_volume='nothing')['msg']
    )
    root = keep('volume', name='root', source_volume='one/root', server='one', state='attached')[
        'volume'
    ]
    assert (root['size'], root['bootable'], root['server']) == (2, False, 'one')
    keep('volume', name='data', state='detached')
    keep('volume', name='data', state='absent')
    assert keep('volume', name='copy')['volume']['source'] == 'source_volume:data'
    keep('volume', name='root', state='detached')
    for name in ('copy', 'root'):
        keep('volume', name=name, state='absent')


def test_copy_of_what_is_in_use(
    cloud: CloudUnderTest, keep: Keep, refused: Refused, server: Keep
) -> None:
    """A guest that runs writes to it meanwhile: only an OpenStack copies it."""
    server('one', state='started', volume_size=2)
    copy = {'name': 'copy', 'source_volume': 'one/root'}
    with cloud.open('default') as opened:
        copies_running = opened.profile.volumes_of_running
    if copies_running:
        keep('volume', **copy)
        keep('volume', name='copy', state='absent')
    else:
        assert refused('volume', **copy) == (
            'refused: source_volume: one/root is attached to one, which is running; stop that '
            'first (server: state: stopped), detach the volume, or use a snapshot of it'
        )


def test_type(cloud: CloudUnderTest, keep: Keep, refused: Refused, run: Run) -> None:
    """Where it is: it has to exist; a volume moves to another one."""
    made = keep('volume', name='data', size=1, volume_type='fast')['volume']
    assert (made['volume_type'], made['status'], made['status_reason']) == (
        'fast',
        'available',
        None,
    )
    limits = {'disk_iops': 900} if 'limits of volumes' in cloud.can else {}
    assert made['limits'] == limits
    assert not keep('volume', name='data', volume_type='fast')['changed']
    copy = keep('volume', name='copy', source_volume='data', volume_type='fast')['volume']
    assert (copy['size'], copy['volume_type']) == (1, 'fast')
    assert keep('volume', name='data', size=2)['volume']['volume_type'] == 'fast'
    usual = keep('volume', name='usual', size=1)['volume']['volume_type']
    assert usual != 'fast'
    text = run('volume', name='none', size=1, volume_type='nothing')['msg']
    assert 'volume_type nothing does not exist; available: ' in text
    assert 'fast' in text.partition('available: ')[2]
    moved = keep('volume', name='data', volume_type=usual, size=3, description='moved')['volume']
    assert (moved['volume_type'], moved['size'], moved['status']) == (usual, 3, 'available')
    assert moved['limits'] == {}
    keep('volume', name='copy', volume_type=usual)
    keep('volume', name='copy', volume_type='fast')
    keep('volume_snapshot', volume='data', name='a')
    assert (
        f'volume data: volume_type is {usual}, requested fast: snapshots do not move with a '
        'volume; delete those first'
    ) in refused('volume', name='data', volume_type='fast')
    keep('volume_snapshot', volume='data', name='a', state='absent')
    for name in ('data', 'copy', 'usual'):
        keep('volume', name=name, state='absent')


def test_growth_in_a_guest(cloud: CloudUnderTest, keep: Keep, run: Run) -> None:
    """What sees into no guest says so; a volume that no guest has is refused elsewhere."""
    keep('volume', name='data', size=1)
    wanted = run('volume', name='data', size=2, grow=True)
    is_seen = 'file systems of guests' in cloud.can
    text = 'is attached to no server' if is_seen else 'it needs cloud: local'
    assert text in wanted['msg']
    assert keep('volume', name='data')['volume']['size'] == 1
    keep('volume', name='data', state='absent')


def test_growth_of_a_root_disk(cloud: CloudUnderTest, keep: Keep, run: Run, server: Keep) -> None:
    """The disk is extended first, then what the guest has on it; a guest that is silent is none."""
    server('one', volume_size=2)
    if cloud.memory is None:
        assert run('server', name='one', volume_size=3, grow=True)['failed']
        assert keep('server', name='one')['server']['volume_size'] == 2
        return
    assert 'start it first' in run('server', name='one', grow=True)['msg']
    keep('server', name='one', state='started')
    keep('server', name='one', grow=True)
    keep('server', name='one', volume_size=3, grow=True)
    diff = keep('volume', name='one/root', size=4, grow=True)['diff']
    assert diff['after'] == 'volume one/root:  # update\n  size: 4\n'
    assert keep('server', name='one', grow=True)['server']['volume_size'] == 4
