# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images and flavors that projects share: others create servers from them, and change none."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ansible_collections.hanok.cloud.tests.contract.clouds import CloudUnderTest
from ansible_collections.hanok.cloud.tests.contract.promises import Result, Run

pytestmark = pytest.mark.needs('projects')
Keep = Callable[..., Result]
Refused = Callable[..., str]
SERVER = {'name': 'web', 'image': 'base', 'flavor': 'g1.nano', 'state': 'stopped'}


@pytest.fixture
def base(cloud: CloudUnderTest, run: Run, keep: Keep) -> Iterator[Callable[..., Result]]:
    """An image of the project maker; at the end the projects are deleted."""

    def shared(**options: object) -> Result:
        return keep('image', name='base', project='maker', **options)['image']

    shared(path=cloud.image_path)
    yield shared
    for project in ('user', 'maker'):
        for kind in ('server', 'image', 'network'):
            for item in run(f'{kind}_info', project=project)[f'{kind}s']:
                if not item.get('owner'):
                    keep(kind, name=item['name'], state='absent', project=project)
        keep('project', name=project, state='absent')


def seen(run: Run, project: str) -> list[Result]:
    """The images of this name that a project sees."""
    found: list[Result] = run('image_info', name='base', project=project)['images']
    return found


def test_visibility(run: Run, base: Callable[..., Result]) -> None:
    """Private, for some projects, for all of them, and private again."""
    assert seen(run, 'user') == []
    shared = base(shared_with=['user', 'other'])
    assert (shared['visibility'], shared['shared_with']) == ('shared', ['other', 'user'])
    (found,) = seen(run, 'user')
    assert (found['id'], found['owner'], found['used_by']) == (shared['id'], 'maker', [])
    assert seen(run, 'third') == []
    base(shared_with=['other'])
    assert seen(run, 'user') == []
    public = base(visibility='public')
    assert (public['visibility'], public['shared_with'], public['owner']) == ('public', [], '')
    (third,) = seen(run, 'third')
    assert (third['id'], third['owner']) == (public['id'], 'maker')
    everywhere = run('image_info', name='base', all_projects=True)['images']
    assert {one['id'] for one in everywhere} == {public['id']}
    base(visibility='private')
    assert seen(run, 'user') == []


def test_use(run: Run, keep: Keep, refused: Refused, base: Callable[..., Result]) -> None:
    """Servers of others are made of it; it is theirs until they are gone."""
    base(shared_with=['user'])
    keep('network', name='default', project='user')
    server = keep('server', **SERVER, project='user')['server']
    assert server['image'] == 'base'
    (own,) = seen(run, 'maker')
    assert own['used_by'] == ['user/web']
    assert seen(run, 'user')[0]['used_by'] == ['web']
    text = 'image base is used by user/web; share it with user, or delete that server first'
    for options in ({'visibility': 'private'}, {'shared_with': ['other']}):
        assert text in refused('image', name='base', project='maker', **options)
    assert 'image base is used by user/web' in refused(
        'image', name='base', project='maker', state='absent'
    )
    keep('server', name='web', state='absent', project='user')


def test_names(cloud: CloudUnderTest, run: Run, keep: Keep, base: Callable[..., Result]) -> None:
    """Only its project changes it; an image of the same name goes before it."""
    shared = base(visibility='public')
    assert not run('image', name='base', state='absent', project='user')['changed']
    own = run('image', name='base', path=cloud.image_path, project='user')['image']
    assert own['id'] != shared['id']
    assert [one['id'] for one in seen(run, 'user')] == [own['id']]
    run('image', name='base', description='of the user', project='user')
    assert seen(run, 'maker') == [shared]
    run('image', name='base', state='absent', project='user')
    assert [one['id'] for one in seen(run, 'user')] == [shared['id']]


def test_refused(
    cloud: CloudUnderTest, refused: Refused, keep: Keep, base: Callable[..., Result]
) -> None:
    """Words that contradict each other; where the host has admins, only they publish."""
    image = {'name': 'base', 'project': 'maker'}
    assert 'shared_with: it requires visibility: shared, not public' in refused(
        'image', **image, visibility='public', shared_with=['user']
    )
    assert "shared_with: 'a b' is not a valid name" in refused(
        'image', **image, shared_with=['a b']
    )
    members = [{'name': 'alice', 'role': 'admin'}]
    assert cloud.name_admins
    keep('project', name='maker', members=members, actor='alice')
    with cloud.name_admins('dora'):
        assert 'image base: only an admin of the host may make it public, and alice is none' in (
            refused('image', **image, visibility='public', actor='alice')
        )
        keep('image', **image, shared_with=['user'], actor='alice')
        keep('image', **image, visibility='public', actor='dora')
        keep('image', name='base', state='absent', project='maker', actor='alice')
        keep('project', name='maker', state='absent', actor='dora')


@pytest.fixture
def big(run: Run, keep: Keep, base: Callable[..., Result]) -> Iterator[Callable[..., Result]]:
    """A flavor of the project maker, which has a public image; at the end it is deleted."""
    base(visibility='public')
    keep('network', name='default', project='user')

    def shared(**options: object) -> Result:
        return keep('flavor', name='big', project='maker', **options)['flavor']

    shared(vcpus=1, memory=128, disk=1)
    yield shared
    run('server', name='web', state='absent', project='user')
    for project in ('user', 'maker'):
        for flavor in run('flavor_info', name='big', project=project)['flavors']:
            if not flavor['owner']:
                keep('flavor', name='big', state='absent', project=project)


def flavors(run: Run, project: str) -> list[Result]:
    """The flavors of this name that a project sees."""
    found: list[Result] = run('flavor_info', name='big', project=project)['flavors']
    return found


def test_flavor(run: Run, keep: Keep, refused: Refused, big: Callable[..., Result]) -> None:
    """Who may not use it is told so as of an unknown one; its servers keep it."""
    web = {**SERVER, 'flavor': 'big', 'project': 'user'}
    assert flavors(run, 'user') == []
    assert 'flavor big does not exist' in run('server', **web)['msg']
    assert 'flavor big does not exist' in str(run('server', check=True, **web)['warnings'])
    shared = big(shared_with=['user', 'other'])
    assert (shared['visibility'], shared['shared_with']) == ('shared', ['other', 'user'])
    (seen_by_user,) = flavors(run, 'user')
    assert (seen_by_user['id'], seen_by_user['owner']) == (shared['id'], 'maker')
    assert flavors(run, 'third') == []
    assert keep('server', **web)['server']['flavor'] == 'big'
    assert [one['used_by'] for one in flavors(run, 'maker')] == [['user/web']]
    assert [one['used_by'] for one in flavors(run, 'user')] == [['web']]
    text = 'flavor big is used by user/web; share it with user, or delete that server first'
    for options in ({'visibility': 'private'}, {'shared_with': ['other']}):
        assert text in refused('flavor', name='big', project='maker', **options)
    assert 'flavor big is used by user/web' in refused(
        'flavor', name='big', project='maker', state='absent'
    )
    keep('flavor', name='big', project='maker', visibility='public', limits={'disk_iops': 500})
    assert run('server_info', name='web', project='user')['servers'][0]['status'] == 'SHUTOFF'
    assert not run('server', **web)['changed']
    (third,) = flavors(run, 'third')
    assert (third['owner'], third['used_by'], third['visibility']) == ('maker', [], 'public')
    keep('server', name='web', state='absent', project='user')
    big(visibility='private')
    assert flavors(run, 'user') == []


def test_names_of_flavors(
    run: Run, keep: Keep, refused: Refused, big: Callable[..., Result]
) -> None:
    """Only its project changes it; no name means two flavors for a server."""
    size = {'name': 'big', 'vcpus': 1, 'memory': 256, 'disk': 1, 'project': 'user'}
    shared = big(visibility='public')
    assert not run('flavor', name='big', state='absent', project='user')['changed']
    keep('server', **{**SERVER, 'flavor': 'big'}, project='user')
    text = 'name: the flavor big of the project maker is used by web; use another name'
    assert text in refused('flavor', **size)
    keep('server', name='web', state='absent', project='user')
    own = keep('flavor', **size)['flavor']
    assert (own['visibility'], own['owner'], own['memory']) == ('private', '', 256)
    assert [one['id'] for one in flavors(run, 'user')] == [own['id']]
    assert 'visibility: the project maker shares a flavor big, too' in refused(
        'flavor', name='big', visibility='public', project='user'
    )
    assert flavors(run, 'maker') == [shared]
    keep('flavor', name='big', state='absent', project='user')
    assert [one['id'] for one in flavors(run, 'user')] == [shared['id']]


def test_public_flavors(cloud: CloudUnderTest, keep: Keep, refused: Refused) -> None:
    """Where the host has admins, only they publish."""
    flavor = {'name': 'big', 'project': 'maker'}
    members = [{'name': 'alice', 'role': 'admin'}]
    assert cloud.name_admins
    keep('project', name='maker', members=members, actor='alice')
    with cloud.name_admins('dora'):
        assert 'flavor big: only an admin of the host may make it public, and alice is none' in (
            refused(
                'flavor', **flavor, vcpus=1, memory=64, disk=1, visibility='public', actor='alice'
            )
        )
        keep('flavor', **flavor, vcpus=1, memory=64, disk=1, shared_with=['user'], actor='alice')
        keep('flavor', **flavor, visibility='public', actor='dora')
        keep('flavor', **flavor, state='absent', actor='alice')
        keep('project', name='maker', state='absent', actor='dora')
