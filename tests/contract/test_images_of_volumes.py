# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images of volumes, of their snapshots, and of servers that run."""

from __future__ import annotations

from collections.abc import Callable

from .clouds import CloudUnderTest, Result, Run

Keep = Callable[..., Result]
Refused = Callable[..., str]


def test_of_what_is_in_use(
    cloud: CloudUnderTest, keep: Keep, run: Run, refused: Refused, server: Keep
) -> None:
    """A guest writes to a volume, but not to a snapshot of it."""
    server('one', state='started')
    keep('volume', name='data', size=1, server='one', state='attached')
    text = refused('image', name='i', volume='data')
    with cloud.open('default') as opened:
        needs_detached = not opened.images.of_attached
    assert 'volume: data is attached to one' in text
    assert ('detach it first (volume: state: detached)' in text) == needs_detached
    keep('volume_snapshot', volume='data', name='monday')
    keep('volume', name='data', size=2)
    wanted = {'name': 'i', 'snapshot': 'data/monday'}
    if needs_detached:
        assert 'create a volume from the snapshot' in refused('image', **wanted)
    else:
        made = keep('image', **wanted)['image']
        assert (made['source'], made['size']) == ('snapshot:data/monday', 2**30)
        assert (
            'volume_snapshot data/none does not exist'
            in run('image', name='j', snapshot='data/none')['msg']
        )
        keep('image', name='i', state='absent')
    keep('server', name='one', state='absent')
    keep('volume_snapshot', volume='data', name='monday', state='absent')
    keep('volume', name='data', state='absent')


def test_of_a_running_server(keep: Keep, run: Run, server: Keep) -> None:
    """It runs on, and the image stays what it was."""
    server('one', state='started')
    made = keep('image', name='i', server='one')['image']
    assert (made['source'], made['disk_format']) == ('server:one', 'qcow2')
    assert run('server_info', name='one')['servers'][0]['status'] == 'ACTIVE'
    keep('image', name='i', state='absent')
    keep('server', name='one', state='absent')


def test_image_of_volume(cloud: CloudUnderTest, keep: Keep, run: Run, refused: Refused) -> None:
    """What was copied stays what it was; a new volume has its size."""
    keep('volume', name='data', size=2)
    assert (
        'volume none does not exist; available: data'
        in run('image', name='i', volume='none')['msg']
    )
    for wrong in ({'disk_format': 'iso'}, {'checksum': 'sha256:' + '0' * 64}):
        assert (
            'requires path or url, not volume'
            in run('image', name='i', volume='data', **wrong)['msg']
        )
    made = keep('image', name='i', volume='data', description='of data')['image']
    assert (made['source'], made['status'], made['description']) == (
        'volume:data',
        'available',
        'of data',
    )
    assert (made['disk_format'], made['min_disk'], made['size']) == ('qcow2', 2, 2**31)
    assert not keep('image', name='i', volume='data')['changed']
    assert 'the content of an image cannot be changed' in refused('image', name='i', volume='other')
    copy = keep('volume', name='copy', image='i')['volume']
    assert (copy['size'], copy['source']) == (2, 'image:i')
    for name in ('copy', 'data'):
        keep('volume', name=name, state='absent')
    assert not keep('image', name='i')['changed']
    keep('image', name='i', state='absent')
