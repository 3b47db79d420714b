# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every action in every status of a server: done, nothing to do, or refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._model.status import Status
from ansible_collections.hanok.cloud.tests.contract import promises
from ansible_collections.hanok.cloud.tests.contract.clouds import CloudUnderTest
from ansible_collections.hanok.cloud.tests.contract.promises import Result, Run

Keep = Callable[..., Result]
Refused = Callable[..., str]
EVENTS = ('reboot_soft', 'reboot_hard', 'rebuild')
FORCED = ('stop', 'reboot_soft', 'shelve', 'resize', 'revert_resize', 'rescue', 'unrescue')
ACTIONS = (
    *('start', 'stop', 'reboot_soft', 'reboot_hard', 'pause', 'unpause', 'shelve', 'unshelve'),
    *('resize', 'confirm_resize', 'revert_resize', 'rebuild', 'rescue', 'unrescue'),
)
# The status after each action; those that are not here are refused.
EXPECTED: dict[Status, dict[str, str]] = {
    Status.ACTIVE: {
        **dict.fromkeys(ACTIONS, 'ACTIVE'),
        'stop': 'SHUTOFF',
        'pause': 'PAUSED',
        'shelve': 'SHELVED_OFFLOADED',
        'resize': 'VERIFY_RESIZE',
        'rescue': 'RESCUE',
    },
    Status.SHUTOFF: {
        **dict.fromkeys(('stop', 'confirm_resize', 'revert_resize', 'rebuild'), 'SHUTOFF'),
        'start': 'ACTIVE',
        'reboot_hard': 'ACTIVE',
        'shelve': 'SHELVED_OFFLOADED',
        'resize': 'VERIFY_RESIZE',
        'rescue': 'RESCUE',
    },
    Status.PAUSED: {'pause': 'PAUSED', 'unpause': 'ACTIVE', 'reboot_hard': 'ACTIVE'},
    Status.SUSPENDED: {'unpause': 'ACTIVE', 'reboot_hard': 'ACTIVE'},
    Status.RESCUE: {'rescue': 'RESCUE', 'unrescue': 'ACTIVE'},
    Status.SHELVED: {'shelve': 'SHELVED', 'unshelve': 'ACTIVE'},
    Status.SHELVED_OFFLOADED: {'shelve': 'SHELVED_OFFLOADED', 'unshelve': 'ACTIVE'},
    Status.VERIFY_RESIZE: {
        'resize': 'VERIFY_RESIZE',
        'confirm_resize': 'ACTIVE',
        'revert_resize': 'ACTIVE',
    },
    Status.BUILD: {},
    Status.ERROR: {'reboot_hard': 'ACTIVE'},
    Status.UNMANAGED: {},
}
# Those that are possible with force only.
WITH_FORCE: dict[Status, dict[str, str]] = {
    Status.SHUTOFF: {'reboot_soft': 'ACTIVE'},
    Status.PAUSED: {'stop': 'SHUTOFF', 'reboot_soft': 'ACTIVE', 'shelve': 'SHELVED_OFFLOADED'},
    Status.SUSPENDED: {'reboot_soft': 'ACTIVE'},
    Status.ERROR: {'reboot_soft': 'ACTIVE'},
}


def options_of(cloud: CloudUnderTest, action: str) -> Result:
    """The options of an action on the server one. Its guest has not booted: it is powered off."""
    options: Result = {'name': 'one', 'action': action}
    if action == 'resize':
        options['flavor'] = cloud.larger_flavor
    if action in FORCED and 'power off' in cloud.can:
        options['force'] = True
    return options


def act(run: Run, **options: Any) -> Result:
    """Do it as predicted; the second time there is nothing to do, unless it is an event."""
    if options['action'] not in EVENTS:
        return promises.keep(run, 'server_action', **options)
    predicted, done = (run('server_action', check=check, **options) for check in (True, False))
    assert not done.get('failed'), done['msg']
    assert (predicted['changed'], predicted['diff']) == (done['changed'], done['diff'])
    assert done['changed']
    return done


@pytest.mark.parametrize('status', Status)
def test_actions(
    cloud: CloudUnderTest, keep: Keep, refused: Refused, run: Run, server: Keep, status: Status
) -> None:
    """In each status, each action has its result; refusals touch nothing."""
    if status not in cloud.statuses:
        pytest.skip(f'no server of {cloud.name} can be set to {status}')
    assert cloud.set_status
    # Nova rescues few servers with a root volume; another root disk grows with the flavor,
    # and never shrinks.
    size = {'volume_size': 2} if status == Status.VERIFY_RESIZE else {}
    created = server('one', **size)['server']
    expected = EXPECTED[status]
    if 'power off' in cloud.can:
        expected = {**expected, **WITH_FORCE.get(status, {})}
    cloud.set_status('one', status)
    before = run('server_info', name='one')['servers'][0]
    for action in ACTIONS:
        if action not in expected:
            text = refused('server_action', **options_of(cloud, action))
            assert text.startswith(f'refused: server one is {status}'), action
    assert run('server_info', name='one')['servers'][0] == before
    now = status.value
    for action, after in expected.items():
        if now != status:
            cloud.set_status('one', status)
        shown = act(run, **options_of(cloud, action))['servers'][0]
        assert (action, shown['status']) == (action, after)
        now = shown['status']
        assert shown == run('server_info', name='one')['servers'][0]
    cloud.set_status('one', Status.ACTIVE)
    shown = run('server_info', name='one')['servers'][0]
    kept = ('id', 'fixed_ip', 'networks', 'image', 'created_at', *size)
    assert {key: shown[key] for key in kept} == {key: created[key] for key in kept}


def test_resize(cloud: CloudUnderTest, refused: Refused, run: Run, server: Keep) -> None:
    """A resize is seen, and is reverted or confirmed."""
    created = server('one', volume_size=2)['server']
    larger = act(run, **options_of(cloud, 'resize'))['servers'][0]
    assert (larger['status'], larger['flavor']) == ('VERIFY_RESIZE', cloud.larger_flavor)
    assert larger['resized_from'] == created['flavor']
    assert not larger['billable']
    assert 'confirm resize, revert resize' in refused('server', name='one', labels={'a': 'b'})
    same = act(run, **options_of(cloud, 'revert_resize'))['servers'][0]
    assert {**same, 'outdated': []} == {**created, 'outdated': []}
    act(run, **options_of(cloud, 'resize'))
    confirmed = act(run, **options_of(cloud, 'confirm_resize'))['servers'][0]
    assert (confirmed['status'], confirmed['flavor']) == ('SHUTOFF', cloud.larger_flavor)
    assert confirmed['resized_from'] is None


@pytest.mark.needs('servers without flavors')
def test_resize_without_a_flavor(refused: Refused, run: Run, server: Keep) -> None:
    """A resize to vCPUs and memory; what was before is reverted to."""
    created = server('one')['server']
    sized = {'name': 'one', 'action': 'resize', 'vcpus': 2, 'memory': 600}
    custom = act(run, **sized)['servers'][0]
    shown = [custom[key] for key in ('flavor', 'vcpus', 'memory', 'resized_from')]
    assert shown == [None, 2, 600, created['flavor']]
    act(run, name='one', action='confirm_resize')
    act(run, name='one', action='resize', flavor=created['flavor'])
    act(run, name='one', action='revert_resize')
    reverted = run('server_info', name='one')['servers'][0]
    assert reverted == {**custom, 'status': 'SHUTOFF', 'billable': True, 'resized_from': None}
    text = refused('server_action', name='one', action='resize')
    assert 'flavor: action: resize needs it, or vcpus and memory' in text
    refused('server_action', name='one', action='start', vcpus=2, memory=600)


def test_root_volume(cloud: CloudUnderTest, refused: Refused, run: Run, server: Keep) -> None:
    """A server whose root disk is a volume has a fresh one after a rebuild, of the same size."""
    created = server('one', volume_size=2)['server']
    rebuilt = act(run, name='one', action='rebuild')['servers'][0]
    assert {**rebuilt, 'outdated': []} == {**created, 'outdated': []}
    if 'rescues of volumes' in cloud.can:
        assert act(run, **options_of(cloud, 'rescue'))['servers'][0]['status'] == 'RESCUE'
    else:
        text = refused('server_action', name='one', action='rescue')
        assert 'cannot rescue server one, whose root disk is a volume' in text


def test_rename(
    cloud: CloudUnderTest, keep: Keep, refused: Refused, run: Run, server: Keep
) -> None:
    """It keeps all but its name; the former name is free."""
    created = server('one')['server']
    server('two')
    options = {'name': 'one', 'action': 'rename'}
    assert 'two exists already' in refused('server_action', **options, new_name='two')
    renamed = act(run, **options, new_name='three')['servers'][0]
    assert {**renamed, 'name': 'one'} == created
    assert run('server_info', name='one')['servers'] == []
    keep('server', name='three', labels={'a': 'b'})
    act(run, name='three', action='rename', new_name='one')


def test_groups_and_labels(
    cloud: CloudUnderTest, keep: Keep, refused: Refused, run: Run, server: Keep
) -> None:
    """An action concerns a group, several names, and labels."""
    server('web', count=2, labels={'tier': 'web'})
    server('db', labels={'tier': 'db'})

    def statuses() -> Sequence[str]:
        servers = run('server_info')['servers']
        return [shown['status'] for shown in sorted(servers, key=lambda one: str(one['name']))]

    done = act(run, name='web', action='start')
    assert [one['name'] for one in done['servers']] == ['web-1', 'web-2']
    assert statuses() == ['SHUTOFF', 'ACTIVE', 'ACTIVE']
    act(run, labels={'tier': 'db'}, action='shelve')
    assert statuses() == ['SHELVED_OFFLOADED', 'ACTIVE', 'ACTIVE']
    act(run, names=['web-1'], labels={'tier': 'db'}, action='unshelve')
    assert statuses() == ['ACTIVE', 'ACTIVE', 'ACTIVE']
    missing = run('server_action', names=['web-9'], action='stop')
    assert (missing['failed'], missing['msg']) == (True, 'refused: server web-9 does not exist')
    assert not act(run, labels={'tier': 'none'}, action='stop')['changed']
    assert 'is a member of the group web' in refused(
        'server_action', name='web-1', action='rename', new_name='other'
    )
    assert 'flavor: action: resize needs it' in refused('server_action', name='db', action='resize')


def test_volumes_of_a_shelved_server(cloud: CloudUnderTest, keep: Keep, server: Keep) -> None:
    """They are reserved, and can be detached."""
    server('one')
    keep('volume', name='data', size=1)
    keep('volume', name='data', state='attached', server='one')
    keep('server', name='one', state='shelved')
    assert keep('volume', name='data')['volume']['status'] == 'reserved'
    assert keep('volume', name='data', state='detached')['volume']['status'] == 'available'
    keep('volume', name='data', state='absent')
