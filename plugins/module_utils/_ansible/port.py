# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module port: parameters to requests, and observations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Mapping, Sequence, Tuple

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

if TYPE_CHECKING:
    from .._model.network import Network
    from .._model.security_group import SecurityGroup
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
    mac = params['mac']
    groups = params['security_groups']
    options = {
        **specified_options(params, 'network', 'fixed_ip'),
        **metadata_options(params),
    }
    if mac is not None:
        options['mac'] = mac.lower()
    if groups is not None:
        options['security_groups'] = names_of(groups)
    return PortRequest(params['name'], params['state'], options)


def observe(cloud: Cloud, requested: PortRequest) -> Tuple[ObservedPorts, Names]:
    """Return the port, and what it refers to."""
    name = requested.name
    options = requested.options
    ports = by_name('port', cloud.ports.list([name]))
    names = {('port', name)}
    if requested.state == 'absent':
        return ObservedPorts(ports), names
    is_new = name not in ports
    profile = profile_for(cloud, is_new and 'network' not in options)
    network = options.get('network', profile.default_network)
    owners = _address_owners(cloud, requested, network) if is_new else {}
    networks: Mapping[str, Network] = {}
    if is_new:
        networks = References('network', cloud.networks.list())
    groups: Mapping[str, SecurityGroup] = {}
    if _has_new_groups(requested, ports):
        groups = References('security_group', cloud.security_groups.list())
    observed = ObservedPorts(
        ports,
        networks,
        groups,
        owners.get((network, options.get('fixed_ip', ''))),
        owners.get((network, options.get('mac', ''))),
        profile,
    )
    return observed, names


def _has_new_groups(requested: PortRequest, ports: Mapping[str, Port]) -> bool:
    """Whether the port gets groups that it does not have; those that it has exist."""
    current = ports.get(requested.name)
    if current is None:
        return True
    groups = requested.options.get('security_groups', ())
    return not set(groups) <= set(current.security_groups)


def _address_owners(
    cloud: Cloud, requested: PortRequest, network: str
) -> Mapping[Tuple[str, str], str]:
    """The owners of the addresses that the port is created with."""
    options = requested.options
    addresses = [options[option] for option in ('fixed_ip', 'mac') if option in options]
    return cloud.servers.address_owners([(network, address) for address in addresses])


def reload(cloud: Cloud, planned: Sequence[Port]) -> Sequence[Port]:
    """Return the port after the changes."""
    return cloud.ports.list([port.name for port in planned])


RESOURCE = Resource('port', ARGUMENTS, request, observe, plan, reload)


def main() -> None:
    """Run the module."""
    run(RESOURCE)
