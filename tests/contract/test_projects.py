# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Projects see nothing of each other, whatever their things are named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._model.kinds import KINDS

from .clouds import CloudUnderTest
from .promises import Result, Run
from .test_identity import KEY

Keep = Callable[..., Result]
Tasks = dict[str, dict[str, Any]]
OF_THE_CLOUD = ('keypair', 'flavor')  # where projects have no flavors, and key pairs are of users


@pytest.fixture(scope='module', autouse=True)
def projects(cloud: CloudUnderTest) -> None:
    """The projects of these tests."""
    for name in ('blue', 'red', 'new') if cloud.create_project else ():
        cloud.create_project(name)


@pytest.fixture(scope='module')
def tasks(cloud: CloudUnderTest) -> Tasks:
    """One task of each kind of which projects have their own, in the order of their references."""
    server = {'image': 'same', 'flavor': 'same', 'key_name': 'same', 'state': 'stopped'}
    options: Tasks = {
        'keypair': {'public_key': KEY},
        'flavor': {'vcpus': 1, 'memory': 128, 'disk': 1},
        'init_script': {'content': '#!/bin/sh\n'},
        'image': {'path': cloud.image_path},
        'network': {},
        'security_group': {'rules': [{'preset': 'ssh', 'remote': 'group:same'}]},
        'port': {'network': 'same', 'security_groups': ['same']},
        'server': {**server, 'networks': [{'port': 'same'}], 'init_script': 'same'},
        'volume': {'size': 1, 'server': 'same', 'state': 'attached'},
        'floating_ip': {'server': 'same', 'state': 'attached'},
    }
    lb = {'name': 'entry', 'network': 'same', 'members': ['same'], 'listeners': [{'port': 80}]}
    options['lb'] = lb
    if 'flavors of a project' not in cloud.can:
        for kind in OF_THE_CLOUD:
            del options[kind]
        del options['server']['key_name']
        options['server']['flavor'] = cloud.flavor
    return {kind: {'name': 'same', **rest} for kind, rest in options.items()}


@pytest.fixture(scope='module')
def blue(keep: Keep, tasks: Tasks) -> Iterator[str]:
    """A project with everything; at the end it is empty."""
    try:
        fill(keep, tasks, 'blue')
        yield 'blue'
    finally:
        empty(keep, tasks, 'blue')


def fill(keep: Keep, tasks: Tasks, project: str) -> None:
    """Create everything in a project."""
    for kind, options in tasks.items():
        keep(kind, project=project, **options)


def empty(keep: Keep, tasks: Tasks, project: str) -> None:
    """Delete everything in a project."""
    # volumes after their servers
    for kind in (*(kind for kind in reversed(tasks) if kind != 'volume'), 'volume'):
        keep(kind, project=project, name=tasks[kind]['name'], state='absent')


def listed(run: Run, tasks: Tasks, project: str) -> dict[str, list[Result]]:
    """Everything in a project but what is in each from the beginning."""
    found = {}
    for kind in tasks:
        items = run(f'{kind}_info', project=project)[KINDS[kind].plural]
        found[kind] = [item for item in items if not is_offered(kind, item)]
    return found


def is_offered(kind: str, item: Result) -> bool:
    """Whether every project has an item from the beginning, or it is part of a server."""
    if kind == 'volume':
        return bool(item['bootable'])
    if kind == 'flavor':
        return bool(item['built_in'])
    return not item['created_by'] or (kind == 'security_group' and item['name'] == 'default')


def test_same_names(cloud: CloudUnderTest, run: Run, keep: Keep, tasks: Tasks, blue: str) -> None:
    """Everything exists twice, with other ids and addresses; one project ends, the other stays."""
    before = listed(run, tasks, blue)
    fill(keep, tasks, 'red')
    red = listed(run, tasks, 'red')
    for kind, items in red.items():
        assert [item['name'] for item in items] == [tasks[kind]['name']], kind
        assert len({item['id'] for item in (*items, *before[kind])}) == 2, kind
    assert red['floating_ip'][0]['address'] != before['floating_ip'][0]['address']
    if 'networks of projects that differ' in cloud.can:
        assert red['network'][0]['cidr'] != before['network'][0]['cidr']
    empty(keep, tasks, 'red')
    assert not any(listed(run, tasks, 'red').values())
    assert listed(run, tasks, blue) == before
    for kind, options in tasks.items():
        assert not run(kind, project=blue, **options)['changed'], kind


def test_new_project(run: Run, tasks: Tasks, blue: str) -> None:
    """It has a default security group, with an id that stays, and nothing of the others."""
    assert not any(listed(run, tasks, 'new').values())
    first, second = (
        run('security_group_info', project='new', name='default')['security_groups'][0]
        for _look in range(2)
    )
    # Until the group is recorded, that is the time of the look.
    assert first.pop('created_at') <= second.pop('created_at')
    assert first == second
    assert first['id'] != run('security_group_info', name='default')['security_groups'][0]['id']


def test_all_projects(run: Run, keep: Keep) -> None:
    """Everything of all projects is listed with its project, labels and expressions select of it.

    A task for one project sees that one only, also after the others were listed.
    """
    options = {'name': 'seen', 'labels': {'round': 'all'}}
    projects = ['default', 'blue', 'red']
    created = {one: keep('network', project=one, **options)['network'] for one in projects}
    try:
        found = run('network_info', all_projects=True, labels={'round': 'all'})['networks']
        assert sorted(one['project'] for one in found) == sorted(projects)
        assert {one['project']: one for one in found} == created
        assert run('network_info', name='seen', all_projects=True)['networks'] == found
        query = "[?name == 'seen' && project == 'red'].id"
        answer = run('network_info', all_projects=True, query=query)['networks']
        assert answer == [created['red']['id']]
        seen = run('network_info', project='blue', name='seen')['networks']
        assert seen == [created['blue']]
    finally:
        for one in projects:
            keep('network', project=one, name='seen', state='absent')


@pytest.mark.parametrize('kind', ['server', 'lb', 'port', 'floating_ip', 'volume'])
def test_references(kind: str, run: Run, tasks: Tasks, blue: str) -> None:
    """What another project has does not exist here."""
    predicted = run(kind, check=True, project='new', **tasks[kind])
    assert 'same does not exist' in str(predicted['warnings'])
    done = run(kind, project='new', **tasks[kind])
    assert {error['code'] for error in done['errors']} == {'missing'}
    assert 'same does not exist' in done['msg']


@pytest.mark.parametrize('name', ['', ' ', '../x', 'a b', "x'; DROP TABLE server; --", 'ü'])
def test_bad_names(name: str, run: Run, refused: Callable[..., str]) -> None:
    """A name that is none is refused; a blank one is not set."""
    if not name.strip():
        assert not run('network_info', project=name).get('failed')
    else:
        assert f'project: {name!r} is not a valid name' in refused(
            'security_group', project=name, name='x'
        )
