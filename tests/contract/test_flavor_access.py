# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Flavors that an OpenStack lets some projects use: its access list (os-flavor-access)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.hanok.cloud.tests.contract import promises
from ansible_collections.hanok.cloud.tests.contract.clouds import CloudUnderTest
from ansible_collections.hanok.cloud.tests.contract.promises import Run

pytestmark = pytest.mark.needs('requests')
Refused = Callable[..., str]
SIZE = {'name': 'ours', 'vcpus': 1, 'memory': 128, 'disk': 1}


def test_access(run: Run, refused: Refused) -> None:
    """Each project sees what it may use; what Nova or Keystone cannot do is refused."""

    def seen(cloud: str) -> list[str]:
        found = run('flavor_info', name='ours', cloud=cloud)['flavors']
        return [one['visibility'] for one in found]

    def all_seen() -> tuple[list[str], ...]:
        return seen('devstack-admin'), seen('devstack'), seen('devstack-other')

    private = promises.keep(run, 'flavor', **SIZE)['flavor']
    assert all_seen() == (['private'], [], [])
    shared = promises.keep(run, 'flavor', name='ours', shared_with=['other', 'demo'])['flavor']
    assert (shared['id'], shared['shared_with']) == (private['id'], ['demo', 'other'])
    assert all_seen() == (['shared'], ['private'], ['private'])
    promises.keep(run, 'flavor', name='ours', shared_with=['demo'], description='for one of them')
    assert all_seen() == (['shared'], ['private'], [])
    text = refused('flavor', name='ours', shared_with=['demo', 'nobody'])
    assert 'has no project nobody in the domain of' in text
    assert 'ours is shared, and Nova makes no flavor public later' in refused(
        'flavor', name='ours', visibility='public'
    )
    assert 'would be shared with nobody' in refused('flavor', name='ours', shared_with=[])
    promises.keep(run, 'flavor', name='ours', visibility='private')
    assert all_seen() == (['private'], [], [])
    promises.keep(run, 'flavor', name='ours', state='absent')
    promises.keep(run, 'flavor', **SIZE, visibility='public')
    assert all_seen() == (['public'], ['public'], ['public'])
    promises.keep(run, 'flavor', name='ours', state='absent')


@pytest.mark.parametrize('number', range(1, 6))
def test_killed(cloud: CloudUnderTest, run: Run, number: int) -> None:
    """A run that was killed after a request is completed by the next one."""
    assert cloud.killed
    options = {**SIZE, 'shared_with': ['demo'], 'cloud': 'devstack-admin'}
    cloud.killed(lambda: run('flavor', **options), number, True)
    assert promises.keep(run, 'flavor', **options)['flavor']['shared_with'] == ['demo']
    assert len(run('flavor_info', name='ours', cloud='devstack')['flavors']) == 1
    promises.keep(run, 'flavor', name='ours', state='absent')
