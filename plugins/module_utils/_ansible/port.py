# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module port: parameters to requests, and observations."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Sequence, Tuple

from .._cloud import Cloud, Names
from .._model.port import Port, PortRequest
from .._plan.port import ObservedPorts, plan
from .options import (
    METADATA,
    NAME,
    STATE,
    by_name,
    metadata_options,
    names_of,
    profile_for,
    specified_options,
)
from .references import References
from .resource import Resource
from .run import run

ARGUMENTS: Dict[str, Any] = {
    'name': NAME,
    'state': STATE,
    'network': {'type': 'str'},
    'fixed_ip': {'type': 'str'},
    'mac': {'type': 'str'},
    'security_groups': {'type': 'list', 'elements': 'str'},
    **METADATA,
}


def request(params: Dict[str, Any]) -> PortRequest:
    """Return the request of the task."""
    options = {**specified_options(params, 'network', 'fixed_ip'), **metadata_options(params)}
    if params['mac'] is not None:
        options['mac'] = params['mac'].lower()
    if params['security_groups'] is not None:
        options['security_groups'] = names_of(params['security_groups'])
    return PortRequest(params['name'], params['state'], options)


def observe(cloud: Cloud, requested: PortRequest) -> Tuple[ObservedPorts, Names]:
    """Return the port, and what it refers to."""
    ports = by_name('port', cloud.ports.list([requested.name]))
    names = {('port', requested.name)}
    if requested.state == 'absent':
        return ObservedPorts(ports), names
    is_new = requested.name not in ports
    profile = profile_for(cloud, is_new and 'network' not in requested.options)
    network = requested.options.get('network', profile.default_network)
    owners = _address_owners(cloud, requested, network, requested.name in ports)
    return ObservedPorts(
        ports,
        References('network', cloud.networks.list()) if is_new else {},
        References('security_group', cloud.security_groups.list())
        if _has_new_groups(requested, ports)
        else {},
        owners.get((network, requested.options.get('fixed_ip', ''))),
        owners.get((network, requested.options.get('mac', ''))),
        profile,
    ), names


def _has_new_groups(requested: PortRequest, ports: Mapping[str, Port]) -> bool:
    """Whether the port gets groups that it does not have; those that it has exist."""
    current = ports.get(requested.name)
    if current is None:
        return True
    groups = requested.options.get('security_groups', ())
    return not set(groups) <= set(current.security_groups)


def _address_owners(
    cloud: Cloud,
    requested: PortRequest,
    network: str,
    exists: bool,
) -> Mapping[Tuple[str, str], str]:
    """The owners of the addresses that the port is created with."""
    if exists:
        return {}
    options = requested.options
    return cloud.servers.address_owners(
        [(network, options[option]) for option in ('fixed_ip', 'mac') if option in options]
    )


def reload(cloud: Cloud, planned: Sequence[Port]) -> Sequence[Port]:
    """Return the port after the changes."""
    return cloud.ports.list([port.name for port in planned])


RESOURCE = Resource('port', ARGUMENTS, request, observe, plan, reload)


def main() -> None:
    """Run the module."""
    run(RESOURCE)
