# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Load balancers of a project: listed here, changed by what is imported at the first change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Dict, List, Tuple

from ..._cloud import Outcome
from ..._model.change import Change
from ..._model.lb import Lb
from ..api.api import Api, Raw
from ..api.lists import all_floating_ips, all_networks, all_ports, all_servers, server_names
from ..api.names import named
from ..api.parallel import together
from ..api.services import BALANCER
from .lb_items import Around, lb_of
from .lb_marks import is_ours

_PARTS = ('listeners', 'pools', 'healthmonitors')


class Lbs:
    """Load balancers of a project."""

    def __init__(self, api: Api) -> None:
        """``api``: the services, as the project sees them."""
        self.api = api

    def list(self, names: Iterable[str] | None = None) -> Tuple[Lb, ...]:
        """List all load balancers, or those with these names; none if the cloud has no Octavia."""
        api = self.api
        if not api.offers(BALANCER):
            return ()
        found = named('lb', _listed(api, 'loadbalancers'), names, api.project_id, is_ours)
        if not found:
            return ()
        around = around_of(api, found)
        return tuple(lb_of(raw, around) for raw in found)

    def create(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Create load balancers; a creation that was interrupted is completed."""
        from .lb_writer import LbWriter

        return LbWriter(self.api).create(changes)

    def update(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Update load balancers, which serve all the time."""
        from .lb_updates import update

        return update(self.api, changes)

    def delete(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Delete load balancers; those that are gone already are no error."""
        from .lb_writer import LbWriter

        return LbWriter(self.api).delete(changes)


def around_of(api: Api, found: Sequence[Raw]) -> Around:
    """Return what balancers refer to: a fixed number of lists, and the members of each balancer.

    Octavia has no list of the members of all pools.
    """
    members: Dict[str, Sequence[Raw]] = {}
    lists: List[Callable[[Api], object]] = [all_networks, all_floating_ips]
    has_pools = [raw for raw in found if raw['pools']]
    if has_pools:
        lists += [all_ports, all_servers]
    calls: List[Callable[[], object]] = [partial(one, api) for one in lists]
    calls += [partial(_listed, api, kind) for kind in _PARTS]
    calls += [partial(_read_members, api, raw, members) for raw in has_pools]
    together(calls)
    listeners, pools, monitors = (_by_id(_listed(api, kind)) for kind in _PARTS)
    return Around(
        {network['id']: network['name'] for network in all_networks(api)},
        {ip['port_id']: ip['floating_ip_address'] for ip in all_floating_ips(api)},
        _servers(api) if has_pools else {},
        listeners,
        pools,
        monitors,
        members,
    )


def _listed(api: Api, kind: str) -> Sequence[Raw]:
    return api.listed(BALANCER, f'/{kind}', kind)


def _by_id(found: Sequence[Raw]) -> Mapping[str, Raw]:
    return {raw['id']: raw for raw in found}


def _read_members(api: Api, raw: Raw, members: Dict[str, Sequence[Raw]]) -> None:
    """Add the members of a balancer by the ids of their pools."""
    answer = api.call(BALANCER, 'GET', f'/loadbalancers/{raw["id"]}/status', allowed=(404,))
    if answer:
        for listener in answer['statuses']['loadbalancer'].get('listeners', ()):
            members.update({pool['id']: pool['members'] for pool in listener['pools']})


def _servers(api: Api) -> Mapping[Tuple[str, str], str]:
    """The names of servers by network and address."""
    names = server_names(api)
    return {
        (port['network_id'], ip['ip_address']): names[port['device_id']]
        for port in all_ports(api)
        if port['device_id'] in names
        for ip in port['fixed_ips']
    }
