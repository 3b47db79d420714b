# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module lb: parameters to requests, observations, waiting."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Dict, Sequence, Tuple

from .._cloud import Cloud, Names
from .._model.lb import (
    ALGORITHMS,
    ONLINE,
    PROTOCOLS,
    WAIT_FOR,
    HealthCheck,
    Lb,
    LbRequest,
    Listener,
)
from .._model.status import is_leaving
from .._plan.lb import ObservedLbs, plan
from .options import (
    METADATA,
    NAME,
    STATE,
    by_name,
    metadata_options,
    one_of,
    profile_for,
    specified_options,
)
from .references import References
from .resource import Resource
from .run import run

if TYPE_CHECKING:
    from .wait import Condition

ARGUMENTS: Dict[str, Any] = {
    'name': NAME,
    'state': STATE,
    'network': {'type': 'str'},
    'algorithm': {'type': 'str'},
    'listeners': {
        'type': 'list',
        'elements': 'dict',
        'options': {
            'protocol': {'type': 'str', 'default': 'http'},
            'port': {'type': 'int', 'required': True},
            'member_port': {'type': 'int'},
        },
    },
    'members': {'type': 'list', 'elements': 'str'},
    'health_check': {
        'type': 'dict',
        'options': {
            'protocol': {'type': 'str', 'default': 'http'},
            'port': {'type': 'int'},
            'path': {'type': 'str', 'default': '/'},
            'interval': {'type': 'int', 'default': 1},
        },
    },
    'floating_ip': {'type': 'str'},
    'wait_for': {'type': 'str', 'choices': list(WAIT_FOR)},
    **METADATA,
}


def request(params: Dict[str, Any]) -> LbRequest:
    """Return the request of the task."""
    options = {**specified_options(params, 'network'), **metadata_options(params)}
    if params['algorithm'] is not None:
        options['algorithm'] = one_of(params, 'algorithm', ALGORITHMS)
    if params['listeners'] is not None:
        options['listeners'] = tuple(sorted(_listener(raw) for raw in params['listeners']))
    if params['members'] is not None:
        options['members'] = tuple(
            sorted(set(params['members']), key=lambda name: (len(name), name))
        )
    if params['health_check'] is not None:
        options['health_check'] = _health_check(params['health_check'])
    return LbRequest(
        params['name'],
        params['state'],
        options,
        params['floating_ip'],
        params['wait_for'] if params['wait'] else None,
    )


def _health_check(raw: Dict[str, Any]) -> HealthCheck | None:
    protocol = one_of(raw, 'protocol', (*PROTOCOLS, 'none'))
    if protocol == 'none':
        return None
    return HealthCheck(protocol, raw['port'], raw['path'], raw['interval'])


def _listener(raw: Dict[str, Any]) -> Listener:
    return Listener(
        raw['port'],
        one_of(raw, 'protocol', PROTOCOLS),
        raw['port'] if raw['member_port'] is None else raw['member_port'],
    )


def observe(cloud: Cloud, requested: LbRequest) -> Tuple[ObservedLbs, Names]:
    """Return the load balancer, and what it refers to."""
    lbs = by_name('lb', cloud.lbs.list([requested.name]))
    names = {('lb', requested.name)}
    if requested.state == 'absent':
        return ObservedLbs(lbs), names
    servers = References('server', cloud.servers.list() if requested.options.get('members') else ())
    is_new = requested.name not in lbs or is_leaving(lbs[requested.name])
    has_address = not is_new and lbs[requested.name].floating_ip is not None
    allocates = requested.floating_ip == 'auto' and not has_address
    return ObservedLbs(
        lbs,
        References('network', cloud.networks.list()) if is_new else {},
        servers,
        cloud.floating_ips.free() if allocates else None,
        _floating_problem(cloud, requested),
        cloud.servers.dns_owners([requested.name]) if is_new else {},
        profile_for(cloud, is_new and 'network' not in requested.options),
    ), names


def _floating_problem(cloud: Cloud, requested: LbRequest) -> str:
    """Why the load balancer cannot have the floating IP; empty if it can."""
    address = requested.floating_ip
    if address is None or address in ('auto', 'none'):
        return ''
    if cloud.floating_ips.in_pool(address) is False:
        return f'floating_ip: {address} is in no pool of this cloud'
    holder = next((item.holder for item in cloud.floating_ips.list([address])), '')
    if holder in ('', f'lb {requested.name}'):
        return ''
    return f'floating_ip: {address} is attached to {holder}; detach it first'


def reload(cloud: Cloud, planned: Sequence[Lb]) -> Sequence[Lb]:
    """Return the load balancer after the changes."""
    return cloud.lbs.list([lb.name for lb in planned])


def wait(cloud: Cloud, requested: LbRequest, items: Sequence[Lb]) -> Condition | None:
    """Return the condition that all members are healthy, if the task waits for that."""
    if requested.wait_for is None:
        return None
    from .wait import listed

    return listed('healthy members', 'lb', items, _unhealthy, partial(reload, cloud))


def _unhealthy(lb: Lb) -> str:
    """The members that are not healthy, each with its status and the reason."""
    return '; '.join(
        f'{member.name} is {member.status} ({member.reason})'
        for member in lb.health
        if member.status != ONLINE
    )


RESOURCE = Resource('lb', ARGUMENTS, request, observe, plan, reload, wait=wait)


def main() -> None:
    """Run the module."""
    run(RESOURCE)
