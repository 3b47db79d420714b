# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Projects are declared, get quotas that no task exceeds, and are deleted when they are empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.hanok.cloud.tests.contract.clouds import CloudUnderTest
from ansible_collections.hanok.cloud.tests.contract.promises import Result, Run

pytestmark = pytest.mark.needs('projects')
Keep = Callable[..., Result]
Refused = Callable[..., str]
SHOP = {'project': 'shop'}


@pytest.fixture
def shop(run: Run, keep: Keep) -> Iterator[Callable[..., Result]]:
    """Give the project quotas; at the end it is empty, and deleted."""
    yield lambda **quotas: keep('project', name='shop', quotas=quotas)
    for kind in ('image', 'volume', 'network', 'security_group'):
        for item in run(f'{kind}_info', **SHOP)[f'{kind}s']:
            if item['name'] != 'default' or kind != 'security_group':
                keep(kind, name=item['name'], state='absent', **SHOP)
    keep('project', name='shop', state='absent')


def known(run: Run, name: str) -> Result | None:
    """A project, if it exists."""
    found = run('project_info', name=name)['projects']
    return found[0] if found else None


def test_declared_or_not(run: Run, keep: Keep) -> None:
    """A project exists with its first resource, is declared as it is, and ends when it is empty."""
    assert known(run, 'shop') is None
    assert not keep('project', name='shop', state='absent')['changed']
    keep('network', name='back', **SHOP)
    found = known(run, 'shop')
    assert found
    assert (found['id'], found['quotas'], found['used']) == ('', {}, {'networks': 1})
    declared = keep('project', name='shop', description='of the shop')['project']
    assert declared['id']
    assert declared['used'] == {'networks': 1}
    keep('network', name='back', state='absent', **SHOP)
    assert keep('project', name='shop', state='absent')['project'] is None
    assert known(run, 'shop') is None
    assert not run('network_info', **SHOP)['networks']


def test_all_are_listed(run: Run, shop: Callable[..., Result]) -> None:
    """By name, by labels, and all of them."""
    shop()
    names = run('project_info', query='[].name')['projects']
    assert {'default', 'shop'} <= set(names)
    assert run('project_info', labels={'tier': 'none'})['projects'] == []


def test_quotas_are_set_one_by_one(shop: Callable[..., Result]) -> None:
    """What is left out stays, -1 is no limit."""
    assert shop(servers=2, lbs=0)['project']['quotas'] == {'servers': 2, 'lbs': 0}
    assert shop(vcpus=8)['project']['quotas'] == {'servers': 2, 'vcpus': 8, 'lbs': 0}
    assert shop(servers=-1, vcpus=-1)['project']['quotas'] == {'lbs': 0}


@pytest.mark.parametrize(
    ('quota', 'most', 'module', 'options', 'need'),
    [
        ('volumes', 0, 'volume', {'size': 1}, '1 more volume is needed'),
        ('volume_size', 1, 'volume', {'size': 2}, '1 volume needs 2 GB of disk space'),
        ('networks', 0, 'network', {}, '1 more network is needed'),
        ('security_groups', 0, 'security_group', {}, '1 more security group is needed'),
        (
            'security_group_rules',
            1,
            'security_group',
            {'rules': [{'preset': 'ssh'}, {'preset': 'http'}]},
            '1 security group needs 2 rules',
        ),
        ('floating_ips', 0, 'floating_ip', {}, '1 more floating IP is needed'),
    ],
)
def test_quota_reached(
    run: Run,
    refused: Refused,
    shop: Callable[..., Result],
    quota: str,
    most: int,
    module: str,
    options: dict[str, Any],
    need: str,
) -> None:
    """The message tells what is needed and what there is; other projects are not concerned."""
    shop(**{quota: most})
    text = refused(module, name='wanted', **options, **SHOP)
    assert text.startswith(f'refused: {module}: {need}; the project'), text
    assert f' has {most}, 0 in use; ' in text
    assert run(module, check=True, name='wanted', **options)['changed']
    shop(**{quota: -1})
    assert run(module, check=True, name='wanted', **options, **SHOP)['changed']


def test_servers_of_a_group_count_together(
    cloud: CloudUnderTest, run: Run, keep: Keep, refused: Refused, shop: Callable[..., Result]
) -> None:
    """They are told what fits by capacity_info, too."""
    keep('image', name='small', path=cloud.image_path, **SHOP)
    keep('network', name='default', **SHOP)
    group = {'name': 'web', 'image': 'small', 'flavor': 'g1.nano', 'floating_ip': 'auto', **SHOP}
    for quota, most, need in (
        ('servers', 2, '3 more servers are needed'),
        ('vcpus', 2, '3 servers need 3 vCPUs'),
        ('memory', 256, '3 servers need 384 MiB of memory'),
        ('ports', 2, '3 servers need 3 ports'),
        ('volume_size', 2, '3 servers need 3 GB of disk space'),
        ('floating_ips', 2, '3 servers need 3 floating IPs'),
    ):
        shop(**{quota: most})
        assert f'server: {need}; the project' in refused('server', count=3, **group)
        assert run('server', check=True, count=2, **group)['changed']
        fits = run('capacity_info', **SHOP)['capacity']['fits']['g1.nano']
        assert fits == 2 or quota == 'floating_ips'
        shop(**{quota: -1})


def test_growth_is_refused_and_other_changes_are_not(
    keep: Keep, refused: Refused, shop: Callable[..., Result]
) -> None:
    """What exists stays when the quota becomes lower."""
    keep('volume', name='data', size=2, **SHOP)
    shop(volume_size=1)
    assert '1 volume needs 1 GB of disk space' in refused('volume', name='data', size=3, **SHOP)
    keep('volume', name='data', description='it is as large as it was', **SHOP)


def test_at_once(cloud: CloudUnderTest, run: Run, shop: Callable[..., Result]) -> None:
    """Tasks that fit each by itself do not exceed a quota together."""
    if cloud.at_once is None:
        pytest.skip(f'tasks in {cloud.name} run one after another')
    shop(volumes=2, volume_size=3)
    tasks = [('volume', {'name': f'data-{number}', 'size': 1, **SHOP}) for number in range(5)]
    results = cloud.at_once(tasks)
    failed = [result for result in results if result.get('failed')]
    assert len(failed) == 3
    assert {error['code'] for result in failed for error in result['errors']} == {'refused'}
    assert len(run('volume_info', **SHOP)['volumes']) == 2


def test_refused(keep: Keep, refused: Refused, shop: Callable[..., Result]) -> None:
    """A project that holds something stays, and that of tasks that name none."""
    shop()
    keep('volume', name='data', size=1, **SHOP)
    assert refused('project', name='shop', state='absent').startswith(
        'refused: project shop holds 1 volume; delete those first (project: shop)'
    )
    assert 'state: the project default is that of tasks that name none; it stays' in refused(
        'project', name='default', state='absent'
    )
    assert (
        'quotas: servers: -2 is out of range; use 0 to 2147483647, or -1 for no limit'
        in refused('project', name='shop', quotas={'servers': -2})
    )
