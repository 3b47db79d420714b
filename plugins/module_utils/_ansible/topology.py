# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module topology_info: all resources and what they are attached to."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from .._cloud import Cloud
from .._model.floating_ip import FloatingIp
from .._model.lb import Lb
from .._model.network import Network
from .._model.security_group import SecurityGroup
from .._model.server import Nic, Server
from .._model.volume import Volume
from .info import run_query

Shown = Dict[str, Any]


def topology(cloud: Cloud, params: Mapping[str, Any]) -> Shown:
    """Return networks with their servers and load balancers, and what is attached to servers."""
    servers = cloud.servers.list()
    lbs = cloud.lbs.list()
    floating_ips = cloud.floating_ips.list()
    return {
        'networks': [
            _network(network, servers, lbs, floating_ips) for network in cloud.networks.list()
        ],
        'bridges': _bridges(servers),
        'floating_ips': [_floating_ip(item) for item in floating_ips],
        'volumes': [_volume(volume) for volume in cloud.volumes.list()],
        'security_groups': [_security_group(group) for group in cloud.security_groups.list()],
    }


def _network(
    network: Network,
    servers: Sequence[Server],
    lbs: Sequence[Lb],
    floating_ips: Sequence[FloatingIp],
) -> Shown:
    return {
        'name': network.name,
        'cidr': network.cidr,
        'gateway': network.gateway,
        'servers': _servers(network, servers, floating_ips),
        'lbs': [_lb(lb) for lb in lbs if lb.network == network.name],
    }


def _servers(
    network: Network, servers: Sequence[Server], floating_ips: Sequence[FloatingIp]
) -> List[Shown]:
    """The servers in a network, once for each port in it."""
    floating = {item.fixed_ip: item.address for item in floating_ips}
    return [
        _server(server, nic, floating.get(nic.fixed_ip))
        for server in servers
        for nic in server.networks
        if nic.name == network.name
    ]


def _bridges(servers: Sequence[Server]) -> List[Shown]:
    """The bridges of the host that servers are on, where they have no address of this cloud."""
    names = sorted({nic.bridge for server in servers for nic in server.networks if nic.bridge})
    return [
        {
            'name': name,
            'servers': [
                {'name': server.name, 'status': server.status, 'node': server.node, 'mac': nic.mac}
                for server in servers
                for nic in server.networks
                if nic.bridge == name
            ],
        }
        for name in names
    ]


def _server(server: Server, nic: Nic, floating_ip: str | None) -> Shown:
    groups = server.security_groups if nic.security_groups is None else nic.security_groups
    return {
        'name': server.name,
        'status': server.status,
        'node': server.node,
        'fixed_ip': nic.fixed_ip,
        'floating_ip': floating_ip,
        'security_groups': list(groups),
        'volumes': list(server.volumes),
    }


def _lb(lb: Lb) -> Shown:
    return {
        'name': lb.name,
        'address': lb.address,
        'floating_ip': lb.floating_ip,
        'members': list(lb.members),
        'listeners': [listener.public() for listener in lb.listeners],
    }


def _floating_ip(item: FloatingIp) -> Shown:
    return {
        'address': item.address,
        'pool': item.pool,
        'server': item.server,
        'lb': item.lb,
        'port': item.port,
        'fixed_ip': item.fixed_ip,
    }


def _volume(volume: Volume) -> Shown:
    return {
        'name': volume.name,
        'size': volume.size,
        'server': volume.holder,
        'servers': list(volume.servers),
        'bootable': volume.bootable,
    }


def _security_group(group: SecurityGroup) -> Shown:
    return {'name': group.name, 'rules': group.public()['rules'], 'servers': list(group.used_by)}


def main() -> None:
    """Run the module."""
    run_query('topology', {}, topology, is_networked=True)
