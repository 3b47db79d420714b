# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lists of Octavia, and those of Nova and Neutron that load balancers refer to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Dict, List, Tuple

from ..._cloud import Gone
from ..api.api import Api, Raws
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


def listed(api: Api, kind: str) -> Raws:
    """Return all items of a kind, read once."""
    return api.listed(BALANCER, f'/{kind}', kind)


def around_of(api: Api, found: Raws) -> Around:
    """Return what balancers refer to: a fixed number of lists, and the members of each pool.

    Octavia has no list of the members of all pools.
    """
    members: Dict[str, Raws] = {}
    pools = _pool_ids(found)
    lists = [all_networks, all_floating_ips]
    if pools:
        lists += [all_ports, all_servers]
    calls: List[Callable[[], object]] = [partial(one, api) for one in lists]
    calls += [partial(listed, api, kind) for kind in _PARTS]
    calls += [partial(_read_members, api, pool, members) for pool in pools]
    together(calls)
    return Around(
        networks=names_by_id(all_networks(api)),
        floating_ips=floating_ips_by_port(api),
        servers=_servers(api) if pools else {},
        listeners=by_id(listed(api, 'listeners')),
        pools=by_id(listed(api, 'pools')),
        monitors=by_id(listed(api, 'healthmonitors')),
        members=members,
    )


def _pool_ids(found: Raws) -> Sequence[str]:
    ids: List[str] = []
    for raw in found:
        ids += [pool['id'] for pool in raw['pools']]
    return ids


def _read_members(api: Api, pool: str, members: Dict[str, Raws]) -> None:
    """Add the members of a pool, unless it is deleted meanwhile."""
    with suppress(Gone):
        members[pool] = api.pages(BALANCER, f'/pools/{pool}/members', 'members')


def _servers(api: Api) -> Mapping[Tuple[str, str], str]:
    """The names of servers by network and address."""
    names = server_names(api)
    found: Dict[Tuple[str, str], str] = {}
    for port in all_ports(api):
        name = names.get(port['device_id'])
        if name is None:
            continue
        for fixed in port['fixed_ips']:
            place = (port['network_id'], fixed['ip_address'])
            found[place] = name
    return found
