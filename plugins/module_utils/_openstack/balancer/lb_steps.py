# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the verbs of load balancers have in common: waits, and the addresses of members."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Dict, List

from ..._cloud import CloudError, Gone, Missing
from ..api.api import Api, Raw
from ..api.lists import all_ports, names_by_id
from ..api.names import age
from ..api.polling import await_one
from ..api.services import BALANCER
from ..compute.server_lists import refuse_doubles, servers_named, without_our_doubles
from ..network.port_items import ipv4_addresses

LBS = '/loadbalancers'


def found_lb(api: Api, identity: str) -> Raw | None:
    """Return a balancer as it is now; None if it does not exist."""
    answer = api.find(BALANCER, f'{LBS}/{identity}')
    return answer.get('loadbalancer')


def await_active(api: Api, identity: str) -> Raw:
    """Wait until a balancer can be changed; return it. Raises CloudError if it never will be."""
    last: List[Raw] = []

    def reason() -> str:
        raw = found_lb(api, identity)
        if raw is None:
            raise Gone
        last[:] = [raw]
        status = raw['provisioning_status']
        if status == 'ACTIVE':
            return ''
        if status == 'ERROR':
            raise CloudError(
                'its provisioning_status is ERROR: Octavia could not create or change it; delete '
                'the load balancer (state: absent) and run the task again, or ask the operator of '
                'the cloud for a failover'
            )
        return f'its provisioning_status is {status}'

    await_one(api, reason)
    return last[0]


def addresses_of(api: Api, names: Iterable[str], network_id: str) -> Mapping[str, str]:
    """Return the addresses of servers in a network, by name. Raises Missing without one."""
    wanted = set(names)
    if not wanted:
        return {}
    servers = without_our_doubles(servers_named(api, wanted))
    refuse_doubles(servers)
    owners = names_by_id(servers)
    found: Dict[str, str] = {}
    for port in sorted(all_ports(api), key=age):
        owner = owners.get(port['device_id'])
        addresses = ipv4_addresses(port)
        if owner and addresses and port['network_id'] == network_id:
            found.setdefault(owner, addresses[0])
    for name in sorted(wanted - set(found)):
        raise Missing(
            f'members: server {name} no longer has an address in the network of the balancer; run '
            'the task again',
            'members',
        )
    return found
