# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a new server takes from its group, or from one that it is to be like."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, Mapping, Tuple

from .._model.change import Draft
from .._model.nic_request import NicRequest
from .._model.server import Server
from .._model.server_effects import TABLE
from .._model.server_request import ServerRequest
from .._model.server_type import CONTAINER
from .._model.status import is_leaving
from .server_observations import ObservedServers

# A new server does not take these from the other one as they are, unlike all other options.
_OWN = (
    'user_data',
    'root_password',
    'networks',
    'vcpus',
    'memory',
    'volume_size',
    'floating_ip',
)


def inherited_request(
    name: str, request: ServerRequest, observed: ObservedServers, draft: Draft
) -> ServerRequest:
    """Return the request with the values of another server for what it does not specify."""
    example = _example(request, observed, draft)
    if example is None:
        return request
    options = _inherited_options(name, request, example, draft)
    _check_password(name, request, example, draft)
    if request.user_data is None and options['init_script']:
        draft.require('init_script', options['init_script'], observed.init_scripts)
    networks = _networks_like(example) if request.networks is None else request.networks
    if 'security_groups' not in request.options and not _needs_groups(networks, options):
        options['security_groups'] = None
    specified = {option: value for option, value in options.items() if value is not None}
    return replace(request, networks=networks, options=specified)


def _needs_groups(networks: Tuple[NicRequest, ...], options: Mapping[str, Any]) -> bool:
    """Whether a connection has no groups of its own, but those that the server inherits."""
    has_own_groups = all(map(_has_own_groups, networks))
    return bool(options['security_groups']) and not has_own_groups


def _networks_like(example: Server) -> Tuple[NicRequest, ...]:
    """Connections to the networks of a server, with addresses of their own."""
    return tuple(
        NicRequest(bridge=nic.bridge, vlan=nic.vlan)
        if nic.bridge
        else NicRequest(nic.name, security_groups=nic.security_groups)
        for nic in example.networks
    )


def _example(request: ServerRequest, observed: ObservedServers, draft: Draft) -> Server | None:
    """The server whose values a new one takes: a member of its group, or one that is named."""
    like = request.like or ''
    if like in observed.servers:
        return observed.servers[like]
    if like:
        draft.miss('like', f'like: server {like} does not exist')
    if request.count is None:
        return None
    for server in observed.servers.values():
        if server.member_of == request.name and not is_leaving(server):
            return server
    return None


def _inherited_options(
    name: str, request: ServerRequest, example: Server, draft: Draft
) -> Dict[str, Any]:
    options = {option: getattr(example, option) for option in TABLE if option not in _OWN}
    if request.options.get('flavor') in (None, example.flavor):
        options.update(vcpus=example.vcpus, memory=example.memory, volume_size=example.volume_size)
        options.update(max_vcpus=example.max_vcpus, max_memory=example.max_memory)
    if example.type == CONTAINER:  # whose flavor does not say it
        options['volume_size'] = example.volume_size
    if request.user_data is not None:
        del options['init_script']
    elif example.user_data and not request.options.get('init_script'):
        draft.refuse(
            'user_data',
            f'user_data: only a hash of the user_data of {example.name} is recorded; specify it '
            f'again to create {name} with it',
            name=name,
        )
    if 'vcpus' in request.options:
        options.update(flavor=None, max_vcpus=None, max_memory=None)
    options.update(request.options)
    if example.hardware and 'hardware' in request.options:
        options['hardware'] = example.hardware.overlaid(request.options['hardware'])
    return options


def _check_password(name: str, request: ServerRequest, example: Server, draft: Draft) -> None:
    if example.root_password and request.root_password is None:
        draft.refuse(
            'root_password',
            f'root_password: only a hash of that of {example.name} is recorded; specify it again '
            f'to create {name} with it',
            name=name,
        )


def _has_own_groups(nic: NicRequest) -> bool:
    return bool(nic.port or nic.bridge or nic.own_groups)
