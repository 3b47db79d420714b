# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module port: params in, result out."""

from __future__ import annotations

from typing import Any, Dict, Sequence, Tuple

from .._cloud import Cloud, Names
from .._model.port import Port, PortRequest
from .._plan.port import ObservedPorts, plan
from .options import DESCRIBED, NAME, STATE, by_name, described, given_options, names_of
from .run import Resource, run

ARGUMENTS: Dict[str, Any] = {
    'name': NAME,
    'state': STATE,
    'network': {'type': 'str'},
    'fixed_ip': {'type': 'str'},
    'mac': {'type': 'str'},
    'security_groups': {'type': 'list', 'elements': 'str'},
    **DESCRIBED,
}


def request(params: Dict[str, Any]) -> PortRequest:
    """What the task asks for."""
    options = {**given_options(params, 'network', 'fixed_ip'), **described(params)}
    if params['mac'] is not None:
        options['mac'] = params['mac'].lower()
    if params['security_groups'] is not None:
        options['security_groups'] = names_of(params['security_groups'])
    return PortRequest(params['name'], params['state'], options)


def observe(cloud: Cloud, requested: PortRequest) -> Tuple[ObservedPorts, Names]:
    """The port, and what it refers to."""
    ports, names = by_name(cloud.ports.list([requested.name])), {('port', requested.name)}
    firewall = cloud.firewalls.list()[0]
    if requested.state == 'absent':
        return ObservedPorts(ports, firewall=firewall), names
    network = requested.options.get('network', 'default')
    places = [
        (network, requested.options[option])
        for option in ('fixed_ip', 'mac')
        if option in requested.options
    ]
    owners = cloud.servers.address_owners(places) if requested.name not in ports else {}
    has = {
        option: owners.get((network, requested.options.get(option, '')))
        for option in ('fixed_ip', 'mac')
    }
    networks, groups = by_name(cloud.networks.list()), by_name(cloud.security_groups.list())
    return ObservedPorts(ports, networks, groups, has['fixed_ip'], has['mac'], firewall), names


def reload(cloud: Cloud, planned: Sequence[Port]) -> Sequence[Port]:
    """The port as it is after the run."""
    return cloud.ports.list([port.name for port in planned])


def main() -> None:
    """Run the module."""
    run(Resource('port', ARGUMENTS, request, observe, plan, reload))
