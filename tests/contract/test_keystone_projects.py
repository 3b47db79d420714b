# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Projects of Keystone, with the users in them, and the quotas that each service keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ansible_collections.hanok.cloud.tests.contract.clouds import CloudUnderTest
from ansible_collections.hanok.cloud.tests.contract.promises import Result, Run

pytestmark = pytest.mark.needs('requests')
Keep = Callable[..., Result]
Refused = Callable[..., str]
MEMBERS = [{'name': 'demo', 'role': 'admin'}, {'name': 'other'}]


@pytest.fixture
def shop(run: Run, keep: Keep) -> Iterator[Callable[..., Result]]:
    """Keep the project shop with options; at the end it is deleted."""
    yield lambda **options: keep('project', name='shop', **options)['project']
    keep('project', name='shop', state='absent')
    assert run('project_info', name='shop')['projects'] == []


def test_project(run: Run, keep: Keep, shop: Callable[..., Result]) -> None:
    """Created, described, with quotas of all services, and users who can use it at once."""
    created = shop(labels={'cost': '4711'}, quotas={'servers': 3, 'networks': 2})
    assert (created['labels'], created['members']) == ({'cost': '4711'}, None)
    quotas = created['quotas']
    assert (quotas['servers'], quotas['networks']) == (3, 2)
    assert quotas['vcpus'] > 0  # of the operator
    more = {'memory': 4096, 'volumes': 4, 'volume_size': 50, 'lbs': 1, 'servers': -1}
    shop(quotas=more, description='of the shop')
    found = run('project_info', name='shop')['projects'][0]
    assert {name: found['quotas'].get(name, -1) for name in more} == more
    assert (found['description'], found['labels']) == ('of the shop', {'cost': '4711'})
    assert shop(members=MEMBERS)['members'] == [MEMBERS[0], {'name': 'other', 'role': 'member'}]
    (seen,) = run('project_info', name='shop', cloud='devstack-other')['projects']
    assert seen['id'] == created['id']
    shop(members=[MEMBERS[0]])
    assert run('project_info', name='shop', cloud='devstack-other')['projects'] == []
    own = run('project_info', name='default')['projects'][0]
    assert own['id'] not in ('', created['id'])


def test_what_is_in_it(run: Run, keep: Keep, refused: Refused) -> None:
    """It is not deleted while something is in it."""
    keep('project', name='store', members=MEMBERS)
    inner = {'name': 'inner', 'cloud': 'devstack', 'project': 'store'}
    assert not run('network', **inner).get('failed')
    assert run('project_info', name='store')['projects'][0]['used']['networks'] == 1
    assert 'project store holds 1 network' in refused('project', name='store', state='absent')
    assert run('network', **inner, state='absent')['changed']
    keep('project', name='store', state='absent')


def test_refused(refused: Refused, run: Run) -> None:
    """Who is no administrator, users and quotas that there are not."""
    text = refused('project', name='shop', cloud='devstack')
    assert 'lets only its administrators manage projects' in text
    members = [{'name': 'nobody', 'role': 'admin'}]
    assert 'has no user nobody in the domain' in refused('project', name='shop', members=members)
    quotas = {'server_snapshots': 1}
    assert 'has none for server_snapshots' in refused('project', name='shop', quotas=quotas)
    names = [one['name'] for one in run('project_info', cloud='devstack')['projects']]
    assert 'default' in names
    assert 'other' not in names


@pytest.mark.parametrize('number', range(1, 7))
def test_killed(cloud: CloudUnderTest, run: Run, shop: Callable[..., Result], number: int) -> None:
    """A run that was killed after a request is completed by the next one."""
    assert cloud.killed
    options = {'members': MEMBERS, 'quotas': {'servers': 3, 'networks': 2, 'volumes': 1, 'lbs': 1}}
    cloud.killed(lambda: run('project', name='shop', **options), number, True)
    assert [one['name'] for one in shop(**options)['members'] or []] == ['demo', 'other']
    assert run('project_info', name='shop')['projects'][0]['quotas']['servers'] == 3
