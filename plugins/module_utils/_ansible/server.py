# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The modules server and server_info: params in, result out; and the one poller that waits."""

from __future__ import annotations

import time
from typing import Any, Dict, Mapping, Sequence, Tuple

from .._cloud import Cloud, CloudError, Names
from .._model.server import STATES, NicRequest, Server, ServerRequest
from .._model.user_data import UserDataHash
from .._plan.server import FloatingAddress, ObservedServers, plan
from .options import DESCRIBED, NAME, by_name, described, given_options, names_of
from .run import Resource, run

WAIT_FOR = ('running', 'ip', 'ssh', 'init')
_POLL = 0.25  # seconds
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
    **DESCRIBED,
}
_RULES = {'mutually_exclusive': [('user_data', 'init_script'), ('key_name', 'key_names')]}


def request(params: Dict[str, Any]) -> ServerRequest:
    """What the task asks for."""
    options = {
        **given_options(
            params,
            'flavor',
            'image',
            'init_script',
            'volume_size',
            'delete_protection',
            'guest_agent',
        ),
        **described(params),
    }
    options.update(_keys(params))
    if params['security_groups'] is not None:
        options['security_groups'] = names_of(params['security_groups'])
    networks = params['networks']
    return ServerRequest(
        name=params['name'],
        state=params['state'],
        options=options,
        count=params['count'],
        networks=None if networks is None else tuple(_nic(nic) for nic in networks),
        **{
            option: params[option]
            for option in (
                'floating_ip',
                'user_data',
                'wait_for',
                'allow_restart',
                'allow_shrink',
                'force',
                'repair',
            )
        },
    )


def _keys(params: Dict[str, Any]) -> Dict[str, Tuple[str, ...]]:
    """The key pairs that were said, by either option, in the order in which they were said."""
    if params['key_names'] is not None:
        return {'key_names': tuple(dict.fromkeys(params['key_names']))}
    return {} if params['key_name'] is None else {'key_names': (params['key_name'],)}


def _nic(raw: Dict[str, Any]) -> NicRequest:
    groups = None if raw['security_groups'] is None else names_of(raw['security_groups'])
    return NicRequest(
        raw['name'] or '', raw['fixed_ip'], raw['mac'] and raw['mac'].lower(), raw['port'], groups
    )


def observe(cloud: Cloud, requested: ServerRequest) -> Tuple[ObservedServers, Names]:
    """The servers, and what they refer to; only what was said is looked for."""
    wanted = {requested.name, *requested.members()}
    servers = by_name(cloud.servers.list(wanted, requested.name))
    names = {('server', name) for name in wanted | set(servers)} | {
        ('port', nic.port) for nic in requested.networks or () if nic.port
    }
    firewall = cloud.firewalls.list()[0]
    if requested.state == 'absent':
        return ObservedServers(servers, firewall=firewall), names
    sealed = None if requested.user_data is None else _sealed(cloud, requested.user_data, servers)
    new = any(
        name not in servers or servers[name].task_state in ('creating', 'deleting')
        for name in requested.members()
    )
    grows = (
        new
        and requested.count is not None
        and any(server.member_of == requested.name for server in servers.values())
    )
    reload = grows or any(server.task_state == 'creating' for server in servers.values())
    new_options, ssh = requested.new_options(servers), requested.wait_for == 'ssh'
    lacking = requested.floating_ip == 'auto' and (
        new or any(not server.floating_ip for server in servers.values())
    )
    return ObservedServers(
        servers,
        user_data=sealed,
        init_scripts=by_name(
            cloud.init_scripts.list()
            if 'init_script' in new_options
            or reload
            or not all(server.seeded for server in servers.values())
            else ()
        ),
        ports=by_name(
            cloud.ports.list()
            if 'networks' in new_options and any(nic.port for nic in requested.networks or ())
            else ()
        ),
        keypairs=by_name(cloud.keypairs.list() if 'key_names' in new_options else ()),
        flavors=by_name(cloud.flavors.list() if 'flavor' in new_options else ()),
        images=by_name(cloud.images.list() if 'image' in new_options or reload else ()),
        networks=by_name(cloud.networks.list() if 'networks' in new_options or ssh else ()),
        groups=by_name(
            cloud.security_groups.list() if 'security_groups' in new_options or ssh else ()
        ),
        owners=cloud.servers.address_owners(requested.requested_addresses()) if new else {},
        dns_owners=cloud.servers.dns_owners(requested.members()) if new else {},
        floating=_floating(cloud, requested),
        free=sum(cloud.floating_ips.free().values()) if lacking else 0,
        firewall=firewall,
    ), names


def _sealed(cloud: Cloud, user_data: str, servers: Mapping[str, Server]) -> UserDataHash:
    """First-boot content as it would be recorded; it is handed on under that, and under what is recorded already and will become that."""
    sealed = cloud.servers.hash_user_data(user_data)
    recorded = [
        server.user_data
        for server in servers.values()
        if server.user_data and sealed.supersedes(server.user_data)
    ]
    cloud.secrets.update(dict.fromkeys([sealed, *recorded], user_data))
    return sealed


def _floating(cloud: Cloud, requested: ServerRequest) -> FloatingAddress | None:
    address = requested.floating_ip
    if address is None or address in ('auto', 'none'):
        return None
    found = cloud.floating_ips.list([address])
    holder = found[0].server or (found[0].lb and found[0].holder) if found else None
    return FloatingAddress(address, holder, holder is not None, cloud.floating_ips.in_pool(address))


def reload(cloud: Cloud, planned: Sequence[Server]) -> Sequence[Server]:
    """The servers as they are after the run."""
    return cloud.servers.list([server.name for server in planned])


def wait(cloud: Cloud, requested: ServerRequest, items: Sequence[Server], timeout: int) -> str:
    """Wait until the servers that run have reached what was asked for; what was waited for.

    Raises CloudError with what each lacks when they do not in time.
    """
    names = [server.name for server in items if server.power == 'started']
    if requested.wait_for == 'running' or requested.state == 'stopped' or not names:
        return ''
    waited = f'waited for {requested.wait_for} of {", ".join(names)}'
    until = time.monotonic() + timeout
    while True:
        left = until - time.monotonic()
        lacks = {
            name: text
            for name, text in cloud.servers.readiness(names, requested.wait_for, left).items()
            if text
        }
        if not lacks:
            return waited
        if time.monotonic() > until:
            raise CloudError(
                '; '.join(
                    f'server {name} did not reach {requested.wait_for} in {timeout} s (wait_timeout): {text}'
                    for name, text in lacks.items()
                )
            )
        names = list(lacks)
        time.sleep(_POLL)


def main() -> None:
    """Run the module server."""
    run(Resource('server', ARGUMENTS, request, observe, plan, reload, wait=wait, rules=_RULES))


def main_info() -> None:
    """Run the module server_info."""
    from .info import run_info

    run_info('server', _observe_info, {'init': {'type': 'bool', 'default': False}})


def _observe_info(cloud: Cloud, params: Dict[str, Any]) -> Sequence[Dict[str, Any]]:
    name = params['name']
    found = [
        server.public() for server in cloud.servers.list(None if name is None else [name], name)
    ]
    if params['init']:
        boots = cloud.servers.first_boots([server['name'] for server in found])
        found = [
            {**server, 'init': boots[server['name']].public() if server['name'] in boots else None}
            for server in found
        ]
    return found
