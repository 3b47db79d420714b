# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Marks of the items of Neutron, and the errors about floating IPs."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.hanok.cloud.plugins.module_utils._cloud import (
    Busy,
    Gone,
    Refused,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.floating_ip import FixedIp
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.api.errors import error_of
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.api.services import (
    COMPUTE,
    NETWORK,
)
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.network import (
    floating_ip_items,
)
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.network.tags import (
    description_of,
    first_description,
    marks_of,
)


def raw(description: str = '', tags: tuple[str, ...] = ()) -> dict[str, Any]:
    """What all items of Neutron have."""
    return {'description': description, 'tags': list(tags)}


def test_marks_are_in_the_description_until_there_are_tags() -> None:
    """A run that was killed after the creation left no tags."""
    first = raw(first_description({'name': 'entry', 'created_by': 'eve', 'automatic': None}))
    assert marks_of(first).own == {'name': 'entry', 'created_by': 'eve'}
    assert description_of(first) == ''
    tagged = {**first, 'tags': ['hanok:name=door', 'a=b', 'foreign']}
    assert marks_of(tagged) == ({'a': 'b'}, {'name': 'door'})


def test_description_of_a_user() -> None:
    """What a user wrote is no mark."""
    foreign = raw('of the office; hanok:name=x', ('a=b',))
    assert description_of(foreign) == 'of the office; hanok:name=x'
    assert marks_of(foreign) == ({'a': 'b'}, {})


def test_errors() -> None:
    """An address that does not reach a port is no item that is gone."""
    unreachable = {
        'NeutronError': {
            'type': 'ExternalGatewayForFloatingIPNotFound',
            'message': 'External network p is not reachable from subnet s.',
        }
    }
    error = error_of('lab', NETWORK, 404, json.dumps(unreachable), 'req-1')
    assert isinstance(error, Refused)
    assert 'is not reachable from subnet' in str(error)
    assert isinstance(error_of('lab', NETWORK, 404, '{}', 'req-2'), Gone)
    exceeded = {'NeutronError': {'message': "Quota exceeded for resources: ['floatingip']."}}
    assert isinstance(error_of('lab', NETWORK, 409, json.dumps(exceeded), 'req-3'), Refused)


def test_error_of_two_tasks_at_once() -> None:
    """A server whose state another task changed is busy, though Nova calls that an internal error.

    The text is that of Nova 34.
    """
    unexpected = "Unexpected API Error.\n<class 'nova.exception.%s'>"
    for error_class, is_busy in (
        ('UnexpectedTaskStateError', True),
        ('UnexpectedDeletingTaskStateError', True),
        ('InstanceNotFound', False),
    ):
        body = json.dumps({'computeFault': {'code': 500, 'message': unexpected % error_class}})
        error = error_of('lab', COMPUTE, 500, body, 'req-4')
        assert isinstance(error, Busy) is is_busy
        assert ('; run the task again' in str(error)) is is_busy


def test_floating_ip() -> None:
    """The name is a mark; without one, it is the address."""
    item = {
        'id': 'f1',
        'floating_ip_address': '198.51.100.7',
        'floating_network_id': 'p1',
        'fixed_ip_address': '10.0.0.5',
        'created_at': '2026-01-01T00:00:00Z',
        **raw('of the office', ('hanok:name=entry', 'hanok:automatic=1', 'a=b')),
    }
    holder = FixedIp('10.0.0.5', server='web', port='door')
    found = floating_ip_items.floating_ip_of(item, {'p1': 'public'}, holder)
    assert (found.name, found.address, found.pool) == ('entry', '198.51.100.7', 'public')
    assert (found.server, found.port, found.lb) == ('web', 'door', None)
    assert (found.automatic, found.labels, found.description) == (True, {'a': 'b'}, 'of the office')
    bare = floating_ip_items.floating_ip_of({**item, **raw()}, {}, None)
    assert (bare.name, bare.pool, bare.holder) == ('198.51.100.7', 'p1', '')
