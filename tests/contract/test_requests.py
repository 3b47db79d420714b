# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The requests of tasks to a cloud that has an API: how many they are, and what if one is lost."""

from __future__ import annotations

import functools
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
SHORT = ('network', 'security_group')  # kinds that are killed in make test too
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


@pytest.mark.parametrize('is_sent', [False, True])
@pytest.mark.parametrize('kind', OPTIONS)
def test_killed(
    kind: str,
    is_sent: bool,
    cloud: CloudUnderTest,
    run: Run,
    keep: Keep,
    image: str,
    soak: bool,
) -> None:
    """A run is killed at each of its requests: the next one completes it, or begins anew."""
    if not soak and kind not in SHORT:
        pytest.skip('make soak runs it')
    options = task_of(kind, cloud, image)
    if kind == 'server':
        options['floating_ip'] = 'auto'
    number = 1
    while cloud.killed(functools.partial(run, kind, **options), number, is_sent):
        keep(kind, **options)
        keep(kind, name='same', state='absent')
        number += 1
    assert number > 1
    keep(kind, name='same', state='absent')


def task_of(kind: str, cloud: CloudUnderTest, image: str) -> Result:
    """The options of a task that creates an item."""
    options = {'name': 'same', **OPTIONS[kind]}
    if kind == 'server':
        options.update(image=image, flavor=cloud.flavor)
    if kind == 'image':
        options['path'] = cloud.image_path
    return options


@pytest.mark.parametrize('kind', OPTIONS)
def test_lost_answer(kind: str, cloud: CloudUnderTest, run: Run, keep: Keep, image: str) -> None:
    """What was created all the same is found, and not created once more."""
    options = task_of(kind, cloud, image)
    with cloud.lost_answer() as lost:
        done = run(kind, **options)
    assert lost
    assert not done.get('failed'), done['msg']
    assert done['changed']
    assert not keep(kind, **options)['changed']
    (item,) = run(f'{kind}_info', name='same')[KINDS[kind].plural]
    assert item['id'] == done[kind]['id']
    keep(kind, name='same', state='absent')
