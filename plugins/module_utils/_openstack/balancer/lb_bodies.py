# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Octavia is asked for: requests for load balancers and their parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Dict, List, Tuple

from ..._model.lb import HealthCheck, Lb, Listener
from ..api.api import Body, Raw, Raws
from ..api.marks import OwnMarks, to_tags
from .lb_marks import CHECK_PATH, CHECK_PORT, LISTENER, MEMBER_PORT

# Of a member that stays, what somebody else may have set; the key is the address and the port.
_KEPT = (
    'name',
    'address',
    'protocol_port',
    'monitor_port',
    'monitor_address',
    'subnet_id',
    'weight',
    'backup',
    'admin_state_up',
    'tags',
)
_FAILURES = 2  # of a check that take a member out of service, and successes that put it back


def name_of(listener: Listener) -> str:
    """Return the name of a listener and its pool."""
    return f'{listener.protocol}-{listener.port}'


def lb_body(
    lb: Lb,
    network_id: str,
    own: OwnMarks,
    addresses: Mapping[str, str],
) -> Body:
    """Return the request for a whole balancer. ``addresses``: of the members, by name."""
    listeners: List[Body] = []
    for listener in lb.listeners:
        body = listener_body(listener)
        body['default_pool'] = _whole_pool(lb, listener, addresses)
        listeners.append(body)
    return {
        'name': lb.name,
        'description': lb.description,
        'vip_network_id': network_id,
        'tags': to_tags(lb.labels, own),
        'listeners': listeners,
    }


def listener_body(listener: Listener) -> Body:
    """Return the request for a listener without its pool."""
    return {
        'name': name_of(listener),
        'protocol': listener.protocol.upper(),
        'protocol_port': listener.port,
    }


def _whole_pool(lb: Lb, listener: Listener, addresses: Mapping[str, str]) -> Body:
    body = pool_body(lb, listener)
    body['members'] = members_body(lb, listener, (), addresses)
    if lb.health_check:
        body['healthmonitor'] = monitor_body(lb.health_check)
    return body


def pool_body(lb: Lb, listener: Listener) -> Body:
    """Return the request for a pool without members."""
    return {
        'name': name_of(listener),
        'protocol': listener.protocol.upper(),
        **pool_settings(lb, listener),
    }


def pool_settings(lb: Lb, listener: Listener, current: Iterable[str] = ()) -> Body:
    """Return what can be changed of a pool. ``current``: its tags."""
    own = {
        LISTENER: name_of(listener),
        MEMBER_PORT: str(listener.member_port),
    }
    return {
        'lb_algorithm': lb.algorithm.upper(),
        'tags': to_tags({}, own, current),
    }


def monitor_body(check: HealthCheck) -> Body:
    """Return the request for the health check of a pool."""
    body = monitor_settings(check)
    body['type'] = check.protocol.upper()
    body['max_retries'] = _FAILURES
    body['max_retries_down'] = _FAILURES
    if check.protocol == 'http':
        body['expected_codes'] = '200-399'
    return body


def monitor_settings(check: HealthCheck, current: Iterable[str] = ()) -> Body:
    """Return what can be changed of a health check. ``current``: its tags."""
    checks_path = check.protocol == 'http'
    keeps_path = not checks_path and check.path != '/'
    own = {
        CHECK_PORT: str(check.port) if check.port else None,
        CHECK_PATH: check.path if keeps_path else None,
    }
    body: Body = {
        'delay': check.interval,
        'timeout': check.interval,
        'tags': to_tags({}, own, current),
    }
    if checks_path:
        body['url_path'] = check.path
    return body


def members_body(
    lb: Lb,
    listener: Listener,
    staying: Raws,
    addresses: Mapping[str, str],
    keeps_ports: bool = False,
    keeps_checks: bool = False,
) -> List[Body]:
    """Return the request for all members of a pool.

    ``staying``: members of which everything stays but the ports; with ``keeps_ports`` and
    ``keeps_checks`` not even these change. ``addresses``: of new ones, by name.
    """
    check_port = lb.health_check.port if lb.health_check else None
    found: Dict[Tuple[str, int], Body] = {}
    for raw in staying:
        body = {key: raw[key] for key in _KEPT if key in raw}
        if not keeps_ports:
            body['protocol_port'] = listener.member_port
        if not keeps_checks:
            body['monitor_port'] = check_port
        found[_key(body)] = body
    for name, address in addresses.items():
        found[address, listener.member_port] = {
            'name': name,
            'address': address,
            'protocol_port': listener.member_port,
            'monitor_port': check_port,
        }
    return list(found.values())


def same_members(raws: Raws, bodies: Sequence[Body]) -> bool:
    """Return whether members are as a request has them."""
    statuses = [raw['provisioning_status'] for raw in raws]
    if len(raws) != len(bodies) or 'ERROR' in statuses:
        return False
    current = {_key(raw): raw for raw in raws}
    return all(is_as(current.get(_key(body)), body) for body in bodies)


def _key(member: Raw) -> Tuple[str, int]:
    """What distinguishes the members of a pool: address and port."""
    return (member['address'], member['protocol_port'])


def is_as(raw: Raw | None, body: Body) -> bool:
    """Return whether an item is as a request has it, and did not fail."""
    if raw is None or raw['provisioning_status'] == 'ERROR':
        return False
    return all(_plain(raw[key]) == _plain(value) for key, value in body.items())


def _plain(value: object) -> object:
    """A value to compare: the order of tags says nothing."""
    return sorted(value) if isinstance(value, list) else value
