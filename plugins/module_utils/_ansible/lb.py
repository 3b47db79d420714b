# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module lb: params in, result out."""

from __future__ import annotations

import time
from typing import Any, Dict, Sequence, Tuple

from .._cloud import Cloud, CloudError, Names
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
from .._plan.lb import ObservedLbs, plan
from .options import DESCRIBED, NAME, STATE, by_name, described, given_options, one_of
from .run import Resource, run

_POLL = 0.25  # seconds
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
    **DESCRIBED,
}


def request(params: Dict[str, Any]) -> LbRequest:
    """What the task asks for."""
    options = {**given_options(params, 'network'), **described(params)}
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
        params['name'], params['state'], options, params['floating_ip'], params['wait_for']
    )


def _health_check(raw: Dict[str, Any]) -> HealthCheck | None:
    protocol = one_of(raw, 'protocol', (*PROTOCOLS, 'none'))
    return (
        None
        if protocol == 'none'
        else HealthCheck(protocol, raw['port'], raw['path'], raw['interval'])
    )


def _listener(raw: Dict[str, Any]) -> Listener:
    return Listener(
        raw['port'],
        one_of(raw, 'protocol', PROTOCOLS),
        raw['port'] if raw['member_port'] is None else raw['member_port'],
    )


def observe(cloud: Cloud, requested: LbRequest) -> Tuple[ObservedLbs, Names]:
    """The balancer, and what it refers to."""
    lbs, names = by_name(cloud.lbs.list([requested.name])), {('lb', requested.name)}
    firewall = cloud.firewalls.list()[0]
    if requested.state == 'absent':
        return ObservedLbs(lbs, firewall=firewall), names
    servers = by_name(cloud.servers.list() if requested.options.get('members') else ())
    free = sum(cloud.floating_ips.free().values()) if requested.floating_ip == 'auto' else 0
    new = requested.name not in lbs or lbs[requested.name].task_state == 'deleting'
    return ObservedLbs(
        lbs,
        by_name(cloud.networks.list()),
        servers,
        free,
        _floating_problem(cloud, requested),
        firewall,
        cloud.servers.dns_owners([requested.name]) if new else {},
    ), names


def _floating_problem(cloud: Cloud, requested: LbRequest) -> str:
    address = requested.floating_ip
    if address in (None, 'auto', 'none'):
        return ''
    if not cloud.floating_ips.in_pool(address or ''):
        return f'floating_ip: {address} is in no pool of this cloud'
    holder = next((item.holder for item in cloud.floating_ips.list([address or ''])), '')
    return (
        f'floating_ip: {address} is attached to {holder}; detach it first'
        if holder not in ('', f'lb {requested.name}')
        else ''
    )


def reload(cloud: Cloud, planned: Sequence[Lb]) -> Sequence[Lb]:
    """The balancer as it is after the run."""
    return cloud.lbs.list([lb.name for lb in planned])


def wait(cloud: Cloud, requested: LbRequest, items: Sequence[Lb], timeout: int) -> str:
    """Wait until the balancer finds all of its members healthy; what was waited for. Raises CloudError with what each of the others has."""
    if requested.wait_for is None or requested.state == 'absent':
        return ''
    until = time.monotonic() + timeout
    while True:
        found = cloud.lbs.list([requested.name])
        if not found:
            raise CloudError(f'lb {requested.name} no longer exists; another run deleted it')
        lacks = [
            f'{member.name} is {member.status} ({member.reason})'
            for member in found[0].health
            if member.status != ONLINE
        ]
        if not lacks:
            return f'waited for the members of lb {requested.name} to be healthy'
        if time.monotonic() > until:
            raise CloudError(
                f'lb {requested.name}: timed out after {timeout} s (wait_timeout) waiting for healthy members: {"; ".join(lacks)}'
            )
        time.sleep(_POLL)


def main() -> None:
    """Run the module."""
    run(Resource('lb', ARGUMENTS, request, observe, plan, reload, wait=wait))
