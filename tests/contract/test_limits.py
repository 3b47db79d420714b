# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What exceeds a quota is refused before anything is created, in check mode as in a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.hanok.cloud.tests.contract.clouds import CloudUnderTest
from ansible_collections.hanok.cloud.tests.contract.promises import Result, Run

pytestmark = pytest.mark.needs('quotas')
Kept = Callable[..., Result]
Refused = Callable[..., str]
LISTENERS = [{'port': 80}]


@pytest.mark.parametrize(
    ('resource', 'more', 'module', 'options', 'need'),
    [
        ('volumes', 0, 'volume', {'size': 1}, '1 more volume is needed'),
        ('volume_size', 1, 'volume', {'size': 2}, '1 volume needs 2 GB of volumes'),
        ('networks', 0, 'network', {'cidr': '10.78.0.0/24'}, '1 more network is needed'),
        ('security_groups', 0, 'security_group', {}, '1 more security group is needed'),
        ('lbs', 0, 'lb', {'listeners': LISTENERS}, '1 more load balancer is needed'),
    ],
)
def test_quota_reached(
    cloud: CloudUnderTest,
    run: Run,
    refused: Refused,
    resource: str,
    more: int,
    module: str,
    options: dict[str, Any],
    need: str,
) -> None:
    """The message tells what is needed, the quota, and who can raise it."""
    assert cloud.limited
    before = cloud.remains()
    with cloud.limited(resource, more):
        text = refused(module, name='wanted', **options)
    assert text.startswith(f'refused: {module}: {need}; the project has '), text
    assert text.endswith(' in use; ask the operator for a larger quota'), text
    assert cloud.remains() == before
    assert run(module, check=True, name='wanted', **options)['changed']


@pytest.mark.parametrize(
    ('resource', 'need'),
    [('servers', '3 more servers are needed'), ('vcpus', '3 servers need 3 vCPUs')],
)
def test_servers_of_a_group_count_together(
    cloud: CloudUnderTest, run: Run, refused: Refused, image: str, resource: str, need: str
) -> None:
    """A quota for two of three servers creates none."""
    assert cloud.limited
    options = {'name': 'web', 'count': 3, 'image': image, 'flavor': cloud.flavor}
    with cloud.limited(resource, 2):
        assert f'server: {need}; ' in refused('server', **options)
        assert run('server', check=True, **{**options, 'count': 2})['changed']


def test_growth_is_refused_and_other_changes_are_not(
    cloud: CloudUnderTest, keep: Kept, refused: Refused
) -> None:
    """Only what grows counts, by how much it grows."""
    assert cloud.limited
    keep('volume', name='data', size=1)
    with cloud.limited('volume_size', 1):
        assert '1 volume needs 2 GB of volumes' in refused('volume', name='data', size=3)
        keep('volume', name='data', description='it is as large as it was')
        keep('volume', name='data', size=2)
    keep('volume', name='data', state='absent')
