# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans of servers, and the messages of their refusals: the option, the value, the alternative."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._local.catalogue.flavor_catalogue import (
    CATALOGUE,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.compute.server_status import (
    status_of,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.profile import PROFILE
from ansible_collections.hanok.cloud.plugins.module_utils._model.change import AFTER_APPLY, Plan
from ansible_collections.hanok.cloud.plugins.module_utils._model.effect import (
    COMPLETES_INTERRUPTED_RUN,
    LIVE,
    RESTART,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.flavor import Flavor
from ansible_collections.hanok.cloud.plugins.module_utils._model.hardware import DEFAULT, Hardware
from ansible_collections.hanok.cloud.plugins.module_utils._model.image import Image
from ansible_collections.hanok.cloud.plugins.module_utils._model.keypair import Keypair
from ansible_collections.hanok.cloud.plugins.module_utils._model.lb import Lb
from ansible_collections.hanok.cloud.plugins.module_utils._model.network import Network
from ansible_collections.hanok.cloud.plugins.module_utils._model.nic_request import NicRequest
from ansible_collections.hanok.cloud.plugins.module_utils._model.profile import Profile
from ansible_collections.hanok.cloud.plugins.module_utils._model.rule import ForeignRule, Rule
from ansible_collections.hanok.cloud.plugins.module_utils._model.security_group import SecurityGroup
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import (
    DISK_MISSING,
    SEED_MISSING,
    Nic,
    Server,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.server_request import ServerRequest
from ansible_collections.hanok.cloud.plugins.module_utils._model.status import TaskState
from ansible_collections.hanok.cloud.plugins.module_utils._model.user_data import (
    UNKNOWN_HASH,
    UserDataHash,
    unkeyed_hash,
)
from ansible_collections.hanok.cloud.plugins.module_utils._plan.server import plan
from ansible_collections.hanok.cloud.plugins.module_utils._plan.server_observations import (
    FloatingAddress,
    ObservedServers,
)

NEW = {'flavor': 'g1.micro', 'image': 'debian'}
GROUPS = {
    'default': SecurityGroup('default'),
    'ssh': SecurityGroup('ssh', rules=(Rule('ingress', 'tcp', 22, 22),)),
    'foreign': SecurityGroup('foreign', rules=(ForeignRule('7', 'sctp', 'ingress'),)),
    'among': SecurityGroup('among', rules=(Rule('ingress', 'tcp', 22, 22, '', 'among'),)),
    'elsewhere': SecurityGroup(
        'elsewhere', rules=(Rule('ingress', 'tcp', 22, 22, '203.0.113.0/24'),)
    ),
}
SERVER = Server(
    'web',
    flavor='g1.micro',
    vcpus=1,
    memory=512,
    image='debian',
    volume_size=4,
    hardware=DEFAULT,
    networks=(Nic('default', '192.168.0.5', '52:54:00:00:00:05'),),
    id='1',
    created_by='me',
    created_at='then',
)


def requested(
    state: str = 'present', options: Mapping[str, Any] | None = None, **more: Any
) -> ServerRequest:
    """A request for the server web."""
    return ServerRequest('web', state, options or {}, **more)


SEALED = UserDataHash.of('#!/bin/sh\n', 'a secret')
FRONT, TO_BACK, ON_BRIDGE = NicRequest('default'), NicRequest('back'), NicRequest(bridge='br0')


def shown(server: Server) -> Server:
    """A server with the status that the local cloud gives it."""
    return replace(server, status=status_of(server, None))


def observed(*servers: Server, **more: Any) -> ObservedServers:
    """Observations: these servers, and one of each resource that they may refer to."""
    there = ObservedServers(
        {server.name: shown(server) for server in servers},
        {'mine': Keypair('mine', 'ssh-ed25519 A')},
        CATALOGUE,
        {
            'debian': Image('debian', size=2**31, min_disk=2),
            'huge': Image('huge', size=50 * 2**30, min_disk=50),
            **{name: Image(name, disk_format='iso') for name in ('disc', 'tools')},
            'half': Image('half', disk_format='iso', unfinished=TaskState.CREATING),
        },
        {'default': Network('default', '192.168.0.0/24', '192.168.0.1')},
        GROUPS,
        {('default', '192.168.0.5'): 'web'},
        free=0,
        profile=PROFILE._replace(bridges={'br0': False, 'gone': None}),
    )
    return replace(there, **more)


def members(*numbers: int, **more: Any) -> list[Server]:
    """Members of the group web."""
    return [replace(SERVER, name=f'web-{number}', member_of='web', **more) for number in numbers]


def steps(plan: Plan) -> list[tuple[str, str]]:
    """The changes of a plan: verb and name."""
    return [(change.name, change.verb) for change in plan.changes]


# -- invalid requests ------------------------------------------------------------------------------

HOST_NAME = (
    'is not a valid host name; use 1 to 63 letters, digits and hyphens, beginning and ending with '
    'a letter or digit'
)
NOT_A_REFERENCE = 'is not a valid name; use 1 to 255 printable characters'


@pytest.mark.parametrize(
    ('request_', 'message'),
    [
        (ServerRequest('we_b', 'present', {}), f"name: 'we_b' {HOST_NAME}"),
        (ServerRequest('we.b', 'present', {}), f"name: 'we.b' {HOST_NAME}"),
        (ServerRequest('web-', 'present', {}), f"name: 'web-' {HOST_NAME}"),
        (ServerRequest('', 'present', {}), f"name: '' {HOST_NAME}"),
        (ServerRequest('w' * 64, 'present', {}), f"name: '{'w' * 64}' {HOST_NAME}"),
        (
            ServerRequest('web', 'present', {'vcpus': 2}),
            'memory: vcpus without a flavor needs it, too',
        ),
        (
            ServerRequest('web', 'present', {'memory': 512}),
            'vcpus: memory without a flavor needs it, too',
        ),
        (
            ServerRequest('web', 'present', {'vcpus': 2, 'memory': 512, 'flavor': 'g1.nano'}),
            'flavor: g1.nano sets vcpus and memory; use either flavor, or vcpus and memory',
        ),
        (
            ServerRequest('web', 'present', {'vcpus': 257, 'memory': 512}),
            'vcpus: 257 is out of range; use 1 to 256',
        ),
        (
            ServerRequest('web', 'present', {'vcpus': 1, 'memory': 31}),
            'memory: 31 is out of range; use 32 to 4194304 MiB',
        ),
        (ServerRequest('web\n', 'present', {}), f"name: 'web\\n' {HOST_NAME}"),
        (
            ServerRequest('w' * 61, 'present', {}, count=10),
            f"name of the last member: '{'w' * 61}-10' {HOST_NAME}",
        ),
        (requested(count=-1), 'count: -1 is out of range; use 0 to 500'),
        (requested(count=501), 'count: 501 is out of range; use 0 to 500'),
        (
            requested(count=2, networks=(NicRequest('default', '192.168.0.9'),)),
            'networks: fixed_ip 192.168.0.9 can be used by only one server, but count is 2',
        ),
        (
            requested(count=2, networks=(NicRequest('default', None, '52:54:00:00:00:09'),)),
            'networks: mac 52:54:00:00:00:09 can be used by only one server, but count is 2',
        ),
        (
            requested(count=2, floating_ip='172.24.0.9'),
            'floating_ip: 172.24.0.9 can be used by only one server, but count is 2',
        ),
        (
            requested(options={'volume_size': 0}),
            'volume_size: 0 is out of range; use 1 to 5120 (GB)',
        ),
        (
            requested(options={'volume_size': 5121}),
            'volume_size: 5121 is out of range; use 1 to 5120 (GB)',
        ),
        (
            requested(options={'security_groups': ('a', 'b', 'c', 'd')}),
            'security_groups: 4 are specified; a network interface has at most 3',
        ),
        (
            requested(options={'security_groups': ()}),
            'security_groups: the list is empty; specify at least one (default allows no ingress)',
        ),
        (requested(networks=()), 'networks: 0 are specified; use 1 to 8'),
        (requested(networks=(NicRequest('default'),) * 9), 'networks: 9 are specified; use 1 to 8'),
        (
            requested(networks=(NicRequest('default'), NicRequest('default', '10.0.0.300'))),
            "networks[1].fixed_ip: '10.0.0.300' is not an IPv4 address",
        ),
        (
            requested(networks=(NicRequest('default', None, '53:54:00:00:00:09'),)),
            "networks[0].mac: '53:54:00:00:00:09' is not a unicast MAC address; write it in the "
            "form '52:54:00:12:34:56'",
        ),
        (
            requested(networks=(FRONT, NicRequest('default', bridge='br0'))),
            'networks[1]: an interface is in a network or on a bridge; set either bridge, or name '
            'or port',
        ),
        (
            requested(networks=(FRONT, NicRequest(fixed_ip='10.0.0.5', bridge='br0'))),
            'networks[1].fixed_ip: nothing gives addresses on a bridge of the host; omit it, and '
            'set one in the guest',
        ),
        (
            requested(networks=(FRONT, NicRequest(bridge='br0', vlan=4095))),
            'networks[1].vlan: 4095 is out of range; use 1 to 4094',
        ),
        (
            requested(networks=(NicRequest('default', vlan=20),)),
            'networks[0].vlan: only a bridge of the host has VLANs; set bridge, or omit it',
        ),
        (
            requested(networks=(FRONT, NicRequest(security_groups=('ssh',), bridge='br0'))),
            'networks[1].security_groups: no security group applies on a bridge of the host; omit '
            'it, and filter in the guest, or use a network (name)',
        ),
        (
            requested(floating_ip='any'),
            "floating_ip: 'any' is not an IPv4 address; use an address, auto or none",
        ),
        (
            requested(user_data='echo hello'),
            'user_data: cloud-init does not recognize its format; begin it with #! (a script) or '
            '#cloud-config',
        ),
        (
            requested(options={'description': 'two\nlines'}),
            'description: it must be one line of at most 255 printable characters',
        ),
        (
            requested(options={'labels': {'a b': 'c'}}),
            "labels: 'a b' is not a valid key; use 1 to 63 letters, digits, hyphens, underscores, "
            'dots and slashes',
        ),
        (
            requested(options={'labels': {'a': 'b\n'}}),
            'labels: the value of a must be printable text',
        ),
    ],
)
def test_invalid_request(request_: ServerRequest, message: str) -> None:
    """It is refused before anything is observed."""
    assert request_.problems() == [message]


@pytest.mark.parametrize('option', ['flavor', 'image', 'key_names', 'security_groups'])
def test_names_of_other_resources(option: str) -> None:
    """Others may have created them, with any name of one line."""
    is_list = option in ('key_names', 'security_groups')
    for good in ('my_own.1', 'Ubuntu 24.04 LTS', 'a' * 255):
        assert requested(options={option: (good,) if is_list else good}).problems() == []
    for bad in ('', 'two\nlines', '\x1b[31m', 'a' * 256):
        (problem,) = requested(options={option: (bad,) if is_list else bad}).problems()
        assert problem == f'{option}: {bad!r} {NOT_A_REFERENCE}'


def test_what_others_named_can_be_used() -> None:
    """An image whose name no task could give it."""
    image = 'Ubuntu 24.04 LTS'
    there = observed(images={image: Image(image, min_disk=1, size=2**30)})
    planned = plan(requested(options={**NEW, 'image': image}), there)
    assert (planned.refused, planned.missing) == ((), ())
    assert planned.result[0].image == image


def test_key_pairs_are_a_set() -> None:
    """Their order is ignored; one key pair more or less is refused."""
    current = observed(replace(SERVER, key_names=('mine', 'ours')), keypairs={})
    request = requested(options={'key_names': ('ours', 'mine')})
    assert request.new_options(current.servers) == set()
    same = plan(request, current)
    assert (same.changes, same.refused, same.missing) == ((), (), ())
    assert same.result[0].key_names == ('mine', 'ours')
    for other in ((), ('mine',), ('mine', 'ours', 'yours'), ('mine', 'yours')):
        there = replace(current, keypairs=dict.fromkeys(other))
        (refusal,) = plan(requested(options={'key_names': other}), there).refused
        assert 'key_names is [mine, ours], requested ' in refusal


def test_first_key_pair() -> None:
    """`key_name` is the first of `key_names`."""
    shown = replace(SERVER, key_names=('ours', 'mine')).public()
    assert (shown['key_name'], shown['key_names']) == ('ours', ['ours', 'mine'])
    assert (SERVER.public()['key_name'], SERVER.public()['key_names']) == (None, [])


def test_too_many_key_pairs() -> None:
    """Their number is limited."""
    names = tuple(f'k{number}' for number in range(21))
    assert requested(options={'key_names': names[:-1]}).excesses(PROFILE) == []
    told = ['key_names: 21 are specified; a server has at most 20']
    assert requested(options={'key_names': names}).excesses(PROFILE) == told


def test_requests_at_the_limits() -> None:
    """The largest and smallest valid values."""
    nics = (NicRequest('default', '192.168.0.9', '52:54:00:00:00:09'),)
    options = {
        'volume_size': 5120,
        'security_groups': ('a', 'b', 'c'),
        'description': 'd' * 255,
        'labels': {'k' * 63: 'v' * 255},
    }
    assert (
        ServerRequest(
            'w' * 63, 'present', options, networks=nics, floating_ip='172.24.0.9'
        ).problems()
        == []
    )
    assert (
        requested(count=0).problems() == requested(count=500, floating_ip='auto').problems() == []
    )
    assert requested(count=1, networks=nics, floating_ip='172.24.0.9').problems() == []


def test_all_problems_are_reported() -> None:
    """All problems are reported at once."""
    problems = ServerRequest(
        'we_b', 'present', {'volume_size': 0}, count=-1, floating_ip='x'
    ).problems()
    assert [problem.split(':')[0] for problem in problems] == [
        'name',
        'count',
        'volume_size',
        'floating_ip',
    ]


# -- refusals because of existing resources --------------------------------------------------------

FREE_NONE = 'delete some, or enlarge the pool (host_floating_pools of the role hanok.cloud.host)'
SSH_TIMES_OUT = 'allows tcp 22 from this host; add a rule (preset: ssh), or wait for init'


@pytest.mark.parametrize(
    ('request_', 'there', 'message'),
    [
        (
            requested(),
            observed(),
            'server web does not exist; to create it, also set flavor and image',
        ),
        (
            requested(options={'image': 'debian'}),
            observed(),
            'server web does not exist; to create it, also set flavor',
        ),
        (
            requested(options={**NEW, 'volume_size': 1}),
            observed(),
            'volume_size: 1 GB is less than the image debian requires; use at least 2',
        ),
        (
            requested(options=NEW),
            observed(images={'debian': Image('debian', unfinished='creating')}),
            'image debian is unfinished (creating); run the task that creates it again',
        ),
        *(
            (
                requested(options=NEW, networks=(NicRequest('default', address),)),
                observed(),
                f'networks: fixed_ip {address} is not an address for a server in default '
                '(192.168.0.0/24, gateway 192.168.0.1)',
            )
            for address in ('192.168.1.5', '192.168.0.0', '192.168.0.255', '192.168.0.1')
        ),
        (
            requested(options=NEW, networks=(NicRequest('default', '192.168.0.6'),)),
            observed(owners={('default', '192.168.0.6'): 'lb front'}),
            'networks: fixed_ip 192.168.0.6 is in use by lb front; use another, or omit it',
        ),
        (
            requested(options=NEW, count=3, floating_ip='auto'),
            observed(free=2),
            f'floating_ip: 3 are needed, 2 are free; {FREE_NONE}',
        ),
        (
            requested(floating_ip='auto'),
            observed(SERVER),
            f'floating_ip: no address is free; {FREE_NONE}',
        ),
        (
            requested(options=NEW, floating_ip='8.8.8.8'),
            observed(floating=FloatingAddress('8.8.8.8')),
            'floating_ip: 8.8.8.8 is in no pool of this cloud',
        ),
        (
            requested(options=NEW, floating_ip='172.24.0.9'),
            observed(floating=FloatingAddress('172.24.0.9', 'other', taken=True, in_pool=True)),
            'floating_ip: 172.24.0.9 is attached to other; detach it first (floating_ip: state: '
            'detached)',
        ),
        (
            requested('absent'),
            observed(replace(SERVER, delete_protection=True)),
            'server web is protected; set delete_protection: false, also in this task, to allow '
            'its deletion',
        ),
        (
            requested('absent', {'delete_protection': True}),
            observed(SERVER),
            'server web is protected; set delete_protection: false, also in this task, to allow '
            'its deletion',
        ),
        (
            requested(count=1),
            observed(*members(1, 2, 3)),
            'count: 1 would delete web-2, web-3; set allow_shrink: true to allow it',
        ),
        (
            requested(count=1, allow_shrink=True),
            observed(*members(1), *members(2, delete_protection=True)),
            'server web-2 is protected; set delete_protection: false, also in this task, to allow '
            'its deletion',
        ),
        (
            requested(options=NEW),
            observed(*members(1, 2)),
            'name: web is a group of 2 servers; set count, or use the name of a member (web-1, '
            '...)',
        ),
        (
            requested(count=0),
            observed(SERVER),
            'name: web is a single server, not a group; omit count, or use another name',
        ),
        (
            requested(count=1),
            observed(replace(SERVER, name='web-1')),
            'name: web-1 is a single server, not a member of web; use another name',
        ),
        (
            requested(options={'flavor': 'g1.tiny'}),
            observed(SERVER),
            'server web: flavor changes from g1.micro to g1.tiny, which requires a restart; set '
            'allow_restart: true to allow it',
        ),
        (
            requested(options={'vcpus': 2, 'memory': 512}),
            observed(SERVER),
            'server web: flavor changes from g1.micro to none, which requires a restart; set '
            'allow_restart: true to allow it',
        ),
        (
            requested(options={'vcpus': 2, 'memory': 512}),
            observed(replace(SERVER, flavor=None)),
            'server web: vcpus changes from 1 to 2, which requires a restart; set allow_restart: '
            'true to allow it',
        ),
        (
            requested(options={'vcpus': 1, 'memory': 999}),
            observed(replace(SERVER, flavor=None)),
            'server web: memory changes from 512 to 999 MiB, which requires a restart; set '
            'allow_restart: true to allow it',
        ),
        (
            requested(options={'vcpus': 1, 'memory': 999}),
            observed(replace(SERVER, flavor=None, power='paused')),
            'server web: memory is 512, requested 999: a paused server cannot be resized; start it '
            '(state: started) or power it off (state: stopped, force: true) first',
        ),
        (
            requested(options={'hardware': Hardware(disk_bus='sata', os_type='other')}),
            observed(SERVER),
            'server web: hardware changes (os_type from linux to other, disk_bus from virtio to '
            'sata, nic_model from virtio to rtl8139), which requires a restart; set allow_restart: '
            'true to allow it',
        ),
        (
            requested(options={'hardware': Hardware(disk_bus='sata')}),
            observed(replace(SERVER, power='paused')),
            'server web: hardware is {}, requested {disk_bus: sata}: a paused server cannot be '
            'changed; start it (state: started) or power it off (state: stopped, force: true) '
            'first',
        ),
        (
            requested(options={'hardware': Hardware(cdroms=('disc',))}),
            observed(SERVER),
            "server web: hardware changes (cdroms from [] to ['disc']), which requires a restart; "
            'set allow_restart: true to allow it',
        ),
        (
            requested(options={'hardware': Hardware(cdroms=('disc', 'debian'))}),
            observed(replace(SERVER, hardware=Hardware(cdroms=('disc', 'tools')))),
            'hardware: cdroms: image debian is no ISO image; use one that was created with '
            'disk_format: iso',
        ),
        (
            requested(options={'hardware': Hardware(cdroms=('half',))}),
            observed(replace(SERVER, hardware=Hardware(cdroms=('disc',)))),
            'hardware: cdroms: image half is unfinished (creating); run the task that creates it '
            'again',
        ),
        (
            requested(options={'image': 'huge'}),
            observed(SERVER),
            'server web: image is debian, requested huge: a server keeps the disk that it was '
            'created with; delete and re-create it',
        ),
        (
            requested(options={'key_names': ('mine',)}),
            observed(SERVER),
            'server web: key_names is [], requested [mine]: keys are installed only at the first '
            'boot; delete and re-create the server',
        ),
        (
            requested(options={'guest_agent': False}),
            observed(SERVER),
            'server web: the channel of the guest agent is removed, which requires a restart; set '
            'allow_restart: true to allow it',
        ),
        (
            requested(options={'volume_size': 3}),
            observed(SERVER),
            'server web: volume_size is 4, requested 3: a disk cannot shrink; omit the option, or '
            'create a new server',
        ),
        (
            requested(),
            observed(replace(SERVER, faults=('its memory is 1 MiB in libvirt, recorded 2 MiB',))),
            'server web is UNMANAGED: its memory is 1 MiB in libvirt, recorded 2 MiB; set repair: '
            'true to '
            'redefine its machine as recorded, or state: absent to delete it',
        ),
        (
            requested(repair=True),
            observed(replace(SERVER, faults=(DISK_MISSING,))),
            'server web is UNMANAGED: its root disk is missing, with all data on it; delete the '
            'server (state: absent) and re-create it',
        ),
        (
            requested('stopped'),
            observed(replace(SERVER, power='paused')),
            'server web is PAUSED, and a paused guest cannot shut down; start it (state: '
            'started), or power it off with force: true',
        ),
        (
            requested(),
            observed(replace(SERVER, unfinished='creating', user_data=SEALED, seeded=False)),
            'server web has no first-boot disk, and only a hash of its user_data is recorded; '
            'specify user_data again, or delete the server',
        ),
        (
            requested(repair=True),
            observed(replace(SERVER, faults=(SEED_MISSING,), user_data=SEALED, seeded=False)),
            'server web has no first-boot disk, and only a hash of its user_data is recorded; '
            'specify user_data again, or delete the server',
        ),
        *(
            (
                requested(options={**NEW, 'security_groups': groups}, wait_for='ssh'),
                observed(),
                'wait_for: ssh would time out, because no rule of '
                f'{", ".join(groups)} {SSH_TIMES_OUT}',
            )
            # Rules for its own members, and for other addresses: neither is this host.
            for groups in (('default',), ('among',), ('elsewhere',), ('among', 'default'))
        ),
        (
            requested(options={'security_groups': ('default',)}, wait_for='ssh'),
            observed(replace(SERVER, security_groups=('ssh',))),
            f'wait_for: ssh would time out, because no rule of default {SSH_TIMES_OUT}',
        ),
    ],
)
def test_what_is_refused(request_: ServerRequest, there: ObservedServers, message: str) -> None:
    """Refused because of existing resources; the message is the only one."""
    assert request_.problems() == []
    refused = plan(request_, there)
    assert list(refused.refused) == [message]
    assert refused.missing == ()


def test_other_user_data() -> None:
    """It has a long value, and so the message names the option and the alternative."""
    sealed = UserDataHash.of('#!new', 'a secret')
    (message,) = plan(requested(user_data='#!new'), observed(SERVER, user_data=sealed)).refused
    assert message.startswith('server web: user_data is ')
    assert message.endswith('re-create the server')


BACK = {'back': Network('back', '10.0.0.0/24', '10.0.0.1')}
TWO = (*SERVER.networks, Nic('back', '10.0.0.5', '52:54:00:00:00:15'))
IN_TWO = replace(SERVER, networks=TWO, floating_ip='172.24.0.5')
WOULD_LOSE = 'networks: server web would lose its connection'


@pytest.mark.parametrize(
    ('request_', 'server', 'more', 'message'),
    [
        (
            requested(networks=(TO_BACK,)),
            IN_TWO,
            {'attached': {('web', '192.168.0.5'): '172.24.0.5'}},
            f'{WOULD_LOSE} 192.168.0.5 (default), which has the floating address 172.24.0.5; also '
            'set floating_ip: 172.24.0.5 to move it to the first one that stays, or floating_ip: '
            'none',
        ),
        (
            requested(networks=(FRONT,), floating_ip='none'),
            IN_TWO,
            {'attached': {('web', '10.0.0.5'): '172.24.0.6'}},
            f'{WOULD_LOSE} 10.0.0.5 (back), which has the floating address 172.24.0.6; detach it '
            'first (floating_ip: state: detached)',
        ),
        (
            requested(networks=(FRONT,)),
            IN_TWO,
            {'lbs': {'front': Lb('front', network='back', members=('web',))}},
            'networks: server web is a member of lb front, in network back; connect it to that, or '
            'remove it from the members first',
        ),
        (
            requested(networks=(FRONT, TO_BACK)),
            SERVER,
            {'dns_owners': {('back', 'web'): ('lb web',)}},
            'name: web is already the DNS name of lb web in network back (case-insensitive); use '
            'another name, or another network',
        ),
        (
            requested(networks=(FRONT, NicRequest('back', '10.0.0.7'))),
            SERVER,
            {'owners': {('back', '10.0.0.7'): 'other'}},
            'networks: fixed_ip 10.0.0.7 is in use by other; use another, or omit it',
        ),
        (
            requested(networks=(FRONT, NicRequest(bridge='br9'))),
            SERVER,
            {},
            'networks: this host has no bridge br9 for servers (it has br0, gone); list it in '
            'host_bridges of the role hanok.cloud.host',
        ),
        (
            requested(networks=(FRONT, ON_BRIDGE)),
            SERVER,
            {'profile': Profile(place='the cloud')},
            'networks: the cloud has no bridge br0 for servers (it has none); use networks (name)',
        ),
        (
            requested(networks=(FRONT, NicRequest(bridge='br0', vlan=20))),
            SERVER,
            {},
            'networks: br0 has no VLANs; turn on its vlan_filtering (ip link set), then run the '
            'role hanok.cloud.host',
        ),
        (
            requested(networks=(FRONT, NicRequest(bridge='gone'))),
            SERVER,
            {},
            'networks: gone is no bridge of this host; create it',
        ),
        (
            requested(networks=(FRONT, NicRequest(mac=TWO[1].mac, bridge='br0'))),
            SERVER,
            {'owners': {('bridge br0', TWO[1].mac): 'other'}},
            f'networks: mac {TWO[1].mac} is in use by other; use another, or omit it',
        ),
    ],
)
def test_refused_connections(
    request_: ServerRequest, server: Server, more: dict[str, Any], message: str
) -> None:
    """What a server would lose, or may not have."""
    there = observed(server, networks={**observed().networks, **BACK}, **more)
    assert list(plan(request_, there).refused) == [message]


def test_paused_server_keeps_its_connections() -> None:
    """Its guest releases none; it can get others."""
    there = observed(IN_TWO.powered('paused'), networks={**observed().networks, **BACK})
    (message,) = plan(requested(networks=(TO_BACK,)), there).refused
    assert 'a paused guest releases no interface; start it (state: started)' in message
    more = plan(requested(networks=(FRONT, TO_BACK, TO_BACK)), there)
    assert more.refused == ()
    assert steps(more) == [('web', 'update')]


BRIDGED = Nic('', '', '52:54:00:00:00:25', None, (), 'br0')


def test_bridges_come_last() -> None:
    """Without a name, an address and groups; another bridge is another interface."""
    request = requested(networks=(ON_BRIDGE, FRONT))
    (change,) = plan(request, observed(SERVER)).changes
    assert change.effect == LIVE
    assert change.after.networks == (*SERVER.networks, replace(BRIDGED, mac=AFTER_APPLY))
    assert change.after.security_groups == SERVER.security_groups
    bridged = replace(SERVER, networks=(*SERVER.networks, BRIDGED))
    assert plan(request, observed(bridged)).changes == ()
    assert BRIDGED.public() == {
        'name': None,
        'fixed_ip': None,
        'mac': BRIDGED.mac,
        'port': None,
        'security_groups': [],
        'bridge': 'br0',
        'vlan': None,
    }
    assert BRIDGED.task_form() == {'bridge': 'br0', 'mac': BRIDGED.mac}
    other = observed().profile._replace(bridges={'br1': True})
    moved = requested(networks=(FRONT, NicRequest(mac=BRIDGED.mac, bridge='br1')))
    (change,) = plan(moved, observed(bridged, profile=other)).changes
    assert change.after.networks[1] == replace(BRIDGED, bridge='br1')
    (message,) = plan(moved, observed(bridged.powered('paused'), profile=other)).refused
    assert 'a paused guest releases no interface' in message
    like = plan(ServerRequest('new', 'present', {}, like='web'), observed(bridged))
    assert like.refused == ()
    assert like.result[0].networks == (Nic('default'), replace(BRIDGED, mac=AFTER_APPLY))
    (message,) = plan(
        ServerRequest('new', 'present', {}, like='web'), observed(bridged, profile=other)
    ).refused
    assert 'has no bridge br0 for servers (it has br1)' in message


def test_on_bridges_only() -> None:
    """Without an address, security groups and a floating IP; a network brings them back."""
    request = requested(networks=(ON_BRIDGE,))
    (change,) = plan(request, observed(SERVER)).changes
    assert (change.effect, change.after.networks[0].place) == (LIVE, 'bridge br0')
    assert (change.after.security_groups, change.after.public()['fixed_ip']) == ((), None)
    bridged = replace(SERVER, networks=(BRIDGED,), security_groups=())
    assert plan(request, observed(bridged)).changes == ()
    assert bridged.ssh_name == 'web'
    assert replace(bridged, floating_ip='1.2.3.4').ssh_name == '1.2.3.4'
    (change,) = plan(requested(networks=(ON_BRIDGE, FRONT)), observed(bridged)).changes
    assert change.after.security_groups == ('default',)
    new = replace(request, name='new', options={'flavor': 'g1.nano', 'image': 'tiny'})
    (created,) = plan(new, observed()).result
    assert (created.security_groups, created.networks[0].bridge) == ((), 'br0')


@pytest.mark.parametrize('more', [{}, {'labels': {'a': 'b'}}])
def test_stays_off(more: dict[str, Any]) -> None:
    """A server whose guest shut down is off; state stopped also keeps the host from starting it."""
    off = replace(SERVER.powered('stopped'), starts_at_boot=True)
    for state in ('stopped', 'present'):
        found = plan(ServerRequest('web', state, more), observed(off))
        changes = [(change.verb, change.after.starts_at_boot) for change in found.changes]
        is_kept = state == 'present'
        assert changes == ([('update', is_kept)] if more or not is_kept else [])
    again = replace(off, starts_at_boot=False)
    assert plan(ServerRequest('web', 'stopped', {}), observed(again)).changes == ()


WITH_ADDRESS = replace(SERVER, floating_ip='172.24.0.9')


@pytest.mark.parametrize(
    ('changes', 'start'),
    [
        ({'options': {'security_groups': ('ssh',)}}, 'security_groups: none applies to server web'),
        ({'floating_ip': 'auto'}, 'floating_ip: server web has no fixed IP, because'),
        ({'wait_for': 'ip'}, 'wait_for: ip needs an address, and server web has none'),
        ({'wait_for': 'ssh'}, 'wait_for: ssh needs an address, and server web has none'),
        ({'wait_for': 'init'}, None),
        ({'wait_for': 'ssh', 'state': 'stopped'}, None),
        ({'floating_ip': 'none'}, None),
    ],
)
def test_without_network(changes: dict[str, Any], start: str | None) -> None:
    """Refused by name, of a server that is, becomes, or is to be one on bridges only."""
    request = replace(requested(networks=(ON_BRIDGE,)), **changes)
    new = {**request.options, 'flavor': 'g1.nano', 'image': 'tiny'}
    bridged = replace(SERVER, networks=(BRIDGED,), security_groups=())
    unfinished = replace(bridged, unfinished=TaskState.CREATING, launched=False)
    for one, there in (
        (request, observed(bridged, free=1)),
        (replace(request, networks=None), observed(bridged, free=1)),
        (request, observed(SERVER, free=1)),
        (request, observed(unfinished, free=1)),
        (replace(request, options=new), observed(free=1)),
    ):
        refused = [*dict.fromkeys(plan(one, there).refused)]
        assert [text[: len(start or '')] for text in refused] == ([start] if start else [])


def test_floating_ip_without_network() -> None:
    """An address is not lost in silence."""
    there = observed(WITH_ADDRESS, attached={('web', SERVER.networks[0].fixed_ip): '172.24.0.9'})
    (message,) = plan(requested(networks=(ON_BRIDGE,)), there).refused
    assert message.endswith('has the floating address 172.24.0.9; also set floating_ip: none')
    (change,) = plan(requested(networks=(ON_BRIDGE,), floating_ip='none'), there).changes
    assert change.after.floating_ip is None


@pytest.mark.parametrize(
    ('networks', 'kept', 'new'),
    [
        ((TO_BACK, FRONT), TWO, 0),
        ((TO_BACK,), TWO[1:], 0),
        ((FRONT, FRONT, TO_BACK), TWO, 1),
        ((NicRequest('default', '192.168.0.6'), FRONT), TWO[:1], 1),
        ((FRONT, NicRequest('default', '192.168.0.5')), TWO[:1], 1),
        ((NicRequest('back', None, TWO[1].mac),), TWO[1:], 0),
    ],
)
def test_connections_are_a_set(
    networks: tuple[NicRequest, ...], kept: tuple[Nic, ...], new: int
) -> None:
    """What stays keeps its order; an address or a MAC means one connection."""
    there = observed(IN_TWO, networks={**observed().networks, **BACK})
    (server,) = plan(requested(networks=networks), there).result
    assert server.networks[: len(kept)] == kept
    assert len(server.networks) == len(kept) + new


@pytest.mark.parametrize(
    ('request_', 'there', 'message'),
    [
        (
            requested(options={'flavor': 'g9', 'image': 'debian'}),
            observed(flavors={'b': CATALOGUE['g1.nano'], 'a': CATALOGUE['g1.tiny']}),
            'flavor g9 does not exist; available: a, b',
        ),
        (
            requested(options={**NEW, 'image': 'suse'}),
            observed(),
            'image suse does not exist; available: debian, disc, half, huge, tools',
        ),
        (
            requested(options={**NEW, 'key_names': ('yours',)}),
            observed(),
            'keypair yours does not exist; available: mine',
        ),
        (
            requested(options={**NEW, 'key_names': ('mine', 'yours')}),
            observed(),
            'keypair yours does not exist; available: mine',
        ),
        (
            requested(options={**NEW, 'key_names': ('yours',)}),
            observed(keypairs={}),
            'keypair yours does not exist; available: none',
        ),
        (
            requested(options={**NEW, 'security_groups': ('ssh', 'web')}),
            observed(),
            'security_group web does not exist; available: among, default, elsewhere, foreign, ssh',
        ),
        (
            requested(options=NEW, networks=(NicRequest('back'),)),
            observed(),
            'network back does not exist; available: default',
        ),
        (
            requested(options=NEW),
            observed(networks={}),
            'network default does not exist; available: none',
        ),
    ],
)
def test_missing_references(request_: ServerRequest, there: ObservedServers, message: str) -> None:
    """A missing reference is no refusal: an earlier task of the play may be about to create it."""
    lacking = plan(request_, there)
    assert list(lacking.missing) == [message]
    assert lacking.refused == ()
    assert steps(lacking) == [('web', 'create')]


def test_problems_of_all_members() -> None:
    """The problems of each member are reported."""
    refused = plan(
        requested(options={'image': 'huge'}, count=3), observed(*members(1, 2, 3))
    ).refused
    assert [message.split(':')[0] for message in refused] == [
        'server web-1',
        'server web-2',
        'server web-3',
    ]


# -- changes ---------------------------------------------------------------------------------------


def test_sizes_of_a_new_server() -> None:
    """The root volume has the size of the flavor, but at least that of the image."""
    (made,) = plan(requested(options={**NEW, 'image': 'huge'}), observed()).result
    assert (made.vcpus, made.memory, made.volume_size, made.power, made.security_groups) == (
        1,
        512,
        50,
        'started',
        ('default',),
    )
    assert (made.floating_ip, made.networks, made.id) == (None, (Nic('default'),), AFTER_APPLY)


def test_unspecified_options_are_not_changed() -> None:
    """An existing server and a request without options: no changes."""
    there = replace(
        SERVER,
        power='stopped',
        description='d',
        labels={'a': 'b'},
        floating_ip='172.24.0.9',
        delete_protection=True,
    )
    assert plan(requested(), observed(there)) == Plan(result=(shown(there),))


@pytest.mark.parametrize(
    ('power', 'request_', 'verbs'),
    [
        ('started', requested('started'), []),
        ('started', requested('stopped'), ['stop']),
        ('started', requested('stopped', force=True), ['power_off']),
        ('stopped', requested('stopped'), []),
        ('stopped', requested('started'), ['start']),
        ('stopped', requested('started', {'flavor': 'g1.tiny'}), ['update', 'start']),
        ('started', requested('stopped', {'flavor': 'g1.tiny'}), ['stop', 'update']),
        ('started', requested('restarted'), ['stop', 'start']),
        ('started', requested('restarted', force=True), ['power_off', 'start']),
        ('stopped', requested('restarted'), ['start']),
        ('paused', requested('restarted', force=True), ['power_off', 'start']),
        ('started', requested('restarted', {'flavor': 'g1.tiny'}), ['stop', 'update', 'start']),
        ('started', requested('absent'), ['delete']),
    ],
)
def test_power(power: str, request_: ServerRequest, verbs: list[str]) -> None:
    """A resize with a change of power happens while the server is off, without allow_restart."""
    current = plan(request_, observed(replace(SERVER, power=power)))
    assert current.refused == ()
    assert [change.verb for change in current.changes] == verbs


def test_allowed_restart() -> None:
    """The change has the effect and the reason; the disk grows with the flavor."""
    (change,) = plan(
        requested(options={'flavor': 'g1.tiny'}, allow_restart=True), observed(SERVER)
    ).changes
    assert (change.verb, change.effect, change.why) == (
        'update',
        RESTART,
        'flavor changes from g1.micro to g1.tiny, which requires a restart',
    )
    assert (change.after.memory, change.after.volume_size, change.after.power) == (
        1024,
        10,
        'started',
    )


def test_sizes_without_a_flavor() -> None:
    """The root volume has the size that the image requires; little memory is warned of, once."""
    sizes = {'vcpus': 2, 'memory': 256}
    current = plan(requested(options={**sizes, 'image': 'huge'}), observed())
    (made,) = current.result
    assert (made.flavor, made.vcpus, made.memory, made.volume_size) == (None, 2, 256, 50)
    warning = 'memory: 256 MiB is little: most systems need 512 MiB or more to boot'
    assert current.notes == (warning,)
    assert plan(requested(options=sizes), observed(made)).notes == ()
    group = plan(requested(options={**sizes, 'image': 'debian'}, count=2), observed())
    assert group.notes == (warning,)
    enough = {**sizes, 'memory': 512, 'image': 'debian'}
    assert plan(requested(options=enough), observed()).notes == ()
    assert plan(requested(options={**NEW, 'flavor': 'g1.nano'}), observed()).notes == ()


def test_a_flavor_replaces_sizes() -> None:
    """Without a restart if they are the same; else the sizes tell what changes."""
    there = replace(SERVER, flavor=None, volume_size=20)
    same = plan(requested(options={'flavor': 'g1.micro'}), observed(there))
    assert [change.why for change in same.changes] == ['flavor changes from none to g1.micro']
    assert same.refused == ()
    larger = plan(requested(options={'flavor': 'g1.tiny'}, allow_restart=True), observed(there))
    assert (larger.result[0].memory, larger.result[0].volume_size) == (1024, 20)
    assert larger.changes[0].effect == RESTART


ROOMY = replace(SERVER, vcpus=2, max_vcpus=4, max_memory=1024)


@pytest.mark.parametrize(
    ('server', 'size', 'effect', 'room'),
    [
        (ROOMY, (4, 1024), LIVE, (4, 1024)),
        (ROOMY, (2, 256), LIVE, (4, 1024)),
        (ROOMY, (1, 512), RESTART, (8, None)),
        (ROOMY, (5, 512), RESTART, (8, None)),
        (ROOMY, (2, 2048), RESTART, (8, None)),
        (replace(ROOMY, max_memory=None), (3, 512), LIVE, (4, None)),
        (replace(ROOMY, max_memory=None), (3, 256), RESTART, (8, None)),
        (SERVER, (1, 512), RESTART, (8, None)),
        (ROOMY.powered('stopped'), (3, 512), LIVE, (8, None)),
    ],
)
def test_room_of_a_machine(
    server: Server, size: tuple[int, int], effect: str, room: tuple[int | None, int | None]
) -> None:
    """What fits is live, and the machine stays; otherwise it is defined by the new flavor."""
    vcpus, memory = size
    flavors = {'other': Flavor('other', vcpus=vcpus, memory=memory, disk=4, max_vcpus=8)}
    options = {'flavor': 'other'}
    there = observed(server, flavors=flavors)
    planned = plan(requested(options=options, allow_restart=True), there)
    (change,) = planned.changes
    (after,) = planned.result
    assert change.effect == effect
    assert (after.vcpus, after.memory, after.max_vcpus, after.max_memory) == (*size, *room)
    refused = plan(requested(options=options), there).refused
    assert bool(refused) == (effect == RESTART)


def test_a_smaller_flavor_keeps_the_disk() -> None:
    """A disk cannot shrink, and no size was requested."""
    (change,) = plan(
        requested(options={'flavor': 'g1.nano'}, allow_restart=True), observed(SERVER)
    ).changes
    assert (change.after.memory, change.after.volume_size) == (128, 4)


def test_size_of_a_group() -> None:
    """Surplus members are deleted, missing ones created; member 10 follows member 9."""
    current = plan(
        requested(options=NEW, count=3, allow_shrink=True), observed(*members(1, 2, 9, 10))
    )
    assert steps(current) == [('web-9', 'delete'), ('web-10', 'delete'), ('web-3', 'create')]
    assert [(server.name, server.member_of) for server in current.result] == [
        ('web-1', 'web'),
        ('web-2', 'web'),
        ('web-3', 'web'),
    ]


def test_absent_needs_no_count() -> None:
    """A group is deleted by its name; a server that only has the name of a member is kept."""
    there = [*members(1, 2), replace(SERVER, name='web-3')]
    assert steps(plan(requested('absent'), observed(*there))) == [
        ('web-1', 'delete'),
        ('web-2', 'delete'),
    ]
    assert plan(requested('absent'), observed()) == Plan()


def test_unprotect_and_delete() -> None:
    """One task disables the protection and deletes the server."""
    current = plan(
        requested('absent', {'delete_protection': False}),
        observed(replace(SERVER, delete_protection=True)),
    )
    assert (current.refused, steps(current)) == ((), [('web', 'delete')])


def test_references_of_a_deleted_server() -> None:
    """The same task with state: absent works after the image and the key were deleted."""
    current = plan(
        requested('absent', {**NEW, 'key_names': ('gone',), 'image': 'gone'}),
        observed(SERVER, images={}, keypairs={}),
    )
    assert (current.refused, current.missing, steps(current)) == ((), (), [('web', 'delete')])


@pytest.mark.parametrize(
    ('task_state', 'verbs'),
    [
        ('creating', ['create']),
        ('updating', ['update']),
        ('powering-off', ['stop']),
        ('resuming', ['resume']),
        ('deleting', ['delete', 'create']),
    ],
)
def test_interrupted_runs_are_completed(task_state: str, verbs: list[str]) -> None:
    """Regardless of the request; the change has the reason."""
    current = plan(requested(options=NEW), observed(replace(SERVER, unfinished=task_state)))
    assert [change.verb for change in current.changes] == verbs
    assert current.changes[0].why == COMPLETES_INTERRUPTED_RUN
    assert current.refused == ()


def test_interrupted_restart() -> None:
    """An interrupted stop is not repeated, and a new server is not stopped."""
    for task_state, verbs in (('powering-off', ['stop', 'start']), ('creating', ['create'])):
        current = plan(
            requested('restarted', NEW), observed(replace(SERVER, unfinished=task_state))
        )
        assert (current.refused, [change.verb for change in current.changes]) == ((), verbs)
    assert [change.verb for change in plan(requested('restarted', NEW), observed()).changes] == [
        'create'
    ]


def test_stop_after_an_interrupted_start() -> None:
    """The start is not completed first, or again after the stop."""
    current = plan(requested('stopped'), observed(replace(SERVER, unfinished='powering-on')))
    assert [change.verb for change in current.changes] == ['stop']
    assert (current.result[0].status, current.result[0].unfinished) == ('SHUTOFF', None)


OWN = Nic('default', '192.168.0.5', '52:54:00:00:00:05', security_groups=('ssh',))


def test_remove_groups_of_a_connection() -> None:
    """With an empty list a connection has the groups of the server, by default `default`."""
    own = replace(SERVER, networks=(OWN,), security_groups=())
    request = requested(networks=(NicRequest('default', security_groups=()),))
    assert request.problems() == []
    (change,) = plan(request, observed(own)).changes
    assert change.effect == LIVE
    assert change.after == replace(SERVER, security_groups=('default',))
    assert plan(request, observed(change.after)).changes == ()
    with_groups = replace(request, options={'security_groups': ('ssh',)})
    (change,) = plan(with_groups, observed(own)).changes
    assert change.after == replace(SERVER, security_groups=('ssh',))
    made = plan(replace(request, options=NEW), observed()).changes[0].after
    assert (made.security_groups, made.networks[0].security_groups) == (('default',), None)


def test_groups_of_all_connections() -> None:
    """The change removes the groups of the server; requested ones are refused."""
    request = requested(networks=(NicRequest('default', security_groups=('ssh',)),))
    (change,) = plan(request, observed(SERVER)).changes
    assert change.after == replace(SERVER, networks=(OWN,), security_groups=())
    (message,) = plan(
        replace(request, options={'security_groups': ('ssh',)}), observed(SERVER)
    ).refused
    assert message.startswith('security_groups: each network of web has its own groups')


def test_new_members_and_groups_of_connections() -> None:
    """A new member inherits the groups as far as they apply to the requested connections."""
    own = members(1, networks=(OWN,), security_groups=())
    plain, with_own = NicRequest('default'), NicRequest('default', security_groups=('ssh',))
    made = plan(requested(networks=(plain,), count=2), observed(*own)).changes[-1].after
    assert (made.name, made.security_groups) == ('web-2', ('default',))
    planned = plan(requested(networks=(with_own,), count=2), observed(*members(1)))
    assert planned.refused == ()
    assert [change.after.security_groups for change in planned.changes] == [(), ()]


def test_increased_count() -> None:
    """New members inherit from the group, apart from addresses; existing ones are not compared."""
    nics = (
        Nic('default', '192.168.0.5', '52:54:00:00:00:05'),
        Nic('back', '10.0.0.5', '52:54:00:00:00:06', security_groups=('ssh',)),
    )
    first, second = members(
        1,
        2,
        networks=nics,
        key_names=('mine', 'ours'),
        labels={'a': 'b'},
        volume_size=9,
        init_script='setup',
        security_groups=('ssh',),
    )
    there = observed(first, replace(second, labels={}), init_scripts={'setup': None})
    current = plan(requested(count=3), there)
    assert (current.refused, current.missing, steps(current)) == ((), (), [('web-3', 'create')])
    made = current.changes[0].after
    fresh = (Nic('default'), Nic('back', security_groups=('ssh',)))
    assert made == replace(
        first,
        name='web-3',
        networks=fresh,
        id=AFTER_APPLY,
        created_by=AFTER_APPLY,
        created_at=AFTER_APPLY,
    )
    made = (
        plan(
            requested(options={'flavor': 'g1.tiny', 'labels': {}}, count=3, wait_for='running'),
            there,
        )
        .changes[0]
        .after
    )
    assert (made.flavor, made.memory, made.labels, made.key_names) == (
        'g1.tiny',
        CATALOGUE['g1.tiny'].memory,
        {},
        ('mine', 'ours'),
    )


def test_increased_count_with_missing_content() -> None:
    """First-boot content must be specified again; a deleted script is reported as missing."""
    with_data = members(1, user_data='keyed')
    assert plan(requested(count=2), observed(*with_data)).refused == (
        'user_data: only a hash of the user_data of web-1 is recorded; specify it again to create '
        'web-2 with it',
    )
    scripted = members(1, init_script='setup')
    assert plan(requested(count=2), observed(*scripted)).missing == (
        'init_script setup does not exist; available: none',
    )
    going = members(1, unfinished='deleting')
    assert plan(requested(count=1), observed(*going)).refused == (
        'server web-1 does not exist; to create it, also set flavor and image',
    )


def test_outdated_init_script() -> None:
    """One warning for all, except deleted ones; nothing is changed."""
    there = members(1, 2, init_script='setup', outdated=('init_script',)) + members(3)
    current = plan(requested(count=3), observed(*there))
    assert (current.changes, current.refused) == ((), ())
    assert current.notes == (
        'server web-1, web-2: created with an older version of init script setup, which ran only '
        'at '
        'the first boot; to use the new version, delete and re-create the server',
    )
    assert plan(requested('absent'), observed(*there)).notes == ()


def test_own_floating_address() -> None:
    """Requested again by address, for a server or for the one member of a group, it is kept."""
    for server, count in ((SERVER, None), (members(1)[0], 1)):
        address = FloatingAddress('172.24.0.9', server.name, taken=True, in_pool=True)
        current = plan(
            requested(floating_ip='172.24.0.9', count=count),
            observed(replace(server, floating_ip='172.24.0.9'), floating=address),
        )
        assert (current.refused, current.changes) == ((), ())


@pytest.mark.parametrize(
    ('said', 'has', 'after'),
    [
        ('none', '172.24.0.9', None),
        ('auto', None, AFTER_APPLY),
        ('auto', '172.24.0.9', '172.24.0.9'),
    ],
)
def test_floating_addresses(said: str, has: str | None, after: str | None) -> None:
    """`none` removes it, `auto` keeps an existing one."""
    (server,) = plan(
        requested(floating_ip=said), observed(replace(SERVER, floating_ip=has), free=1)
    ).result
    assert server.floating_ip == after


@pytest.mark.parametrize(
    'groups', [('ssh',), ('default', 'ssh'), ('among', 'ssh'), ('among', 'foreign')]
)
def test_wait_for_ssh_when_allowed(groups: tuple[str, ...]) -> None:
    """One group that allows this host is enough, or may do so; a stopped server is not awaited."""
    assert (
        plan(
            requested(options={**NEW, 'security_groups': groups}, wait_for='ssh'), observed()
        ).refused
        == ()
    )
    assert plan(requested('stopped', NEW, wait_for='ssh'), observed()).refused == ()


# -- results ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('values', 'status', 'billable'),
    [
        ({}, 'ACTIVE', True),
        ({'power': 'stopped'}, 'SHUTOFF', True),
        ({'task_state': 'creating'}, 'BUILD', False),
        ({'faults': ('its machine is gone',)}, 'UNMANAGED', False),
        ({'power': 'paused'}, 'PAUSED', True),
        ({'task_state': 'deleting'}, 'ACTIVE', False),
        ({'task_state': 'updating'}, 'ACTIVE', True),
    ],
)
def test_status(values: dict[str, Any], status: str, billable: bool) -> None:
    """The fields of a result, without the internal ones."""
    result = shown(replace(SERVER, **values)).public()
    assert (result['status'], result['billable'], result['fixed_ip']) == (
        status,
        billable,
        '192.168.0.5',
    )
    assert not {'faults', 'reason', 'seeded', 'power'} & set(result)


def test_first_boot_content_is_not_shown() -> None:
    """Neither a request nor a plan contains it, only its hash."""
    text = '#!/bin/sh\necho hunter2\n'
    request_ = requested(options=NEW, user_data=text)
    sealed = UserDataHash.of(text, 'a secret')
    planned = plan(request_, observed(user_data=sealed))
    assert 'hunter2' not in repr(request_) + repr(planned)
    assert planned.result[0].user_data == sealed
    for told in (
        repr(planned),
        str(planned.result[0].public()),
        json.dumps(planned.result[0].public()),
        f'{sealed}',
    ):
        assert sealed[-64:] not in told
        assert unkeyed_hash(text)[-64:] not in told
    assert planned.result[0].public()['user_data'] == '(sensitive value)'


@pytest.mark.parametrize(
    'recorded',
    [
        unkeyed_hash('#!/bin/sh\n'),
        UNKNOWN_HASH,
        UserDataHash.of('#!/bin/sh\n', 'another'),
        UserDataHash.of('#!other', 'another'),
    ],
)
@pytest.mark.parametrize('task_state', [None, 'creating'])
def test_recorded_hash_is_replaced(recorded: str, task_state: str | None) -> None:
    """Hashes of older versions, and those with another key, are replaced once, with a reason."""
    there = replace(SERVER, user_data=recorded, unfinished=task_state)
    planned = plan(requested(user_data='#!/bin/sh\n'), observed(there, user_data=SEALED))
    assert (planned.refused, planned.missing) == ((), ())
    assert planned.changes[-1].verb == 'update'
    assert 'keyed hash' in planned.changes[-1].why
    (after,) = planned.result
    assert after.user_data == SEALED
    assert plan(requested(user_data='#!/bin/sh\n'), observed(after, user_data=SEALED)).changes == ()


@pytest.mark.parametrize(
    'recorded',
    [UserDataHash(unkeyed_hash('#!other')), UserDataHash.of('#!other', 'a secret'), None],
)
def test_other_first_boot_content_is_refused(recorded: str | None) -> None:
    """Content that can be compared is; the refusal contains no hash."""
    planned = plan(
        requested(user_data='#!/bin/sh\n'),
        observed(replace(SERVER, user_data=recorded), user_data=SEALED),
    )
    (message,) = planned.refused
    assert 're-create' in message
    assert 'sha256' not in message


def test_other_discs() -> None:
    """They are inserted into a running server, unless something else changes with them."""
    there = observed(replace(SERVER, hardware=Hardware(cdroms=('disc',))))
    for hardware, effect in (
        (Hardware(cdroms=('tools',)), LIVE),
        (Hardware(cdroms=('tools',), video='none'), RESTART),
        (Hardware(cdroms=()), RESTART),
        (Hardware(cdroms=('tools', 'disc')), RESTART),
    ):
        made = plan(requested(options={'hardware': hardware}, allow_restart=True), there)
        assert [change.effect for change in made.changes] == [effect], made.refused


@pytest.mark.parametrize(
    ('power', 'state', 'grows_mounted', 'is_refused'),
    [
        ('started', 'present', False, True),
        ('started', 'present', True, False),
        ('started', 'stopped', False, False),
        ('stopped', 'present', False, False),
    ],
)
def test_growth_of_a_container(
    power: str, state: str, grows_mounted: bool, is_refused: bool
) -> None:
    """Its files grow in use only where the host may do that; a task may stop it first."""
    box = replace(SERVER, type='container', hardware=None, guest_agent=False, power=power)
    found = plan(requested(state, {'volume_size': 5}), observed(box, grows_mounted=grows_mounted))
    assert ('stop server web first' in str(found.refused)) is is_refused
    assert bool(found.refused) is is_refused
