# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Floating IPs of Neutron. Their names are marks, and their pools are external networks."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Dict, List, Tuple

from ..._cloud import Outcomes
from ..._model.change import Changes
from ..._model.floating_ip import FixedIp, FloatingIp
from ..api.api import Api
from ..api.lists import (
    all_floating_ips,
    all_networks,
    all_ports,
    all_servers,
    names_by_id,
)
from ..api.names import age
from ..api.parallel import together
from ..api.services import NETWORK
from .floating_ip_items import floating_ip_of
from .pools import external_networks, has_address, pool_id
from .port_users import PortUsers

if TYPE_CHECKING:
    from .floating_ip_changes import FloatingIpChanges


class FloatingIps:
    """Floating IPs of a project."""

    def __init__(self, api: Api) -> None:
        """``api``: the services, as the project sees them."""
        self.api = api

    def _prefetch(self) -> None:
        """Request the lists that are needed side by side."""
        lists = (all_floating_ips, all_ports, all_networks, all_servers)
        together([partial(one, self.api) for one in lists])

    def list(self, names: Iterable[str] | None = None) -> Tuple[FloatingIp, ...]:
        """List all floating IPs, or those with these names or addresses.

        Of those to which runs gave the same name at the same time, it is the first.
        """
        self._prefetch()
        pools = names_by_id(all_networks(self.api))
        holders = dict(PortUsers(self.api).fixed_ips())
        first: Dict[str, FloatingIp] = {}
        for raw in sorted(all_floating_ips(self.api), key=age):
            holder = holders.get(raw['port_id'])
            item = floating_ip_of(raw, pools, holder)
            first.setdefault(item.name, item)
        items = tuple(first.values())
        if names is None:
            return items
        wanted = set(names)
        return tuple(item for item in items if wanted & {item.name, item.address})

    def fixed_ips(self) -> Tuple[FixedIp, ...]:
        """Return the fixed addresses of servers, load balancers and ports."""
        self._prefetch()
        floating = {raw['port_id']: raw for raw in all_floating_ips(self.api)}
        found: List[FixedIp] = []
        for port_id, fixed in PortUsers(self.api).fixed_ips():
            raw = floating.get(port_id)
            if raw and raw['fixed_ip_address'] == fixed.fixed_ip:
                fixed = fixed._replace(floating_ip=raw['floating_ip_address'])
            found.append(fixed)
        return tuple(found)

    def pools(self) -> Tuple[str, ...]:
        """Return the names of the external networks."""
        names = [raw['name'] for raw in external_networks(self.api)]
        return tuple(sorted(names))

    def free(self, pool: str | None = None) -> int | None:
        """Return how many more the quota permits, whatever the pool; None: it has no limit.

        Raises Refused if no pool is specified, and it is not known which one to use.
        """
        if pool is None:
            pool_id(self.api)
        path = f'/quotas/{self.api.project_id}/details.json'
        answer = self.api.find(NETWORK, path, (403, 404))
        quota = answer.get('quota', {}).get('floatingip')
        if not quota or quota['limit'] < 0:
            return None
        taken = int(quota['used']) + int(quota['reserved'])
        return max(0, int(quota['limit']) - taken)

    def in_pool(self, address: str) -> bool | None:
        """Return whether an external network has an address; None: it does not show its own."""
        pools = external_networks(self.api)
        found = [has_address(self.api, pool, address) for pool in pools]
        if True in found:
            return True
        if None in found:
            return None
        return False

    def _changes(self) -> FloatingIpChanges:
        from .floating_ip_changes import FloatingIpChanges

        return FloatingIpChanges(self.api)

    def create(self, changes: Changes) -> Outcomes:
        """Allocate addresses, and attach them."""
        return self._changes().create(changes)

    def update(self, changes: Changes) -> Outcomes:
        """Attach and detach addresses; update descriptions and labels."""
        return self._changes().update(changes)

    def delete(self, changes: Changes) -> Outcomes:
        """Release addresses."""
        return self._changes().delete(changes)
