# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images that projects share: others create servers from them, and change nothing of them."""

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
