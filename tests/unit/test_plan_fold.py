# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every plan, applied to the observations, fulfills the request: the next plan is empty.

A world is the existing resources of one kind, by name; ``fold`` applies a plan to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import hypothesis
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.hanok.cloud.plugins.module_utils._local.catalogue.flavor_catalogue import (
    CATALOGUE,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.compute.server_status import (
    status_of,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.change import AFTER_APPLY, Plan
from ansible_collections.hanok.cloud.plugins.module_utils._model.container import COMMON
from ansible_collections.hanok.cloud.plugins.module_utils._model.flavor import (
    Flavor,
    FlavorRequest,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.floating_ip import (
    FixedIp,
    FloatingIp,
    FloatingIpRequest,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.hardware import Hardware
from ansible_collections.hanok.cloud.plugins.module_utils._model.image import Image, ImageRequest
from ansible_collections.hanok.cloud.plugins.module_utils._model.init_script import (
    InitScript,
    InitScriptRequest,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.keypair import (
    KeyFile,
    Keypair,
    KeypairRequest,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.lb import (
    HealthCheck,
    Lb,
    LbRequest,
    Listener,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.network import (
    Network,
    NetworkRequest,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.nic_request import NicRequest
from ansible_collections.hanok.cloud.plugins.module_utils._model.port import Port, PortRequest
from ansible_collections.hanok.cloud.plugins.module_utils._model.profile import Profile
from ansible_collections.hanok.cloud.plugins.module_utils._model.project import (
    Project,
    ProjectRequest,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.rule import (
    ForeignRule,
    Rule,
    normalized,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.schedule import (
    OPTIONS,
    Schedule,
    ScheduleRequest,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.security_group import (
    SecurityGroup,
    SecurityGroupRequest,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import (
    SEED_MISSING,
    Nic,
    Server,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.server_request import ServerRequest
from ansible_collections.hanok.cloud.plugins.module_utils._model.server_type import (
    CONTAINER,
    ROOT_TAR,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.user_data import (
    UNKNOWN_HASH,
    UserDataHash,
    unkeyed_hash,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.volume import Volume
from ansible_collections.hanok.cloud.plugins.module_utils._model.volume_request import VolumeRequest
from ansible_collections.hanok.cloud.plugins.module_utils._model.volume_servers import leaving
from ansible_collections.hanok.cloud.plugins.module_utils._model.volume_type import VolumeType
from ansible_collections.hanok.cloud.plugins.module_utils._plan import (
    flavor,
    floating_ip,
    image,
    init_script,
    keypair,
    lb,
    network,
    port,
    project,
    schedule,
    security_group,
    server,
    volume,
)
from ansible_collections.hanok.cloud.plugins.module_utils._plan.fold import fold
from ansible_collections.hanok.cloud.plugins.module_utils._plan.server_observations import (
    FloatingAddress,
    ObservedServers,
)
from ansible_collections.hanok.cloud.tests.option_values import option_values

World = Mapping[str, Any]
# Requests that are refused are discarded: with some seeds many of them in a row.
EXAMPLES = settings(
    max_examples=200, suppress_health_check=[hypothesis.HealthCheck.filter_too_much]
)
ED25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f'
OTHER_ED25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgEA'
# Values after apply for fields that are not strings.
FILLED_IN = {'size': 2**30, 'min_disk': 1, 'public_key': ED25519}


def concrete(thing: Any) -> Any:
    """A resource as observed after the run: all values are known, and no task is in progress."""
    if isinstance(thing, FloatingIp) and thing.name == AFTER_APPLY:
        thing = replace(thing, name='172.24.0.99', address='172.24.0.99')
    known = {
        item.name: FILLED_IN.get(item.name, f'{item.name} of {thing.name}')
        for item in fields(thing)
        if getattr(thing, item.name) == AFTER_APPLY
    }
    if isinstance(thing, Server):
        known['networks'] = tuple(concrete(nic) for nic in thing.networks)
    return replace(
        thing,
        **known,
        **({'task_state': None, 'unfinished': None} if hasattr(thing, 'task_state') else {}),
    )


def is_as_planned(planned: Any, there: Any) -> bool:
    """Whether a planned resource exists; values known after apply may be any."""
    if isinstance(planned, tuple) and isinstance(there, tuple):
        return len(planned) == len(there) and all(map(is_as_planned, planned, there))
    if isinstance(planned, Nic) and isinstance(there, Nic):
        return all(
            is_as_planned(getattr(planned, item.name), getattr(there, item.name))
            for item in fields(planned)
        )
    return bool(planned in (AFTER_APPLY, there))


def applied(kind: str, plan: Plan, world: World) -> dict[str, Any]:
    """The world after a plan; what only a run can know is filled in."""
    after = fold(kind, plan.changes, world)
    touched = {change.name for change in plan.changes if change.kind == kind}
    done = [concrete(thing) if name in touched else thing for name, thing in after.items()]
    return {thing.name: thing for thing in done}


def idle(thing: Any) -> Any:
    """A resource without a task in progress."""
    return (
        replace(thing, task_state=None, unfinished=None) if hasattr(thing, 'unfinished') else thing
    )


def apply_and_replan(kind: str, replan: Callable[[World], Plan], world: World) -> dict[str, Any]:
    """Plan, apply, plan again: no changes are left. Return the world after it."""
    plan = replan(world)
    assume(not plan.refused and not plan.missing)
    after = applied(kind, plan, world)
    again = replan(after)
    assert (again.changes, again.refused, again.missing) == ((), (), ())
    told = {concrete(thing).name: thing for thing in plan.result}
    for name, thing in told.items():
        differ = [
            item.name
            for item in fields(thing)
            if not is_as_planned(getattr(thing, item.name), getattr(after[name], item.name))
        ]
        assert not differ, (thing, after[name])
    # A holder that lost its address is no longer found by it; everything else is in the result
    # again.
    assert [
        thing for thing in again.result if after[thing.name] != thing or thing.name not in told
    ] == []
    assert len(again.result) == len(told) or kind == 'floating_ip'
    return after


def check_unchanged(before: Any, after: Any, may_differ: set[str]) -> None:
    """Fields that the request does not mention are unchanged."""
    differ = {
        item.name
        for item in fields(before)
        if getattr(before, item.name) != getattr(after, item.name)
    }
    assert differ <= may_differ, (before, after)


def check_others_unchanged(world: World, after: World, request: Any, *more: str) -> None:
    """Other resources, and options that were not specified, are unchanged, unless re-created."""
    assert {name: thing for name, thing in world.items() if name != request.name} == {
        name: thing for name, thing in after.items() if name != request.name
    }
    assert (request.name in after) == (request.state != 'absent')
    current, then = world.get(request.name), after.get(request.name)
    if (
        current is not None
        and then is not None
        and getattr(current, 'unfinished', None) != 'deleting'
    ):
        check_unchanged(current, then, {*request.options, 'unfinished', *more})


def optional_values(**options: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Any choice of options, each omitted or set."""
    return st.fixed_dictionaries({}, optional=options)


TEXTS = st.sampled_from(['', 'one', 'two'])
LABELS = st.sampled_from([{}, {'a': 'b'}, {'a': 'c', 'd': 'e'}])
PRESENT = st.sampled_from(['present', 'present', 'present', 'absent'])


def existing_items(thing: Any, **values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Existing resources with all values known, some with a task in progress."""
    return st.fixed_dictionaries(values).map(lambda chosen: replace(concrete(thing), **chosen))


def maybe_existing(name: str, things: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A world with or without a resource of this name."""
    return st.one_of(st.just({}), things.map(lambda thing: {name: thing}))


# -- servers ---------------------------------------------------------------------------------------

FLAVORS = {name: CATALOGUE[name] for name in ('g1.nano', 'g1.micro', 'c1.small')}
FLAVORS['c1.small'] = replace(FLAVORS['c1.small'], max_vcpus=3)
FLAVORS['roomy'] = replace(FLAVORS['g1.nano'], name='roomy', max_vcpus=2, max_memory=2048)
IMAGES = {
    'small': Image('small', size=2**30, min_disk=1, created_by='me', created_at='then'),
    'root': Image('root', size=2**30, min_disk=1, disk_format=ROOT_TAR),
}
KEYPAIRS = {'mine': Keypair('mine', ED25519), 'yours': Keypair('yours', OTHER_ED25519)}
NETWORKS = {
    'default': Network('default', '192.168.0.0/24', '192.168.0.1', bridge='hk1'),
    'back': Network('back', '10.0.0.0/24', '10.0.0.1', bridge='hk2'),
}
GROUPS = {
    'default': SecurityGroup('default'),
    'ssh': SecurityGroup('ssh', rules=(Rule('ingress', 'tcp', 22, 22),)),
    'web': SecurityGroup('web', rules=(Rule('ingress', 'tcp', 80, 80),)),
}
SCRIPTS = {'setup': InitScript('setup', '#!/bin/sh\n')}
POOL = 3
ADDRESS = '172.24.0.9'
USER_DATA = '#!/bin/sh\n'
SEALED = UserDataHash.of(USER_DATA, 'a secret')
RECORDED = (
    SEALED,
    UserDataHash(unkeyed_hash(USER_DATA)),
    UserDataHash(unkeyed_hash('#!other')),
    UNKNOWN_HASH,
    UserDataHash.of(USER_DATA, 'another record'),
)
TASK_STATES = st.sampled_from(
    [None] * 8
    + ['creating', 'updating', 'deleting', 'powering-on', 'powering-off', 'resuming', 'repairing']
)
# (name, member_of): the name of the request, its group, a single server with the name of a
# member, and a member above any count.
PLACES = [
    ('a', None),
    ('a-1', 'a'),
    ('a-2', 'a'),
    ('a-3', 'a'),
    ('a-4', None),
    ('a-7', 'a'),
    ('b', None),
]


# The connections of servers: one with the server's groups, one with its own, both; and the port
# p, which only one server can have.
OWN = Nic('default', '192.168.0.8', '52:54:00:00:00:08', security_groups=('web',))
CONNECTED: list[dict[str, Any]] = [
    {},
    {},
    {'networks': (OWN,), 'security_groups': ()},
    {'networks': (OWN, Nic('back', '10.0.0.8', '52:54:00:00:00:18'))},
]
BRIDGED = Nic('', '', '52:54:00:00:00:28', None, (), 'br0')
CONNECTED.append({'networks': (OWN, BRIDGED), 'security_groups': ()})
CONNECTED.append({'networks': (BRIDGED,), 'security_groups': ()})
PLUGGED = Nic('back', '10.0.0.9', '52:54:00:00:00:09', 'p', ('ssh',))


# Most servers are not protected, so that most plans can be applied.
SERVER_VALUES = {
    **option_values('server', 'server_effects'),
    'delete_protection': st.sampled_from([False] * 4 + [True]),
    'swap': st.sampled_from([0] * 6 + [64]),
    'dns_servers': st.sampled_from([()] * 6 + [('192.0.2.1',)]),
    'dns_domain': st.sampled_from([''] * 6 + ['example.com']),
}


HARDWARE = st.builds(
    Hardware,
    os_type=st.sampled_from([None, 'linux', 'windows']),
    cores=st.sampled_from([None, None, 1, 2]),
    disk_bus=st.sampled_from([None, 'virtio', 'sata']),
    boot_order=st.sampled_from([None, ('disk',), ('disk', 'network')]),
    firmware=st.sampled_from([None, 'bios', 'efi']),
    tpm=st.sampled_from([None, True, False]),
    cdroms=st.sampled_from([None, (), ('disc',), ('small',)]),
)


@st.composite
def server_worlds(draw: st.DrawFn) -> dict[str, Server]:
    """Servers in any state, with unique addresses."""
    # A group and a single server with the name of the group cannot both be created.
    alone = draw(st.booleans())
    places = [
        place
        for place in PLACES
        if (place[0] == 'a') is alone or (place[1] is None and place[0] != 'a')
    ]
    world = {}
    for name, member_of in draw(st.lists(st.sampled_from(places), unique=True, max_size=4)):
        size = FLAVORS[draw(st.sampled_from(sorted(FLAVORS)))]
        has_flavor = draw(st.sampled_from([True, True, True, False]))
        world[name] = concrete(
            Server(
                name,
                power=draw(st.sampled_from(['started', 'started', 'stopped', 'stopped', 'paused'])),
                flavor=size.name if has_flavor else None,
                vcpus=size.vcpus,
                memory=size.memory,
                image='small',
                key_names=draw(st.sampled_from([(), (), (), ('mine',), ('mine', 'ours')])),
                user_data=draw(st.sampled_from([None, None, None, *RECORDED])),
                init_script=draw(st.sampled_from([None, None, None, 'setup'])),
                volume_size=draw(st.sampled_from([2, 4, 8])),
                security_groups=draw(st.sampled_from([('default',), ('default', 'ssh'), ('web',)])),
                **draw(st.fixed_dictionaries(SERVER_VALUES)),
                hardware=draw(HARDWARE).settled(size.vcpus),
                description=draw(TEXTS),
                labels=draw(LABELS),
                floating_ip=draw(st.sampled_from([None, None, AFTER_APPLY])),
                member_of=member_of,
            )
        )
        world[name] = replace(world[name], unfinished=draw(TASK_STATES))
        if world[name].unfinished:
            recorded = {
                'powering-off': 'stopped',
                'powering-on': 'started',
                'resuming': 'started',
            }  # before any change
            power = recorded.get(
                world[name].unfinished, 'stopped' if world[name].power == 'stopped' else 'started'
            )
            world[name] = replace(world[name], power=power)
        if world[name].unfinished in (None, 'repairing'):
            world[name] = replace(
                world[name],
                faults=draw(
                    st.sampled_from([(), (), (), ('its machine is gone',), (SEED_MISSING,)])
                ),
            )
        if world[name].unfinished or SEED_MISSING in world[name].faults:
            world[name] = replace(
                world[name],
                seeded=SEED_MISSING not in world[name].faults
                and draw(st.sampled_from([True, True, False])),
            )
        world[name] = draw(st.sampled_from([replace(world[name], **nics) for nics in CONNECTED]))
        if world[name].type == CONTAINER:
            world[name] = replace(world[name], image='root', **COMMON)
    if world:
        name = draw(st.sampled_from(sorted(world)))
        world[name] = draw(
            st.sampled_from(
                [world[name], replace(world[name], networks=(PLUGGED,), security_groups=())]
            )
        )
    holder = draw(st.sampled_from([None, *world]))
    return {
        name: replace(
            there,
            status=status_of(there, None),
            floating_ip=ADDRESS if name == holder else there.floating_ip,
        )
        for name, there in world.items()
    }


NIC_REQUESTS = st.sampled_from(
    [
        None,
        None,
        None,
        (NicRequest('default'),),
        (NicRequest('default'), NicRequest('back')),
        (NicRequest('default', '192.168.0.7'),),
        (NicRequest('back', None, '52:54:00:00:00:07'),),
        (NicRequest('default', security_groups=('ssh', 'web')),),
        (NicRequest('default', security_groups=('web',)), NicRequest('back')),
        (NicRequest('default', security_groups=()),),
        (NicRequest('default', security_groups=()), NicRequest('back', security_groups=())),
        (NicRequest(port='p'),),
        (NicRequest(bridge='br0'), NicRequest('default')),
        (NicRequest(bridge='br0'),),
        (NicRequest(bridge='br0', vlan=20), NicRequest(bridge='br0', vlan=21)),
        (NicRequest('default'), NicRequest(mac='52:54:00:00:00:27', bridge='br0')),
    ]
)


@st.composite
def server_requests(draw: st.DrawFn) -> ServerRequest:
    """Requests that pass the checks that need no observation."""
    options = draw(
        optional_values(
            flavor=st.sampled_from(sorted(FLAVORS)),
            image=st.sampled_from(['small', 'small', 'root']),
            volume_size=st.sampled_from([4, 8, 9]),
            security_groups=st.sampled_from([('default',), ('ssh',), ('ssh', 'web')]),
            **SERVER_VALUES,
            description=TEXTS,
            labels=LABELS,
        )
    )
    if 'flavor' not in options and draw(st.integers(0, 3)) == 0:
        options.update(
            vcpus=draw(st.sampled_from([1, 2])), memory=draw(st.sampled_from([128, 999]))
        )
    if draw(st.integers(0, 3)) == 0:
        options['hardware'] = draw(HARDWARE)
    # Differences in these are refused: set rarely, so that most plans can be applied.
    if draw(st.integers(0, 5)) == 0:
        options['key_names'] = draw(st.sampled_from([('mine',), ('ours', 'mine')]))
    if draw(st.integers(0, 5)) == 0:
        options['init_script'] = 'setup'
    user_data = USER_DATA if 'init_script' not in options and draw(st.integers(0, 5)) == 0 else None
    request = ServerRequest(
        'a',
        draw(st.sampled_from(['present', 'started', 'stopped', 'absent'])),
        options,
        count=draw(st.sampled_from([None, None, 0, 1, 2, 3])),
        networks=draw(NIC_REQUESTS),
        floating_ip=draw(st.sampled_from([None, None, 'auto', 'none', ADDRESS])),
        user_data=user_data,
        wait_for=draw(st.sampled_from(['running', 'running', 'ssh'])),
        allow_restart=draw(st.sampled_from([True, True, False])),
        allow_shrink=draw(st.sampled_from([True, True, False])),
        force=draw(st.booleans()),
        repair=draw(st.booleans()),
        on_drift=draw(st.sampled_from(['fail', 'ignore', 'recreate'])),
    )
    assume(not request.problems())
    return request


def observe_servers(request: ServerRequest, world: World) -> ObservedServers:
    """The observations of a world."""
    nics = [(there.name, nic) for there in world.values() for nic in there.networks]
    holder = next((there.name for there in world.values() if there.floating_ip == ADDRESS), None)
    return ObservedServers(
        {
            name: there
            for name, there in world.items()
            if name in {request.name, *request.members()} or there.member_of == request.name
        },
        KEYPAIRS,
        FLAVORS,
        IMAGES,
        NETWORKS,
        GROUPS,
        {(nic.place, nic.fixed_ip): owner for owner, nic in nics},
        FloatingAddress(ADDRESS, holder, holder is not None, in_pool=True)
        if request.floating_ip == ADDRESS
        else None,
        POOL
        - sum(bool(there.floating_ip) and there.floating_ip != ADDRESS for there in world.values()),
        init_scripts=SCRIPTS,
        profile=Profile(bridges={'br0': True}),
        user_data=SEALED if request.user_data else None,
        ports={
            'p': Port(
                'p',
                PLUGGED.name,
                PLUGGED.fixed_ip,
                PLUGGED.mac,
                ('ssh',),
                server=next((owner for owner, nic in nics if nic.port == 'p'), None),
            )
        },
    )


@EXAMPLES
@given(server_requests(), server_worlds())
def test_servers(request: ServerRequest, world: dict[str, Server]) -> None:
    """Single servers and groups, also after interrupted runs."""
    after = apply_and_replan(
        'server', lambda there: server.plan(request, observe_servers(request, there)), world
    )
    names = {name for name, there in world.items() if there.member_of == request.name}
    names |= {request.name} if request.count is None else set()
    wanted = set() if request.state == 'absent' else set(request.members())
    assert set(after) == (set(world) - names) | wanted
    room = {'max_vcpus', 'max_memory'}
    derived = {'vcpus', 'memory', 'volume_size', *room} if 'flavor' in request.options else set()
    derived |= room if 'vcpus' in request.options else set()
    derived |= {'flavor'} if 'vcpus' in request.options else set()
    derived |= {'networks', 'security_groups'} if request.networks else set()
    if request.on_drift == 'recreate':
        derived |= {'user_data', 'init_script', 'outdated'}
    derived |= {'floating_ip'} if request.floating_ip else set()
    derived |= {'power', 'status'} if request.state != 'present' else set()
    derived |= (
        {'user_data'} if request.user_data else set()
    )  # its recorded hash may become a keyed one
    for name, there in world.items():
        if name not in names | wanted:
            assert after[name] == there
        elif name in after and there.unfinished != 'deleting':
            check_unchanged(
                there,
                after[name],
                {
                    *request.options,
                    *derived,
                    'unfinished',
                    *(('seeded', 'status') if there.unfinished or request.repair else ()),
                    *(('faults',) if request.repair or there.unfinished == 'repairing' else ()),
                    *(('reason',) if there.power == 'paused' else ()),
                },
            )


# -- the other resources ---------------------------------------------------------------------------

RARELY = st.sampled_from([False, False, True])
VOLUME_STATES = st.sampled_from(
    [
        (None, None, ()),
        (None, 's', ()),
        (None, 't', ()),
        (None, None, ('s',)),
        (None, None, ('s', 't')),
        ('creating', None, ()),
        ('attaching', 's', ()),
        ('attaching', None, ('s', 't')),
        ('detaching', 's', ()),
        ('detaching', None, ('s', 't')),
        ('extending', 's', ()),
        ('deleting', None, ()),
    ]
)
VOLUME_SOURCES = st.sampled_from([None, None, 'image:i'])
VOLUME_TYPES = st.sampled_from(['default', 'default', 'fast'])
VOLUMES = maybe_existing(
    'v',
    st.builds(
        lambda how, thing: replace(
            thing,
            unfinished=how[0],
            server=how[1],
            readers=how[2],
            leaving=how[2][1:] if how[0] == 'detaching' else (),
        ),
        VOLUME_STATES,
        existing_items(
            Volume('v'),
            size=st.integers(1, 4),
            source=VOLUME_SOURCES,
            delete_protection=RARELY,
            volume_type=VOLUME_TYPES,
            description=TEXTS,
            labels=LABELS,
        ),
    ),
)


@EXAMPLES
@given(
    st.builds(
        VolumeRequest,
        st.just('v'),
        st.sampled_from(['present', 'attached', 'attached', 'detached', 'absent']),
        optional_values(
            size=st.integers(3, 6),
            source=st.sampled_from(['image:i', 'image:i', 'source_volume:none']),
            delete_protection=RARELY,
            volume_type=VOLUME_TYPES,
            description=TEXTS,
            labels=LABELS,
        ),
        st.none(),
        st.booleans(),
        servers=st.sampled_from([None, ('s',), ('t',), ('t', 's')]),
        read_only=st.sampled_from([None, False, True]),
    ),
    VOLUMES,
    st.sampled_from([True, False, None]),
)
def test_volumes(request: VolumeRequest, world: dict[str, Volume], mounted: bool | None) -> None:
    """Created, grown, moved between servers, detached, deleted."""
    assume(not request.problems())

    def replan(there: World) -> Plan:
        servers = {
            name: Server(
                name, volumes=tuple(item.name for item in there.values() if name in item.servers)
            )
            for name in ('s', 't')
        }
        current = there.get('v')
        leaves = current is not None and bool(leaving(request, current))
        images = {'i': Image('i', min_disk=4)}
        types = {name: VolumeType(name) for name in ('default', 'fast')}
        seen = volume.ObservedVolumes(
            there, servers, mounted if leaves else False, images=images, types=types
        )
        return volume.plan(request, seen)

    after = apply_and_replan('volume', replan, world)
    check_others_unchanged(world, after, request, 'server', 'readers', 'leaving')
    if request.state == 'attached':
        assert {*after['v'].servers} == {*request.named}
    if request.state == 'attached' and request.read_only is not None:
        assert bool(after['v'].readers) == request.read_only
    if request.state == 'detached':
        assert not {*after['v'].servers} & {*(request.named or ('s', 't'))}


@EXAMPLES
@given(
    st.builds(
        VolumeRequest,
        st.just('s/root'),
        st.sampled_from(['present', 'attached', 'detached', 'absent']),
        optional_values(size=st.integers(3, 6), description=TEXTS, labels=LABELS),
        st.sampled_from([None, 's', 't']),
    ),
    existing_items(
        Volume('s/root', server='s', bootable=True),
        size=st.integers(1, 4),
        unfinished=st.sampled_from([None, None, 'creating', 'extending', 'deleting']),
        description=TEXTS,
        labels=LABELS,
    ),
)
def test_root_volumes(request: VolumeRequest, root: Volume) -> None:
    """Grown and described, never anything else."""
    assume(not request.problems())
    after = apply_and_replan(
        'volume',
        lambda there: volume.plan(request, volume.ObservedVolumes(there, {'s': Server('s')})),
        {'s/root': root},
    )
    assert request.state != 'absent'
    assert (after['s/root'].server, after['s/root'].bootable) == ('s', True)
    check_others_unchanged({'s/root': root}, after, request)


FIXED = {
    'server s': '192.168.0.5',
    'server t': '192.168.0.6',
    'lb l': '192.168.0.7',
    'port p': '192.168.0.8',
}
ADDRESSES = ('172.24.0.1', '172.24.0.2', '172.24.0.3')


@st.composite
def floating_worlds(draw: st.DrawFn) -> dict[str, FloatingIp]:
    """One address with a name and one without, each attached or not."""
    holders = draw(st.permutations([None, None, *FIXED]))
    there = draw(st.sets(st.sampled_from(['f', ADDRESSES[1]])))
    world = {}
    for name, address, holder in zip(('f', ADDRESSES[1]), ADDRESSES, holders, strict=False):
        kind, _space, who = (holder or '').partition(' ')
        item = concrete(
            FloatingIp(
                name,
                address,
                'pool',
                description=draw(TEXTS),
                labels=draw(LABELS),
                delete_protection=draw(RARELY),
            )
        )
        world[name] = (
            replace(
                item, **{kind: who, 'fixed_ip': FIXED[holder], 'automatic': draw(st.booleans())}
            )
            if holder
            else item
        )
    return {name: item for name, item in world.items() if name in there}


@EXAMPLES
@given(
    st.builds(
        FloatingIpRequest,
        st.sampled_from(['f', 'f', 'f', '']),
        st.sampled_from(['present', 'attached', 'attached', 'detached', 'absent']),
        optional_values(description=TEXTS, labels=LABELS, delete_protection=RARELY),
        st.sampled_from([None, None, *ADDRESSES]),
        st.sampled_from([None, 's', 't']),
        st.sampled_from([None, None, 'l']),
        st.none(),
        st.sampled_from([None, None, 'pool']),
        st.sampled_from([None, None, None, 'p']),
    ),
    floating_worlds(),
)
def test_floating_ips(request: FloatingIpRequest, world: dict[str, FloatingIp]) -> None:
    """By name, address or holder: created once, attached, moved, detached, deleted."""
    assume(not request.problems())
    # One that is identified by its holder is not found again after its detachment.
    assume(request.name or request.address or request.state != 'detached')
    # An address that exists under another name is found when it is requested.
    assume(
        not (
            request.name
            and request.name not in world
            and request.address in {item.address for item in world.values()}
        )
    )

    def replan(there: World) -> Plan:
        requested = request.name or request.address
        found = [
            item
            for item in there.values()
            if (
                requested in (item.name, item.address)
                if requested
                else request.matches_holder(item)
            )
        ]
        held = {item.fixed_ip: item.address for item in there.values()}
        fixed_ips = tuple(
            FixedIp(
                fixed,
                **{holder.partition(' ')[0]: holder.partition(' ')[2]},
                floating_ip=held.get(fixed),
            )
            for holder, fixed in FIXED.items()
        )
        return floating_ip.plan(
            request,
            floating_ip.ObservedFloatingIps(
                found[0] if found else None, fixed_ips, {'pool': 3 - len(there)}
            ),
        )

    after = apply_and_replan('floating_ip', replan, world)
    for name, item in world.items():
        if (request.name or request.address) and (request.name or request.address) not in (
            name,
            item.address,
        ):
            assert after[name] == item
        elif name in after:
            check_unchanged(
                item,
                after[name],
                {
                    *request.options,
                    # An automatic one that is protected stays without its server.
                    *(('automatic',) if request.options.get('delete_protection') else ()),
                    *(
                        ('server', 'lb', 'port', 'fixed_ip', 'automatic')
                        if request.state in ('attached', 'detached')
                        else ()
                    ),
                },
            )
    if request.state == 'attached':
        assert any(request.matches_holder(item) for item in after.values())


LISTENERS = st.sampled_from([(Listener(80),), (Listener(80), Listener(443, 'tcp', 443))])
CHECKS = st.sampled_from([HealthCheck(), HealthCheck('tcp', 81, '/', 5)])
MEMBERS = st.sampled_from([(), ('s',), ('s', 't')])
ALGORITHMS = st.sampled_from(['round_robin', 'source_ip'])


@EXAMPLES
@given(
    st.builds(
        LbRequest,
        st.just('l'),
        PRESENT,
        optional_values(
            network=st.just('default'),
            listeners=LISTENERS,
            members=MEMBERS,
            health_check=st.none() | CHECKS,
            algorithm=ALGORITHMS,
            description=TEXTS,
            labels=LABELS,
        ),
        st.sampled_from([None, 'auto', 'none', ADDRESS]),
    ),
    maybe_existing(
        'l',
        existing_items(
            Lb('l'),
            listeners=LISTENERS,
            members=MEMBERS,
            health_check=st.none() | CHECKS,
            algorithm=ALGORITHMS,
            floating_ip=st.sampled_from([None, '172.24.0.1']),
            running=st.booleans(),
            unfinished=st.sampled_from([None, None, None, 'creating', 'updating', 'deleting']),
            description=TEXTS,
            labels=LABELS,
        ),
    ),
)
def test_lbs(request: LbRequest, world: dict[str, Lb]) -> None:
    """Created, changed in place, started again when they do not run."""
    assume(not request.problems())
    servers = {name: Server(name) for name in ('s', 't')}
    after = apply_and_replan(
        'lb', lambda there: lb.plan(request, lb.ObservedLbs(there, NETWORKS, servers, 1)), world
    )
    check_others_unchanged(
        world, after, request, 'running', *(('floating_ip',) if request.floating_ip else ())
    )
    assert all(item.running for item in after.values())


@EXAMPLES
@given(
    st.builds(
        NetworkRequest,
        st.just('n'),
        PRESENT,
        optional_values(
            cidr=st.sampled_from(['10.1.0.0/24', '10.1.0.0/24', '10.2.0.0/24']),
            delete_protection=RARELY,
            description=TEXTS,
            labels=LABELS,
        ),
    ),
    maybe_existing(
        'n',
        existing_items(
            Network('n', '10.1.0.0/24', '10.1.0.1'),
            unfinished=st.sampled_from([None, None, None, 'creating', 'deleting']),
            delete_protection=RARELY,
            description=TEXTS,
            labels=LABELS,
        ),
    ),
)
def test_networks(request: NetworkRequest, world: dict[str, Network]) -> None:
    """The gateway is always in the network."""
    assert not request.problems()
    after = apply_and_replan(
        'network',
        lambda there: network.plan(
            request, network.ObservedNetworks(there, {'192.168.0.0/24': 'the device eth0'})
        ),
        world,
    )
    check_others_unchanged(
        world, after, request, *(('gateway',) if 'cidr' in request.options else ())
    )
    assert all(IPv4Address(item.gateway) in IPv4Network(item.cidr) for item in after.values())


SOURCES = st.sampled_from(['path:/a.qcow2', 'server:s'])
USERS = st.sampled_from(['debian', 'root'])
PROJECTS = st.sampled_from([('blue',), ('blue', 'red'), ()])


@EXAMPLES
@given(
    st.builds(
        ImageRequest,
        st.just('i'),
        PRESENT,
        optional_values(
            source=SOURCES,
            os_admin_user=USERS,
            visibility=st.sampled_from(['private', 'shared', 'public']),
            delete_protection=RARELY,
            description=TEXTS,
            labels=LABELS,
        )
        | optional_values(source=SOURCES, shared_with=PROJECTS, description=TEXTS),
    ),
    maybe_existing(
        'i',
        existing_items(
            Image('i'),
            source=SOURCES,
            os_admin_user=USERS,
            visibility=st.sampled_from(['private', 'public']),
            delete_protection=RARELY,
            description=TEXTS,
            labels=LABELS,
            unfinished=st.sampled_from([None, None, None, 'creating', 'deleting']),
        ),
    ),
)
def test_images(request: ImageRequest, world: dict[str, Image]) -> None:
    """Created once, again only after an interrupted run; shared with projects if it is shared."""
    assert not request.problems()
    after = apply_and_replan(
        'image',
        lambda there: image.plan(
            request, image.ObservedImages(there, '', {'s': Server('s', power='stopped')})
        ),
        world,
    )
    check_others_unchanged(world, after, request, 'visibility', 'shared_with')
    if request.state == 'present' and request.options.get('shared_with'):
        assert after['i'].visibility == 'shared'
    if 'i' in after and after['i'].visibility != 'shared':
        assert after['i'].shared_with == ()


@EXAMPLES
@given(
    st.builds(
        FlavorRequest,
        st.just('f'),
        PRESENT,
        optional_values(
            vcpus=st.just(1),
            memory=st.just(512),
            disk=st.just(4),
            family=st.sampled_from(['general', 'gpu']),
            visibility=st.sampled_from(['private', 'shared', 'public']),
            description=TEXTS,
        )
        | optional_values(
            vcpus=st.just(1), memory=st.just(512), disk=st.just(4), shared_with=PROJECTS
        ),
    ),
    maybe_existing(
        'f',
        existing_items(
            Flavor('f', vcpus=1, memory=512, disk=4),
            family=st.sampled_from(['general', 'cpu']),
            visibility=st.sampled_from(['private', 'public']),
            description=TEXTS,
        ),
    ),
)
def test_flavors(request: FlavorRequest, world: dict[str, Flavor]) -> None:
    """Created, described, deleted; shared with projects if it is shared."""
    assert not request.problems()
    after = apply_and_replan('flavor', lambda there: flavor.plan(request, there), world)
    check_others_unchanged(world, after, request, 'visibility', 'shared_with')
    if 'f' in after:
        assert after['f'].visibility == 'shared' or not after['f'].shared_with


@EXAMPLES
@given(
    st.builds(
        KeypairRequest,
        st.just('k'),
        PRESENT,
        optional_values(public_key=st.just(ED25519 + ' a comment')),
        st.sampled_from([None, 'k.pem']),
    ),
    maybe_existing('k', existing_items(Keypair('k', ED25519 + ' me@here'))),
    st.sampled_from([ED25519, None]),
)
def test_keypairs(request: KeypairRequest, world: dict[str, Keypair], in_file: str | None) -> None:
    """Specified, or generated into a file that then exists."""
    assume(not request.problems())

    def replan(there: World) -> Plan:
        made = in_file or (ED25519 if there != world else None)
        key_file = (
            KeyFile(request.private_key_file, made) if request.private_key_file and made else None
        )
        return keypair.plan(request, keypair.ObservedKeypairs(there, key_file))

    after = apply_and_replan('keypair', replan, world)
    assert (request.name in after) == (request.state == 'present')
    assert all(after[name] == there for name, there in world.items() if name in after)


RULES = [
    Rule('ingress', 'tcp', 22, 22),
    Rule('egress'),
    Rule('egress', 'tcp', 443, 443),
    Rule('ingress', 'udp', 53, 53, '', 'g'),
    Rule('ingress', remote_cidr='', remote_group='other'),
]
FOREIGN = [ForeignRule('7', 'sctp from any', 'ingress'), ForeignRule('8', 'vrrp', 'egress')]
REQUESTED_RULES = st.sets(st.sampled_from(RULES)).map(lambda rules: tuple(sorted(rules)))
LISTED_RULES = st.sets(st.sampled_from([*RULES, *FOREIGN])).map(normalized)


@EXAMPLES
@given(
    st.builds(
        SecurityGroupRequest,
        st.just('g'),
        PRESENT,
        optional_values(rules=REQUESTED_RULES, description=TEXTS),
        st.booleans(),
    ),
    maybe_existing('g', existing_items(SecurityGroup('g'), rules=LISTED_RULES, description=TEXTS)),
)
def test_security_groups(request: SecurityGroupRequest, world: dict[str, SecurityGroup]) -> None:
    """The rules replace the existing ones, or are added to them."""
    world = {**world, 'other': SecurityGroup('other')}
    after = apply_and_replan(
        'security_group',
        lambda there: security_group.plan(request, security_group.ObservedSecurityGroups(there)),
        world,
    )
    check_others_unchanged(world, after, request)
    if request.state == 'present' and 'rules' in request.options:
        before = set() if request.purge_rules or 'g' not in world else set(world['g'].rules)
        assert after['g'].rules == normalized(before | set(request.options['rules']))


@EXAMPLES
@given(
    st.builds(
        InitScriptRequest,
        st.just('s'),
        PRESENT,
        optional_values(
            content=st.sampled_from(['#!/bin/sh\n', '#!/usr/bin/env python3\n']),
            description=TEXTS,
            labels=LABELS,
        ),
    ),
    maybe_existing(
        's',
        existing_items(
            InitScript('s', '#!/bin/sh\n'),
            content=st.sampled_from(['#!/bin/sh\n', '#!/usr/bin/perl\n']),
            description=TEXTS,
            labels=LABELS,
        ),
    ),
)
def test_init_scripts(request: InitScriptRequest, world: dict[str, InitScript]) -> None:
    """Created, updated, deleted."""
    assume(not request.problems())
    check_others_unchanged(
        world,
        apply_and_replan('init_script', lambda there: init_script.plan(request, there), world),
        request,
    )


SCHEDULED: dict[str, st.SearchStrategy[Any]] = {
    'action': st.sampled_from(['backup', 'snapshot', 'stop']),
    'on_calendar': st.sampled_from(['daily', 'hourly']),
    'servers': st.sampled_from([(), ('a',), ('a', 'b')]),
    'server_labels': LABELS,
    'description': TEXTS,
    'labels': LABELS,
}


@EXAMPLES
@given(
    st.builds(
        ScheduleRequest,
        st.just('s'),
        PRESENT,
        optional_values(
            **SCHEDULED,
            store=st.just('disk'),
            mode=st.sampled_from(['snapshot', 'stop']),
            force=st.booleans(),
            keep_last=st.integers(0, 2),
            keep_daily=st.integers(0, 2),
        ),
    ),
    maybe_existing(
        's',
        existing_items(
            Schedule('s', action='backup', on_calendar='daily', servers=('a',)),
            on_calendar=st.sampled_from(['daily', 'weekly']),
            force=st.booleans(),
            keep_last=st.sampled_from([None, 1]),
            has_timer=st.booleans(),
            description=TEXTS,
            labels=LABELS,
        ),
    ),
)
def test_schedules(request: ScheduleRequest, world: dict[str, Schedule]) -> None:
    """Another action has none of the options that it lacks, and a rule of 0 is none."""
    assert not request.problems()
    after = apply_and_replan(
        'schedule',
        lambda there: schedule.plan(request, schedule.ObservedSchedules(there, 'soon')),
        world,
    )
    may_differ = {'has_timer', 'next_run_at', *OPTIONS}
    check_others_unchanged(world, after, request, *may_differ)
    if 's' in after:
        assert after['s'].has_timer
        assert not after['s'].problems()
        assert after['s'].keep_last != 0
        if 'action' not in request.options and world:
            assert after['s'].force == request.options.get('force', world['s'].force)


QUOTA_VALUES = st.dictionaries(st.sampled_from(['servers', 'memory', 'lbs']), st.integers(0, 2))


@EXAMPLES
@given(
    st.builds(
        ProjectRequest,
        st.just('p'),
        PRESENT,
        optional_values(
            quotas=st.dictionaries(st.sampled_from(['servers', 'lbs']), st.integers(-1, 2)),
            description=TEXTS,
            labels=LABELS,
            members=st.just((('root', 'admin'), ('bob', 'member'))),
        ),
    ),
    maybe_existing(
        'p',
        existing_items(
            Project('p'),
            quotas=QUOTA_VALUES,
            members=st.sampled_from([None, {'root': 'admin'}]),
            description=TEXTS,
            labels=LABELS,
        ),
    ),
)
def test_projects(request: ProjectRequest, world: dict[str, Project]) -> None:
    """A quota that is left out stays, and -1 takes one away."""
    after = apply_and_replan(
        'project', lambda there: project.plan(request, project.ObservedProjects(there)), world
    )
    check_others_unchanged(world, after, request)
    if request.state == 'present':
        quotas = {**(world['p'].quotas if world else {}), **request.options.get('quotas', {})}
        assert after['p'].quotas == {quota: most for quota, most in quotas.items() if most >= 0}


@EXAMPLES
@given(
    st.builds(
        PortRequest,
        st.just('p'),
        PRESENT,
        optional_values(
            network=st.sampled_from(['default', 'back']),
            fixed_ip=st.sampled_from(['192.168.0.7', '10.0.0.7']),
            mac=st.just('52:54:00:00:00:07'),
            security_groups=st.sampled_from([('default',), ('ssh', 'web')]),
            description=TEXTS,
            labels=LABELS,
        ),
    ),
    maybe_existing(
        'p',
        existing_items(
            Port('p', 'default', '192.168.0.7', '52:54:00:00:00:07'),
            server=st.none() | st.just('a'),
            description=TEXTS,
            labels=LABELS,
        ),
    ),
)
def test_ports(request: PortRequest, world: dict[str, Port]) -> None:
    """Created with or without a fixed address, moved to other groups, deleted when unused."""
    assume(not request.problems())
    check_others_unchanged(
        world,
        apply_and_replan(
            'port',
            lambda there: port.plan(request, port.ObservedPorts(there, NETWORKS, GROUPS)),
            world,
        ),
        request,
    )
