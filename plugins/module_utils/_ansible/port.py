# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module port: params in, result out."""

from __future__ import annotations

from typing import Any, Dict, Sequence, Tuple

from .._cloud import Cloud, Names
from .._model.port import Port, PortRequest
from .._plan.port import PortsSeen, plan
from .options import DESCRIBED, NAME, STATE, by_name, described, names_of
from .run import Resource, run, said

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
    options = {**said(params, 'network', 'fixed_ip'), **described(params)}
    if params['mac'] is not None:
        options['mac'] = params['mac'].lower()
    if params['security_groups'] is not None:
        options['security_groups'] = names_of(params['security_groups'])
    return PortRequest(params['name'], params['state'], options)


def look(cloud: Cloud, asked: PortRequest) -> Tuple[PortsSeen, Names]:
    """The port, and what it refers to."""
    ports, names = by_name(cloud.ports.list([asked.name])), {('port', asked.name)}
    firewall = cloud.firewalls.list()[0]
    if asked.state == 'absent':
        return PortsSeen(ports, firewall=firewall), names
    network = asked.options.get('network', 'default')
    places = [
        (network, asked.options[option])
        for option in ('fixed_ip', 'mac')
        if option in asked.options
    ]
    owners = cloud.servers.owners(places) if asked.name not in ports else {}
    has = {
        option: owners.get((network, asked.options.get(option, '')))
        for option in ('fixed_ip', 'mac')
    }
    networks, groups = by_name(cloud.networks.list()), by_name(cloud.security_groups.list())
    return PortsSeen(ports, networks, groups, has['fixed_ip'], has['mac'], firewall), names


def again(cloud: Cloud, planned: Sequence[Port]) -> Sequence[Port]:
    """The port as it is after the run."""
    return cloud.ports.list([port.name for port in planned])


def main() -> None:
    """Be the module."""
    run(Resource('port', ARGUMENTS, request, look, plan, again))
