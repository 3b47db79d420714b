# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module topology_info: what there is, and what hangs on what."""

from __future__ import annotations

from typing import Any, Dict, List

from .._cloud import Cloud
from .info import run_query


def topology(cloud: Cloud, params: Dict[str, Any]) -> Dict[str, Any]:
    """Networks with the servers and balancers in them; floating IPs with their holders; volumes with their servers; groups with theirs."""
    servers, lbs, floating = cloud.servers.list(), cloud.lbs.list(), cloud.floating_ips.list()
    leads_to = {item.fixed_ip: item.address for item in floating}
    networks: List[Dict[str, Any]] = [
        {
            'name': network.name,
            'cidr': network.cidr,
            'gateway': network.gateway,
            'servers': [
                {
                    'name': server.name,
                    'status': server.status,
                    'fixed_ip': nic.fixed_ip,
                    'floating_ip': leads_to.get(nic.fixed_ip),
                    'security_groups': list(
                        server.security_groups
                        if nic.security_groups is None
                        else nic.security_groups
                    ),
                    'volumes': list(server.volumes),
                }
                for server in servers
                for nic in server.networks
                if nic.name == network.name
            ],
            'lbs': [
                {
                    'name': lb.name,
                    'address': lb.address,
                    'floating_ip': lb.floating_ip,
                    'members': list(lb.members),
                    'listeners': [item.public() for item in lb.listeners],
                }
                for lb in lbs
                if lb.network == network.name
            ],
        }
        for network in cloud.networks.list()
    ]
    return {
        'networks': networks,
        'floating_ips': [
            {
                'address': item.address,
                'pool': item.pool,
                'server': item.server,
                'lb': item.lb,
                'port': item.port,
                'fixed_ip': item.fixed_ip,
            }
            for item in floating
        ],
        'volumes': [
            {'name': volume.name, 'size': volume.size, 'server': volume.server}
            for volume in cloud.volumes.list()
        ],
        'security_groups': [
            {'name': group.name, 'rules': group.public()['rules'], 'servers': list(group.used_by)}
            for group in cloud.security_groups.list()
        ],
    }


def main() -> None:
    """Run the module."""
    run_query('topology', {}, topology)
