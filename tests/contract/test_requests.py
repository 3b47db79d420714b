# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The requests of tasks to a cloud that has an API: how many they are, and what if one is lost."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._model.kinds import KINDS

from .clouds import CloudUnderTest
from .openstack_services import await_that
from .promises import Result, Run
from .test_identity import OPTIONS

Keep = Callable[..., Result]
Created = Callable[..., Result]
pytestmark = pytest.mark.needs('requests')
MOST = 6  # of a task that changes nothing, with the two of its sign-in
MOST_TO_CREATE = 45  # 20 servers
TEXTS = {'description': 'other', 'labels': {'tier': 'web'}}
NO_TEXTS = {'description': '', 'labels': {}}
# Tasks that change an item, one after the other.
UPDATES: Mapping[str, Sequence[Result]] = {
    'keypair': (),
    'flavor': ({'description': 'other'},),
    'init_script': ({'content': '#!/bin/sh\ntrue\n', **TEXTS}, NO_TEXTS),
    'image': (TEXTS, NO_TEXTS),
    'network': (TEXTS, NO_TEXTS),
    'port': (TEXTS, NO_TEXTS),
    'security_group': ({'rules': [{'preset': 'http'}], **TEXTS}, NO_TEXTS),
    'floating_ip': (TEXTS, NO_TEXTS),
    'volume': ({'size': 2, **TEXTS}, NO_TEXTS),
    'server': (
        {'flavor': 'g1.micro', 'floating_ip': 'auto', **TEXTS},
        {'state': 'started', 'floating_ip': 'none', **NO_TEXTS},
        {'state': 'stopped'},
    ),
    'lb': (
        {'listeners': [{'port': 80}, {'port': 81}], 'health_check': {'port': 80}, **TEXTS},
        {'listeners': [{'port': 81}], 'floating_ip': 'auto', 'algorithm': 'source_ip'},
        {'health_check': {'protocol': 'none'}, 'floating_ip': 'none', **NO_TEXTS},
    ),
}


def test_number_of_requests(cloud: CloudUnderTest, run: Run, server: Created, soak: bool) -> None:
    """It does not depend on the number of servers, unless they are created."""
    count = 20 if soak else 3
    options = {'image': 'small', 'flavor': cloud.flavor}
    server('single')
    with cloud.counted() as creation:
        run('server', name='many', count=count, **options)
    # How often it looks whether they are built depends on the machine.
    others = [call for call in creation if '/servers/detail?' not in call]
    assert len(others) <= MOST_TO_CREATE - 20 + count, others
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
    kind: str, is_sent: bool, cloud: CloudUnderTest, run: Run, keep: Keep, image: str
) -> None:
    """A run is killed at each of its requests: the next one completes it, or begins anew."""
    options = task_of(kind, cloud, image)
    if kind == 'server':
        options['floating_ip'] = 'auto'
    number = 1
    while cloud.killed(functools.partial(run, kind, **options), number, is_sent):
        await_idle(run, kind)
        keep(kind, **options)
        keep(kind, name='same', state='absent')
        number += 1
    assert number > 1
    keep(kind, name='same', state='absent')


@pytest.mark.parametrize('is_sent', [False, True])
@pytest.mark.parametrize('volume_size', [None, 2], ids=['disk of the flavor', 'root volume'])
def test_killed_image_of_server(
    volume_size: int | None,
    is_sent: bool,
    cloud: CloudUnderTest,
    run: Run,
    keep: Keep,
    server: Created,
) -> None:
    """As each other creation; it inherits nothing of what is known of the image of the server."""
    keep('image', name='labelled', path=cloud.image_path, **TEXTS)
    options = {} if volume_size is None else {'volume_size': volume_size}
    server('origin', image='labelled', **options)
    assert killed_images({'name': 'same', 'server': 'origin'}, is_sent, cloud, run, keep) > 2
    keep('server', name='origin', state='absent')
    keep('image', name='labelled', state='absent')


@pytest.mark.parametrize('is_sent', [False, True])
def test_killed_image_of_volume(is_sent: bool, cloud: CloudUnderTest, run: Run, keep: Keep) -> None:
    """It inherits nothing of what is known of the image of the volume."""
    keep('image', name='labelled', path=cloud.image_path, **TEXTS)
    keep('volume', name='origin', image='labelled')
    assert killed_images({'name': 'same', 'volume': 'origin'}, is_sent, cloud, run, keep) > 2
    keep('volume', name='origin', state='absent')
    keep('image', name='labelled', state='absent')


def killed_images(task: Result, is_sent: bool, cloud: CloudUnderTest, run: Run, keep: Keep) -> int:
    """A run that creates an image is killed at each request; return how many there are."""
    number = 0
    is_killed = True
    while is_killed:
        number += 1
        is_killed = cloud.killed(functools.partial(run, 'image', **task), number, is_sent)
        await_idle(run, 'image')
        made = keep('image', **task)['image']
        assert (made['labels'], made['description']) == ({}, '')
        keep('image', name='same', state='absent')
    return number


def await_idle(run: Run, kind: str) -> None:
    """Wait until the cloud has done what a run that was killed has requested.

    Before, check mode cannot know that nobody goes on with it.
    """

    def is_idle() -> bool:
        items = run(f'{kind}_info', name='same')[KINDS[kind].plural]
        return not any(item.get('task_state') for item in items)

    await_that(is_idle, f'{kind} same stays busy')


def task_of(kind: str, cloud: CloudUnderTest, image: str) -> Result:
    """The options of a task that creates an item."""
    options = {'name': 'same', **OPTIONS[kind]}
    if kind == 'server':
        options.update(image=image, flavor=cloud.flavor)
    if kind == 'image':
        options['path'] = cloud.image_path
    return options


@pytest.mark.parametrize('kind', OPTIONS)
def test_lost_answer(
    kind: str, cloud: CloudUnderTest, run: Run, keep: Keep, image: str, soak: bool
) -> None:
    """The answer to each request is lost once: what was done all the same is not done twice."""
    created = task_of(kind, cloud, image)
    deleted = {'name': 'same', 'state': 'absent'}
    updates = [{'name': 'same', **options} for options in UPDATES[kind]] if soak else []
    for position, task in enumerate([created, *updates, deleted]):
        number = 0
        is_lost = True
        while is_lost:
            number += 1
            for before in [created, *updates][:position]:
                keep(kind, **before)
            with cloud.lost_answer(number) as lost:
                done = run(kind, **task)
            assert not done.get('failed'), (number, lost, done['msg'])
            assert done['changed'], (number, lost)
            assert not keep(kind, **task)['changed']
            is_lost = bool(lost)
            keep(kind, **deleted)
            if not soak:
                break
        assert number > 1 or lost
