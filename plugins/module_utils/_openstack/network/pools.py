# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pools of floating IPs: the external networks."""

from __future__ import annotations

from ipaddress import IPv4Address
from itertools import chain
from typing import List

from ..._cloud import Refused
from ..api.api import Api, Raw, Raws
from ..api.lists import all_networks, all_subnets
from ..api.names import the_id, visible


def external_networks(api: Api) -> List[Raw]:
    """Return the external networks."""
    found = [network for network in all_networks(api) if network['router:external']]
    return visible(found, api.project_id)


def pool_id(api: Api, name: str | None = None) -> str:
    """Return the id of the pool with a name, or of the one to use when none is specified.

    That is the one in the section ``hanok`` of clouds.yaml, else the only one, else the one that
    the operator made the default. Raises Refused if there is no such pool.
    """
    pools = external_networks(api)
    name = name or api.aliases.external_network
    if name:
        return the_id('network', name, pools, api.project_id)
    candidates = pools
    if len(pools) > 1:
        candidates = [pool for pool in pools if pool.get('is_default')]
    if len(candidates) == 1:
        return str(candidates[0]['id'])
    names = ', '.join(sorted(pool['name'] for pool in pools))
    if not names:
        raise Refused(f'pool: the cloud {api.cloud} has no external network', 'pool')
    raise Refused(
        f'pool: the cloud {api.cloud} has several external networks ({names}); set the one to use '
        f'as external_network in the section hanok of {api.cloud} in clouds.yaml',
        'pool',
    )


def pool_of(api: Api, address: str) -> str | None:
    """Return the id of the pool that has an address; None: none is known to have it."""
    for pool in external_networks(api):
        if has_address(api, pool, address):
            return str(pool['id'])
    return None


def has_address(api: Api, pool: Raw, address: str) -> bool | None:
    """Return whether a pool has an address; None if its subnets are not shown to the project."""
    subnets = [raw for raw in all_subnets(api) if raw['network_id'] == pool['id']]
    if not subnets:
        return None
    return is_allocated_from(subnets, address)


def is_allocated_from(subnets: Raws, address: str) -> bool:
    """Return whether an address is in the allocation pools of subnets."""
    wanted = IPv4Address(address)
    ipv4 = [raw for raw in subnets if raw['ip_version'] == 4]
    for span in chain.from_iterable(raw['allocation_pools'] for raw in ipv4):
        first = IPv4Address(span['start'])
        last = IPv4Address(span['end'])
        if first <= wanted <= last:
            return True
    return False
