# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a cloud says of itself decides what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._local.profile import PROFILE
from ansible_collections.hanok.cloud.plugins.module_utils._model.flavor import FlavorRequest
from ansible_collections.hanok.cloud.plugins.module_utils._model.init_script import (
    InitScriptRequest,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.network import Network
from ansible_collections.hanok.cloud.plugins.module_utils._model.profile import HOST, Profile
from ansible_collections.hanok.cloud.plugins.module_utils._model.reachability import is_allowed
from ansible_collections.hanok.cloud.plugins.module_utils._model.rule import Rule
from ansible_collections.hanok.cloud.plugins.module_utils._model.security_group import (
    SecurityGroup,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import Nic
from ansible_collections.hanok.cloud.plugins.module_utils._model.server_request import ServerRequest
from ansible_collections.hanok.cloud.plugins.module_utils._plan import floating_ip, lb, port, server
from ansible_collections.hanok.cloud.plugins.module_utils._plan.server_observations import (
    FloatingAddress,
    ObservedServers,
)

LAN = {'lan': Network('lan', '192.168.0.0/24', '192.168.0.1')}
GROUPS = {
    'host': SecurityGroup('host', rules=(Rule('ingress', 'tcp', 22, 22, '192.168.0.1/32'),)),
    'office': SecurityGroup('office', rules=(Rule('ingress', 'tcp', 22, 22, '203.0.113.0/24'),)),
    'peers': SecurityGroup('peers', rules=(Rule('ingress', 'tcp', 22, 22, '', 'peers'),)),
}
OFFICE = '203.0.113.7'
UNKNOWN = Profile(default_network='lan')


@pytest.mark.parametrize(
    ('group', 'sources'),
    [('host', {HOST}), ('office', {OFFICE}), ('peers', set())],
)
def test_where_the_module_runs(group: str, sources: set[str]) -> None:
    """Rules are judged for the host of the servers, or for an address outside."""
    allowed = {
        source
        for source in (HOST, OFFICE, '198.51.100.9')
        if is_allowed([GROUPS[group]], LAN['lan'], source, 'tcp', 22)
    }
    assert allowed == sources


@pytest.mark.parametrize(
    ('here', 'place'), [(HOST, 'the cloud'), ('198.51.100.9', '198.51.100.9'), (None, '')]
)
def test_wait_for_ssh(here: str | None, place: str) -> None:
    """Where the module runs is named; if it is unknown, nothing is refused."""
    request = ServerRequest('web', 'present', {'security_groups': ('office',)}, wait_for='ssh')
    there = ObservedServers(
        {}, networks=LAN, groups=GROUPS, profile=Profile(here=here, default_network='lan')
    )
    refused = [text for text in server.plan(request, there).refused if 'wait_for' in text]
    assert [f'allows tcp 22 from {place};' in text for text in refused] == ([True] if here else [])


def test_limits() -> None:
    """They are those of the cloud, for an existing server too."""
    text = '#!' + 'x' * PROFILE.max_user_data
    request = ServerRequest('web', 'present', {}, user_data=text)
    assert request.problems() == []
    (problem,) = request.excesses(PROFILE)
    assert problem == 'user_data: it has 524290 bytes; at most 524288 are allowed'
    script = InitScriptRequest('i', 'present', {'content': '#!/bin/sh\n' + 'x' * 65536})
    (problem,) = script.excesses(PROFILE)
    assert problem == 'content: it has 65546 bytes; at most 65536 are allowed'
    for labelled in (ServerRequest, FlavorRequest):
        (problem,) = labelled('f', 'present', {'labels': {'a': 'x' * 9}}).excesses(
            Profile(max_label=8)
        )
        assert problem == 'labels: the value of a has 9 characters; at most 8 are allowed'


def test_default_network() -> None:
    """What is created without a network is in that of the cloud."""
    made: list[Any] = [
        server.plan(
            ServerRequest('web', 'present', {}), ObservedServers({}, networks=LAN, profile=UNKNOWN)
        ),
        port.plan(port.PortRequest('p', 'present'), port.ObservedPorts({}, LAN, profile=UNKNOWN)),
        lb.plan(lb.LbRequest('l', 'present'), lb.ObservedLbs({}, LAN, profile=UNKNOWN)),
    ]
    one, two, three = (plan.changes[0].after for plan in made)
    assert (one.networks, two.network, three.network) == ((Nic('lan'),), 'lan', 'lan')
    assert not any('network' in text for plan in made for text in plan.missing)


def test_unknown_pools() -> None:
    """What a cloud does not tell refuses nothing."""
    request = floating_ip.FloatingIpRequest('f', 'present', {}, address='198.18.0.5')
    there = floating_ip.ObservedFloatingIps(free=None, in_pool=None, profile=UNKNOWN)
    assert floating_ip.plan(request, there).refused == ()
    address = FloatingAddress('198.18.0.5', in_pool=None)
    for wanted in ('auto', address.address):
        requested = ServerRequest('web', 'present', {}, floating_ip=wanted)
        observed = ObservedServers({}, networks=LAN, profile=UNKNOWN, free=None, floating=address)
        refused = server.plan(requested, observed).refused
        assert not any('floating_ip' in text for text in refused)
    none = floating_ip.ObservedFloatingIps(free=0, profile=UNKNOWN)
    (text,) = floating_ip.plan(floating_ip.FloatingIpRequest('f', 'present'), none).refused
    assert text == 'floating_ip: no address is free; delete some, or ask the operator for more'
