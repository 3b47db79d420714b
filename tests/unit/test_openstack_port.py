# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ports as Neutron has them, and what has them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._model.change import AFTER_APPLY
from ansible_collections.hanok.cloud.plugins.module_utils._model.port import Port
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.network.port_items import (
    body_of,
    port_of,
)
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.network.port_users import (
    is_named,
)

RAW: dict[str, Any] = {
    'id': 'p1',
    'name': 'door',
    'network_id': 'n1',
    'mac_address': 'fa:16:3e:00:00:01',
    'device_id': '',
    'device_owner': '',
    'fixed_ips': [{'ip_address': 'fd00::5'}, {'ip_address': '10.0.0.5'}],
    'security_groups': ['g2', 'g1'],
    'description': 'of the office',
    'tags': ['a=b', 'hanok:created_by=eve'],
    'created_at': '2026-01-01T00:00:00Z',
}


def test_port() -> None:
    """A port has its first IPv4 address; a group that is not seen has its id as its name."""
    found = port_of(RAW, {'n1': 'back'}, {'g2': 'more'}, 'web', '198.51.100.7')
    assert (found.network, found.fixed_ip, found.mac) == ('back', '10.0.0.5', 'fa:16:3e:00:00:01')
    assert found.security_groups == ('g1', 'more')
    assert (found.server, found.floating_ip, found.id) == ('web', '198.51.100.7', 'p1')
    assert (found.labels, found.created_by, found.description) == (
        {'a': 'b'},
        'eve',
        'of the office',
    )


def test_what_is_not_requested_is_chosen_by_neutron() -> None:
    """A request without an address and a MAC has neither."""
    plain = body_of(Port('door'), 'n1', ['g1'])
    assert plain == {'name': 'door', 'network_id': 'n1', 'security_groups': ['g1']}
    chosen = body_of(Port('door', fixed_ip='10.0.0.5', mac='52:54:00:00:00:01'), 'n1', [])
    assert chosen['fixed_ips'] == [{'ip_address': '10.0.0.5'}]
    assert chosen['mac_address'] == '52:54:00:00:00:01'
    assert AFTER_APPLY not in str(chosen)


@pytest.mark.parametrize(
    ('values', 'expected'),
    [
        ({}, True),
        ({'device_owner': 'compute:nova', 'device_id': 's1'}, True),
        ({'name': ''}, False),
        ({'tags': ['hanok:of=web', 'hanok:created_by=eve']}, False),
        ({'tags': [], 'description': 'hanok:created_by=eve; hanok:of=web'}, False),
        ({'device_owner': 'network:router_interface', 'device_id': 'r1'}, False),
        ({'device_owner': 'Octavia', 'device_id': 'lb-1', 'name': 'octavia-lb-1'}, False),
    ],
)
def test_named_ports(values: dict[str, Any], expected: bool) -> None:
    """Ports of routers and balancers, and those created for one server, are not listed."""
    assert is_named({**RAW, **values}) is expected
