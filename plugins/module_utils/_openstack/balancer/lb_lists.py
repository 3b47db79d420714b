# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lists of Octavia, and those of Nova and Neutron that load balancers refer to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Dict, List, Tuple

from ..api.api import Api, Raw
from ..api.lists import (
    all_floating_ips,
    all_networks,
    all_ports,
    all_servers,
    by_id,
    floating_ips_by_port,
    names_by_id,
    server_names,
)
from ..api.parallel import together
from ..api.services import BALANCER
from .lb_items import Around

_PARTS = ('listeners', 'pools', 'healthmonitors')


def listed(api: Api, kind: str) -> Sequence[Raw]:
    """Return all items of a kind, read once."""
    return api.listed(BALANCER, f'/{kind}', kind)


def around_of(api: Api, found: Sequence[Raw]) -> Around:
    """Return what balancers refer to: a fixed number of lists, and the members of each balancer.

    Octavia has no list of the members of all pools.
    """
    members: Dict[str, Sequence[Raw]] = {}
    with_pools = [raw for raw in found if raw['pools']]
    calls: List[Callable[[], object]] = [partial(all_networks, api), partial(all_floating_ips, api)]
    if with_pools:
        calls += [partial(all_ports, api), partial(all_servers, api)]
    calls += [partial(listed, api, kind) for kind in _PARTS]
    calls += [partial(_read_members, api, raw, members) for raw in with_pools]
    together(calls)
    return Around(
        networks=names_by_id(all_networks(api)),
        floating_ips=floating_ips_by_port(api),
        servers=_servers(api) if with_pools else {},
        listeners=by_id(listed(api, 'listeners')),
        pools=by_id(listed(api, 'pools')),
        monitors=by_id(listed(api, 'healthmonitors')),
        members=members,
    )


def _read_members(api: Api, raw: Raw, members: Dict[str, Sequence[Raw]]) -> None:
    """Add the members of a balancer by the ids of their pools."""
    answer = api.find(BALANCER, f'/loadbalancers/{raw["id"]}/status')
    if answer:
        for listener in answer['statuses']['loadbalancer'].get('listeners', ()):
            members.update({pool['id']: pool['members'] for pool in listener['pools']})


def _servers(api: Api) -> Mapping[Tuple[str, str], str]:
    """The names of servers by network and address."""
    names = server_names(api)
    found: Dict[Tuple[str, str], str] = {}
    for port in all_ports(api):
        name = names.get(port['device_id'])
        if name is not None:
            found.update({(port['network_id'], ip['ip_address']): name for ip in port['fixed_ips']})
    return found
