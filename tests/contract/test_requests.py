# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The requests of tasks to a cloud that has an API: how many they are, and what if one is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._model.kinds import KINDS

from .clouds import CloudUnderTest
from .promises import Result, Run
from .test_identity import OPTIONS

Keep = Callable[..., Result]
Created = Callable[..., Result]
pytestmark = pytest.mark.needs('requests')
MOST = 6  # of a task that changes nothing, with the two of its sign-in
MOST_TO_CREATE = 60  # 20 servers


def test_number_of_requests(cloud: CloudUnderTest, run: Run, server: Created, soak: bool) -> None:
    """It does not depend on the number of servers, unless they are created."""
    count = 20 if soak else 3
    options = {'image': 'small', 'flavor': cloud.flavor}
    server('single')
    with cloud.counted() as creation:
        run('server', name='many', count=count, **options)
    assert len(creation) <= MOST_TO_CREATE - 20 + count, creation
    server('many', count=count, state='started')
    numbers = {}
    for name, group in (('single', {}), ('many', {'count': count})):
        with cloud.counted() as found:
            done = run('server', name=name, **options, **group)
        assert not done['changed']
        assert len(found) <= MOST, found
        numbers[name] = len(found)
    assert numbers['single'] == numbers['many']


@pytest.mark.parametrize('kind', OPTIONS)
def test_lost_answer(kind: str, cloud: CloudUnderTest, run: Run, keep: Keep, image: str) -> None:
    """What was created all the same is found, and not created once more."""
    options = dict(OPTIONS[kind])
    if kind == 'server':
        options.update(image=image, flavor=cloud.flavor)
    if kind == 'image':
        options['path'] = cloud.image_path
    with cloud.lost_answer() as lost:
        done = run(kind, name='same', **options)
    assert lost
    assert not done.get('failed'), done['msg']
    assert done['changed']
    assert not keep(kind, name='same', **options)['changed']
    (item,) = run(f'{kind}_info', name='same')[KINDS[kind].plural]
    assert item['id'] == done[kind]['id']
    keep(kind, name='same', state='absent')
