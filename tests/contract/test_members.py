# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the members of a project may do in it by their roles, and what the admins of a host may."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._model.kinds import KINDS
from ansible_collections.hanok.cloud.tests.contract.clouds import CloudUnderTest
from ansible_collections.hanok.cloud.tests.contract.promises import Result, Run

pytestmark = pytest.mark.needs('projects')
Keep = Callable[..., Result]
Refused = Callable[..., str]
MEMBERS = [{'name': 'alice', 'role': 'admin'}, {'name': 'bob'}]
ALICE = {'project': 'team', 'actor': 'alice'}
BOB = {'project': 'team', 'actor': 'bob'}
CAROL = {'project': 'team', 'actor': 'carol'}
PUBLISH = 'create or change its floating IP'


@pytest.fixture
def team(run: Run, keep: Keep) -> Iterator[Result]:
    """A project of alice, its admin, and bob."""
    yield keep('project', name='team', members=MEMBERS, actor='alice')['project']
    for kind in ('server', 'floating_ip', 'lb', 'image', 'port', 'network', 'keypair'):
        for item in run(f'{kind}_info', **ALICE)[f'{kind}s']:
            done = run(kind, name=item['name'], state='absent', **{**ALICE, **owner(kind, item)})
            assert not done.get('failed'), done['msg']
    keep('project', name='team', state='absent', actor='alice')


def owner(kind: str, item: Result) -> dict[str, str]:
    """Who deletes an item, if it is not the admin."""
    return {'actor': item['created_by']} if kind == 'keypair' else {}


def denied(what: str, action: str) -> str:
    """A refusal for bob."""
    text = f'{what}: only an admin of the project team may {action}'
    return f'{text}, and bob is a member; ask alice, who may do it'


def test_members_are_shown(run: Run, keep: Keep, team: Result) -> None:
    """By name, and kept if they are left out."""
    shown = [{'name': 'alice', 'role': 'admin'}, {'name': 'bob', 'role': 'member'}]
    assert team['members'] == shown
    assert not keep('project', name='team', members=MEMBERS[::-1], actor='alice')['changed']
    described = keep('project', name='team', description='ours', actor='alice')['project']
    assert described['members'] == shown
    assert run('project_info', name='team', actor='bob')['projects'] == [described]


def test_floating_ips(
    cloud: CloudUnderTest, run: Run, keep: Keep, refused: Refused, team: Result
) -> None:
    """A member has everything but the way from outside."""
    keep('network', name='default', **BOB)
    keep('image', name='small', path=cloud.image_path, **BOB)
    server = {'name': 'web', 'image': 'small', 'flavor': 'g1.nano', 'state': 'stopped'}
    text = denied('server web', PUBLISH)
    assert text in refused('server', **server, floating_ip='auto', **BOB)
    keep('server', **server, **BOB)
    listeners = [{'port': 80}]
    assert denied('load balancer front', PUBLISH) in refused(
        'lb', name='front', listeners=listeners, floating_ip='auto', **BOB
    )
    assert denied('floating IP entry', 'create, change or delete it') in refused(
        'floating_ip', name='entry', **BOB
    )
    public = keep('server', name='web', floating_ip='auto', **ALICE)['server']
    assert not run('server', name='web', floating_ip='auto', **BOB)['changed']
    keep('server', name='web', description='of bob', **BOB)
    address = public['floating_ip']
    for options in ({'floating_ip': 'none'}, {'state': 'absent'}):
        assert text in refused('server', name='web', **options, **BOB)
    assert denied(f'floating IP {address}', 'create, change or delete it') in refused(
        'floating_ip', address=address, state='absent', **BOB
    )
    keep('server', name='web', state='absent', **ALICE)


def test_others(run: Run, refused: Refused, team: Result) -> None:
    """They change nothing, and see nothing."""
    text = 'carol has no role in the project team; ask alice, who may do it'
    assert text in refused('network', name='back', **CAROL)
    assert text in refused('project', name='team', actor='carol')
    looks = [f'{kind.name}_info' for kind in KINDS.values() if kind.is_networked]
    for module in (*looks[:-1], 'topology_info', 'capacity_info', 'history_info'):
        done = run(module, **CAROL)
        assert (done['failed'], done['errors'][0]['option']) == (True, 'actor')
        assert text in done['msg']
    assert run('project_info', name='team', actor='carol')['projects'] == []
    everything = run('security_group_info', all_projects=True, actor='carol')['security_groups']
    assert 'team' not in [group['project'] for group in everything]
    everything = run('security_group_info', all_projects=True, actor='alice')['security_groups']
    assert {'team', 'default'} <= {group['project'] for group in everything}


def test_the_project(keep: Keep, refused: Refused, team: Result) -> None:
    """Only its admins change it; none of them locks the project."""
    text = denied('project team', 'change it')
    assert text in refused('project', name='team', description='mine', actor='bob')
    assert text in refused('project', name='team', state='absent', actor='bob')
    assert 'members: none of them is an admin; give one of them the role admin' in refused(
        'project', name='team', members=[{'name': 'alice'}], actor='alice'
    )
    assert 'members: bob is listed twice; keep one' in refused(
        'project', name='team', members=[*MEMBERS, {'name': 'bob'}], actor='alice'
    )
    assert 'members: alice, who runs this task (actor), would be no admin of the' in refused(
        'project', name='team', members=[{'name': 'bob', 'role': 'admin'}], actor='alice'
    )
    both = [{'name': name, 'role': 'admin'} for name in ('alice', 'bob')]
    keep('project', name='team', members=both, actor='alice')
    keep('project', name='team', members=MEMBERS, actor='alice')


def test_key_pairs(keep: Keep, refused: Refused, run: Run, team: Result) -> None:
    """They belong to who created them, also for an admin."""
    key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f'
    keep('keypair', name='own', public_key=key, **BOB)
    assert 'keypair own belongs to bob' in refused('keypair', name='own', state='absent', **ALICE)


def test_admins_of_the_host(
    cloud: CloudUnderTest, run: Run, keep: Keep, refused: Refused, team: Result
) -> None:
    """They declare projects and set quotas, and use those without members, as nobody else does."""
    assert cloud.name_admins
    asked = 'ask dora, who may do it as admin of the host'
    with cloud.name_admins('dora'):
        assert f'alice has no role in the project default; {asked}' in refused(
            'network', name='back', actor='alice'
        )
        assert (
            f'only an admin of the host may create, delete or limit it, and alice is none; {asked}'
            in refused('project', name='team', quotas={'servers': 1}, actor='alice')
        )
        assert asked in refused('project', name='team', state='absent', actor='alice')
        assert asked in refused('project', name='own', actor='alice')
        keep('project', name='team', description='of alice', actor='alice')
        keep('project', name='team', quotas={'servers': 1}, actor='dora')
        keep('network', name='back', project='team', actor='dora')
        names = {one['name'] for one in run('project_info', actor='dora')['projects']}
        assert {'default', 'team'} <= names
        assert [one['name'] for one in run('project_info', actor='bob')['projects']] == ['team']
        found = run('network_info', all_projects=True, actor='alice')['networks']
        assert {one['project'] for one in found} == {'team'}
        keep('project', name='team', quotas={'servers': -1}, actor='dora')
