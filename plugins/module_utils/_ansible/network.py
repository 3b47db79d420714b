# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module network: parameters to requests, and observations."""

from __future__ import annotations

from typing import Any, Dict, Sequence, Tuple

from .._cloud import Cloud, Names
from .._model.network import Network, NetworkRequest, Surroundings, normalized
from .._model.status import is_incomplete
from .._plan.network import ObservedNetworks, plan
from .options import NAME, STATE, by_name, specified_options
from .protection import PROTECTED, protected_options
from .resource import Resource
from .run import run

ARGUMENTS: Dict[str, Any] = {
    'name': NAME,
    'state': STATE,
    'cidr': {'type': 'str'},
    'gateway': {'type': 'str'},
    **PROTECTED,
}


def request(params: Dict[str, Any]) -> NetworkRequest:
    """Return the request of the task."""
    options = {**specified_options(params, 'cidr', 'gateway'), **protected_options(params)}
    if 'cidr' in options:
        options['cidr'] = normalized(options['cidr'])
    return NetworkRequest(params['name'], params['state'], options)


def observe(cloud: Cloud, requested: NetworkRequest) -> Tuple[ObservedNetworks, Names]:
    """Return the network, and what else has addresses.

    A run that creates one locks the choice of addresses: two runs could choose ranges that overlap.
    """
    networks = by_name('network', cloud.networks.list([requested.name]))
    names = {('network', requested.name)}
    surroundings = Surroundings()
    if requested.state == 'present' and (
        requested.name not in networks or is_incomplete(networks[requested.name])
    ):
        names.add(('choice', 'of network addresses'))
        surroundings = cloud.networks.surroundings()
    return ObservedNetworks(
        networks,
        cloud.networks.used_ranges(requested.name),
        surroundings,
        cloud.profile,
    ), names


def reload(cloud: Cloud, planned: Sequence[Network]) -> Sequence[Network]:
    """Return the network after the changes."""
    return cloud.networks.list([network.name for network in planned])


RESOURCE = Resource('network', ARGUMENTS, request, observe, plan, reload)


def main() -> None:
    """Run the module."""
    run(RESOURCE)
