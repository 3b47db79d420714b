# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module server: parameters to requests, observations, waiting."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Dict, Sequence, Tuple

from .._cloud import Cloud, CloudError
from .._model.server import Server
from .._model.server_request import ON_CRASH, ON_DRIFT, RUNNING_STATES, STATES, ServerRequest
from .._model.server_type import TYPES
from .._model.status import Status
from .._plan.server import plan
from .hardware import HARDWARE, hardware_of
from .options import (
    METADATA,
    NAME,
    metadata_options,
    names_of,
    specified_options,
)
from .resource import Resource
from .run import run
from .server_observation import observe

if TYPE_CHECKING:
    from .._model.nic_request import NicRequest
    from .wait import Condition

WAIT_FOR = ('running', 'ip', 'ssh', 'init')
ARGUMENTS: Dict[str, Any] = {
    'name': NAME,
    'count': {'type': 'int'},
    'state': {'type': 'str', 'choices': list(STATES), 'default': 'present'},
    'type': {'type': 'str', 'choices': list(TYPES)},
    'flavor': {'type': 'str'},
    'vcpus': {'type': 'int'},
    'memory': {'type': 'int'},
    'image': {'type': 'str'},
    'key_name': {'type': 'str', 'no_log': False},
    'key_names': {'type': 'list', 'elements': 'str', 'no_log': False},
    'security_groups': {'type': 'list', 'elements': 'str'},
    'networks': {
        'type': 'list',
        'elements': 'dict',
        'options': {
            **{option: {'type': 'str'} for option in ('name', 'port', 'bridge', 'fixed_ip', 'mac')},
            'vlan': {'type': 'int'},
            'security_groups': {'type': 'list', 'elements': 'str'},
        },
        'required_one_of': [('name', 'port', 'bridge')],
    },
    'user_data': {'type': 'str', 'no_log': True},
    'root_password': {'type': 'str', 'no_log': True},
    'init_script': {'type': 'str'},
    'volume_size': {'type': 'int'},
    'floating_ip': {'type': 'str'},
    'delete_protection': {'type': 'bool'},
    'guest_agent': {'type': 'bool'},
    'on_crash': {'type': 'str', 'choices': list(ON_CRASH)},
    'start_order': {'type': 'int'},
    'start_delay': {'type': 'int'},
    'swap': {'type': 'int'},
    'dns_servers': {'type': 'list', 'elements': 'str'},
    'dns_domain': {'type': 'str'},
    'hardware': HARDWARE,
    'wait_for': {'type': 'str', 'choices': list(WAIT_FOR), 'default': 'running'},
    'allow_restart': {'type': 'bool', 'default': False},
    'allow_shrink': {'type': 'bool', 'default': False},
    'force': {'type': 'bool', 'default': False},
    'repair': {'type': 'bool', 'default': False},
    'like': {'type': 'str'},
    'delete_snapshots': {'type': 'bool', 'default': False},
    'on_drift': {'type': 'str', 'choices': list(ON_DRIFT), 'default': 'fail'},
    'max_unavailable': {'type': 'int', 'default': 1},
    'grow': {'type': 'bool', 'default': False},
    **METADATA,
}
_RULES = {'mutually_exclusive': [('user_data', 'init_script'), ('key_name', 'key_names')]}


_REQUEST_OPTIONS = (
    'floating_ip',
    'user_data',
    'root_password',
    'allow_restart',
    'allow_shrink',
    'force',
    'repair',
    'like',
    'delete_snapshots',
    'on_drift',
    'max_unavailable',
    'grow',
)


def request(params: Dict[str, Any]) -> ServerRequest:
    """Return the request of the task."""
    options = {
        **specified_options(
            params,
            'type',
            'flavor',
            'vcpus',
            'memory',
            'image',
            'init_script',
            'volume_size',
            'delete_protection',
            'guest_agent',
            'on_crash',
            'start_order',
            'start_delay',
            'swap',
        ),
        **metadata_options(params),
        **_key_names(params),
    }
    if params['hardware'] is not None:
        options['hardware'] = hardware_of(params['hardware'])
    if params['security_groups'] is not None:
        options['security_groups'] = names_of(params['security_groups'])
    if params['dns_servers'] is not None:
        options['dns_servers'] = tuple(params['dns_servers'])
    if params['dns_domain'] is not None:
        options['dns_domain'] = '' if params['dns_domain'] == 'none' else params['dns_domain']
    return ServerRequest(
        name=params['name'],
        state=params['state'],
        options=options,
        count=params['count'],
        networks=_networks(params),
        wait_for=params['wait_for'] if params['wait'] else 'running',
        **{option: params[option] for option in _REQUEST_OPTIONS},
    )


def _key_names(params: Dict[str, Any]) -> Dict[str, Tuple[str, ...]]:
    """The key pairs set by either option, in the order of the task."""
    if params['key_names'] is not None:
        return {'key_names': tuple(dict.fromkeys(params['key_names']))}
    return {} if params['key_name'] is None else {'key_names': (params['key_name'],)}


def _networks(params: Dict[str, Any]) -> Tuple[NicRequest, ...] | None:
    return None if params['networks'] is None else tuple(map(_nic, params['networks']))


def _nic(raw: Dict[str, Any]) -> NicRequest:
    from .._model.nic_request import NicRequest

    groups = None if raw['security_groups'] is None else names_of(raw['security_groups'])
    mac = raw['mac'] and raw['mac'].lower()
    bridge = (raw['bridge'], raw['vlan'])
    return NicRequest(raw['name'] or '', raw['fixed_ip'], mac, raw['port'], groups, *bridge)


def reload(cloud: Cloud, planned: Sequence[Server]) -> Sequence[Server]:
    """Return the servers after the changes."""
    return cloud.servers.list([server.name for server in planned])


def wait(cloud: Cloud, requested: ServerRequest, items: Sequence[Server]) -> Condition | None:
    """Return what the started servers are waited for: that they run, or what guests report."""
    started = [server for server in items if _is_to_run(server, requested)]
    condition = requested.wait_for
    if requested.state in ('stopped', 'paused', 'shelved') or not started:
        return None
    if condition == 'running' and not any(map(_not_running, started)):
        return None
    if condition != 'running':
        return guests_ready(cloud, condition, started)
    from .server_log import last_seen
    from .wait import listed

    found = listed(condition, 'server', started, _not_running, partial(reload, cloud))
    return found and replace(found, last_seen=partial(last_seen, cloud, True))


def guests_ready(cloud: Cloud, condition: str, servers: Sequence[Server]) -> Condition:
    """Return what the guests of servers that run are waited for (ip, ssh, init)."""
    from .server_log import last_seen
    from .wait import Condition

    return Condition(
        condition,
        'server',
        tuple(server.name for server in servers),
        lambda pending, seconds: cloud.servers.readiness(pending, condition, seconds),
        partial(last_seen, cloud, False),
    )


def _is_to_run(server: Server, requested: ServerRequest) -> bool:
    """Whether a server is, or will be, ACTIVE; a rescued one, for example, stays what it is."""
    if server.power != 'started':
        return False
    others = (Status.RESCUE, Status.VERIFY_RESIZE)
    return requested.state in RUNNING_STATES or server.status not in others


def _not_running(server: Server) -> str:
    if server.status in (Status.ERROR, Status.UNMANAGED):
        reason = '; '.join(server.faults)
        raise CloudError(
            f'server {server.name} is {server.status}, not running: {reason}',
            kind='server',
            name=server.name,
        )
    return '' if server.status == Status.ACTIVE else f'its status is {server.status}'


RESOURCE = Resource('server', ARGUMENTS, request, observe, plan, reload, wait=wait, rules=_RULES)


def main() -> None:
    """Run the module server."""
    run(RESOURCE)
