# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Load balancers as Octavia returns them, and what it is asked for."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._model.change import AFTER_APPLY
from ansible_collections.hanok.cloud.plugins.module_utils._model.lb import (
    ERROR,
    NO_MONITOR,
    ONLINE,
    UNKNOWN,
    HealthCheck,
    Lb,
    Listener,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.status import TaskState
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.balancer.lb_bodies import (
    lb_body,
    members_body,
    same_members,
)
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.balancer.lb_items import (
    Around,
    lb_of,
)

OURS = ['hanok:listener=http-80', 'hanok:member_port=8080']
Raw = dict[str, Any]


def balancer(**values: Any) -> Raw:
    """A balancer as Octavia returns it."""
    return {
        'id': 'b1',
        'name': 'front',
        'description': '',
        'provisioning_status': 'ACTIVE',
        'vip_address': '192.168.0.9',
        'vip_port_id': 'vip',
        'vip_network_id': 'n1',
        'tags': ['a=b', 'hanok:created_by=eve', 'hanok:token=t'],
        'created_at': '2026-01-01T00:00:00',
        'listeners': [{'id': 'l80'}],
        'pools': [{'id': 'p80'}],
        **values,
    }


def listener(port: int = 80, **values: Any) -> Raw:
    """A listener; its id and that of its pool have its port."""
    return {
        'id': f'l{port}',
        'protocol': 'HTTP',
        'protocol_port': port,
        'default_pool_id': f'p{port}',
        'provisioning_status': 'ACTIVE',
        **values,
    }


def pool(port: int = 80, **values: Any) -> Raw:
    """The pool of a listener; Octavia omits the id of a monitor that it does not have."""
    return {
        'id': f'p{port}',
        'lb_algorithm': 'ROUND_ROBIN',
        'tags': OURS,
        'listeners': [{'id': f'l{port}'}],
        'provisioning_status': 'ACTIVE',
        **values,
    }


def member(address: str, port: int = 8080, **values: Any) -> Raw:
    """A member of a pool."""
    return {
        'address': address,
        'monitor_port': None,
        'protocol_port': port,
        'operating_status': 'NO_MONITOR',
        'provisioning_status': 'ACTIVE',
        **values,
    }


def around(
    listeners: list[Raw],
    pools: list[Raw],
    members: dict[str, list[Raw]] | None = None,
    monitors: list[Raw] | None = None,
    floating_ips: dict[str, str] | None = None,
) -> Around:
    """The parts of a balancer, and two servers."""
    return Around(
        {'n1': 'lan'},
        floating_ips or {},
        {('n1', '192.168.0.11'): 'web1', ('n1', '192.168.0.12'): 'web2'},
        {one['id']: one for one in listeners},
        {one['id']: one for one in pools},
        {one['id']: one for one in monitors or []},
        members or {},
    )


MONITOR = {
    'id': 'm',
    'type': 'HTTP',
    'url_path': '/ok',
    'delay': 3,
    'tags': ['hanok:port=9000'],
    'provisioning_status': 'ACTIVE',
}


def test_balancer() -> None:
    """All that the model has of it."""
    found = lb_of(
        balancer(),
        around(
            [listener()],
            [pool(healthmonitor_id='m')],
            {'p80': [member(f'192.168.0.{last}', monitor_port=9000) for last in (12, 11)]},
            [MONITOR],
            {'vip': '203.0.113.5'},
        ),
    )
    assert found == Lb(
        'front',
        'lan',
        'round_robin',
        (Listener(80, 'http', 8080),),
        ('web1', 'web2'),
        HealthCheck('http', 9000, '/ok', 3),
        '203.0.113.5',
        '',
        {'a': 'b'},
        '192.168.0.9',
        'b1',
        created_by='eve',
        created_at='2026-01-01T00:00:00Z',
    )
    assert found.status == 'ACTIVE'


@pytest.mark.parametrize('ports', [(9001, 9001), (9000, 9001), (9000, None)])
def test_check_port_that_others_changed(ports: tuple[int | None, ...]) -> None:
    """It is that of the members, of which Octavia keeps it; the mark says what was requested."""
    pairs = zip((11, 12), ports, strict=True)
    members = [member(f'192.168.0.{last}', monitor_port=port) for last, port in pairs]
    pools = [pool(healthmonitor_id='m')]
    found = lb_of(balancer(), around([listener()], pools, {'p80': members}, [MONITOR]))
    assert found.health_check == HealthCheck('http', ports[-1], '/ok', 3)


def test_member_whose_address_no_server_has_is_shown_by_it() -> None:
    """A server that was created anew has another address: the member has to be replaced."""
    members = {'p80': [member('192.168.0.99', name='web1'), member('192.168.0.11')]}
    found = lb_of(balancer(), around([listener()], [pool()], members))
    assert found.members == ('web1', '192.168.0.99')


def test_listener_without_members_has_the_port_that_was_asked_for() -> None:
    """It is a mark of the pool; of the pools of others it is the port of the listener."""
    assert lb_of(balancer(), around([listener()], [pool()])).listeners[0].member_port == 8080
    foreign = around([listener()], [pool(tags=[])])
    assert lb_of(balancer(), foreign).listeners[0].member_port == 80


def test_foreign_balancer() -> None:
    """Other protocols are shown; pools that differ are as their owner wants them."""
    found = lb_of(
        balancer(tags=['plain'], listeners=[{'id': 'l443'}, {'id': 'l53'}]),
        around(
            [
                listener(443, protocol='TERMINATED_HTTPS'),
                listener(53, protocol='UDP', default_pool_id=None),
            ],
            [pool(443, tags=[], lb_algorithm='SOURCE_IP_PORT')],
            {'p443': [member('10.0.0.1')]},
        ),
    )
    assert found.listeners == (Listener(53, 'udp', 53), Listener(443, 'terminated_https', 8080))
    assert (found.algorithm, found.members) == ('source_ip_port', ('10.0.0.1',))
    assert (found.created_by, found.status) == ('', 'ACTIVE')


@pytest.mark.parametrize(
    ('status', 'task_state', 'shown'),
    [
        ('PENDING_CREATE', TaskState.CREATING, 'BUILD'),
        ('PENDING_UPDATE', TaskState.UPDATING, 'ACTIVE'),
        ('PENDING_DELETE', TaskState.DELETING, 'ACTIVE'),
        ('ERROR', None, 'ERROR'),
    ],
)
def test_status(status: str, task_state: TaskState | None, shown: str) -> None:
    """What Octavia is doing is a task state."""
    found = lb_of(balancer(provisioning_status=status), around([listener()], [pool()]))
    assert (found.task_state, found.status) == (task_state, shown)


@pytest.mark.parametrize(
    'pools',
    [
        [pool(), pool(81, lb_algorithm='SOURCE_IP')],
        [pool(), pool(81, healthmonitor_id='m')],
        [pool(), pool(81), pool(82, listeners=[])],
        [pool(), pool(81, provisioning_status='ERROR')],
    ],
    ids=['algorithm', 'health check', 'pool without listener', 'failed pool'],
)
def test_update_that_was_interrupted(pools: list[Raw]) -> None:
    """The pools of this collection are the same when an update is complete."""
    raw = balancer(
        listeners=[{'id': 'l80'}, {'id': 'l81'}], pools=[{'id': one['id']} for one in pools]
    )
    found = lb_of(raw, around([listener(), listener(81)], pools, monitors=[MONITOR]))
    assert found.status == 'ERROR'
    foreign = [{**one, 'tags': [], 'provisioning_status': 'ACTIVE'} for one in pools]
    found = lb_of(raw, around([listener(), listener(81)], foreign, monitors=[MONITOR]))
    assert found.status == 'ACTIVE'


def test_floating_ip_that_is_still_to_be_given() -> None:
    """The run that created the balancer was killed before."""
    raw = balancer(tags=['hanok:token=t', 'hanok:floating_ip=auto'])
    found = lb_of(raw, around([listener()], [pool()]))
    assert (found.unfinished, found.floating_ip) == (TaskState.CREATING, AFTER_APPLY)


@pytest.mark.parametrize(
    ('reported', 'checked', 'status'),
    [
        (['ONLINE', 'ONLINE'], True, ONLINE),
        (['ONLINE', 'ERROR'], True, ERROR),
        (['ONLINE', 'OFFLINE'], True, UNKNOWN),
        (['NO_MONITOR', 'NO_MONITOR'], False, NO_MONITOR),
    ],
)
def test_health_is_the_worst_of_all_pools(reported: list[str], checked: bool, status: str) -> None:
    """A member is in the pool of each listener."""
    monitor = 'm' if checked else None
    members = {
        f'p{port}': [member('192.168.0.11', operating_status=one)]
        for port, one in zip((80, 81), reported, strict=True)
    }
    pools = [pool(port, healthmonitor_id=monitor) for port in (80, 81)]
    raw = balancer(listeners=[{'id': 'l80'}, {'id': 'l81'}])
    found = lb_of(raw, around([listener(), listener(81)], pools, members, [MONITOR]))
    assert [(one.name, one.status) for one in found.health] == [('web1', status)]


def test_request_for_a_balancer() -> None:
    """One request has all of it: a pool for each listener, with the members and a monitor."""
    lb = Lb(
        'front',
        listeners=(Listener(80, 'http', 8080), Listener(5432, 'tcp', 5432)),
        members=('web1',),
        health_check=HealthCheck('tcp', None, '/ignored', 2),
        labels={'a': 'b'},
    )
    body = lb_body(lb, 'n1', {'token': 't', 'floating_ip': None}, {'web1': '192.168.0.11'})
    assert body['tags'] == ['a=b', 'hanok:token=t']
    pools = [one['default_pool'] for one in body['listeners']]
    assert [one['protocol'] for one in pools] == ['HTTP', 'TCP']
    assert [one['members'][0]['protocol_port'] for one in pools] == [8080, 5432]
    assert pools[0]['healthmonitor'] == {
        'type': 'TCP',
        'delay': 2,
        'timeout': 2,
        'max_retries': 2,
        'max_retries_down': 2,
        'tags': ['hanok:path=/ignored'],
    }


def test_members_that_stay_keep_what_others_have_set() -> None:
    """Weights and the like belong to whoever set them; ports only if the task does not set them."""
    lb = Lb('front', members=('web1', 'web2'), health_check=HealthCheck(port=9000))
    stays = member('192.168.0.11', 80, weight=7, monitor_port=1, name='')
    wanted = Listener(80, 'http', 8080)
    (same,) = members_body(lb, wanted, [stays], {}, keeps_ports=True, keeps_checks=True)
    assert same == {
        'address': '192.168.0.11',
        'protocol_port': 80,
        'weight': 7,
        'monitor_port': 1,
        'name': '',
    }
    assert same_members([stays], [same])
    changed, added = members_body(lb, wanted, [stays], {'web2': '192.168.0.12'})
    assert (changed['protocol_port'], changed['monitor_port'], changed['weight']) == (8080, 9000, 7)
    assert (added['name'], added['address']) == ('web2', '192.168.0.12')
    assert not same_members([stays], [changed, added])
