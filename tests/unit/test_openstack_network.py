# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Networks as Neutron returns them, and names of items that several have."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._cloud import Gone, Refused
from ansible_collections.hanok.cloud.plugins.module_utils._model.change import AFTER_APPLY, Change
from ansible_collections.hanok.cloud.plugins.module_utils._model.kinds import Verb
from ansible_collections.hanok.cloud.plugins.module_utils._model.network import Network
from ansible_collections.hanok.cloud.plugins.module_utils._model.status import TaskState
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.api.names import (
    ids_of,
    item_of,
    named,
)
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.network.network_items import (
    default_network,
    network_of,
)
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.network.pools import (
    is_allocated_from,
)
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.network.tags import is_ours

OWN, OTHER = 'project-1', 'project-2'


def network(**values: Any) -> dict[str, Any]:
    """A network as Neutron returns it."""
    return {
        'id': 'n1',
        'name': 'back',
        'project_id': OWN,
        'description': '',
        'tags': ['hanok:created_by=eve'],
        'created_at': '2026-01-01T00:00:00Z',
        **values,
    }


def subnet(identity: str, version: int, cidr: str, gateway: str | None) -> dict[str, Any]:
    """A subnet as Neutron returns it."""
    return {
        'id': identity,
        'network_id': 'n1',
        'ip_version': version,
        'cidr': cidr,
        'gateway_ip': gateway,
        'created_at': '2026-01-01T00:00:00Z',
    }


def test_network_has_the_range_of_its_first_ipv4_subnet() -> None:
    """Subnets of IPv6 and of other networks do not count."""
    subnets = [
        subnet('s1', 6, 'fd00::/64', 'fd00::1'),
        subnet('s3', 4, '10.2.0.0/24', None),
        subnet('s2', 4, '10.1.0.0/24', None),
        {**subnet('s0', 4, '10.0.0.0/24', None), 'network_id': 'n2'},
    ]
    found = network_of(network(), subnets, ('web',))
    assert (found.cidr, found.gateway, found.used_by) == ('10.1.0.0/24', '', ('web',))
    assert (found.created_by, found.unfinished) == ('eve', None)
    assert network_of(network(), [], ()).cidr == ''


def test_network_of_a_killed_run_keeps_its_range() -> None:
    """Before there is a subnet, the marks have the range that was chosen."""
    marks = 'hanok:cidr=10.1.0.0/24; hanok:created_by=eve; hanok:unfinished=creating'
    found = network_of(network(description=marks, tags=[]), [], ())
    assert (found.cidr, found.created_by, found.description) == ('10.1.0.0/24', 'eve', '')
    assert found.unfinished == TaskState.CREATING


def test_double_names() -> None:
    """The first of two of ours stays; all others are listed, and refused as references."""
    second = network(id='n2', created_at='2026-01-01T00:00:01Z')
    foreign = network(id='n3', tags=[])
    shared = network(id='n4', tags=[], project_id=OTHER)

    def ids(*items: dict[str, Any], names: tuple[str, ...] | None = ('back',)) -> list[str]:
        return [item['id'] for item in named(items, names, OWN, is_ours)]

    assert ids(second, network()) == ['n1']
    assert ids(network(), shared) == ['n1']
    assert ids(shared) == ['n4']
    assert ids(network(), foreign, names=None) == ['n1', 'n3']
    assert ids(network(), foreign, names=('other',)) == []
    assert ids(network(), foreign) == ['n1', 'n3']
    with pytest.raises(Refused, match=r'network back exists 2 times \(n1, n3\)'):
        ids_of('network', [network(), foreign], ['back'], OWN, is_ours)


def test_item_of_a_change() -> None:
    """An item is found by the id that was observed, else by the name that the plan gave it."""
    change = Change('network', 'back', Verb.UPDATE, Network('back', id='n2'), Network('back'))
    assert item_of(change, [network(), network(id='n2', name='new')], OWN)['name'] == 'new'
    with pytest.raises(Gone):
        item_of(change, [network()], OWN)
    created = Change('network', 'back', Verb.UPDATE, Network('back'), Network('back'))
    assert created.id == AFTER_APPLY
    assert item_of(created, [network()], OWN)['id'] == 'n1'


@pytest.mark.parametrize(
    ('names', 'marked', 'expected'),
    [
        (['lan', 'default'], 'lan', 'default'),
        (['lan', 'dmz'], 'dmz', 'dmz'),
        (['lan', 'Ext-Net'], None, 'lan'),
        (['Ext-Net'], None, 'Ext-Net'),
        (['lan', 'dmz'], None, None),
        ([], None, 'default'),
    ],
)
def test_default_network(names: list[str], marked: str | None, expected: str | None) -> None:
    """The network with the name default, else the marked one, else the only one."""
    listed = [{'name': name, 'router:external': name == 'Ext-Net'} for name in names]
    assert default_network(listed, lambda: marked) == expected


def test_addresses_of_a_pool() -> None:
    """Only what Neutron allocates is in a pool: neither its gateway nor IPv6."""
    pools = [{'start': '198.51.100.2', 'end': '198.51.100.254'}]
    subnets = [
        {'ip_version': 6, 'allocation_pools': [{'start': 'fd00::2', 'end': 'fd00::9'}]},
        {'ip_version': 4, 'allocation_pools': pools},
    ]
    assert is_allocated_from(subnets, '198.51.100.254')
    assert not is_allocated_from(subnets, '198.51.100.1')
    assert not is_allocated_from(subnets, '8.8.8.8')
