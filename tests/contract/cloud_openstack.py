# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An OpenStack that the suite runs on: two entries of clouds.yaml, of a member and of its operator.

Their names are ``devstack`` and ``devstack-admin``, or those in the variables OPENSTACK_MEMBER and
OPENSTACK_ADMIN. Without the variable OS_CLIENT_CONFIG_FILE it is the one of tests/openstack, which
is started.
"""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.clouds import open_cloud
from ansible_collections.hanok.cloud.plugins.module_utils._model.rule import ForeignRule
from ansible_collections.hanok.cloud.plugins.module_utils._model.status import Status, TaskState
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.api import api
from ansible_collections.hanok.cloud.tests.contract import openstack_foreign, openstack_requests
from ansible_collections.hanok.cloud.tests.contract.clouds import (
    CAN,
    CloudUnderTest,
    run_in_process,
)
from ansible_collections.hanok.cloud.tests.contract.openstack_services import (
    LISTS,
    Services,
    await_that,
)
from ansible_collections.hanok.cloud.tests.contract.promises import Result
from ansible_collections.hanok.cloud.tests.openstack.running import (
    home,
    running_openstack,
    write_state,
)
from ansible_collections.hanok.cloud.tests.reliability.forks import ForkServer

MEMBER = os.environ.get('OPENSTACK_MEMBER', 'devstack')
ADMIN = os.environ.get('OPENSTACK_ADMIN', 'devstack-admin')
FLAVOR = 'g1.nano'
LARGER_FLAVOR = 'g1.micro'
# What gives a server that is ACTIVE a status, and what gives it back. Nova deletes what it shelves
# at once, and nobody repairs or builds. Only who resizes a server knows its former flavor: that is
# the module.
ACTIONS: Mapping[str, Mapping[str, Any]] = {
    Status.ACTIVE: {},
    Status.SHUTOFF: {'os-stop': None},
    Status.PAUSED: {'pause': None},
    Status.SUSPENDED: {'suspend': None},
    Status.RESCUE: {'rescue': None},
    Status.SHELVED_OFFLOADED: {'shelve': None},
    Status.ERROR: {'os-resetState': {'state': 'error'}},
}
BACK: Mapping[str, Mapping[str, Any]] = {
    Status.SHUTOFF: {'os-start': None},
    Status.PAUSED: {'unpause': None},
    Status.SUSPENDED: {'resume': None},
    Status.RESCUE: {'unrescue': None},
    Status.SHELVED_OFFLOADED: {'unshelve': None},
    Status.ERROR: {'os-resetState': {'state': 'active'}},
}


class Quota(NamedTuple):
    """Where the quota of a resource is, which items use it, and how much each of them."""

    service: str
    path: str
    body: str
    key: str
    items: str
    size: Callable[[Any], int] = lambda _item: 1


_SET = '/os-quota-sets/{}'
QUOTAS = {
    'servers': Quota('compute', _SET, 'quota_set', 'instances', 'servers'),
    'vcpus': Quota(
        'compute', _SET, 'quota_set', 'cores', 'servers', lambda item: item['flavor']['vcpus']
    ),
    'volumes': Quota('block-storage', _SET, 'quota_set', 'volumes', 'volumes'),
    'volume_size': Quota(
        'block-storage', _SET, 'quota_set', 'gigabytes', 'volumes', lambda item: item['size']
    ),
    'networks': Quota('network', '/v2.0/quotas/{}', 'quota', 'network', 'networks'),
    'security_groups': Quota(
        'network', '/v2.0/quotas/{}', 'quota', 'security_group', 'security_groups'
    ),
    'lbs': Quota('load-balancer', '/v2/lbaas/quotas/{}', 'quota', 'load_balancer', 'loadbalancers'),
}


def opened(folder: Path) -> Iterator[CloudUnderTest]:
    """A project of an OpenStack; modules run in this process, and sign in once for all."""
    is_given = 'OS_CLIENT_CONFIG_FILE' in os.environ
    with_clouds_yaml()
    member, admin = Services(MEMBER), Services(ADMIN)
    types = admin.send('GET', 'block-storage', '/types')['volume_types']
    if not any(one['name'] == 'fast' for one in types):
        admin.send('POST', 'block-storage', '/types', {'volume_type': {'name': 'fast'}})
    image = folder / 'small.qcow2'
    command = ('qemu-img', 'create', '-q', '-f', 'qcow2')
    subprocess.run([*command, str(image), '1M'], check=True)

    def remains() -> Mapping[str, list[str]]:
        return {
            path: sorted(item['id'] if 'id' in item else item['name'] for item in items)
            for path, items in member.everything().items()
        }

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, 'open_region', functools.cache(api.open_region))
        yield CloudUnderTest(
            MEMBER,
            run,
            lambda project='default', kind='': open_cloud(entry_of(kind), project, 'tester', 60),
            member.everything,
            member.ids,
            str(image),
            CAN['openstack'],
            add_foreign_rule=functools.partial(add_foreign_rule, member),
            statuses=(*ACTIONS, Status.VERIFY_RESIZE),
            set_status=functools.partial(set_status, member, admin),
            clean=member.clean,
            other_run=None if is_given else functools.partial(other_run, member, admin),
            create_project=functools.partial(admin.let_in, member),
            create_foreign=functools.partial(openstack_foreign.create, member),
            at_once=at_once,
            counted=openstack_requests.counted,
            lost_answer=openstack_requests.lost_answer,
            killed=openstack_requests.killed,
            limited=functools.partial(limited, member, Services(ADMIN)),
            set_console=set_console,
        )


def at_once(tasks: Sequence[tuple[str, Result]]) -> list[Result]:
    """Run tasks at the same time, each in a process that signs in."""
    server = ForkServer()
    found = server.crowd([(kind, {'cloud': entry_of(kind), **options}) for kind, options in tasks])
    server.close()
    assert not any(ran.faults() for ran in found), found
    return [ran.result for ran in found]


def set_status(member: Services, admin: Services, name: str, status: Status) -> None:
    """Give a server a status, from whatever it has."""
    server = member.named('servers', name)
    path = f'/servers/{server["id"]}'
    if server['status'] == status:
        return
    if server['status'] == Status.VERIFY_RESIZE:
        _act(member, admin, path, {'confirmResize': None}, Status.ACTIVE, Status.SHUTOFF)
        set_status(member, admin, name, status)
        return
    if server['status'] != Status.ACTIVE:
        _act(member, admin, path, BACK[server['status']], Status.ACTIVE)
    if status == Status.VERIFY_RESIZE:
        before = run('server_info', name=name)['servers'][0]['flavor']
        other = LARGER_FLAVOR if before != LARGER_FLAVOR else FLAVOR
        resized = run('server_action', name=name, action='resize', flavor=other)
        assert not resized.get('failed'), resized['msg']
    elif status != Status.ACTIVE:
        _act(member, admin, path, ACTIONS[status], status)


def set_console(identity: str, printed: bytes) -> None:
    """Set what a server has printed: its hypervisor reads it from a file."""
    path = home() / 'state' / 'nova' / 'consoles' / identity
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(printed)


def _act(member: Services, admin: Services, path: str, action: Any, *statuses: str) -> None:
    services = admin if 'os-resetState' in action else member
    services.send('POST', 'compute', f'{path}/action', action)
    await_that(
        lambda: member.send('GET', 'compute', path)['server']['status'] in statuses,
        f'the server does not become {" or ".join(statuses)}',
    )


# What Nova is doing with a server that is in a status: the vm_state and the task_state.
BEGUN: Mapping[TaskState, tuple[Status, str, str]] = {
    TaskState.CREATING: (Status.ACTIVE, 'building', ''),
    TaskState.UPDATING: (Status.SHUTOFF, 'stopped', 'migrating'),
    TaskState.POWERING_OFF: (Status.ACTIVE, 'active', 'powering-off'),
    TaskState.DELETING: (Status.SHUTOFF, 'stopped', 'deleting'),
}
VM_STATES = {Status.ACTIVE: 'active', Status.SHUTOFF: 'stopped'}


@contextlib.contextmanager
def other_run(
    member: Services, admin: Services, name: str, task_state: TaskState
) -> Iterator[None]:
    """Let Nova be busy with a server while the context lasts; then it has done it."""
    status, *states = BEGUN[task_state]
    set_status(member, admin, name, status)
    identity = member.named('servers', name)['id']
    write_state(identity, *states)
    yield
    write_state(identity, VM_STATES[status])
    if task_state == TaskState.POWERING_OFF:
        set_status(member, admin, name, Status.SHUTOFF)
    if task_state == TaskState.DELETING:
        run('server', name=name, state='absent')


def with_clouds_yaml() -> None:
    """Start the OpenStack of the tests, unless a clouds.yaml is given."""
    if 'OS_CLIENT_CONFIG_FILE' not in os.environ:
        os.environ['OS_CLIENT_CONFIG_FILE'] = str(running_openstack())


def entry_of(kind: str) -> str:
    """The entry whose user may do everything with a kind: some belong to the operator."""
    return ADMIN if kind in ('flavor', 'project') else MEMBER


def run(module: str, check: bool = False, **options: Any) -> Result:
    """Run a module as the user who may do that."""
    entry = entry_of(module.removesuffix('_info'))
    return run_in_process(module, check, **{'cloud': entry, **options})


def add_foreign_rule(member: Services, name: str, rule: ForeignRule) -> None:
    """Add a rule whose protocol is the first word of its text."""
    group = member.named('security_groups', name)
    body = {
        'security_group_id': group['id'],
        'direction': rule.direction,
        'protocol': rule.text.split()[0],
        'ethertype': 'IPv4',
    }
    member.send('POST', 'network', '/v2.0/security-group-rules', {'security_group_rule': body})


@contextlib.contextmanager
def limited(member: Services, admin: Services, resource: str, more: int) -> Iterator[None]:
    """Let the project use only some more of a resource."""
    quota = QUOTAS[resource]
    (listing,) = (one for one in LISTS if one.key == quota.items)
    items = member.list(listing)
    used = sum(int(quota.size(item)) for item in items)
    path = quota.path.format(member.project_id)
    before = admin.send('GET', quota.service, path)[quota.body][quota.key]
    admin.send('PUT', quota.service, path, {quota.body: {quota.key: used + more}})
    yield
    admin.send('PUT', quota.service, path, {quota.body: {quota.key: before}})
