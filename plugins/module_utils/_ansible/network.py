# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module network: params in, result out."""

from __future__ import annotations

from typing import Any, Dict, Sequence, Tuple

from .._cloud import Cloud, Names
from .._model.network import Network, NetworkRequest, Surroundings, normal
from .._plan.network import NetworksSeen, plan
from .options import DESCRIBED, NAME, STATE, by_name, described
from .run import Resource, run, said

ARGUMENTS: Dict[str, Any] = {
    'name': NAME,
    'state': STATE,
    'cidr': {'type': 'str'},
    'gateway': {'type': 'str'},
    **DESCRIBED,
}


def request(params: Dict[str, Any]) -> NetworkRequest:
    """What the task asks for."""
    options = {**said(params, 'cidr', 'gateway'), **described(params)}
    if 'cidr' in options:
        options['cidr'] = normal(options['cidr'])
    return NetworkRequest(params['name'], params['state'], options)


def look(cloud: Cloud, asked: NetworkRequest) -> Tuple[NetworksSeen, Names]:
    """The network, and what else has addresses. Who makes one holds the choice of addresses: two runs would choose the same, or such as overlap."""
    networks, names = by_name(cloud.networks.list([asked.name])), {('network', asked.name)}
    around = Surroundings()
    if asked.state == 'present' and (asked.name not in networks or networks[asked.name].task_state):
        names.add(('choice', 'of network addresses'))
        around = cloud.networks.surroundings()
    return NetworksSeen(
        networks, cloud.networks.taken(asked.name), cloud.firewalls.list()[0], around
    ), names


def again(cloud: Cloud, planned: Sequence[Network]) -> Sequence[Network]:
    """The network as it is after the run."""
    return cloud.networks.list([network.name for network in planned])


def main() -> None:
    """Be the module."""
    run(Resource('network', ARGUMENTS, request, look, plan, again))
