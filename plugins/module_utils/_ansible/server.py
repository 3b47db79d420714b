# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The modules server and server_info: parameters to requests, observations, waiting."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Sequence, Tuple

from .._cloud import Cloud, CloudError, Names
from .._model.server import Server
from .._model.server_request import RUNNING_STATES, STATES, NicRequest, ServerRequest
from .._model.status import Status, TaskState, is_incomplete
from .._plan.server import plan
from .._plan.server_observations import FloatingAddress, ObservedServers
from .clouds import supported
from .options import (
    METADATA,
    NAME,
    by_name,
    metadata_options,
    names_of,
    profile_for,
    specified_options,
)
from .references import References
from .resource import Resource
from .run import run
from .things import NamedThing

if TYPE_CHECKING:
    from .._cloud.contract import Items
    from .._model.floating_ip import FloatingIp
    from .._model.user_data import UserDataHash
    from .wait import Condition

WAIT_FOR = ('running', 'ip', 'ssh', 'init')
ARGUMENTS: Dict[str, Any] = {
    'name': NAME,
    'count': {'type': 'int'},
    'state': {'type': 'str', 'choices': list(STATES), 'default': 'present'},
    'flavor': {'type': 'str'},
    'image': {'type': 'str'},
    'key_name': {'type': 'str', 'no_log': False},
    'key_names': {'type': 'list', 'elements': 'str', 'no_log': False},
    'security_groups': {'type': 'list', 'elements': 'str'},
    'networks': {
        'type': 'list',
        'elements': 'dict',
        'options': {
            **{option: {'type': 'str'} for option in ('name', 'port', 'fixed_ip', 'mac')},
            'security_groups': {'type': 'list', 'elements': 'str'},
        },
        'required_one_of': [('name', 'port')],
    },
    'user_data': {'type': 'str', 'no_log': True},
    'init_script': {'type': 'str'},
    'volume_size': {'type': 'int'},
    'floating_ip': {'type': 'str'},
    'delete_protection': {'type': 'bool'},
    'guest_agent': {'type': 'bool'},
    'wait_for': {'type': 'str', 'choices': list(WAIT_FOR), 'default': 'running'},
    'allow_restart': {'type': 'bool', 'default': False},
    'allow_shrink': {'type': 'bool', 'default': False},
    'force': {'type': 'bool', 'default': False},
    'repair': {'type': 'bool', 'default': False},
    **METADATA,
}
_RULES = {'mutually_exclusive': [('user_data', 'init_script'), ('key_name', 'key_names')]}


_REQUEST_OPTIONS = (
    'floating_ip',
    'user_data',
    'allow_restart',
    'allow_shrink',
    'force',
    'repair',
)


def request(params: Dict[str, Any]) -> ServerRequest:
    """Return the request of the task."""
    options = {
        **specified_options(
            params,
            'flavor',
            'image',
            'init_script',
            'volume_size',
            'delete_protection',
            'guest_agent',
        ),
        **metadata_options(params),
        **_key_names(params),
    }
    if params['security_groups'] is not None:
        options['security_groups'] = names_of(params['security_groups'])
    networks = params['networks']
    return ServerRequest(
        name=params['name'],
        state=params['state'],
        options=options,
        count=params['count'],
        networks=None if networks is None else tuple(_nic(nic) for nic in networks),
        wait_for=params['wait_for'] if params['wait'] else 'running',
        **{option: params[option] for option in _REQUEST_OPTIONS},
    )


def _key_names(params: Dict[str, Any]) -> Dict[str, Tuple[str, ...]]:
    """The key pairs set by either option, in the order of the task."""
    if params['key_names'] is not None:
        return {'key_names': tuple(dict.fromkeys(params['key_names']))}
    return {} if params['key_name'] is None else {'key_names': (params['key_name'],)}


def _nic(raw: Dict[str, Any]) -> NicRequest:
    groups = None if raw['security_groups'] is None else names_of(raw['security_groups'])
    mac = raw['mac'] and raw['mac'].lower()
    return NicRequest(raw['name'] or '', raw['fixed_ip'], mac, raw['port'], groups)


def observe(cloud: Cloud, requested: ServerRequest) -> Tuple[ObservedServers, Names]:
    """Return the servers and what they refer to, with the names to lock."""
    if requested.repair:
        supported(cloud, cloud.repairs, 'repair')
    member_names = {requested.name, *requested.members()}
    servers = by_name('server', cloud.servers.list(member_names, requested.name))
    names = {('server', name) for name in member_names | set(servers)}
    names |= {('port', nic.port) for nic in requested.networks or () if nic.port}
    if requested.state == 'absent':
        return ObservedServers(servers), names
    found = _with_references(cloud, requested, servers)
    # An image that another run is creating is awaited by its lock.
    pending = {('image', name) for name, image in found.images.items() if image.task_state}
    return found, names | pending


def _with_references(
    cloud: Cloud, requested: ServerRequest, servers: Mapping[str, Server]
) -> ObservedServers:
    """The servers and what they refer to; only the kinds that the plan looks up are listed."""
    options = requested.new_options(servers)
    has_new_member = _has_new_member(requested, servers)
    completes = _completes_servers(requested, servers)
    has_ssh_check = requested.wait_for == 'ssh'
    has_port = any(nic.port for nic in requested.networks or ())
    return ObservedServers(
        servers,
        user_data=_user_data_hash(cloud, requested.user_data),
        init_scripts=_listed(
            'init_script',
            lambda: cloud.init_scripts,
            'init_script' in options or completes or _has_unseeded(servers),
        ),
        ports=_listed('port', lambda: cloud.ports, 'networks' in options and has_port),
        keypairs=_listed('keypair', lambda: cloud.keypairs, 'key_names' in options),
        flavors=_listed('flavor', lambda: cloud.flavors, 'flavor' in options),
        images=_listed('image', lambda: cloud.images, 'image' in options or completes),
        networks=_listed('network', lambda: cloud.networks, 'networks' in options or has_ssh_check),
        groups=_listed(
            'security_group',
            lambda: cloud.security_groups,
            'security_groups' in options or has_ssh_check,
        ),
        owners=(
            cloud.servers.address_owners(requested.requested_addresses()) if has_new_member else {}
        ),
        dns_owners=cloud.servers.dns_owners(requested.members()) if has_new_member else {},
        floating=_floating_address(cloud, requested),
        free=_free_addresses(cloud, requested, servers),
        profile=profile_for(cloud, has_new_member and requested.networks is None),
    )


def _listed(
    kind: str, items: Callable[[], Items[NamedThing]], is_needed: bool
) -> Dict[str, NamedThing]:
    """Items by name; of a kind that is not needed, not even the code is loaded."""
    return References(kind, items().list()) if is_needed else {}


def _has_new_member(requested: ServerRequest, servers: Mapping[str, Server]) -> bool:
    """Whether a requested server does not exist, or is being created or deleted."""
    return any(name not in servers or is_incomplete(servers[name]) for name in requested.members())


def _completes_servers(requested: ServerRequest, servers: Mapping[str, Server]) -> bool:
    """Whether a server is created from values of the record.

    A new member of a group inherits those of the first member; a creation that was interrupted is
    completed with its own.
    """
    if any(server.unfinished == TaskState.CREATING for server in servers.values()):
        return True
    if requested.count is None or not _has_new_member(requested, servers):
        return False
    return any(server.member_of == requested.name for server in servers.values())


def _has_unseeded(servers: Mapping[str, Server]) -> bool:
    return not all(server.seeded for server in servers.values())


def _user_data_hash(cloud: Cloud, user_data: str | None) -> UserDataHash | None:
    """User data as it would be recorded."""
    return None if user_data is None else cloud.servers.hash_user_data(user_data)


def _floating_address(cloud: Cloud, requested: ServerRequest) -> FloatingAddress | None:
    address = requested.floating_ip
    if address is None or address in ('auto', 'none'):
        return None
    holder = next((_holder(item) for item in cloud.floating_ips.list([address])), None)
    return FloatingAddress(address, holder, holder is not None, cloud.floating_ips.in_pool(address))


def _holder(item: FloatingIp) -> str | None:
    """The name of the server, or the load balancer, that the floating IP is attached to."""
    return item.server or (item.lb and item.holder)


def _free_addresses(
    cloud: Cloud, requested: ServerRequest, servers: Mapping[str, Server]
) -> int | None:
    """The number of free floating IPs, counted only if a server needs one."""
    if requested.floating_ip != 'auto':
        return None
    has_all = all(server.floating_ip for server in servers.values())
    if has_all and not _has_new_member(requested, servers):
        return None
    return cloud.floating_ips.free()


def reload(cloud: Cloud, planned: Sequence[Server]) -> Sequence[Server]:
    """Return the servers after the changes."""
    return cloud.servers.list([server.name for server in planned])


def wait(cloud: Cloud, requested: ServerRequest, items: Sequence[Server]) -> Condition | None:
    """Return what the started servers are waited for: that they run, or what guests report."""
    started = [server for server in items if _is_to_run(server, requested)]
    condition = requested.wait_for
    if requested.state == 'stopped' or not started:
        return None
    if condition == 'running' and not any(map(_not_running, started)):
        return None
    from .wait import Condition, listed

    if condition == 'running':
        return listed(condition, 'server', started, _not_running, partial(reload, cloud))
    names = tuple(server.name for server in started)
    return Condition(
        condition,
        'server',
        names,
        lambda pending, seconds: cloud.servers.readiness(pending, condition, seconds),
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


def main_info() -> None:
    """Run the module server_info."""
    from .info import run_info

    run_info('server', _observe_info, {'init': {'type': 'bool', 'default': False}})


def _observe_info(cloud: Cloud, params: Dict[str, Any]) -> Sequence[Dict[str, Any]]:
    name = params['name']
    names = None if name is None else [name]
    found = [server.public() for server in cloud.servers.list(names, name)]
    if params['init']:
        boots = cloud.servers.first_boots([server['name'] for server in found])
        for server in found:
            boot = boots.get(server['name'])
            server['init'] = boot.public() if boot else None
    return found
