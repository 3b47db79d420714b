# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A server that was not created yet gets the requested options; one that runs is updated."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.hanok.cloud.plugins.module_utils._local.catalogue.flavor_catalogue import (
    CATALOGUE,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.change import AFTER_APPLY
from ansible_collections.hanok.cloud.plugins.module_utils._model.effect import (
    COMPLETES_INTERRUPTED_RUN,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.hardware import DEFAULT
from ansible_collections.hanok.cloud.plugins.module_utils._model.image import Image
from ansible_collections.hanok.cloud.plugins.module_utils._model.keypair import Keypair
from ansible_collections.hanok.cloud.plugins.module_utils._model.lb import Lb
from ansible_collections.hanok.cloud.plugins.module_utils._model.network import Network
from ansible_collections.hanok.cloud.plugins.module_utils._model.nic_request import NicRequest
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import (
    Nic,
    Server,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.server_request import ServerRequest
from ansible_collections.hanok.cloud.plugins.module_utils._model.user_data import UserDataHash
from ansible_collections.hanok.cloud.plugins.module_utils._plan.server import plan
from ansible_collections.hanok.cloud.plugins.module_utils._plan.server_observations import (
    ObservedServers,
)

INCOMPLETE = Server(
    'web',
    flavor='g1.tiny',
    vcpus=2,
    memory=9999,
    image='debian',
    volume_size=90,
    hardware=DEFAULT,
    networks=(Nic('default', '192.168.0.5', '52:54:00:00:00:05'),),
    unfinished='creating',
    launched=False,
)
UNFINISHED = {'unfinished': 'creating', 'launched': False}


def planned(
    current: Server, options: dict[str, Any], user_data: str | None = None, **more: Any
) -> Any:
    """A plan for the server web."""
    sealed = UserDataHash.of(user_data, 'secret') if user_data else None
    there = ObservedServers(
        {'web': current},
        {'mine': Keypair('mine', 'ssh-ed25519 A')},
        CATALOGUE,
        {
            'debian': Image('debian', size=2**31, min_disk=2),
            'huge': Image('huge', size=50 * 2**30, min_disk=50),
            'root': Image('root', disk_format='root-tar'),
        },
        {
            name: Network(name, f'192.168.{number}.0/24', f'192.168.{number}.1')
            for number, name in enumerate(('default', 'back'))
        },
        owners={('back', '192.168.1.7'): 'web'},
        lbs=more.pop('lbs', {}),
        user_data=sealed,
    )
    return plan(
        ServerRequest('web', more.pop('state', 'present'), options, user_data=user_data, **more),
        there,
    )


def test_it_gets_the_requested_options() -> None:
    """In one change, without any permission, also options that are fixed later."""
    options = {'flavor': 'g1.micro', 'image': 'debian', 'key_names': ('mine',)}
    current = planned(
        INCOMPLETE, options, networks=(NicRequest('back', '192.168.1.7'),), state='stopped'
    )
    assert current.refused == current.missing == ()
    (change,) = current.changes
    assert (change.verb, change.before, change.why) == ('create', None, COMPLETES_INTERRUPTED_RUN)
    flavor = CATALOGUE['g1.micro']
    after = change.after
    assert (after.flavor, after.vcpus, after.memory, after.volume_size) == (
        'g1.micro',
        flavor.vcpus,
        flavor.memory,
        flavor.disk,
    )
    assert (after.key_names, after.networks, after.power) == (
        ('mine',),
        (Nic('back', '192.168.1.7', AFTER_APPLY),),
        'stopped',
    )
    assert after.security_groups == INCOMPLETE.security_groups


def test_a_member_of_a_balancer_stays_in_its_network() -> None:
    """It may be recreated with other options, but not without the network of the balancer."""
    lbs = {'entry': Lb('entry', members=('web',)), 'other': Lb('other', network='back')}
    kept = planned(INCOMPLETE, {'flavor': 'g1.micro'}, lbs=lbs)
    assert kept.refused == ()
    both = (NicRequest('back'), NicRequest('default'))
    assert planned(INCOMPLETE, {}, lbs=lbs, networks=both).refused == ()
    assert planned(INCOMPLETE, {}, lbs=lbs, networks=(NicRequest('back'),)).refused == (
        'networks: server web is a member of lb entry, in network default; connect it to that, or '
        'remove it from the members first',
    )


def test_unspecified_options_are_kept() -> None:
    """Options that are not specified are kept as recorded."""
    (change,) = planned(INCOMPLETE, {}).changes
    assert change.after == replace(INCOMPLETE, unfinished=None, launched=True)
    (change,) = planned(INCOMPLETE, {'volume_size': 4}).changes
    assert change.after == replace(INCOMPLETE, unfinished=None, launched=True, volume_size=4)


def test_invalid_options_are_refused() -> None:
    """As for a new server."""
    assert planned(INCOMPLETE, {'volume_size': 1}).refused == (
        'volume_size: 1 GB is less than the image debian requires; use at least 2',
    )
    assert planned(replace(INCOMPLETE, volume_size=4), {'image': 'huge'}).refused == (
        'volume_size: 4 GB is less than the image huge requires; use at least 50',
    )


def test_first_boot_content_is_required() -> None:
    """Only its hash is recorded. New content replaces an init script."""
    was = replace(INCOMPLETE, user_data=UserDataHash.of('#!/bin/sh\n', 'secret'))
    (refused,) = planned(was, {'volume_size': 4}).refused
    assert refused.endswith('specify user_data again, or delete the server')
    assert planned(was, {'volume_size': 4}, '#!/bin/sh\n').refused == ()
    (change,) = planned(replace(INCOMPLETE, init_script='setup'), {}, '#!/bin/sh\n').changes
    assert (change.after.user_data, change.after.init_script) == (
        UserDataHash.of('#!/bin/sh\n', 'secret'),
        None,
    )


def test_running_server_is_updated() -> None:
    """Its machine was started before the run was killed: it is first completed as recorded."""
    current = planned(
        replace(INCOMPLETE, launched=True), {'flavor': 'g1.micro', 'key_names': ('mine',)}
    )
    assert [change.verb for change in current.changes] == ['create', 'update']
    assert any('allow_restart: true' in text for text in current.refused)
    assert any('key_names is []' in text for text in current.refused)


def test_other_type() -> None:
    """A creation that did not end may be of the other type: what that has comes with it."""
    made = planned(INCOMPLETE, {'image': 'root'}).changes[0].after
    assert (made.type, made.volume_size, made.hardware) == ('container', 0, None)
    made = planned(replace(made, **UNFINISHED), {'image': 'debian'}).changes[0].after
    assert (made.type, made.volume_size, made.hardware) == ('vm', 2, DEFAULT)
